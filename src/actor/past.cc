// The past of an actor put to use: to look at, to go back to, to begin another from.
#include "actor/actor.h"
#include "actor/actors.h"
#include "actor/gate.h"
#include "actor/system.h"
#include "shard/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace troupe::actor {

using guest::Ending;
using guest::Outcome;

Task<Result<journal::Past>> Actor::read_past(std::string address,
                                             std::optional<std::uint64_t> at_turn) {
  shard::Reply<Result<std::optional<journal::Past>>> reply;
  std::optional<journal::At> at;
  if (at_turn) at = {journal::At::Kind::turn, *at_turn};
  actors_.gate()->journal().load(address, at, reply.taker(actors_.shard()));
  Result<std::optional<journal::Past>> past = co_await reply;
  if (past.has_error()) co_return std::move(past).error();
  if (!*past || (*past)->ended) co_return Error{fmt::format("there is no actor {}", address)};
  co_return **std::move(past);
}

// After its turns have been repeated: a checkpoint with the memory they have led to, where that can
// be captured. The journal gets it with the mark that follows, not under the number of the last
// entry, whose turn may be another.
Task<Result<>> Actor::take_memory() {
  if (!history_.has_turns()) co_return Result<>();
  if (!instance_) {
    Task<Outcome> reviving = revive();
    const Outcome outcome = co_await std::move(reviving);
    if (outcome.ending != Ending::done) co_return Error{outcome.message};
  }
  capture();
  if (history_.has_turns()) forget_memory();
  co_return Result<>();
}

// The actor is as something was in the past: an entry with a checkpoint says so.
bool Actor::mark_copy(journal::Kind kind, journal::Moment source, Plan plan) {
  last_time_ns_ = std::max(actors_.clock().now_ns(), last_time_ns_ + 1);
  journal::Record record;
  record.kind = kind;
  record.turn = turns_;
  record.time_ns = record.last_time_ns = last_time_ns_;
  record.code = code();
  record.committed = true;
  record.source = std::move(source);
  if (!write(record, plan, true)) return false;
  apply(plan.changes);
  return true;
}

Task<> Actor::rewind(const Message& message) {
  if (!journaled_ || !journaled_->begun) {
    refuse(message, Verdict::refused, "the journal keeps no history of this actor");
    co_return;
  }
  // The journal is asked what was; all there is must be in it.
  const bool opened = co_await all_told();
  if (!opened) {
    refuse(message, Verdict::unavailable, "the journal could not be written; try again");
    co_return;
  }
  Task<Result<journal::Past>> reading = read_past(address_.text(), message.generation);
  Result<journal::Past> past = co_await std::move(reading);
  if (past.has_error()) {
    refuse(message, Verdict::missing, past.error().message);
    co_return;
  }
  const std::uint64_t turns = turns_;
  const std::int64_t last_time_ns = last_time_ns_;
  const std::uint64_t generation = timer_generation_;
  const std::vector<journal::Timer> timers = past->timers;
  journal::Moment source{address_.text(), incarnation_, message.generation};
  drop_instance();
  history_ = {};
  state_.reset();
  vars_ = {};
  version_.reset();
  Task<Result<>> repeating = repeat_past(*std::move(past));
  Result<> repeated = co_await std::move(repeating);
  if (repeated) {
    Task<Result<>> taking = take_memory();
    repeated = co_await std::move(taking);
  }
  turns_ = turns;
  last_time_ns_ = last_time_ns;
  timer_generation_ = std::max(generation, timer_generation_);
  if (repeated.has_error()) {
    // It is neither what it was nor what it should be: the journal knows better.
    journaled_->lost = true;
    refuse(message, Verdict::failed, "it is as it was: " + repeated.error().message);
    co_return;
  }
  Plan plan;
  for (journal::Timer timer : timers) {
    timer.generation = ++timer_generation_;
    plan.changes.timers_set.push_back(std::move(timer));
  }
  for (const auto& [name, timer] : timers_) {
    const auto has_name = [&](const journal::Timer& other) { return other.name == name; };
    if (std::ranges::none_of(timers, has_name)) plan.changes.timers_cancelled.push_back(name);
  }
  if (!mark_copy(journal::Kind::rewind, std::move(source), std::move(plan))) {
    refuse(message, Verdict::unavailable, "the journal could not be written; try again");
    co_return;
  }
  if (state_) audience_.show_start({}, state_->text(), nullptr);
  if (message.ask) answer(message.ask, {.output = description(), .turn = turns_});
}

Task<> Actor::fork(const Message& message) {
  const auto source = Address::read(message.name);
  if (!journaled_ || journaled_->begun || turns_ != 0 || !source ||
      source->plugin() != address_.plugin()) {
    const bool is_there = journaled_ && (journaled_->begun || turns_ != 0);
    refuse(message,
           is_there ? Verdict::conflict : Verdict::refused,
           !journaled_ ? "the journal keeps no actors of this plugin"
           : is_there
               ? fmt::format("there is an actor {} already", address_.text())
               : fmt::format("only an actor of the plugin {} can be copied", address_.plugin()));
    co_return;
  }
  Task<Result<journal::Past>> reading = read_past(
      message.name, message.generation == 0 ? std::nullopt : std::optional(message.generation));
  Result<journal::Past> past = co_await std::move(reading);
  if (past.has_error()) {
    refuse(message, Verdict::missing, past.error().message);
    co_return;
  }
  journal::Moment moment{message.name, past->last.incarnation, past->turn};
  Task<Result<>> repeating = repeat_past(*std::move(past));
  Result<> repeated = co_await std::move(repeating);
  if (repeated) {
    Task<Result<>> taking = take_memory();
    repeated = co_await std::move(taking);
  }
  // A life of its own, without timers, subscriptions and messages.
  turns_ = 0;
  timer_generation_ = 0;
  if (repeated.has_error() || !mark_copy(journal::Kind::fork, std::move(moment), {})) {
    journaled_->lost = true;
    refuse(message,
           repeated.has_error() ? Verdict::failed : Verdict::unavailable,
           repeated.has_error() ? repeated.error().message
                                : "the journal could not be written; try again");
    co_return;
  }
  if (state_) audience_.show_start({}, state_->text(), nullptr);
  if (message.ask) answer(message.ask, {.output = description(), .turn = turns_});
}

Task<Result<>> Actor::resemble(journal::Past past) {
  for (const journal::Timer& timer : past.timers) {
    timers_.insert_or_assign(timer.name,
                             Timer{.event = timer.event,
                                   .payload = timer.payload,
                                   .due_ns = timer.due_ns,
                                   .generation = timer.generation});
  }
  topics_.insert(past.topics.begin(), past.topics.end());
  if (!is_call()) {
    Task<Result<>> repeating = repeat_past(std::move(past));
    Result<> repeated = co_await std::move(repeating);
    drop_instance();
    co_return repeated;
  }
  // What a `call` plugin knows is in its memory, which nobody is shown.
  Candidates candidates;
  Task<Result<>> recalling = recall(std::move(past), candidates);
  Result<> recalled = co_await std::move(recalling);
  if (recalled.has_error() || !history_.has_turns()) co_return recalled;
  version_ = co_await next_candidate(candidates);
  if (!version_) co_return Error{candidates.why_no_more};
  co_return Result<>();
}

// What an actor is or was at the end of a turn, made anew beside it and thrown away: nothing wakes.
Task<> Actors::end_unloaded(Address address, AskPtr ask) {
  const auto tell = [this, ask, key = address.text()](Answer told) {
    burials_.erase(key);
    if (ask) answer(ask, std::move(told));
  };
  const auto refuse = [tell](std::string why) {
    tell({.verdict = Verdict::unavailable, .message = std::move(why)});
  };
  shard::Reply<Result<std::vector<journal::ActorLine>>> reply;
  gate_->journal().list(address.text(), {}, 1, reply.taker(shard()));
  const Result<std::vector<journal::ActorLine>> found = co_await reply;
  if (found.has_error()) {
    refuse(found.error().message);
    co_return;
  }
  if (found->empty() || found->front().address != address.text() || found->front().ended) {
    tell({.verdict = Verdict::missing,
          .message = fmt::format("there is no actor {}", address.text())});
    co_return;
  }
  const journal::ActorLine& last = found->front();
  journal::Record record{.turn = last.turn, .kind = journal::Kind::end};
  record.time_ns = record.last_time_ns = clock_.now_ns();
  record.committed = true;
  const journal::Appended appended =
      gate_->append(nullptr, {address.text(), last.incarnation, last.number + 1}, record, {}, {});
  if (!appended) {
    refuse(std::string(journal::text_of(appended.refusal)));
    co_return;
  }
  gate_->hold(
      appended.ticket,
      [this, address, tell, turn = last.turn] {
        system_.subscriptions().remove_all(address.text());
        log_.warn(
            "[{}] has ended without being loaded: what its plugin does at the end was not run",
            address.text());
        tell({.turn = turn});
      },
      [refuse] { refuse("the journal could not be written; try again"); });
}

Task<> Actors::look_back(Address address, std::optional<std::uint64_t> turn, AskPtr ask) {
  Plugin* plugin = find_plugin(address.plugin());
  if (plugin == nullptr || !gate_) {
    answer(
        ask,
        {.verdict = Verdict::missing,
         .message = plugin == nullptr ? fmt::format("there is no plugin \"{}\"", address.plugin())
                                      : "this server keeps no history"});
    co_return;
  }
  shard::Reply<Result<std::optional<journal::Past>>> reply;
  std::optional<journal::At> at;
  if (turn) at = {journal::At::Kind::turn, *turn};
  gate_->journal().load(address.text(), at, reply.taker(shard()));
  Result<std::optional<journal::Past>> past = co_await reply;
  if (past.has_error()) {
    // A turn there has not been, or a journal that cannot be read.
    answer(ask,
           {.verdict = turn ? Verdict::missing : Verdict::unavailable,
            .message = past.error().message});
    co_return;
  }
  if (!*past || (*past)->ended) {
    answer(ask,
           {.verdict = Verdict::missing,
            .message = fmt::format("there is no actor {}", address.text())});
    co_return;
  }
  const std::uint64_t shown = (*past)->turn;
  Actor shade(*this, *plugin, address, Belongs::to_nobody);
  Task<Result<>> resembling = shade.resemble(**std::move(past));
  const Result<> resembled = co_await std::move(resembling);
  if (resembled.has_error()) {
    answer(ask,
           {.verdict = Verdict::unavailable,
            .message = "the actor cannot be loaded: " + resembled.error().message});
    co_return;
  }
  answer(ask, {.output = shade.description(), .turn = shown});
}

}  // namespace troupe::actor
