// What waits in an actor's mailbox.
#pragma once

#include "actor/viewer.h"

#include <cstddef>
#include <string>

namespace troupe::actor {

struct Message {
  enum class Kind {
    join,     // a new viewer wants the state
    event,    // a viewer's event: the export `name` with `payload`
    refresh,  // a viewer wants the state again
    leave,    // a viewer is gone
  };

  Kind kind = Kind::event;
  ViewerPtr viewer;
  std::string name;
  std::string payload;  // JSON text

  std::size_t bytes() const { return name.size() + payload.size(); }
};

}  // namespace troupe::actor
