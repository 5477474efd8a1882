// What an actor shows to one viewer, in the order it happened.
//
// Implemented by channel/. Called on the viewer's shard. The texts are JSON, valid during the call.
#pragma once

#include <string_view>

namespace troupe::actor {

struct Answer;

enum class StateReason {
  joined,     // the first state of a join, or of an actor that started anew: version 0
  refreshed,  // the viewer asked for it: its current version
};

enum class EndReason {
  crashed,  // the actor, or this viewer's part in it, was ended after failures: join again
  over,     // the actor's life is over
};

class Outbox {
 public:
  virtual ~Outbox() = default;

  // The first of all: the actor has taken the viewer in, or has not and nothing follows.
  virtual void joined() = 0;
  virtual void refused(std::string_view payload) = 0;
  virtual void state(std::string_view state, StateReason reason) = 0;
  // A turn's change of the state, "[]" when there is none. Raises the viewer's version.
  virtual void patch(std::string_view patch) = 0;
  // A custom event.
  virtual void push(std::string_view name, std::string_view detail) = 0;
  // An `error` event's payload.
  virtual void error(std::string_view payload) = 0;
  // What came of the viewer's call that carried this reference.
  virtual void called(std::string_view ref, const Answer& answer) = 0;
  // One of this viewer's own events, calls or refreshes has been answered.
  virtual void answered() = 0;
  // The last of all.
  virtual void ended(EndReason reason) = 0;
};

}  // namespace troupe::actor
