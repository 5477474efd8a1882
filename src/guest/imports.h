// The functions a plugin may import: their names, their types, and the check that a module asks for
// no others.
//
// Private to this folder.
#pragma once

#include "base/result.h"
#include "guest/host_function.h"
#include "guest/wasmtime.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace troupe::guest {

struct Call;

struct HostFunction {
  std::string_view module;
  std::string_view name;
  // A letter for each value: i for i32, I for i64, h for an i64 that is a handle.
  std::string_view parameters;
  std::string_view results;
  // One of the two. Arguments come and results go in the same array, unchecked: the type above was.
  wasmtime_func_unchecked_callback_t function = nullptr;
  wasmtime_func_async_callback_t waiting_function = nullptr;
};

std::span<const HostFunction> extism_functions();  // extism:host/env and extism:host/user
std::span<const HostFunction> http_functions();    // those of extism:host/env for HTTP
std::span<const HostFunction> wasi_functions();    // wasi_snapshot_preview1

inline constexpr std::string_view extism_module = "extism:host/env";
inline constexpr std::string_view wasi_module = "wasi_snapshot_preview1";

// A linker that offers them all, those of the kernel under their old names too: env, extism_*. Each
// function is given its HostFunction as `env`.
// Traced, each call is reported to its Host.
Result<WasmLinker> make_linker(wasm_engine_t* engine, bool trace);
// Adds a function of the program's, which must outlive the linker; one of the same name is
// replaced.
Result<void> define_function(wasmtime_linker_t* linker, const HostFunctionSpec& function);

// What may be imported beside the functions that everybody may.
struct MoreImports {
  bool wasi = true;
  std::span<const std::shared_ptr<const HostFunctionSpec>> functions;
};

// Whether an import is offered; the error names it, and what to do.
Result<void> check_import(const wasm_importtype_t* import, const MoreImports& more);

// For messages: `(i32, i64) -> ()`.
std::string describe(const wasm_functype_t* type);

// Ends the guest from within an imported function, for this reason (Call::refusal).
wasm_trap_t* refuse(std::string reason);              // the running call's
wasm_trap_t* refuse(Call& call, std::string reason);  // one whose guest waits for the function

}  // namespace troupe::guest
