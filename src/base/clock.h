// The wall clock, so that tests can stop it.
#pragma once

#include <chrono>
#include <cstdint>

namespace troupe {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since the Unix epoch. From any thread.
  virtual std::int64_t now_ns() const = 0;
};

class SystemClock final : public Clock {
 public:
  std::int64_t now_ns() const override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace troupe
