// A module that says when it was refused memory. Private to this folder.
//
// WebAssembly answers -1 to a memory.grow beyond the limit, and what a guest makes of it (most
// often an `unreachable` deep in an allocator) tells nobody why it ended. Extism's rule is clearer:
// growth beyond the limit ends the call with "oom". So each memory.grow is replaced, before
// compilation, by a call of a function appended to the module that notes a refusal in an exported
// global and ends the guest.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace troupe::guest {

// The exported i32 that is 1 after a refusal.
inline constexpr std::string_view growth_refused_export = "troupe:growth-refused";

// Nothing when the module is to be compiled as it is: it never grows, is not valid, or uses
// features that are not read here (garbage collection, exceptions, atomics, 64-bit or several
// memories). A refusal is then a trap like any other. Takes untrusted bytes.
std::optional<std::string> with_noted_growth(std::string_view wasm);

}  // namespace troupe::guest
