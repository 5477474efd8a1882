#include "actor/plugin.h"

#include <algorithm>
#include <array>

namespace troupe::actor {

bool PluginVersion::is_event(std::string_view function) const {
  static constexpr std::array<std::string_view, 12> life_cycle = {"init",
                                                                  "authorize",
                                                                  "handle_message",
                                                                  "terminate",
                                                                  "migrate",
                                                                  "mount",
                                                                  "render",
                                                                  "handle_event",
                                                                  "handle_params",
                                                                  "get_constraints",
                                                                  "init_game",
                                                                  "hs_init"};
  if (function.empty() || function.front() == '_') return false;
  const auto is_it = [&](std::string_view name) { return module->same_function(name, function); };
  const bool is_of_life_cycle =
      module->is_component()
          ? std::any_of(life_cycle.begin(), life_cycle.end(), is_it)
          : std::find(life_cycle.begin(), life_cycle.end(), function) != life_cycle.end();
  if (is_of_life_cycle) return false;
  return module->takes_events(function);
}

void TimeHistogram::add(std::int64_t ns) {
  const auto bound = std::lower_bound(bounds_ns.begin(), bounds_ns.end(), ns);
  ++counts[static_cast<std::size_t>(bound - bounds_ns.begin())];
  sum_ns += ns;
}

void TimeHistogram::add(const TimeHistogram& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  sum_ns += other.sum_ns;
}

void Counters::add(const Counters& other) {
  turns_done += other.turns_done;
  turns_error += other.turns_error;
  turns_failed += other.turns_failed;
  wakes += other.wakes;
  sleeps += other.sleeps;
  downs += other.downs;
  switches += other.switches;
  switches_refused += other.switches_refused;
  for (std::size_t i = 0; i < reached.size(); ++i) reached[i] += other.reached[i];
  wait_times.add(other.wait_times);
  turn_times.add(other.turn_times);
  answer_times.add(other.answer_times);
}

namespace {

// What a line has besides its text, nearly: time, level, address and turn.
constexpr std::size_t log_line_bytes = 80;

spdlog::level::level_enum level_of(guest::LogLevel level) {
  switch (level) {
    case guest::LogLevel::trace:
      return spdlog::level::trace;
    case guest::LogLevel::debug:
      return spdlog::level::debug;
    case guest::LogLevel::info:
      return spdlog::level::info;
    case guest::LogLevel::warn:
      return spdlog::level::warn;
    case guest::LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void Plugin::write_log(Log& log,
                       std::int64_t now_ns,
                       guest::LogLevel level,
                       std::string_view who,
                       std::string_view text) {
  const std::int64_t second = now_ns / 1'000'000'000;
  if (second != log_second_) {
    log_second_ = second;
    log_bytes_ = 0;
  }
  const std::size_t bytes_max = version->bounds.log_bytes_per_second_max;
  if (log_bytes_ > bytes_max) {
    counters.reach(Limit::log);
    return;
  }
  log_bytes_ += text.size() + log_line_bytes;
  if (log_bytes_ > bytes_max) {
    counters.reach(Limit::log);
    log.warn("[{}] says more than {} bytes a second; the rest of this second is left out",
             version->name,
             bytes_max);
    return;
  }
  log.log(level_of(level), "[{}] {}", who, text);
}

}  // namespace troupe::actor
