// From the state of one version of a plugin to that of another.
#pragma once

#include "actor/actors.h"
#include "actor/plugin.h"
#include "base/result.h"
#include "base/task.h"
#include "state/canonical.h"

#include <memory>
#include <string>

namespace troupe::actor {

// A pure call of `migrate` with {"from", "to", "state"}: hashes of the two versions, and the state
// as it is. The output is the new state; a version without `migrate` takes the state as it is. An
// Error when it fails or does not return an object within the bounds.
Task<Result<state::Canonical>> migrate(Actors& actors,
                                       Plugin& plugin,
                                       std::shared_ptr<const PluginVersion> to,
                                       std::string from,
                                       std::string state);

}  // namespace troupe::actor
