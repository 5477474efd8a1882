#include "guest/vars.h"

#include <utility>

namespace troupe::guest {

namespace {

// What Extism counts for an entry beside its bytes: the sizes of a Rust String and a Vec.
constexpr std::size_t entry_bytes = 48;

}  // namespace

const std::string* Vars::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

bool Vars::set(std::string_view name, std::string_view value, std::size_t bytes_max) {
  if (bytes_ + name.size() + value.size() + entry_bytes > bytes_max) return false;
  if (const auto found = entries_.find(name); found != entries_.end()) {
    bytes_ = bytes_ - found->second.size() + value.size();
    undo_.try_emplace(found->first, std::move(found->second));
    found->second = std::string(value);
  } else {
    bytes_ += name.size() + value.size() + entry_bytes;
    undo_.try_emplace(entries_.emplace(name, value).first->first, std::nullopt);
  }
  return true;
}

void Vars::erase(std::string_view name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  bytes_ -= found->first.size() + found->second.size() + entry_bytes;
  const auto [before, first_change] = undo_.try_emplace(found->first, std::move(found->second));
  if (!first_change && !before->second) undo_.erase(before);
  entries_.erase(found);
}

void Vars::erase_all() {
  while (!entries_.empty()) erase(entries_.begin()->first);
}

void Vars::rollback() {
  for (auto& [name, value] : std::exchange(undo_, {})) {
    if (const auto found = entries_.find(name); found != entries_.end()) {
      bytes_ -= name.size() + found->second.size() + entry_bytes;
      entries_.erase(found);
    }
    if (!value) continue;
    bytes_ += name.size() + value->size() + entry_bytes;
    entries_.emplace(name, *std::move(value));
  }
}

}  // namespace troupe::guest
