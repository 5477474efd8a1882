// What an Engine holds. Private to this folder.
#pragma once

#include "guest/arena_pool.h"
#include "guest/arena_window.h"
#include "guest/engine.h"
#include "guest/page_scan.h"
#include "guest/slice_clock.h"
#include "guest/snapshot_codec.h"
#include "guest/wasmtime.h"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace troupe::guest {

struct Limits;

// What all instances of one engine on one shard have in common. Touched by that shard's thread
// alone.
struct OnShard {
  explicit OnShard(SliceClock::Seat& s) : seat(s) {}
  SliceClock::Seat& seat;
  ArenaPool arenas;
  WarmWindows windows;
  SnapshotCodec snapshots;
};

struct Engine::Impl {
  Impl(const EngineOptions& options, WasmEngine engine, WasmLinker linker);

  // The shards of one process have distinct indices. From any thread.
  OnShard& on_shard(std::size_t index);

  const EngineOptions options;
  const WasmEngine engine;
  const WasmLinker linker;  // with every function a guest may import
  SliceClock clock;
  const PageScan pages;

 private:
  std::mutex mutex_;
  std::map<std::size_t, OnShard> shards_;
};

// Sets what a call on this store may use, when the engine counts it.
void give_fuel(wasmtime_context_t* context, const Engine::Impl& engine, const Limits& limits);

// The settings that compiled code depends on, without the pool: what a process needs that only
// compiles.
WasmConfig compile_config(Compiler compiler, bool fuel = false);
// Names those settings; changes whenever compiled code of another setting could not be used.
std::string compile_config_name(const EngineOptions& options);

}  // namespace troupe::guest
