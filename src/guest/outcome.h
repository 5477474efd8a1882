// How a guest call ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::guest {

enum class Ending {
  done,     // returned normally
  error,    // reported an Extism error: non-zero return, or an error text set
  trap,     // unreachable, out of bounds, stack overflow, a host function that refused to go on
  timeout,  // ran longer than its limit
  out_of_memory,  // memory or table growth beyond its limit
  out_of_fuel,    // more instructions than its limit
  output,         // more output than its limit
  missing,        // the plugin has no such function
  snapshot,       // the snapshot to wake from is damaged, or not of this plugin
};

// The word for an ending in error payloads, logs and metrics: "done", "error", "trap", "timeout",
// "oom", "fuel", "output", "missing", "snapshot".
std::string_view name_of(Ending ending);

struct Outcome;
// What libextism says about it, where it has fixed words: "timeout", "oom", and the message for all
// else. Empty when done.
std::string_view extism_text(const Outcome& outcome);

// The memory an output lies in: borrowed from the shard, given back by the Outcome's end.
class Arena;
class ArenaPool;
struct ReturnArena {
  ArenaPool* pool = nullptr;
  void operator()(Arena* arena) const;
};
using LentArena = std::unique_ptr<Arena, ReturnArena>;

// Lives on the shard of the call, not longer than the engine.
struct Outcome {
  Ending ending = Ending::done;
  // The output of a call that came to its own end, done or with an error. Valid as long as this
  // Outcome, wherever it is moved.
  std::string_view output;
  // What the client may read: the guest's error text, or one sentence about the failure. Valid
  // UTF-8.
  std::string message;
  // For the log alone: the guest's backtrace of a trap.
  std::string detail;
  // Extism's code of return: 0 when done, the guest's own when it reported an error or exited, 134
  // for a trap of its own or a timeout, -1 for all other failures.
  std::int32_t code = 0;
  // False: the instance is as it was before the call.
  bool guest_ran = true;
  // A variable was refused for want of room, which has ended the call.
  bool vars_full = false;
  // False: it asked for no random numbers, and would have done the same with any others.
  bool drew_random = true;
  // Where the turn's clock stood in the end: beyond the turn's time by readings and waits. 0 when
  // no guest code ran. The next turn's time must not be before it.
  std::int64_t clock_ns = 0;
  // How long guest code ran, as the ticks of the slices see it: right over many calls, not for one
  // that is shorter than a millisecond.
  std::chrono::nanoseconds ran{0};
  LentArena arena;
};

}  // namespace troupe::guest
