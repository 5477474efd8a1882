#include "actor/ask.h"

#include "base/json.h"

namespace troupe::actor {

std::string_view type_of(const Answer& answer) {
  switch (answer.verdict) {
    case Verdict::done:
      return "done";
    case Verdict::error:
    case Verdict::failed:
      return guest::name_of(answer.ending);
    case Verdict::missing:
      return "missing";
    case Verdict::refused:
      return "refused";
    case Verdict::conflict:
      return "conflict";
    case Verdict::busy:
      return "busy";
    case Verdict::down:
      return "down";
    case Verdict::unavailable:
      return "unavailable";
  }
  return "error";
}

std::string error_payload(std::string_view type, std::string_view message) {
  std::string payload = "{\"type\":";
  json::quote(payload, type);
  payload += ",\"message\":";
  json::quote(payload, message);
  payload += '}';
  return payload;
}

}  // namespace troupe::actor
