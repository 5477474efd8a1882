// The functions a plugin may import: their names, their types, and the check that a module asks for
// no others.
//
// Private to this folder.
#pragma once

#include "base/result.h"
#include "guest/wasmtime.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace troupe::guest {

struct Call;

struct HostFunction {
  std::string_view module;
  std::string_view name;
  // A letter for each value: i for i32, I for i64.
  std::string_view parameters;
  std::string_view results;
  // One of the two. Arguments come and results go in the same array, unchecked: the type above was.
  wasmtime_func_unchecked_callback_t function = nullptr;
  wasmtime_func_async_callback_t waiting_function = nullptr;
};

std::span<const HostFunction> extism_functions();  // extism:host/env and extism:host/user
std::span<const HostFunction> http_functions();    // those of extism:host/env for HTTP
std::span<const HostFunction> wasi_functions();    // wasi_snapshot_preview1

// A linker that offers them all. Each function is given its HostFunction as `env`.
Result<WasmLinker> make_linker(wasm_engine_t* engine);

// Whether all that the module imports is offered; the error names the first that is not, and what
// to do.
Result<void> check_imports(const wasmtime_module_t* module);

// Ends the guest from within an imported function, for this reason (Call::refusal).
wasm_trap_t* refuse(std::string reason);              // the running call's
wasm_trap_t* refuse(Call& call, std::string reason);  // one whose guest waits for the function

}  // namespace troupe::guest
