// A module whose growth of memory is counted, and which says when it was refused. Private to this
// folder.
//
// WebAssembly answers -1 to a memory.grow beyond the limit, and what a guest makes of it (most
// often an `unreachable` deep in an allocator) tells nobody why it ended. Extism's rule is clearer:
// all memories of a plugin grow out of one budget, and growth beyond it ends the call with "oom".
// So each memory.grow is replaced, before compilation, by a call of a function appended to the
// module: it takes the pages from an exported global and, when there are too few or the memory
// cannot grow, notes that and ends the guest. In a component nobody can reach the globals of the
// modules inside; there the function's name, first in the backtrace, tells.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace troupe::guest {

// The exported i32 with the pages that may still be taken; -1 after a refusal. Without a bound, as
// good as, until the host has set it.
inline constexpr std::string_view growth_left_export = "troupe:growth-left";

// Nothing when the module is to be compiled as it is: it never grows, is not valid, or uses
// features that are not read here (garbage collection, exceptions, atomics, 64-bit or several
// memories). A refusal is then a trap like any other. Takes untrusted bytes.
std::optional<std::string> with_noted_growth(std::string_view wasm);

// The function that ends a guest, as backtraces have it.
inline constexpr std::string_view growth_refused_function = "troupe:memory-refused";

// A component with every module in it like that. The same when there is nothing to change.
std::string component_with_noted_growth(std::string_view component);

}  // namespace troupe::guest
