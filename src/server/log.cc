#include "server/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

namespace troupe::server {

std::shared_ptr<Log> make_log(LogStyle style, const std::vector<spdlog::sink_ptr>& further) {
  auto terminal = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  terminal->set_pattern(style == LogStyle::server ? "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v"
                                                  : "%H:%M:%S %^%l%$ %v");
  std::vector<spdlog::sink_ptr> sinks = {terminal};
  sinks.insert(sinks.end(), further.begin(), further.end());
  auto log = std::make_shared<Log>("troupe", sinks.begin(), sinks.end());
  log->set_level(spdlog::level::debug);
  log->flush_on(spdlog::level::info);
  return log;
}

}  // namespace troupe::server
