// The log lines of each actor: the last ones, and those to come, for whoever watches.
//
// A sink of the server's log; thread-safe. Owned jointly by the log and the API.
#pragma once

#include "shard/shard.h"
#include "wire/http.h"

#include <spdlog/sinks/base_sink.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

class LogFeed final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  static constexpr std::size_t lines_max = 100;  // kept for an actor
  static constexpr std::size_t actors_max =
      1000;  // whose lines are kept; the one silent longest goes
  static constexpr std::size_t line_bytes_max = 4096;  // of a text; the rest is cut off
  static constexpr std::size_t listeners_max = 1000;

  LogFeed() = default;

  // Whether one more may listen.
  bool has_room();
  // Whether lines of that actor are kept.
  bool has_lines(std::string_view actor);
  // Sends the lines of that actor, as {"level","text","time","turn"}, first those that are kept. On
  // the stream's shard.
  void listen(std::string_view actor,
              shard::Shard& shard,
              std::shared_ptr<wire::EventStream> stream);

 private:
  struct Kept {
    std::deque<std::string> lines;
    std::uint64_t last = 0;  // when it spoke last, counted in lines
  };
  struct Listener {
    const std::string actor;
    shard::Shard& shard;
    const std::shared_ptr<wire::EventStream> stream;  // touched on `shard` only
  };

  void sink_it_(const spdlog::details::log_msg& line) override;
  void flush_() override {}
  Kept& kept_of(std::string_view actor);
  void leave(const Listener* listener);

  std::mutex feed_mutex_;  // guards what follows; the base's mutex is the log's
  std::map<std::string, Kept, std::less<>> kept_;
  std::uint64_t count_ = 0;
  std::vector<std::shared_ptr<Listener>> listeners_;
};

}  // namespace troupe::server
