// A module whose state between calls can be read and set from outside: what sleep of memory needs
// (snapshot.h). Private to this folder.
//
// Before compilation the module is given more exports: its memory, each global that can change, and
// its start function, which is run by hand instead of at each instantiation: a woken instance is
// not to start again. No code is touched. Where a module has state that cannot be reached so
// (tables that change, data segments that are dropped, references, several memories), an export
// whose name is the reason says that it cannot be captured, and the module stays as it is
// otherwise.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::guest {

// Names that begin so are ours. A module that uses one of its own cannot be captured.
inline constexpr std::string_view reserved_exports = "troupe:";

inline constexpr std::string_view memory_export = "troupe:memory";
// () -> (), to be called once on a fresh instance, before all else.
inline constexpr std::string_view start_export = "troupe:start";
// Followed by a number, from 0: the globals that can change, in the module's order.
inline constexpr std::string_view global_export = "troupe:global:";
// Followed by the reason, which goes on "the memory of its actors is not kept asleep: ".
inline constexpr std::string_view not_capturable_export = "troupe:not-capturable:";

// Beyond any seen by far (most have one, Go ten): restoring sets each.
inline constexpr std::size_t captured_globals_max = 1000;

// The module with these exports. Takes untrusted bytes; those that are no module come out as they
// are.
std::string with_exported_state(std::string_view wasm);

}  // namespace troupe::guest
