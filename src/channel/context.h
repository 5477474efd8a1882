// What the channels of one shard work with. Owned by server/app, one for each shard, outlives the
// sockets.
#pragma once

#include "actor/system.h"
#include "base/bounds.h"
#include "base/log.h"
#include "channel/router.h"
#include "wire/phoenix.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe::channel {

// Bounds of one socket and its channels. Reaching one is an answer.
struct Bounds {
  std::size_t topics_max = 100;  // joins refused with "too many channels joined"
  // Of one socket; those of an address are in AddressRules. More are refused as `busy`.
  std::uint32_t joins_per_second = 1000;
  std::uint32_t events_per_second = 20'000;
  std::size_t events_waiting_max = 64;  // of one channel; then `busy`
  std::size_t unsent_bytes_max = std::size_t{1}
                                 << 20;  // then patches are left out until the client reads again
};

struct Context {
  actor::System& system;
  const std::size_t shard;
  Log& log;
  Bounds bounds;
  TopicRules rules;         // replaced on this shard's thread
  std::string session_key;  // of the server: makes session letters from what browsers send
  wire::Decoder decoder{};
  BoundCounts reached{};  // read by other threads
};

}  // namespace troupe::channel
