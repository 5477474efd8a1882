// What GET /metrics tells, as Prometheus reads it. The labels are plugins and words of ours, never
// keys of actors, so that their number is bounded. The one place that includes prometheus-cpp.
// Pure.
#pragma once

#include "actor/actors.h"
#include "base/bounds.h"
#include "journal/journal.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

struct ProcessMetrics {
  std::size_t resident_bytes = 0;
  std::size_t connections = 0;
  std::array<std::uint64_t, bound_names.size()> bounds_reached{};  // by Bound
  // Nothing when there is no journal.
  struct Journal {
    journal::Counters counters;
    bool is_refusing = false;
  };
  std::optional<Journal> journal;
};

// Of this process, now.
std::size_t resident_bytes();

// `shards`: the counters of each.
std::string metrics_text(const std::vector<std::vector<actor::PluginCounters>>& shards,
                         const ProcessMetrics& process);

inline constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace troupe::server
