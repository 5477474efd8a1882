// What the head of a log line says about whose it is. Pure.
//
// Lines of and about a plugin begin with `[PLUGIN/KEY turn N] ` or `[PLUGIN what] `, those about a
// request of the API with `[#REQUEST_ID] `.
#pragma once

#include <string_view>

namespace troupe::server {

struct LogLine {
  std::string_view plugin;
  std::string_view actor;  // PLUGIN/KEY; empty when it is about the plugin
  std::string_view turn;   // digits; empty when it is about no turn
  std::string_view request_id;
  std::string_view text;  // what comes behind the head
};

// Borrows from the line.
LogLine parse_log_line(std::string_view line);

}  // namespace troupe::server
