// What an actor shows to one viewer, in the order it happened.
//
// Implemented by channel/. Called on the viewer's shard. The texts are JSON, valid during the call.
#pragma once

#include <string_view>

namespace troupe::actor {

enum class StateReason {
  joined,     // the first state of a join, or of an actor that started anew: version 0
  refreshed,  // the viewer asked for it: its current version
};

class Outbox {
 public:
  virtual ~Outbox() = default;

  virtual void state(std::string_view state, StateReason reason) = 0;
  // A turn's change of the state, "[]" when there is none. Raises the viewer's version.
  virtual void patch(std::string_view patch) = 0;
  // A custom event.
  virtual void push(std::string_view name, std::string_view detail) = 0;
  // An `error` event's payload.
  virtual void error(std::string_view payload) = 0;
  // One of this viewer's own events or refreshes has been answered.
  virtual void answered() = 0;
};

}  // namespace troupe::actor
