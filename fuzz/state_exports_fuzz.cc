// A module that is valid stays valid when its state is exported, and its growth noted after that;
// and none leads the rewriting astray.
#include "fuzz/check.h"
#include "guest/engine_impl.h"
#include "guest/growth.h"
#include "guest/state_exports.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace troupe::guest;

namespace {

bool is_valid(std::string_view wasm) {
  static const WasmEngine engine(
      wasm_engine_new_with_config(compile_config(Compiler::optimising).release()));
  const WasmError error(wasmtime_module_validate(
      engine.get(), reinterpret_cast<const std::uint8_t*>(wasm.data()), wasm.size()));
  return error == nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view wasm(reinterpret_cast<const char*>(data), size);
  const std::string with_state = with_exported_state(wasm);
  if (!is_valid(wasm)) return 0;
  check(is_valid(with_state));
  if (const auto noted = with_noted_growth(with_state)) check(is_valid(*noted));
  return 0;
}
