// A call that commits nothing and is not recorded: on an instance with no actor behind it.
//
// What the guest changes is gone with the instance, and host functions with effects are refused.
// Lives on one shard.
#pragma once

#include "actor/actors.h"
#include "actor/plugin.h"
#include "base/task.h"
#include "guest/outcome.h"

#include <memory>
#include <string>
#include <string_view>

namespace troupe::actor {

struct PureOutcome {
  guest::Ending ending = guest::Ending::done;
  std::string output;
  std::string message;  // what the client may read, as in guest::Outcome
};

// Runs `function` of this version of the plugin. Failures, not errors, are logged. The Task may
// be destroyed at any time.
Task<PureOutcome> pure_call(Actors& actors,
                            Plugin& plugin,
                            std::shared_ptr<const PluginVersion> version,
                            std::string function,
                            std::string input);

}  // namespace troupe::actor
