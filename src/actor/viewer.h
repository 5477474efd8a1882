// One join, as its channel and its actor both know it.
//
// Shared by the two because either may end first, and on different shards. What is const is read by
// both; `outbox` belongs to the channel's shard and `actor` to the actor's, and each is cleared by
// its owner when that ends.
#pragma once

#include "actor/address.h"
#include "actor/outbox.h"

#include <cstddef>
#include <memory>
#include <string>

namespace troupe::actor {

class Actor;

struct Viewer {
  const std::size_t shard;  // of the channel
  const std::size_t actor_shard;
  const Address address;     // of the actor
  const bool ends_actor;     // an actor of its own, `{topic}/{join}`: it ends with this viewer
  const std::string id;      // the session's letters, else letters of the join's own
  const std::string person;  // whose failures are counted together: the session's letters, else the
                             // client's address
  const std::string topic;
  const std::string params;  // of the join, canonical JSON
  // An operator's: sees what is there, and starts neither an actor nor its state.
  const bool watches = false;

  Outbox* outbox = nullptr;  // touched on `shard` only
  Actor* actor = nullptr;    // touched on `actor_shard` only
};

using ViewerPtr = std::shared_ptr<Viewer>;

}  // namespace troupe::actor
