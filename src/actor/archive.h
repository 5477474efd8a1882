// Versions of plugins that actors once ran and may have to run again.
//
// Implemented by server/. What the journal says of an actor's last turns names the code that ran
// them: it is needed once more when the actor is loaded, whatever runs now.
#pragma once

#include "actor/plugin.h"
#include "base/result.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::actor {

class Archive {
 public:
  virtual ~Archive() = default;

  using Versions = std::vector<std::shared_ptr<const PluginVersion>>;
  using Found = std::function<void(Result<Versions>)>;
  // Those of that code (Module::content_hash), which may differ in their settings: the newest
  // first, one at least. From any thread; `done` is called once, on any thread, or never when the
  // server ends. An Error says what to do.
  virtual void find_versions(std::string plugin, std::string code, Found done) = 0;
};

}  // namespace troupe::actor
