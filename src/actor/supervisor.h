// Counts an actor's failures: those of its own, and those that one person's events cause.
//
// More than `restarts_max` failures of its own within `window` put an actor down, for a time that
// doubles each time it happens again. The fourth failure within the window that one person causes
// shuts out that person alone, in the same way. Owned by an actor; not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actor {

struct SupervisorRules {
  std::size_t restarts_max = 3;
  std::chrono::nanoseconds window = std::chrono::seconds(5);
  std::chrono::nanoseconds back_off_min = std::chrono::seconds(1);
  std::chrono::nanoseconds back_off_max = std::chrono::seconds(60);

  friend bool operator==(const SupervisorRules&, const SupervisorRules&) = default;
};

class Supervisor {
 public:
  // Times are nanoseconds since the Unix epoch. True when this failure was one too many.
  bool failed(std::int64_t now_ns, const SupervisorRules& rules);
  bool failed_for(std::string_view person, std::int64_t now_ns, const SupervisorRules& rules);

  // For how long the actor is down, or the person shut out; 0: not at all.
  std::int64_t down_for_ns(std::int64_t now_ns) const;
  std::int64_t shut_out_for_ns(std::string_view person, std::int64_t now_ns) const;

  // Whether the actor is down or anybody shut out: what must not be forgotten yet.
  bool is_punishing(std::int64_t now_ns) const;

  // An operator has set the actor up again.
  void forgive();

  bool has_failures() const { return records_ != nullptr; }
  std::uint64_t failures() const { return failures_; }

 private:
  struct Record {
    std::string person;  // empty: the actor itself
    std::size_t count = 0;
    std::int64_t window_begin_ns = 0;
    std::int64_t until_ns = 0;
    std::int64_t back_off_ns = 0;

    bool failed(std::int64_t now_ns, const SupervisorRules& rules);
  };
  static constexpr std::size_t persons_max = 64;  // beyond it the one heard of longest ago goes

  Record* find(std::string_view person) const;

  std::uint64_t failures_ = 0;
  // Made with the first failure: most actors have none.
  std::unique_ptr<std::vector<Record>> records_;
};

}  // namespace troupe::actor
