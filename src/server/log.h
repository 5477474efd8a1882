// The server's log: lines on standard error.
#pragma once

#include "base/log.h"
#include "server/config.h"

#include <memory>
#include <string_view>
#include <vector>

namespace troupe::server {

enum class LogStyle {
  server,    // with date and time zone: read later, by somebody else
  terminal,  // with the time of day: read now
};

// Further sinks get every line too, whatever `config` says of standard error. Thread-safe; made
// once, by whoever starts the server.
//
// A line's text may have several lines, those after the first indented; other control characters in
// it are escaped. As JSON a line is {"time","level","text"} and, where it is about one, "actor" or
// "plugin", "turn", "request_id".
std::shared_ptr<Log> make_log(LogStyle style,
                              const std::vector<spdlog::sink_ptr>& further = {},
                              const LogConfig& config = {});

// trace, debug, info, warn, error.
std::string_view name_of(spdlog::level::level_enum level);

}  // namespace troupe::server
