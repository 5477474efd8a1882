// A plugin brought to life: a module with memory of its own, called one function at a time.
//
// Owned by an actor (or, for a pure call, by nobody for longer than the call). Lives on one shard;
// not thread-safe. A call runs on a fibre of its own: when the guest has used up its slice of about
// a millisecond the call suspends in the shard's run queue, and when the guest waits (a sleep) it
// suspends until the wait is over; others run meanwhile. Destroying the Task of a call, or the
// instance after it, ends the guest.
//
// After an outcome other than done the memory is in doubt: the owner drops the instance. So it does
// once spent() is true.
//
// Between two calls an instance can be captured, dropped, and later restored, in this process or
// another: it goes on as if nothing had been.
#pragma once

#include "base/result.h"
#include "base/task.h"
#include "guest/host.h"
#include "guest/module.h"
#include "guest/outcome.h"
#include "guest/secrets.h"
#include "guest/snapshot.h"
#include "guest/turn_inputs.h"
#include "guest/vars.h"
#include "shard/shard.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::guest {

struct Limits {
  // Of 64 KiB. The memory a module begins with must fit, and beyond it all memories of the plugin,
  // Extism's included, may grow by so many together; a slot of the pool bounds each besides.
  std::uint32_t memory_pages_max = 256;
  std::size_t output_bytes_max = std::size_t{1} << 20;
  std::size_t vars_bytes_max = std::size_t{1} << 20;
  std::size_t http_response_bytes_max = 52'428'800;  // the body of one answer
  // Of memory that has changed since the start-up, before compression, in whole pages of 4 KiB:
  // what is more stays awake, or sleeps without its memory. Capturing so much takes the thread for
  // a few milliseconds.
  std::size_t snapshot_bytes_max = std::size_t{4} << 20;
  std::chrono::milliseconds timeout{
      1000};  // running and waiting of its own, not waiting for the thread
  LogLevel log_level = LogLevel::info;  // what is below is dropped, and get_log_level says so
  // Instructions of one call, if the engine counts them (EngineOptions::fuel).
  std::optional<std::uint64_t> fuel_max;
};

// A folder of the host that a plugin may see.
struct AllowedPath {
  std::filesystem::path host;
  std::string guest;  // its name there, such as "/data"
  bool read_only = false;
  friend bool operator==(const AllowedPath&, const AllowedPath&) = default;
};

// What stays the same for all calls of an instance. Owned by the plugin's version; outlives the
// instance.
struct Environment {
  Limits limits;
  std::map<std::string, std::string, std::less<>> config;
  // Whom the guest may send HTTP requests to: patterns of host names (http_policy.h), nobody
  // without any.
  std::vector<std::string> allowed_hosts;
  std::shared_ptr<const Secrets> secrets;  // null when there are none
  // A plugin with folders cannot be run again from its records: they are not part of them.
  std::vector<AllowedPath> allowed_paths;
  // Whether http_headers gives the guest the headers of an answer, or nothing.
  bool http_response_headers = false;
};

class Instance {
 public:
  // Instantiates and runs the start-up of the ABI (_initialize, hs_init, __wasm_call_ctors), under
  // the limits. The inputs are the clock and random numbers of the start-up.
  static Task<std::pair<std::unique_ptr<Instance>, Outcome>> create(
      shard::Shard& shard,
      shard::RunQueue::Lane& lane,
      std::shared_ptr<const Module> module,
      const Environment& environment,
      TurnInputs inputs,
      Host& host);

  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance();

  // Makes the captured instance anew; nothing of it starts up. `snapshot` must outlive the Task.
  // Ends as Ending::snapshot where it does not fit the module, as out_of_memory where its memory is
  // beyond the limits.
  static Task<std::pair<std::unique_ptr<Instance>, Outcome>> restore(
      shard::Shard& shard,
      shard::RunQueue::Lane& lane,
      std::shared_ptr<const Module> module,
      const Environment& environment,
      const Snapshot& snapshot,
      Host& host);

  // The memory and globals between two calls. Errors: the module cannot be captured
  // (Module::not_capturable), or more has changed than Limits::snapshot_bytes_max. The instance
  // must not be spent, and stays as it is.
  Result<Snapshot> capture() const;

  // Another instance that is like this one now: for a call whose changes are not to stay. This one
  // must be neither called nor destroyed while the Task runs. Ends as restore() does.
  Task<std::pair<std::unique_ptr<Instance>, Outcome>> copy(Host& host) const;

  // Calls an exported function. The input is the concatenation of the pieces, copied once, into the
  // memory the guest reads from; they need to live until the call has started. Vars, host and
  // instance must outlive the Task. One call at a time.
  Task<Outcome> call(std::string_view function,
                     std::span<const std::string_view> input,
                     TurnInputs inputs,
                     Vars& vars,
                     Host& host);

  // True when the last call did not return to its caller, even if it counts as done (a program that
  // exits with code 0): the guest's stack was left as it was, and the instance must not be called
  // again. So it is after `_start`, the whole run of a program, which leaves no vars either.
  bool spent() const;

  // Of its memory; 0 where that cannot be captured, and so is not known.
  std::size_t memory_bytes() const;
  const Module& module() const;

  struct Impl;

 private:
  explicit Instance(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace troupe::guest
