// The WebAssembly engine of the process: configuration, pool of instance slots, the clock that
// slices time.
//
// Owned by the server's app; outlives all modules and instances. Thread-safe.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace troupe::guest {

// fast: compiles in a fifth of the time, runs slower; for the first seconds after a developer
// saves.
enum class Compiler { optimising, fast };

struct EngineOptions {
  Compiler compiler = Compiler::optimising;
  std::uint32_t instances_max = 1000;     // slots of the pool
  std::uint32_t memory_pages_max = 1024;  // of 64 KiB: the size of a slot
  // Instructions are counted, for Limits::fuel_max; guests run slower.
  bool fuel = false;
  // Every call of a host function is reported (Host::traced); it costs a few clock readings each.
  bool trace = false;
};

class Engine {
 public:
  // Fails, instead of ending the process, when the pool's address space cannot be had.
  static Result<std::unique_ptr<Engine>> create(const EngineOptions& options);

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  const EngineOptions& options() const;

  struct Impl;  // Wasmtime's types stay in this folder's sources
  Impl& impl() const { return *impl_; }

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace troupe::guest
