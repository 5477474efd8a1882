// What pages hear from `troupe dev`: builds, swaps and logs, as docs/formats/dev-events.md has
// them.
//
// Keeps how things stand, so that a page that comes later is told first. Owned by the dev session;
// thread-safe. It is also a sink of the server's log: lines of and about plugins go to the pages.
#pragma once

#include "guests/js/builder/build.h"
#include "shard/shard.h"
#include "wire/http.h"

#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

class DevFeed final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  static constexpr std::size_t log_lines_max = 100;  // told to a new listener

  DevFeed() = default;

  // This version answers now.
  void swapped(std::string_view plugin,
               std::string_view version,
               std::string_view topic,
               std::span<const std::string> events);
  void built(std::string_view plugin, std::chrono::milliseconds time);
  // `build` may be null when there is no place to show.
  void failed(std::string_view plugin,
              std::chrono::milliseconds time,
              std::string_view message,
              const js::BuildError* build);

  // Tells the stream how things stand, then all that follows. On the stream's shard.
  void listen(shard::Shard& shard, std::shared_ptr<wire::EventStream> stream);
  // Closes every stream.
  void close();

 private:
  struct Listener {
    shard::Shard& shard;
    const std::shared_ptr<wire::EventStream> stream;  // touched on `shard` only
    std::atomic<bool> gone = false;
  };

  void sink_it_(const spdlog::details::log_msg& line) override;
  void flush_() override {}
  // Under feed_mutex_.
  void publish(const std::string& message);

  std::mutex feed_mutex_;  // guards what follows; the base's mutex is the log's
  std::map<std::string, std::string, std::less<>> plugins_;  // last message, by plugin
  std::map<std::string, std::string, std::less<>> builds_;
  std::deque<std::string> log_;
  std::vector<std::shared_ptr<Listener>> listeners_;
};

}  // namespace troupe::server
