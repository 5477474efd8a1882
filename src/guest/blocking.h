// Work that may block, on a thread beside the shard's. Private to this folder.
#pragma once

#include "base/task.h"
#include "shard/shard.h"

#include <chrono>
#include <functional>

namespace troupe::guest {

// Runs the work on one of the shard's threads for such work, while the coroutine waits. False when
// the deadline came first, and then, as when the Task is destroyed, the work ends by itself: it may
// touch nothing that it does not hold.
Task<bool> run_aside(shard::Shard& shard,
                     std::function<void()> work,
                     std::chrono::steady_clock::time_point deadline);

}  // namespace troupe::guest
