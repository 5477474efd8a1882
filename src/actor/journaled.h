// What an actor that the journal keeps knows of its place there. Owned by the actor.
#pragma once

#include "journal/record.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::actor {

struct Journaled {
  std::string address;
  bool gated = true;  // else what it shows does not wait for the journal
  // Nothing is known of its past until its first message; then it is as the journal says.
  bool loaded = false;
  // An append has failed: when the turn under way has ended, the actor forgets all it has and is
  // loaded again.
  bool lost = false;
  bool begun = false;        // this life has an entry
  std::uint64_t number = 0;  // of the last entry, over all lives
  // The first state, not yet written: topics merely visited cost nothing.
  std::unique_ptr<journal::Record> init;
  std::vector<std::string> fired;  // timers, since the last entry
};

}  // namespace troupe::actor
