// Applies an RFC 6902 patch to a document, for tests and tools; the server itself only makes
// patches.
//
// All six operations, strictly: what the RFC calls an error is one. Two values are equal to `test`
// when their canonical texts are, so 1 is not 1.0. The whole document can be replaced, not removed.
#pragma once

#include "base/result.h"
#include "state/canonical.h"

#include <cstddef>
#include <string_view>

namespace troupe::state {

// `copy` can double a document with each operation: the text may not grow beyond this.
inline constexpr std::size_t applied_bytes_max = std::size_t{8} << 20;

// On error nothing of the patch is applied; the message names the operation by its place in the
// patch, from 0, and says what stands against it. Any thread.
Result<Canonical> apply_patch(const Canonical& document,
                              std::string_view patch,
                              std::size_t bytes_max = applied_bytes_max);

}  // namespace troupe::state
