// A module that is valid stays valid when its growth is noted and when it is given a window, and
// none leads the rewriting astray.
#include "fuzz/check.h"
#include "guest/arena_access.h"
#include "guest/engine_impl.h"
#include "guest/growth.h"

#include <cstddef>
#include <cstdint>
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
  const auto rewritten = with_noted_growth(wasm);
  const auto windowed = with_window(rewritten ? *rewritten : wasm);
  if ((rewritten || windowed) && is_valid(wasm)) {
    check(is_valid(windowed ? *windowed : *rewritten));
  }
  component_with_noted_growth(wasm);
  return 0;
}
