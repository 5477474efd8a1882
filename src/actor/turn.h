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
#include "journal/record.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
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
  ~Turn() override;

  // Calls the export and takes what it returns: of a `live_state` plugin, which is given [payload,
  // state] (`init` nothing, or [params]), the new state; of a `call` plugin, which is given the
  // payload as it is, bytes. When the turn has not committed the actor is as before. `now_ns`: the
  // actor's clock, just read.
  Task<guest::Outcome> run(std::string_view function,
                           std::string_view payload,
                           std::int64_t now_ns,
                           const journal::InputId& id = {});

  bool committed() const { return committed_; }
  // The journal did not take it, or has lost a turn before it: the actor is to go back, and this
  // has never been.
  bool lost() const { return lost_; }
  // The turn failed before its function was called: there was no instance to call it on.
  bool failed_to_wake() const { return failed_to_wake_; }
  // What changed, an RFC 6902 text; empty when there is no state. Valid until the next turn on this
  // shard.
  std::string_view patch() const { return patch_; }
  const Effects& effects() const { return effects_; }
  // When it began, after a wake.
  std::int64_t time_ns() const { return inputs_.time_ns; }
  // How many messages the actor had sent before this turn's.
  std::uint64_t sent_before() const { return sent_before_; }
  // What a call returned.
  std::string_view output() const { return output_; }

 private:
  Result<std::string> call(std::string_view function, std::string_view input) override;
  void answered(journal::HttpAnswer answer) override;
  Task<bool> may_leave() override;
  void log(guest::LogLevel level, std::string_view text) override;

  void begin(std::string_view function,
             std::string_view payload,
             std::int64_t now_ns,
             const journal::InputId& id);
  void end(const guest::Outcome& outcome);
  void record();
  std::string self() const;

  Actor& actor_;
  const Viewer* const caller_;
  std::unique_ptr<journal::Record> record_;  // lent
  guest::TurnInputs inputs_;
  Effects effects_;
  std::string_view patch_;
  std::string output_;
  std::uint64_t sent_before_ = 0;
  bool committed_ = false;
  bool lost_ = false;
  bool failed_to_wake_ = false;
};

// What a turn and its repetition have in common.

// The input of an export: what the plugin's behaviour makes of the payload. Borrows from both.
struct Pieces {
  std::array<std::string_view, 5> array;
  std::size_t count = 0;

  operator std::span<const std::string_view>() const { return std::span(array).first(count); }
};
Pieces pieces_of(const Actor& actor, std::string_view payload);
// Makes the output of a call the new state. Otherwise than done: it cannot be one.
guest::Outcome take_state(Actor& actor, const guest::Outcome& called, std::string_view* patch);
// What a record says about the outcome of its turn.
journal::TurnResult result_of(guest::Ending ending);
journal::Hash hash_of(std::string_view state,
                      std::string_view output,
                      std::string_view reason,
                      const Effects& effects);

}  // namespace troupe::actor
