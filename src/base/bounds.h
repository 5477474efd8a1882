// The bounds of the whole server, and how often each was reached: for /metrics. Those of a plugin
// are with the plugin (actor/plugin.h).
//
// Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe {

enum class Bound {
  connections,
  address_connections,
  header_bytes,
  http_body_bytes,
  upload_bytes,
  frame_bytes,
  socket_unsent_bytes,
  socket_topics,
  socket_joins,
  address_joins,
  socket_events,
  address_events,
  channel_events,
  idle,
  request,
  answer,
  write,
  drain,
  compile_cpu,
  compile_memory,
  instances,
  instance_pages,  // or what else a slot holds: tables, linked modules
  actor_idle,
};

// As the configuration calls them, in the order of Bound.
inline constexpr std::array<std::string_view, 23> bound_names = {"connections",
                                                                 "address_connections",
                                                                 "header_bytes",
                                                                 "http_body_bytes",
                                                                 "upload_bytes",
                                                                 "frame_bytes",
                                                                 "socket_unsent_bytes",
                                                                 "socket_topics",
                                                                 "socket_joins_per_second",
                                                                 "address_joins_per_second",
                                                                 "socket_events_per_second",
                                                                 "address_events_per_second",
                                                                 "channel_events",
                                                                 "idle_ms",
                                                                 "request_ms",
                                                                 "answer_ms",
                                                                 "write_ms",
                                                                 "drain_ms",
                                                                 "compile_cpu_seconds",
                                                                 "compile_memory_bytes",
                                                                 "instances",
                                                                 "instance_pages",
                                                                 "actor_idle_ms"};

class BoundCounts {
 public:
  void reached(Bound bound) {
    counts_[static_cast<std::size_t>(bound)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t count(Bound bound) const {
    return counts_[static_cast<std::size_t>(bound)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, bound_names.size()> counts_{};
};

}  // namespace troupe
