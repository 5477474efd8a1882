#include "server/log.h"

#include "base/json.h"
#include "base/printable.h"
#include "server/log_line.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::server {
namespace {

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    const LogLine parsed = parse_log_line({line.payload.data(), line.payload.size()});
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(line.time.time_since_epoch()).count();
    std::string text = fmt::format("{{\"time\":\"{:%Y-%m-%dT%H:%M:%S}.{:03}Z\",\"level\":\"{}\"",
                                   fmt::gmtime(static_cast<std::time_t>(ms / 1000)),
                                   ms % 1000,
                                   name_of(line.level));
    const auto add = [&text](std::string_view name, std::string_view value) {
      if (value.empty()) return;
      text += fmt::format(",\"{}\":", name);
      json::quote(text, value);
    };
    add("actor", parsed.actor);
    if (parsed.actor.empty()) add("plugin", parsed.plugin);
    if (!parsed.turn.empty()) text += fmt::format(",\"turn\":{}", parsed.turn);
    add("request_id", parsed.request_id);
    text += ",\"text\":";
    json::quote(text, parsed.text);
    text += "}\n";
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

// What a line says, for a pattern. Nobody's text moves the cursor, or begins a line that could be
// taken for one of the log: those of a text of several lines are indented.
class PrintableText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& line,
              const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string_view said(line.payload.data(), line.payload.size());
    while (said.ends_with('\n')) said.remove_suffix(1);
    const std::string text = printable_lines(said, "    ");
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<PrintableText>();
  }
};

std::unique_ptr<spdlog::formatter> text_formatter(LogStyle style) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PrintableText>('*').set_pattern(
      style == LogStyle::server ? "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %*" : "%H:%M:%S %^%l%$ %*");
  return formatter;
}

}  // namespace

std::shared_ptr<Log> make_log(LogStyle style,
                              const std::vector<spdlog::sink_ptr>& further,
                              const LogConfig& config) {
  auto terminal = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  if (config.json) {
    terminal->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    terminal->set_formatter(text_formatter(style));
  }
  terminal->set_level(spdlog::level::from_str(config.level));
  std::vector<spdlog::sink_ptr> sinks = {terminal};
  sinks.insert(sinks.end(), further.begin(), further.end());
  auto log = std::make_shared<Log>("troupe", sinks.begin(), sinks.end());
  log->set_level(config.level == "trace" ? spdlog::level::trace : spdlog::level::debug);
  log->flush_on(spdlog::level::info);
  return log;
}

std::string_view name_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return "trace";
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::warn:
      return "warn";
    case spdlog::level::err:
    case spdlog::level::critical:
      return "error";
    default:
      return "info";
  }
}

}  // namespace troupe::server
