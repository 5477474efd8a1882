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
constexpr std::array<unsigned char, crypto_shorthash_siphashx24_KEYBYTES> state_hash_key{};

Outcome unusable(std::string message) {
  return {Ending::output, {}, std::move(message), {}};
}

journal::Result result_of(Ending ending) {
  switch (ending) {
    case Ending::done:
      return journal::Result::done;
    case Ending::error:
      return journal::Result::error;
    default:
      return journal::Result::failed;
  }
}

}  // namespace

Turn::Turn(Actor& actor, const Viewer* caller)
    : actor_(actor),
      caller_(caller),
      effects_(actor.plugin_.version->bounds.effects_max,
               actor.plugin_.version->bounds.effects_bytes_max) {}

// The whole trip of an event, from the mailbox to what its viewers will see.
Task<Outcome> Turn::run(std::string_view function, std::string_view payload) {
  begin(function, payload);           // the record: input, time, seed
  Outcome outcome = co_await wake();  // guest: an instance of the current code
  if (outcome.ending == Ending::done) {
    std::array<std::string_view, 5> pieces;
    std::size_t count = 0;
    if (actor_.state_) {
      pieces = {"[", payload, ",", actor_.state_->text(), "]"};
      count = pieces.size();
    } else if (!payload.empty()) {
      pieces = {"[", payload, "]"};
      count = 3;
    }
    outcome = co_await actor_.instance_->call(  // guest: the export itself, under its limits
        function,
        std::span(pieces).first(count),
        inputs_,
        actor_.vars_,
        *this);
  }
  if (outcome.ending == Ending::done) {
    outcome = take_state(outcome.output);  // state: canonical text, and the patch to it
  }
  if (outcome.ending == Ending::done) {
    if (actor_.instance_->spent()) actor_.sleep();
    commit();  // the journal's record; the caller shows patch and effects
  } else {
    undo(outcome);
  }
  co_return outcome;
}

void Turn::begin(std::string_view function, std::string_view payload) {
  // A turn's time is never before the last one that was given out.
  inputs_.time_ns = std::max(actor_.actors_.clock().now_ns(), actor_.last_time_ns_ + 1);
  actor_.actors_.random().fill(inputs_.seed);

  journal::Record& record = actor_.record_;
  record.turn = actor_.turns_ + 1;
  actor_.actors_.random().fill(record.input_id);
  record.function = function;
  record.input = payload;
  record.time_ns = inputs_.time_ns;
  record.seed = inputs_.seed;
  record.answers.clear();
  record.reason.clear();
}

Task<Outcome> Turn::wake() {
  const std::shared_ptr<const PluginVersion> current = actor_.plugin_.version;
  if (actor_.instance_ && actor_.version_ != current) actor_.sleep();
  if (!actor_.instance_) {
    actor_.version_ = current;
    auto [instance, outcome] = co_await guest::Instance::create(actor_.actors_.shard(),
                                                                actor_.plugin_.lane,
                                                                current->module,
                                                                current->environment,
                                                                inputs_,
                                                                *this);
    if (!instance) co_return std::move(outcome);
    actor_.instance_ = std::move(instance);
    actor_.actors_.woke();
  }
  actor_.record_.code = current->module->content_hash();
  co_return Outcome{};
}

Outcome Turn::take_state(std::string_view output) {
  const std::size_t bytes_max = actor_.version_->bounds.state_bytes_max;
  if (output.size() > bytes_max) {
    return unusable(fmt::format(
        "the new state has {} bytes, more than the {} allowed", output.size(), bytes_max));
  }
  if (output.empty()) return unusable("the handler returned nothing; it must return the new state");

  state::Differ& differ = actor_.actors_.differ();
  auto next = state::Canonical::read(output);
  if (next.has_error()) {
    return unusable(fmt::format("the handler returned no JSON: {}", next.error().message));
  }
  if (!next->root().is_object()) {
    return unusable(fmt::format("the handler returned {}; the state must be an object",
                                json::describe(next->root().kind())));
  }
  if (actor_.state_) patch_ = differ.diff(*actor_.state_, *next);
  actor_.state_ = std::move(*next);
  return {};
}

void Turn::commit() {
  actor_.vars_.commit();
  actor_.turns_ = actor_.record_.turn;
  actor_.last_time_ns_ = inputs_.time_ns;
  journal::Record& record = actor_.record_;
  record.result = journal::Result::done;
  const std::string_view text = actor_.state_->text();
  crypto_shorthash_siphashx24(record.state_hash.data(),
                              reinterpret_cast<const unsigned char*>(text.data()),
                              text.size(),
                              state_hash_key.data());
}

void Turn::undo(const Outcome& outcome) {
  actor_.vars_.rollback();
  // The memory may be half changed: the next turn starts from a fresh instance, the vars and the
  // state.
  actor_.sleep();
  actor_.turns_ = actor_.record_.turn;
  actor_.last_time_ns_ = inputs_.time_ns;
  actor_.record_.result = result_of(outcome.ending);
  actor_.record_.reason = outcome.message;
}

Result<std::string> Turn::call(std::string_view function, std::string_view input) {
  Result<std::string> answer = std::string();
  if (function == "self") {
    answer = self();
  } else if (function == "reply" || function == "broadcast") {
    if (auto pushed = effects_.push(function == "broadcast", input); pushed.has_error()) {
      return std::move(pushed).error();
    }
  } else {
    return Error{fmt::format("troupe_{} is not offered by this version of the server", function)};
  }
  actor_.record_.answers.push_back(*answer);
  return answer;
}

void Turn::log(guest::LogLevel level, std::string_view text) {
  actor_.plugin_.write_log(actor_.actors_.log(),
                           inputs_.time_ns,
                           level,
                           fmt::format("{} turn {}", actor_.address_.text(), actor_.record_.turn),
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
