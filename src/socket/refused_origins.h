// Which refused origins are worth a line in the log: each once in a while, and never a flood.
//
// Lives on one shard; not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace troupe::socket {

class RefusedOrigins {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // True when this one has not been logged lately and the log has room for it.
  bool is_news(std::string_view origin, Time now);

 private:
  static constexpr std::size_t remembered_max = 16;  // also the most lines within `forgotten_after`
  static constexpr std::chrono::minutes forgotten_after{1};

  struct Seen {
    std::string origin;
    Time at;
  };
  std::deque<Seen> seen_;  // oldest first
};

}  // namespace troupe::socket
