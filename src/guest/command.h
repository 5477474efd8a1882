// Functions of a linked module that is a command: each call of one runs on a fresh instance, in a
// store of its own that ends with the call.
//
// Private to this folder.
#pragma once

#include "guest/wasmtime.h"

#include <cstddef>

namespace troupe::guest {

// What the linker calls; `env` is a Command::Function.
void call_command(void* env,
                  wasmtime_caller_t* caller,
                  const wasmtime_val_t* arguments,
                  std::size_t arguments_count,
                  wasmtime_val_t* results,
                  std::size_t results_count,
                  wasm_trap_t** trap,
                  wasmtime_async_continuation_t* continuation);

}  // namespace troupe::guest
