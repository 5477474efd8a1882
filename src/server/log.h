// The server's log: lines on standard error.
#pragma once

#include "base/log.h"

#include <memory>
#include <vector>

namespace troupe::server {

enum class LogStyle {
  server,    // with date and time zone: read later, by somebody else
  terminal,  // with the time of day: read now
};

// Further sinks get every line too. Thread-safe; made once, by whoever starts the server.
std::shared_ptr<Log> make_log(LogStyle style, const std::vector<spdlog::sink_ptr>& further = {});

}  // namespace troupe::server
