// Handles of Extism's memory, as the functions use them that a guest imports. Private to this
// folder; while guest code runs.
#pragma once

#include "guest/arena.h"
#include "guest/call.h"
#include "guest/imports.h"
#include "guest/wasmtime.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::guest {

inline std::uint64_t u64(const wasmtime_val_raw_t& value) {
  return static_cast<std::uint64_t>(value.i64);
}
inline void set(wasmtime_val_raw_t* to, std::uint64_t value) {
  to->i64 = static_cast<std::int64_t>(value);
}

// 0 is a handle, of no bytes; any other that is no block ends the guest.
inline bool is_handle(Arena::Handle handle) {
  return handle == 0 || running_call->arena.length(handle) != 0;
}

inline wasm_trap_t* refuse_handle(std::string_view of, Arena::Handle handle) {
  return refuse("invalid handle offset for " + std::string(of) + ": " + std::to_string(handle));
}

// More memory than the plugin may have ends the call, as growth of the guest's own does (growth.h).
inline wasm_trap_t* refuse_memory() {
  running_call->memory_refused = true;
  return refuse("oom");
}

// Gives the guest a new block with these bytes.
inline wasm_trap_t* give(wasmtime_val_raw_t* to, std::string_view bytes) {
  const Arena::Handle block = running_call->arena.put(bytes);
  if (block == 0 && !bytes.empty()) return refuse_memory();
  set(to, block);
  return nullptr;
}

}  // namespace troupe::guest
