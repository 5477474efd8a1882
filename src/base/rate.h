// How often something may happen: so many times a second on average, a second's worth at once.
//
// Thread-safe, without locks: one atomic word, the time at which all that has happened would have
// been allowed one by one.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace troupe {

class Rate {
 public:
  explicit Rate(std::uint32_t per_second) : step_ns_(second_ns / std::max(per_second, 1U)) {}
  Rate(const Rate&) = delete;
  Rate& operator=(const Rate&) = delete;

  // Whether it may happen now; then it counts.
  [[nodiscard]] bool take(std::int64_t now_ns) {
    std::int64_t allowed_ns = allowed_ns_.load(std::memory_order_relaxed);
    std::int64_t next_ns = 0;
    do {
      // A clock that was set back is no reason to wait for it.
      const bool is_sound = allowed_ns > now_ns && allowed_ns <= now_ns + second_ns;
      next_ns = (is_sound ? allowed_ns : now_ns) + step_ns_;
      if (next_ns > now_ns + second_ns) return false;
    } while (!allowed_ns_.compare_exchange_weak(allowed_ns, next_ns, std::memory_order_relaxed));
    return true;
  }

  // Nothing has happened for so long that it does not matter any more.
  bool is_at_rest(std::int64_t now_ns) const {
    return allowed_ns_.load(std::memory_order_relaxed) <= now_ns;
  }

 private:
  static constexpr std::int64_t second_ns = 1'000'000'000;

  const std::int64_t step_ns_;
  std::atomic<std::int64_t> allowed_ns_ = 0;
};

}  // namespace troupe
