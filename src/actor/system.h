// All actors of a server: from an address to the shard that has it.
//
// Owned by server/app; outlives the channels. The functions of a viewer are called on the viewer's
// shard; install() from any thread.
#pragma once

#include "actor/actors.h"
#include "actor/address.h"
#include "actor/plugin.h"
#include "actor/viewer.h"
#include "base/clock.h"
#include "base/log.h"
#include "shard/shard.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actor {

class System {
 public:
  // instances_max: guest instances kept awake in the whole server.
  System(shard::Shards& shards, const Clock& clock, Log& log, std::size_t instances_max);
  System(const System&) = delete;
  System& operator=(const System&) = delete;
  // No shard's thread may run any more.
  ~System();

  shard::Shards& shards() { return shards_; }
  // Only from that shard's thread, or while none runs.
  Actors& on(std::size_t shard) { return *actors_[shard]; }
  // The shard of an actor that may have viewers on all of them.
  std::size_t shard_of(const Address& address) const;

  // Makes this the version of its plugin on every shard; its actors switch before their next turn.
  void install(const std::shared_ptr<const PluginVersion>& version);

  void join(const ViewerPtr& viewer);
  void event(const ViewerPtr& viewer, std::string_view name, std::string_view payload);
  void refresh(const ViewerPtr& viewer);
  void leave(const ViewerPtr& viewer);

 private:
  void deliver(Message message);

  shard::Shards& shards_;
  std::vector<std::unique_ptr<Actors>> actors_;
};

}  // namespace troupe::actor
