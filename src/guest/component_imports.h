// What a component may import: WASI 0.2 as far as a turn allows it, and Troupe's own functions
// (docs/formats/components.md).
//
// All of it is ours, so that clocks and random numbers are the turn's, output is the plugin's log,
// and a wait suspends the fibre and not the thread. Private to this folder.
#pragma once

#include "base/result.h"
#include "guest/wasmtime.h"

namespace troupe::guest {

// A linker with everything that the component imports. The error names the first import that nobody
// provides.
Result<WasmComponentLinker> link_component(const wasm_engine_t* engine,
                                           const wasmtime_component_type_t* type);

}  // namespace troupe::guest
