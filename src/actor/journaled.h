// What an actor that the journal keeps knows of its place there. Owned by the actor.
#pragma once

#include "actor/message.h"
#include "journal/journal.h"
#include "journal/record.h"

#include <boost/container/deque.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::actor {

struct Journaled {
  bool gated = true;  // else what it shows does not wait for the journal
  // Nothing is known of its past until its first message; then it is as the journal says.
  bool loaded = false;
  // An append has failed: when the turn under way has ended, the actor forgets all it has and is
  // loaded again.
  bool lost = false;
  bool is_too_large = false;  // it always will
  bool begun = false;         // this life has an entry
  std::uint64_t number = 0;   // of the last entry, over all lives
  journal::Ticket last = 0;   // of the last entry
  // The first state, not yet written: topics merely visited cost nothing.
  std::unique_ptr<journal::Record> init;
  std::vector<journal::Timer> fired;  // since the last turn

  // Messages of other durable actors. The one that is being handled, until its turn is appended:
  // then it is unsettled, and handled once more when that append fails.
  Message* handling = nullptr;
  struct Unsettled {
    std::shared_ptr<const bool> durable;  // its turn is
    Message message;
  };
  boost::container::deque<Unsettled> unsettled;  // an empty one has allocated nothing
  // They wait until the actor is up again, or the journal can be written.
  boost::container::deque<Message> parked;
  std::int64_t unpark_ns = 0;  // when they are tried again; 0: nobody waits for it
};

}  // namespace troupe::actor
