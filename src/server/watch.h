// An actor as an operator watches it: docs/formats/watch-events.md.
#pragma once

#include "actor/address.h"
#include "actor/system.h"
#include "wire/http.h"

#include <cstddef>
#include <memory>

namespace troupe::server {

// Shows the actor on `actor_shard` to the stream until either is over. Nothing is started: an actor
// that is gone meanwhile ends the stream. Called on the stream's shard, `shard`; the system
// outlives the stream.
void watch(actor::System& system,
           std::size_t shard,
           std::size_t actor_shard,
           const actor::Address& address,
           std::shared_ptr<wire::EventStream> stream);

}  // namespace troupe::server
