#include "actor/turn.h"

#include "actor/actor.h"
#include "actor/actors.h"
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sodium.h>
#include <utility>
#include <vector>

namespace troupe::actor {

namespace {

using guest::Ending;
using guest::Outcome;

// The hash tells replays apart from what was recorded; it guards nothing, so its key is no secret.
constexpr std::array<unsigned char, crypto_shorthash_siphashx24_KEYBYTES> hash_key{};

// The call went as it did, but ends otherwise.
Outcome ended(const Outcome& called, Ending ending, std::string message = {}) {
  return {.ending = ending,
          .message = std::move(message),
          .drew_random = called.drew_random,
          .clock_ns = called.clock_ns,
          .ran = called.ran};
}

journal::Hash hash_of(std::string_view text) {
  journal::Hash hash;
  crypto_shorthash_siphashx24(hash.data(),
                              reinterpret_cast<const unsigned char*>(text.data()),
                              text.size(),
                              hash_key.data());
  return hash;
}

bool is_drawn(const journal::InputId& id) {
  return id != journal::InputId{};
}

}  // namespace

Turn::Turn(Actor& actor, const Viewer* caller)
    : actor_(actor),
      caller_(caller),
      record_(actor.actors_.lend_record()),
      effects_(actor.version().bounds.effects_max, actor.version().bounds.effects_bytes_max) {}

Turn::~Turn() {
  actor_.actors_.take_back(std::move(record_));
}

// The whole trip of an event, from the mailbox to what its viewers will see.
Task<Outcome> Turn::run(std::string_view function,
                        std::string_view payload,
                        std::int64_t now_ns,
                        const journal::InputId& id) {
  Outcome outcome;
  if (!actor_.is_ready()) {
    outcome = co_await actor_.wake();  // guest: as the last turn left it
    now_ns = actor_.actors_.clock().now_ns();
  }
  begin(function, payload, now_ns, id);  // the record: input, time, seed
  failed_to_wake_ = outcome.ending != Ending::done;
  if (!failed_to_wake_) {
    // Here the instance is as the last commit left it; where turns fail, their end leaves none.
    if (actor_.history_.has_many_undone()) actor_.checkpoint();
    const Pieces pieces = pieces_of(actor_, payload);
    outcome = co_await actor_.instance_->call(  // guest: the export, under its limits
        function,
        pieces,
        inputs_,
        actor_.vars_,
        *this);
    actor_.plugin_.counters.reach(outcome);
  }
  const bool has_ended = outcome.ending == Ending::done || outcome.ending == Ending::error;
  if (has_ended) {
    actor_.find_hearers(effects_);
    if (std::string why = actor_.outbox_refusal(effects_); !why.empty()) {
      actor_.plugin_.counters.reach(Limit::outbox);
      outcome = ended(outcome, Ending::output, std::move(why));
    }
  }
  if (outcome.ending == Ending::done && !actor_.is_call()) {
    outcome = take_state(actor_, outcome, &patch_);  // state: canonical text, and the patch
  }
  end(outcome);  // the journal's record; who called shows patch and effects
  co_return outcome;
}

void Turn::begin(std::string_view function,
                 std::string_view payload,
                 std::int64_t now_ns,
                 const journal::InputId& id) {
  // A turn's time is never before the last one that was given out.
  inputs_.time_ns = std::max(now_ns, actor_.last_time_ns_ + 1);
  actor_.actors_.random().fill(inputs_.seed);

  record_->turn = actor_.turns_ + 1;
  record_->kind = actor_.is_call() || actor_.state_ ? journal::Kind::turn : journal::Kind::init;
  record_->start_up = {};
  if (!actor_.history_.has_turns() && actor_.history_.is_complete()) {
    record_->start_up = actor_.history_.start_up();
  }
  if (is_drawn(id)) {
    record_->input_id = id;
  } else {
    actor_.actors_.random().fill(record_->input_id);
  }
  record_->function = function;
  record_->input = payload;
  record_->time_ns = inputs_.time_ns;
  record_->seed = inputs_.seed;
  if (actor_.journaled_) record_->code = actor_.code();
  record_->answers.clear();
  record_->reason.clear();

  inputs_.name = {record_->input_id, actor_.incarnation_, record_->turn};
}

void Turn::end(const Outcome& outcome) {
  // An error of a `call` plugin is an answer like another; elsewhere it undoes the turn.
  committed_ = outcome.ending == Ending::done ||
               (outcome.ending == Ending::error && actor_.is_call() && !failed_to_wake_);
  actor_.last_time_ns_ = std::max(inputs_.time_ns, outcome.clock_ns);
  record_->last_time_ns = actor_.last_time_ns_;
  if (!outcome.drew_random) record_->seed = {};  // of no use, and incompressible
  record_->result = result_of(outcome.ending);
  record_->committed = committed_;
  record_->reason = outcome.message;
  record_->outcome = {};
  if (committed_) {
    if (actor_.is_call()) output_ = outcome.output;
    record_->outcome =
        hash_of(actor_.state_ ? std::string_view(actor_.state_->text()) : std::string_view(),
                output_,
                outcome.message,
                effects_);
  }
  record();
  if (!committed_) {
    if (actor_.journaled_ && !lost_) actor_.history_.undone(*record_);
    actor_.undo(outcome.guest_ran);
    return;
  }
  actor_.vars_.commit();
  actor_.history_.keep(*record_, outcome.ran);
  if (actor_.instance_->spent()) {
    // A program that has come to its end: what it had in memory ends with it.
    actor_.forget_memory();
  } else if (actor_.history_.is_checkpoint_due()) {
    actor_.checkpoint();
    // The journal is not to gather more turns than loading the actor may repeat.
    if (actor_.journaled_ && !actor_.history_.is_complete()) actor_.give_up_past();
  }
}

// The turn's record is on its way to the journal; timers and subscriptions are as the turn wants
// them.
void Turn::record() {
  sent_before_ = actor_.sent_;
  const bool has_deeds = committed_ && !effects_.deeds().empty();
  Actor::Plan plan;
  if (has_deeds) plan = actor_.plan(effects_);
  if (actor_.journaled_) {
    // What cannot be run again is committed whole: a program that has come to its end, and what has
    // folders of the host.
    const bool whole = committed_ && (actor_.instance_->spent() ||
                                      !actor_.version_->environment.allowed_paths.empty());
    lost_ = actor_.is_lost() || !actor_.write(*record_, plan, whole);
    if (lost_) {
      committed_ = false;
      return;
    }
  }
  // A first state that did not come about is no turn of anybody's.
  if (committed_ || record_->kind != journal::Kind::init) actor_.turns_ = record_->turn;
  if (has_deeds) {
    actor_.sent_ += plan.sends;
    actor_.apply(plan.changes);
  }
}

Pieces pieces_of(const Actor& actor, std::string_view payload) {
  if (actor.is_call()) return {{payload}, 1};
  if (actor.state_) return {{"[", payload, ",", actor.state_->text(), "]"}, 5};
  if (!payload.empty()) return {{"[", payload, "]"}, 3};
  return {};
}

Outcome take_state(Actor& actor, const Outcome& called, std::string_view* patch) {
  const auto unusable = [&called](std::string message) {
    return ended(called, Ending::output, std::move(message));
  };
  const std::string_view output = called.output;
  const std::size_t bytes_max = actor.version_->bounds.state_bytes_max;
  if (output.size() > bytes_max) {
    actor.plugin_.counters.reach(Limit::state);
    return unusable(fmt::format(
        "the new state has {} bytes, more than the {} allowed", output.size(), bytes_max));
  }
  if (output.empty()) return unusable("the handler returned nothing; it must return the new state");

  state::Differ& differ = actor.actors_.differ();
  auto next = state::Canonical::read(output);
  if (next.has_error()) {
    return unusable(fmt::format("the handler returned no JSON: {}", next.error().message));
  }
  if (!next->root().is_object()) {
    return unusable(fmt::format("the handler returned {}; the state must be an object",
                                json::describe(next->root().kind())));
  }
  if (actor.state_ && patch != nullptr) *patch = differ.diff(*actor.state_, *next);
  actor.state_ = std::move(*next);
  return ended(called, Ending::done);
}

journal::TurnResult result_of(Ending ending) {
  switch (ending) {
    case Ending::done:
      return journal::TurnResult::done;
    case Ending::error:
      return journal::TurnResult::error;
    default:
      return journal::TurnResult::failed;
  }
}

journal::Hash hash_of(std::string_view state,
                      std::string_view output,
                      std::string_view reason,
                      const Effects& effects) {
  if (output.empty() && reason.empty() && effects.empty()) return hash_of(state);
  // Each part with its length, so that no two outcomes give the same bytes.
  std::string all;
  const auto add = [&](std::string_view part) {
    all += std::to_string(part.size());
    all += ':';
    all += part;
  };
  for (const std::string_view part : {state, output, reason}) add(part);
  for (const Push& push : effects.pushes()) {
    add(push.to_all ? "broadcast" : "reply");
    add(push.name);
    add(push.detail);
  }
  for (const Deed& deed : effects.deeds()) {
    add(std::to_string(static_cast<int>(deed.kind)));
    add(deed.target);
    add(deed.event);
    add(deed.payload);
    add(std::to_string(deed.after.count()));
  }
  return hash_of(all);
}

Result<std::string> Turn::call(std::string_view function, std::string_view input) {
  if (function != "self") {
    if (auto added = effects_.add(function, input); added.has_error()) {
      if (effects_.is_full()) actor_.plugin_.counters.reach(Limit::effects);
      return std::move(added).error();
    }
    return std::string();
  }
  std::string answer = self();
  record_->answers.emplace_back(answer);
  return answer;
}

void Turn::answered(journal::HttpAnswer answer) {
  record_->answers.emplace_back(std::move(answer));
}

// Not before all that this turn rests on is durable.
Task<bool> Turn::may_leave() {
  const bool opened = co_await actor_.exit_.opened();
  co_return opened;
}

void Turn::log(guest::LogLevel level, std::string_view text) {
  actor_.plugin_.write_log(actor_.actors_.log(),
                           actor_.actors_.clock().now_ns(),
                           level,
                           fmt::format("{} turn {}", actor_.address_.text(), actor_.turns_ + 1),
                           text);
}

std::string Turn::self() const {
  std::string json = "{\"address\":";
  json::quote(json, actor_.address_.text());
  json += ",\"version\":";
  json::quote(json, actor_.version_->module->content_hash());
  if (caller_ != nullptr) {
    json += ",\"viewer\":{\"id\":";
    json::quote(json, caller_->id);
    json += "},\"topic\":";
    json::quote(json, caller_->topic);
    json += ",\"params\":";
    json += caller_->params;
  }
  json += '}';
  return json;
}

}  // namespace troupe::actor
