// From the bytes of a plugin to its compiled module.
//
// Compilation is somebody else's code on somebody else's input: it happens in a child process with
// limits on CPU time and memory (the program run again with the words `compile-module`, see
// run_compiler), never on a shard's thread. What comes out is kept in a folder, named by content,
// Wasmtime's version, engine configuration and CPU features, and mapped from there next time. The
// folder is bounded: what was used least recently goes first.
//
// Thread-safe. load() blocks: call it from a worker thread or before the shards start. No more than
// compilations_at_once_max children run at once; who comes later waits.
#pragma once

#include "base/bounds.h"
#include "base/log.h"
#include "base/result.h"
#include "guest/engine.h"
#include "guest/module.h"
#include "guest/program.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::guest {

struct CompileLimits {
  std::chrono::seconds cpu_time_max{30};
  std::size_t memory_bytes_max = std::size_t{2} << 30;
};

struct ModuleCacheOptions {
  std::size_t folder_bytes_max = std::size_t{1} << 30;
  // The program that compiles, and its first arguments. It ends in run_compiler().
  std::vector<std::string> compiler = {"/proc/self/exe", "compile-module"};
  // Where a cached file that had to be made again is reported; may be null. Outlives the cache.
  Log* log = nullptr;
};

class ModuleCache {
 public:
  static constexpr int compilations_at_once_max = 2;
  // Each takes a slot of the pool in every instance of its plugin.
  static constexpr std::size_t modules_of_a_plugin_max = 16;

  // The folder is made with mode 0700; an existing one that others may write is refused.
  static Result<std::unique_ptr<ModuleCache>> open(std::filesystem::path folder,
                                                   CompileLimits limits,
                                                   ModuleCacheOptions options = {});

  ModuleCache(const ModuleCache&) = delete;
  ModuleCache& operator=(const ModuleCache&) = delete;

  // Errors name the reason: not WebAssembly, an import nobody provides, a memory that does not fit
  // a slot, a limit of the compiler reached. The same content gives the same Module as long as
  // somebody holds it.
  Result<std::shared_ptr<const Module>> load(Engine& engine, std::string_view wasm);
  // The same for a plugin of several modules, or with functions of the program's own. One with
  // functions is linked anew each time.
  Result<std::shared_ptr<const Module>> load(Engine& engine, const Program& program);

  // Modules compiled so far, for metrics and tests.
  std::size_t compilations() const;
  // How often modules have reached limits of the compiler, or need more than a slot has.
  const BoundCounts& bounds() const { return bounds_; }

 private:
  ModuleCache(std::filesystem::path folder, CompileLimits limits, ModuleCacheOptions options);

  struct Loading;  // Wasmtime's types stay in this folder's sources
  // Remembers a module that was made.
  Result<std::shared_ptr<const Module>> keep(const std::pair<Engine*, std::string>& key,
                                             Result<std::shared_ptr<const Module>> module);
  Result<void> compile(const EngineOptions& engine,
                       std::string_view wasm,
                       const std::filesystem::path& to);
  void prune() const;

  const std::filesystem::path folder_;
  const CompileLimits limits_;
  const ModuleCacheOptions options_;

  BoundCounts bounds_;
  std::counting_semaphore<compilations_at_once_max> places_{compilations_at_once_max};
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::pair<Engine*, std::string>, std::weak_ptr<const Module>> loaded_;
  std::size_t compilations_ = 0;
};

// Hex SHA-256 of a plugin's bytes: what Module::content_hash() says of them.
std::string content_hash(std::string_view wasm);

// The child's side: `troupe compile-module ...` calls this with its remaining arguments and exits
// with the result.
int run_compiler(int argc, char** argv);

}  // namespace troupe::guest
