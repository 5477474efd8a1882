// The actors of one shard, and the way to them.
//
// Owned by System. Lives on its shard; not thread-safe. An actor comes to be with its first viewer.
// One that has never handled an event ends with its last viewer; a viewer's own (`{topic}/{join}`)
// ends with that viewer; others stay, and beyond a bound the instances of those idle longest are
// freed.
#pragma once

#include "actor/actor.h"
#include "actor/address.h"
#include "actor/plugin.h"
#include "actor/viewer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "shard/shard.h"
#include "state/diff.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::actor {

class Actors {
 public:
  Actors(shard::Shards& shards,
         std::size_t index,
         const Clock& clock,
         Log& log,
         std::size_t instances_max);
  Actors(const Actors&) = delete;
  Actors& operator=(const Actors&) = delete;
  ~Actors();

  // Makes this the version that runs: actors switch to it before their next turn.
  void install(std::shared_ptr<const PluginVersion> version);

  // Null when no such plugin was ever installed.
  Plugin* find_plugin(std::string_view name);

  // The mailbox side; called by System on this shard.
  void join(const ViewerPtr& viewer);
  void deliver(Message message);

  // For actors and turns: what they share with the others of their shard.
  shard::Shards& shards() { return shards_; }
  shard::Shard& shard() { return shards_[index_]; }
  const Clock& clock() const { return clock_; }
  Log& log() { return log_; }
  Random& random() { return random_; }
  // Buffers of one comparison, used and left within a turn without waiting in between.
  state::Differ& differ() { return differ_; }

  // Called by an actor. It has got an instance; it has given it up; it has nothing to do and may
  // lose it; it is done for, and ends as soon as its own stack has unwound.
  void woke();
  void slept();
  void rest(Actor& actor);
  void retire(Actor& actor);

 private:
  shard::Shards& shards_;
  const std::size_t index_;
  const Clock& clock_;
  Log& log_;
  const std::size_t instances_max_;  // of this shard
  std::size_t instances_ = 0;
  Random random_;
  state::Differ differ_;
  std::unordered_map<std::string, std::unique_ptr<Plugin>> plugins_;
  std::unordered_map<std::string, std::unique_ptr<Actor>> actors_;  // by the text of the address
  Actor::IdleList idle_;                                            // longest idle first
  std::vector<std::unique_ptr<Actor>> retired_;
};

}  // namespace troupe::actor
