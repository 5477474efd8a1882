#include "server/log_line.h"

namespace troupe::server {

LogLine parse_log_line(std::string_view line) {
  LogLine parsed{.text = line};
  const std::size_t close = line.find("] ");
  if (!line.starts_with('[') || close == line.npos) return parsed;
  const std::string_view head = line.substr(1, close - 1);
  const std::string_view who = head.substr(0, head.find(' '));
  parsed.text = line.substr(close + 2);
  if (who.starts_with('#')) {
    parsed.request_id = who.substr(1);
    return parsed;
  }
  parsed.plugin = who.substr(0, who.find('/'));
  if (parsed.plugin.size() < who.size()) parsed.actor = who;
  constexpr std::string_view turn = "turn ";
  if (const std::size_t at = who.size() + 1;
      at < head.size() && head.substr(at).starts_with(turn)) {
    parsed.turn = head.substr(at + turn.size());
  }
  return parsed;
}

}  // namespace troupe::server
