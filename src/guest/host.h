// What a guest can ask of the one who runs it, besides Extism's own functions.
//
// actor/ implements it for a turn; `troupe call` and the checks of an upload have simpler ones.
// Called on the shard that runs the guest, during the call, on the guest's own stack: it must not
// block or throw.
#pragma once

#include "base/result.h"
#include "base/task.h"
#include "journal/record.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::guest {

enum class LogLevel { trace, debug, info, warn, error };

// A call of an imported function, when it has ended.
struct TracedCall {
  std::string_view module;
  std::string_view name;
  std::size_t bytes_in = 0;   // of the blocks that were passed
  std::size_t bytes_out = 0;  // of the block that came back
  std::chrono::nanoseconds time{};
};

class Host {
 public:
  virtual ~Host() = default;

  // A function of module extism:host/user, by name without the prefix troupe_ ("self", "reply",
  // ...). `input` is the JSON the guest passed, empty for `self`. The result is JSON for the guest,
  // empty for functions without one. An Error ends the call with Ending::error and this text.
  virtual Result<std::string> call(std::string_view function, std::string_view input) = 0;

  // What the guest's next HTTP request was answered with, in a turn that is run once more; nothing
  // when the request is to be made.
  virtual std::optional<journal::HttpAnswer> recorded_answer() { return std::nullopt; }
  // Awaited before a request leaves: false when it must not, and the call has failed. Not on the
  // guest's stack.
  virtual Task<bool> may_leave() { co_return true; }
  // What a request was answered with that has been made, for the record of the turn.
  virtual void answered(journal::HttpAnswer) {}

  // One line from log_* or from standard output and error; UTF-8 made valid, length bounded.
  virtual void log(LogLevel level, std::string_view text) = 0;

  // Bytes for standard output (info) or error (warn). True when they were taken as they are; else
  // they become lines of the log.
  virtual bool wrote(LogLevel, std::string_view) { return false; }

  // Only where the engine traces (EngineOptions::trace).
  virtual void traced(const TracedCall&) {}
};

}  // namespace troupe::guest
