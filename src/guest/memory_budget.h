// The pages that all memories of one instance may grow by together: those of its modules, and
// Extism's.
//
// Each module counts its own growth down in a global (growth.h), the arena asks here. With several
// modules the globals are made even between calls; during one, each may take what was left at its
// beginning. Private to this folder; lives with its instance.
#pragma once

#include "guest/arena.h"
#include "guest/wasmtime.h"

#include <cstdint>
#include <vector>

namespace troupe::guest {

// The global of growth.h in an instance; nothing when its module was compiled as it is.
bool find_growth_left(wasmtime_context_t* context,
                      const wasmtime_instance_t& instance,
                      wasmtime_global_t& global);
std::int32_t read_growth_left(wasmtime_context_t* context, const wasmtime_global_t& global);

class MemoryBudget final : public Arena::Ledger {
 public:
  MemoryBudget(wasmtime_context_t* context, std::uint32_t pages)
      : context_(context), left_(pages) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // What is instantiated from now on pays here.
  void add(const wasmtime_instance_t& instance);
  // Before a call.
  void make_even() {
    if (globals_.size() > 1) settle();
  }
  bool take(std::uint64_t pages) override;
  // Whether a module was refused memory since it was instantiated.
  bool refused() const;

  // What the arenas of earlier calls have taken: it stays the plugin's.
  std::uint64_t arena_pages = 0;

 private:
  void settle();
  void write(std::uint64_t left) const;

  wasmtime_context_t* const context_;
  std::vector<wasmtime_global_t> globals_;
  std::uint64_t left_;  // when the globals were last written
};

}  // namespace troupe::guest
