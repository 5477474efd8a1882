// Runs WebAssembly at once and to the end, for work that is not an actor's: building plugins, and
// trying them.
//
// The module sees only the host functions it is given, runs no longer than its time and has no more
// memory than its limit. Compiled code is kept in a cache folder, so that the same module starts in
// less than a millisecond the next time.
//
// Owned by whoever made it. Not thread-safe; separate sandboxes may run on separate threads.
// Blocks: never on a shard.
#pragma once

#include "base/result.h"
#include "guest/outcome.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace troupe::guest {

struct SandboxLimits {
  std::chrono::milliseconds time_max{10'000};  // for each call, by the wall clock
  std::uint64_t memory_bytes_max = std::uint64_t{256} << 20;
};

// How a call ended: done, error (a host function refused), trap, timeout or missing.
struct SandboxOutcome {
  Ending ending = Ending::done;
  std::uint64_t value = 0;  // the result, where the function has one
  std::string message;      // when not done
};

class Sandbox {
 public:
  // Arguments and results are i32 and i64, as bits. An Error ends the call with Ending::error.
  using HostFunction =
      std::function<Result<std::uint64_t>(std::span<const std::uint64_t> arguments)>;
  // By "module.name". An import without a function ends the call that reaches it.
  using HostFunctions = std::map<std::string, HostFunction, std::less<>>;

  // Without a cache folder the module is compiled each time. A folder that others may write is not
  // used: what is in it is run as it is.
  static Result<std::unique_ptr<Sandbox>> create(std::span<const std::uint8_t> wasm,
                                                 const std::filesystem::path& cache_folder,
                                                 HostFunctions host_functions,
                                                 const SandboxLimits& limits);
  // Checks that the bytes are a valid module, without compiling or running it.
  static Result<> validate(std::span<const std::uint8_t> wasm);

  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  ~Sandbox();

  SandboxOutcome call(std::string_view function, std::span<const std::uint64_t> arguments = {});

  // The memory exported as "memory", empty without one. Valid until the module runs again.
  std::span<std::uint8_t> memory();

 private:
  struct Impl;
  explicit Sandbox(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace troupe::guest
