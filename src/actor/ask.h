// A question from outside that is answered once: a call or an event over HTTP, an operator's order.
//
// Shared by who asks and by the message that carries it. Asked from the shard it names, on which
// `answer` is called, exactly once. A message that is destroyed unhandled (the server ends) is
// never answered.
#pragma once

#include "actor/effects.h"
#include "guest/outcome.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actor {

enum class Verdict {
  done,
  error,        // the guest reported an error
  failed,       // trap, timeout, out of memory, unusable output: `ending` says which
  missing,      // there is no such actor, function or event
  refused,      // the plugin's behaviour does not do that
  conflict,     // what is there stands against it
  busy,         // the mailbox is full
  down,         // the actor has failed too often; try again after `retry_ms`
  unavailable,  // the journal cannot take it, or cannot give the actor; as above
};

struct Answer {
  Verdict verdict = Verdict::done;
  guest::Ending ending = guest::Ending::done;
  std::string message;        // when not done: what the one who asks may read
  std::string output;         // of a call its bytes; of `show` JSON
  std::uint64_t turn = 0;     // the actor's turn that answers
  std::string state;          // of an event: the state after it, JSON text
  std::vector<Push> replies;  // of an event: what the plugin replied
  std::int64_t retry_ms = 0;
};

struct Ask {
  std::size_t shard;
  std::function<void(Answer)> answer;
};

using AskPtr = std::shared_ptr<const Ask>;

// How an answer that is not `done` is called where people and programs read it: "error", "trap",
// "timeout", "oom", "output", "missing", "refused", "conflict", "busy", "down",
// "unavailable".
std::string_view type_of(const Answer& answer);

// `{"type":...,"message":...}`: what a client gets as an `error` event, or as the answer to a call.
std::string error_payload(std::string_view type, std::string_view message);

}  // namespace troupe::actor
