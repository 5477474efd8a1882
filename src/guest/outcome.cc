#include "guest/outcome.h"

namespace troupe::guest {

std::string_view name_of(Ending ending) {
  switch (ending) {
    case Ending::done:
      return "done";
    case Ending::error:
      return "error";
    case Ending::trap:
      return "trap";
    case Ending::timeout:
      return "timeout";
    case Ending::out_of_memory:
      return "oom";
    case Ending::out_of_fuel:
      return "fuel";
    case Ending::output:
      return "output";
    case Ending::missing:
      return "missing";
    case Ending::snapshot:
      return "snapshot";
  }
  return "unknown";
}

std::string_view extism_text(const Outcome& outcome) {
  switch (outcome.ending) {
    case Ending::done:
      return {};
    case Ending::timeout:
      return "timeout";
    case Ending::out_of_memory:
      return "oom";
    default:
      return outcome.message;
  }
}

}  // namespace troupe::guest
