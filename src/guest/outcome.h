// How a guest call ended.
#pragma once

#include <string>
#include <string_view>

namespace troupe::guest {

enum class Ending {
  done,           // returned normally
  error,          // reported an Extism error: non-zero return, or an error text set
  trap,           // unreachable, out of bounds, stack overflow, a host function that refused to go on
  timeout,        // ran longer than its limit
  out_of_memory,  // memory or table growth beyond its limit
  output,         // more output than its limit
  missing,        // the plugin has no such function
};

// The word for an ending in error payloads, logs and metrics: "done", "error", "trap", "timeout", "oom",
// "output", "missing".
std::string_view name_of(Ending ending);

struct Outcome {
  Ending ending = Ending::done;
  // The output of a call that is done. Valid until the next call on the same instance.
  std::string_view output;
  // What the client may read: the guest's error text, or one sentence about the failure.
  std::string message;
  // For the log alone: the guest's backtrace of a trap.
  std::string detail;
};

}  // namespace troupe::guest
