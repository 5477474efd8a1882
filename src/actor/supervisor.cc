#include "actor/supervisor.h"

#include <algorithm>

namespace troupe::actor {

bool Supervisor::Record::failed(std::int64_t now_ns, const SupervisorRules& rules) {
  // Quiet for as long as the last time out, and a window: it begins with a clean sheet.
  if (now_ns - until_ns > back_off_ns + rules.window.count()) back_off_ns = 0;
  if (now_ns - window_begin_ns > rules.window.count()) {
    window_begin_ns = now_ns;
    count = 0;
  }
  if (++count <= rules.restarts_max) return false;
  count = 0;
  back_off_ns = std::clamp(2 * back_off_ns,
                           std::int64_t{rules.back_off_min.count()},
                           std::int64_t{rules.back_off_max.count()});
  until_ns = now_ns + back_off_ns;
  return true;
}

Supervisor::Record* Supervisor::find(std::string_view person) const {
  if (!records_) return nullptr;
  const auto found = std::ranges::find(*records_, person, &Record::person);
  return found == records_->end() ? nullptr : &*found;
}

bool Supervisor::failed(std::int64_t now_ns, const SupervisorRules& rules) {
  return failed_for({}, now_ns, rules);
}

bool Supervisor::failed_for(std::string_view person,
                            std::int64_t now_ns,
                            const SupervisorRules& rules) {
  ++failures_;
  Record* record = find(person);
  if (record == nullptr) {
    if (!records_) records_ = std::make_unique<std::vector<Record>>();
    if (records_->size() > persons_max) {
      const auto is_person = [](const Record& one) { return !one.person.empty(); };
      records_->erase(std::ranges::find_if(*records_, is_person));
    }
    record =
        &records_->emplace_back(Record{.person = std::string(person), .window_begin_ns = now_ns});
  }
  return record->failed(now_ns, rules);
}

std::int64_t Supervisor::down_for_ns(std::int64_t now_ns) const {
  return shut_out_for_ns({}, now_ns);
}

std::int64_t Supervisor::shut_out_for_ns(std::string_view person, std::int64_t now_ns) const {
  const Record* record = find(person);
  return record == nullptr ? 0 : std::max<std::int64_t>(0, record->until_ns - now_ns);
}

bool Supervisor::is_punishing(std::int64_t now_ns) const {
  return records_ &&
         std::ranges::any_of(*records_, [&](const Record& one) { return one.until_ns > now_ns; });
}

void Supervisor::forgive() {
  records_.reset();
}

}  // namespace troupe::actor
