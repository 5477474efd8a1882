// From the bytes of a plugin to its compiled module.
//
// Compilation is somebody else's code on somebody else's input: it happens in a child process with limits
// on CPU time and memory (the program run again with the words `compile-module`, see run_compiler), never on a
// shard's thread. What comes out is kept in a folder, named by content, Wasmtime's version, engine
// configuration and CPU features, and mapped from there next time.
//
// Thread-safe. load() blocks: call it from a worker thread or before the shards start.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "guest/engine.h"
#include "guest/module.h"

namespace troupe::guest {

struct CompileLimits {
  std::chrono::seconds cpu_time_max{30};
  std::size_t memory_bytes_max = std::size_t{2} << 30;
};

class ModuleCache {
 public:
  // The folder is made with mode 0700; an existing one that others may write is refused.
  static Result<std::unique_ptr<ModuleCache>> open(std::filesystem::path folder, CompileLimits limits);

  // Errors name the reason: not WebAssembly, an import nobody provides, a memory that does not fit a slot,
  // a limit of the compiler reached.
  Result<std::shared_ptr<const Module>> load(Engine& engine, std::string_view wasm);

 private:
  ModuleCache(std::filesystem::path folder, CompileLimits limits);

  std::filesystem::path folder_;
  CompileLimits limits_;
};

// The child's side: `troupe compile-module ...` calls this with its remaining arguments and exits with the result.
int run_compiler(int argc, char** argv);

}  // namespace troupe::guest
