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

namespace troupe::actor {

class Archive {
 public:
  virtual ~Archive() = default;

  using Found = std::function<void(Result<std::shared_ptr<const PluginVersion>>)>;
  // By the content hash of its code. From any thread; `done` is called once, on any thread, or
  // never when the server ends. An Error says what to do.
  virtual void find_version(std::string plugin, std::string hash, Found done) = 0;
};

}  // namespace troupe::actor
