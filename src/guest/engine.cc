#include "guest/engine.h"

#include "guest/engine_impl.h"
#include "guest/imports.h"
#include "guest/instance.h"
#include "guest/text.h"

#include <sodium/core.h>
#include <sys/mman.h>

#include <cassert>
#include <cerrno>
#include <fstream>
#include <limits>
#include <string>

namespace troupe::guest {

namespace {

constexpr std::uint64_t wasm_page_bytes = 65536;

// An address of the guest is 32 bits: with all of them reserved, and a guard for the constant
// offsets of loads and stores, compiled code needs no bounds checks. It costs addresses, not
// memory.
constexpr std::uint64_t memory_reservation_bytes = std::uint64_t{4} << 30;
constexpr std::uint64_t memory_guard_bytes = std::uint64_t{32} << 20;

// What a guest's functions may use, and beyond it what ours may that the guest calls.
constexpr std::size_t guest_stack_bytes = std::size_t{512} << 10;
constexpr std::size_t fibre_stack_bytes = std::size_t{1} << 20;

// Bounds of one module. The largest tables seen are Go's, a few ten thousand functions.
constexpr std::uint32_t tables_max = 4;
constexpr std::size_t table_elements_max = 100'000;
constexpr std::size_t instance_bytes_max = std::size_t{1} << 20;
constexpr std::uint32_t core_instances_max = 16;  // of one component
constexpr std::uint32_t memories_max = 2;         // its own, and the window (arena_access.h)

// Mappings of the kernel that one instance with its memory, its window and its stack costs,
// measured.
constexpr std::uint64_t mappings_per_instance = 8;

// No memory is kept resident for the next instance: zeroing it costs more than fresh pages do
// (measured).
WasmPoolConfig pool_config(const EngineOptions& options) {
  WasmPoolConfig pool(wasmtime_pooling_allocation_config_new());
  wasmtime_pooling_allocation_config_t* const p = pool.get();
  const std::uint32_t instances = options.instances_max;
  // Only counted. A component is made of several: its code, and what links it.
  wasmtime_pooling_allocation_config_total_core_instances_set(p, instances * core_instances_max);
  wasmtime_pooling_allocation_config_total_memories_set(p, instances * memories_max);
  wasmtime_pooling_allocation_config_total_tables_set(p, instances * tables_max);
  wasmtime_pooling_allocation_config_total_gc_heaps_set(p, instances);
  // A store keeps its stack from its first call on.
  wasmtime_pooling_allocation_config_total_stacks_set(p, instances);
  wasmtime_pooling_allocation_config_total_component_instances_set(p, instances);
  wasmtime_pooling_allocation_config_max_component_instance_size_set(p, instance_bytes_max);
  wasmtime_pooling_allocation_config_max_core_instances_per_component_set(p, core_instances_max);
  wasmtime_pooling_allocation_config_max_memories_per_component_set(p, 1);
  wasmtime_pooling_allocation_config_max_tables_per_component_set(p, tables_max);
  wasmtime_pooling_allocation_config_max_memories_per_module_set(p, memories_max);
  wasmtime_pooling_allocation_config_max_tables_per_module_set(p, tables_max);
  wasmtime_pooling_allocation_config_table_elements_set(p, table_elements_max);
  wasmtime_pooling_allocation_config_max_core_instance_size_set(p, instance_bytes_max);
  wasmtime_pooling_allocation_config_max_memory_size_set(
      p, options.memory_pages_max * wasm_page_bytes);
  return pool;
}

// Addresses the pool will reserve, generously.
std::uint64_t pool_addresses(const EngineOptions& options) {
  constexpr std::uint64_t table_bytes = table_elements_max * 16;
  return (options.instances_max + std::uint64_t{1}) *
         (memories_max * (memory_reservation_bytes + memory_guard_bytes) +
          tables_max * table_bytes + fibre_stack_bytes + instance_bytes_max);
}

// Beyond the kernel's number of mappings instances would fail one by one, later.
Result<void> check_mappings(const EngineOptions& options) {
  std::uint64_t mappings_max = 0;
  if (!(std::ifstream("/proc/sys/vm/max_map_count") >> mappings_max)) return {};
  const std::uint64_t instances = mappings_max / mappings_per_instance;
  if (options.instances_max <= instances) return {};
  return Error{
      "a pool of " + std::to_string(options.instances_max) +
      " instances needs more mappings than vm.max_map_count = " + std::to_string(mappings_max) +
      " allows, which is enough for " + std::to_string(instances) +
      ". Lower the number of instances, or raise vm.max_map_count."};
}

// Wasmtime ends the process when it cannot reserve its pool: try before it does.
Result<void> check_addresses(const EngineOptions& options) {
  const std::uint64_t bytes = pool_addresses(options);
  void* reserved =
      ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) {
    return Error{"a pool of " + std::to_string(options.instances_max) + " instances needs " +
                 std::to_string(bytes >> 30) +
                 " GiB of addresses (not memory), which the system refuses (" + system_text(errno) +
                 "). Lower the number of instances, or raise the limit of addresses (ulimit -v)."};
  }
  ::munmap(reserved, bytes);
  return {};
}

}  // namespace

WasmConfig compile_config(Compiler compiler, bool fuel) {
  WasmConfig config(wasm_config_new());
  wasm_config_t* const c = config.get();
  wasmtime_config_strategy_set(
      c, compiler == Compiler::fast ? WASMTIME_STRATEGY_WINCH : WASMTIME_STRATEGY_CRANELIFT);
  wasmtime_config_epoch_interruption_set(c, true);
  wasmtime_config_async_stack_size_set(c, fibre_stack_bytes);
  wasmtime_config_max_wasm_stack_set(c, guest_stack_bytes);
  wasmtime_config_memory_reservation_set(c, memory_reservation_bytes);
  wasmtime_config_memory_guard_size_set(c, memory_guard_bytes);
  wasmtime_config_memory_init_cow_set(c, true);
  // A turn that is run again must come to the same result.
  wasmtime_config_cranelift_nan_canonicalization_set(c, true);
  wasmtime_config_wasm_relaxed_simd_deterministic_set(c, true);
  wasmtime_config_wasm_threads_set(c, false);
  wasmtime_config_wasm_component_model_async_set(c, false);
  wasmtime_config_consume_fuel_set(c, fuel);
  return config;
}

std::string compile_config_name(const EngineOptions& options) {
  // Count the last number up when compile_config(), or what is done to modules before, changes.
  return std::string(options.compiler == Compiler::fast ? "winch" : "cranelift") +
         (options.fuel ? "-fuel-6" : "-6");
}

void give_fuel(wasmtime_context_t* context, const Engine::Impl& engine, const Limits& limits) {
  if (!engine.options.fuel) return;
  const std::uint64_t fuel = limits.fuel_max.value_or(std::numeric_limits<std::uint64_t>::max());
  const WasmError error(wasmtime_context_set_fuel(context, fuel));
  assert(error == nullptr && "the engine counts fuel");
}

Engine::Impl::Impl(const EngineOptions& o, WasmEngine e, WasmLinker l)
    : options(o),
      engine(std::move(e)),
      linker(std::move(l)),
      clock([raw = engine.get()] { wasmtime_engine_increment_epoch(raw); }) {}

OnShard& Engine::Impl::on_shard(std::size_t index) {
  const std::lock_guard lock(mutex_);
  const auto found = shards_.find(index);
  if (found != shards_.end()) return found->second;
  return shards_.try_emplace(index, clock.add_seat()).first->second;
}

Result<std::unique_ptr<Engine>> Engine::create(const EngineOptions& options) {
  if (::sodium_init() < 0)
    return Error{"libsodium could not start: the system gives no random numbers"};
  TRY_VOID(check_mappings(options));
  TRY_VOID(check_addresses(options));
  WasmConfig config = compile_config(options.compiler, options.fuel);
  wasmtime_pooling_allocation_strategy_set(config.get(), pool_config(options).get());
  WasmEngine engine(wasm_engine_new_with_config(config.release()));
  TRY(WasmLinker linker, make_linker(engine.get(), options.trace));
  return std::unique_ptr<Engine>(
      new Engine(std::make_unique<Impl>(options, std::move(engine), std::move(linker))));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

const EngineOptions& Engine::options() const {
  return impl_->options;
}

}  // namespace troupe::guest
