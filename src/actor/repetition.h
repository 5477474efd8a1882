// A turn of the past, run once more from its record, with its effects off.
//
// Lives on the actor's shard for the length of one turn. Used by the one way back (way_back.cc) and
// by replay (replay.cc).
#pragma once

#include "actor/effects.h"
#include "actor/replay.h"
#include "base/result.h"
#include "base/task.h"
#include "guest/host.h"
#include "guest/outcome.h"
#include "journal/record.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::actor {

class Actor;

class Repetition final : public guest::Host {
 public:
  // What differs where the record has only a hash.
  static constexpr std::string_view hash_name = "the hash of state, output and effects";

  // Of an actor that has an instance.
  Repetition(Actor& actor, const journal::Record& record);

  // What came of it. The actor's state is the new one when all went well; what becomes of its
  // variables and its memory is for the caller to settle.
  Task<guest::Outcome> run();

  // Whether the turn would commit with this outcome.
  bool commits(const guest::Outcome& outcome) const;
  // From what the record says; nothing when it is the same. Of a turn that failed both times
  // nothing is compared.
  std::optional<Difference> difference(const guest::Outcome& outcome) const;
  // The record of a turn that came to this.
  journal::Record renewed(const guest::Outcome& outcome) const;
  // It asked for something that had no answer then, and so has none now: what it did after that
  // has no meaning.
  bool is_lost() const { return !unknown_.empty(); }
  const Effects& effects() const { return effects_; }
  // What the guest logged: it was said aloud the first time. The first said_bytes_max.
  const std::string& said() const { return said_; }
  static constexpr std::size_t said_bytes_max = 8192;

 private:
  journal::Hash hash(const guest::Outcome& outcome) const;
  Result<std::string> call(std::string_view function, std::string_view input) override;
  std::optional<journal::HttpAnswer> recorded_answer() override;
  void log(guest::LogLevel level, std::string_view text) override;
  template <class Kind>
  const Kind* next_answer(std::string_view request);

  Actor& actor_;
  const journal::Record& record_;
  Effects effects_;
  std::size_t answers_used_ = 0;
  std::string said_;
  std::string unknown_;  // the first request without an answer
};

// What a record says about the result of its turn: "failed: wasm trap: ...".
std::string result_text(const journal::Record& record);
std::string result_text(const guest::Outcome& outcome);

}  // namespace troupe::actor
