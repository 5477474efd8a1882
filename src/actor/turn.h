// One message handled by the guest: it commits whole or leaves no trace.
//
// A turn takes the trip of an event in one function, run(). All it reads from outside the actor
// stands in its record: the input with its id, one time, one seed, the answers of host functions.
// Lives on the actor's shard for the length of one turn.
#pragma once

#include "actor/effects.h"
#include "actor/viewer.h"
#include "base/task.h"
#include "guest/host.h"
#include "guest/outcome.h"
#include "guest/turn_inputs.h"

#include <string>
#include <string_view>

namespace troupe::actor {

class Actor;

class Turn final : public guest::Host {
 public:
  // caller: whose event this is; null when nobody's.
  Turn(Actor& actor, const Viewer* caller);
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Calls the export with [payload, state] (`init` with nothing, or [params]) and takes what it
  // returns as the new state. done: the turn has committed and patch() and effects() are to be
  // shown. Otherwise the actor is as before.
  Task<guest::Outcome> run(std::string_view function, std::string_view payload);

  // What changed, an RFC 6902 text; valid until the next turn on this shard.
  std::string_view patch() const { return patch_; }
  const Effects& effects() const { return effects_; }

 private:
  Result<std::string> call(std::string_view function, std::string_view input) override;
  void log(guest::LogLevel level, std::string_view text) override;

  void begin(std::string_view function, std::string_view payload);
  Task<guest::Outcome> wake();
  guest::Outcome take_state(std::string_view output);
  void commit();
  void undo(const guest::Outcome& outcome);
  std::string self() const;

  Actor& actor_;
  const Viewer* const caller_;
  guest::TurnInputs inputs_;
  Effects effects_;
  std::string_view patch_;
};

}  // namespace troupe::actor
