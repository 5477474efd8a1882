#include "actor/repetition.h"

#include "actor/actor.h"
#include "actor/turn.h"
#include "base/hex.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace troupe::actor {

namespace {

using guest::Ending;
using guest::Outcome;

std::string result_text(journal::TurnResult result, std::string_view reason) {
  return reason.empty() ? std::string(journal::name_of(result))
                        : fmt::format("{}: {}", journal::name_of(result), reason);
}

}  // namespace

std::string Difference::text() const {
  return fmt::format("{}: expected {}, got {}", what, expected, got);
}

std::string result_text(const journal::Record& record) {
  return result_text(record.result, record.reason);
}

std::string result_text(const Outcome& outcome) {
  return result_text(result_of(outcome.ending), outcome.message);
}

Repetition::Repetition(Actor& actor, const journal::Record& record)
    : actor_(actor),
      record_(record),
      effects_(actor.version().bounds.effects_max, actor.version().bounds.effects_bytes_max) {}

Task<Outcome> Repetition::run() {
  const guest::TurnInputs inputs{.time_ns = record_.time_ns, .seed = record_.seed};
  const Pieces pieces = pieces_of(actor_, record_.input);
  Outcome outcome =
      co_await actor_.instance_->call(record_.function, pieces, inputs, actor_.vars_, *this);
  if (outcome.ending == Ending::done && !actor_.is_call()) {
    outcome = take_state(actor_, outcome, nullptr);
  }
  co_return outcome;
}

bool Repetition::commits(const Outcome& outcome) const {
  return outcome.ending == Ending::done || (outcome.ending == Ending::error && actor_.is_call());
}

std::optional<Difference> Repetition::difference(const Outcome& outcome) const {
  if (!record_.committed && (is_lost() || !commits(outcome))) return std::nullopt;
  if (is_lost()) return Difference{"a request", "none", unknown_};
  if (record_.committed != commits(outcome) || result_of(outcome.ending) != record_.result) {
    return Difference{"the result", actor::result_text(record_), actor::result_text(outcome)};
  }
  if (answers_used_ != record_.answers.size()) {
    return Difference{"the answers of host functions that were taken",
                      std::to_string(record_.answers.size()),
                      std::to_string(answers_used_)};
  }
  const journal::Hash hash = this->hash(outcome);
  if (hash == record_.outcome) return std::nullopt;
  return Difference{std::string(hash_name), hex(record_.outcome), hex(hash)};
}

journal::Hash Repetition::hash(const Outcome& outcome) const {
  return hash_of(actor_.state_ ? std::string_view(actor_.state_->text()) : std::string_view(),
                 actor_.is_call() ? outcome.output : std::string_view(),
                 outcome.message,
                 effects_);
}

journal::Record Repetition::renewed(const Outcome& outcome) const {
  journal::Record record = record_;
  record.answers.resize(answers_used_);
  record.result = result_of(outcome.ending);
  record.committed = true;
  record.reason = outcome.message;
  record.outcome = hash(outcome);
  return record;
}

Result<std::string> Repetition::call(std::string_view function, std::string_view input) {
  if (function != "self") {
    if (auto added = effects_.add(function, input); added.has_error()) {
      return std::move(added).error();
    }
    return std::string();
  }
  const auto* answer = next_answer<std::string>("a call of troupe_self");
  if (answer == nullptr) return Error{"troupe_self was not called then"};
  return *answer;
}

std::optional<journal::HttpAnswer> Repetition::recorded_answer() {
  if (const auto* answer = next_answer<journal::HttpAnswer>("an HTTP request")) return *answer;
  return journal::HttpAnswer{.error = "this request was not made then"};
}

void Repetition::log(guest::LogLevel, std::string_view text) {
  const std::size_t room = said_bytes_max - std::min(said_bytes_max, said_.size());
  if (room == 0) return;
  if (!said_.empty()) said_ += '\n';
  said_ += text.substr(0, room);
}

// Null when another kind of answer was given then, or none.
template <class Kind>
const Kind* Repetition::next_answer(std::string_view request) {
  const Kind* answer = answers_used_ == record_.answers.size()
                           ? nullptr
                           : std::get_if<Kind>(&record_.answers[answers_used_++]);
  if (answer == nullptr && unknown_.empty()) unknown_ = request;
  return answer;
}

}  // namespace troupe::actor
