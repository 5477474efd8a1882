// Compilation in a child process, from both sides. Private to this folder.
//
// The child is the program itself, started as `troupe compile-module COMPILER CPU_SECONDS
// MEMORY_BYTES`, with COMPILER one of fast, optimising, fast-fuel and optimising-fuel; it reads the
// module from descriptor 0, writes compiled code to 1 and the reason of a refusal to 2, and has no
// other descriptors and no environment but that of the sanitizers and the loader.
#pragma once

#include "base/bounds.h"
#include "base/result.h"
#include "guest/engine.h"
#include "guest/module_cache.h"

#include <span>
#include <string>
#include <string_view>

namespace troupe::guest {

// Runs the child; what it compiled is in the file `output`, which is open for writing. `reached` is
// told when a limit has ended it.
Result<void> compile_in_child(std::span<const std::string> command,
                              const EngineOptions& engine,
                              const CompileLimits& limits,
                              std::string_view wasm,
                              int output,
                              BoundCounts& reached);

}  // namespace troupe::guest
