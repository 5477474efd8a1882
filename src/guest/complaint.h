// What Wasmtime has against a module; empty when it is valid. For tests of what rewrites modules.
#pragma once

#include "guest/engine_impl.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::guest::test {

inline std::string complaint_about(std::string_view wasm) {
  static const WasmEngine engine(
      wasm_engine_new_with_config(compile_config(Compiler::optimising).release()));
  wasmtime_error_t* error = wasmtime_module_validate(
      engine.get(), reinterpret_cast<const std::uint8_t*>(wasm.data()), wasm.size());
  return error == nullptr ? std::string() : message_of(error);
}

}  // namespace troupe::guest::test
