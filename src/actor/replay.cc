#include "actor/replay.h"

#include "actor/actor.h"
#include "actor/actors.h"
#include "actor/gate.h"
#include "actor/repetition.h"
#include "base/json.h"
#include "shard/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <utility>

namespace troupe::actor {

namespace {

using guest::Ending;
using guest::Outcome;

// Of entries that are read at once.
constexpr std::size_t page = 1000;
// How long turns go on before whoever waits for the shard has it.
constexpr std::int64_t slice_ns = 1'000'000;
// Of a text that differs, as it is shown: so much before the place, and so much in all.
constexpr std::size_t shown_before = 80;
constexpr std::size_t shown = 400;

void add_text(std::string& json, std::string_view name, std::string_view text) {
  json += fmt::format(",\"{}\":", name);
  json::quote(json, text);
}

std::string around(std::string_view text, std::size_t place) {
  const std::size_t begin = place > shown_before ? place - shown_before : 0;
  std::string out(begin == 0 ? "" : "...");
  out += text.substr(std::min(begin, text.size()), shown);
  if (begin + shown < text.size()) out += "...";
  return out.empty() ? "nothing" : out;
}

std::string text_of(const Push* push) {
  if (push == nullptr) return {};
  return fmt::format("{} {} {}", push->to_all ? "broadcast" : "reply", push->name, push->detail);
}

std::string text_of(const Deed* deed) {
  if (deed == nullptr) return {};
  constexpr std::array names = {"publish", "subscribe", "send", "call", "timer", "cancel"};
  std::string text =
      fmt::format("{} {}", names[static_cast<std::size_t>(deed->kind)], deed->target);
  for (const std::string& part : {deed->event, deed->payload}) {
    if (!part.empty()) text += ' ' + part;
  }
  if (deed->kind == Deed::Kind::timer) text += fmt::format(" after {} ms", deed->after.count());
  return text;
}

// Why there is nothing to run again, from the last entry of its journal.
std::string why_no_turns(const ReplayOrder& order, const std::vector<journal::Entry>& last) {
  const std::string& address = order.address.text();
  if (last.empty()) return fmt::format("there is no actor {}", address);
  const journal::Record& record = last.front().record;
  if (record.kind == journal::Kind::end) return fmt::format("the actor {} has ended", address);
  if (order.from > record.turn) {
    return fmt::format("the last turn of {} is {}", address, record.turn);
  }
  if (!journal::is_turn(record.kind)) {
    return fmt::format(
        "{} has had no turn since the last entry of its history, which is of the "
        "kind \"{}\"; only those after it can be run again",
        address,
        journal::name_of(record.kind));
  }
  return fmt::format("the last turn of {} is too large to be run again", address);
}

std::optional<Difference> difference(std::string what,
                                     std::string_view expected,
                                     std::string_view got) {
  const auto [one, other] = std::mismatch(expected.begin(), expected.end(), got.begin(), got.end());
  if (one == expected.end() && other == got.end()) return std::nullopt;
  const auto place = static_cast<std::size_t>(one - expected.begin());
  return Difference{std::move(what), around(expected, place), around(got, place)};
}

template <class Effect>
std::optional<Difference> difference(const std::vector<Effect>& expected,
                                     const std::vector<Effect>& got) {
  for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
    const auto at = [i](const std::vector<Effect>& list) {
      return text_of(i < list.size() ? &list[i] : nullptr);
    };
    auto found = difference(fmt::format("effect {}", i + 1), at(expected), at(got));
    if (found) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Difference> difference(const Yield& expected, const Yield& got) {
  auto found = difference("the state", expected.state, got.state);
  if (!found) found = difference("the output", expected.output, got.output);
  if (!found) found = difference("the error", expected.reason, got.reason);
  if (!found) found = difference(expected.pushes, got.pushes);
  if (!found) found = difference(expected.deeds, got.deeds);
  return found;
}

std::string as_json(const Replayed& replayed) {
  std::string json = fmt::format("{{\"first_turn\":{},\"last_turn\":{},\"turns\":{},\"failures\":[",
                                 replayed.first_turn,
                                 replayed.last_turn,
                                 replayed.turns);
  for (const FailedTurn& failure : replayed.failures) {
    if (json.back() != '[') json += ',';
    json += fmt::format("{{\"turn\":{}", failure.turn);
    add_text(json, "function", failure.function);
    add_text(json, "recorded", failure.recorded);
    add_text(json, "now", failure.now);
    add_text(json, "detail", failure.detail);
    json += '}';
  }
  json += "],\"difference\":";
  if (replayed.different_turn == 0) {
    json += "null";
  } else {
    json += fmt::format("{{\"turn\":{}", replayed.different_turn);
    add_text(json, "what", replayed.difference.what);
    add_text(json, "expected", replayed.difference.expected);
    add_text(json, "got", replayed.difference.got);
    json += '}';
  }
  if (!replayed.stopped.empty()) add_text(json, "stopped", replayed.stopped);
  json += ",\"state\":";
  json += replayed.state.empty() ? "null" : replayed.state;
  return json + '}';
}

// An instance for the next turn. It starts as that of then did, where the record tells.
Task<Outcome> Actor::wake_for(const journal::Record& record) {
  if (instance_) co_return Outcome{};
  if (!history_.has_turns()) {
    const bool is_known = record.start_up != journal::StartUp{};
    history_.begin(is_known ? record.start_up
                            : journal::StartUp{.time_ns = record.time_ns, .seed = record.seed});
  }
  co_return co_await revive();
}

// A turn that has been run again is part of what the next ones rest on.
// How long it took now tells nothing about then, and bounds nothing.
void Actor::keep_replayed(journal::Record record) {
  turns_ = record.turn;
  vars_.commit();
  history_.keep(record, {});
  if (instance_->spent()) {
    forget_memory();
  } else if (history_.is_checkpoint_due()) {
    checkpoint();
  }
}

// Runs the turns on an actor that is nobody's, and is what theirs was before them. With other code
// they go on after a difference.
Task<Result<Replayed>> Actor::replay(std::vector<journal::Entry> entries,
                                     ReplayOrder order,
                                     std::int64_t deadline_ns) {
  Replayed replayed;
  const std::uint64_t until = order.until;
  const bool is_other_code = order.version != nullptr;
  std::int64_t slice_end_ns = actors_.clock().now_ns() + slice_ns;
  for (const journal::Entry& entry : entries) {
    if (actors_.clock().now_ns() >= slice_end_ns) {
      co_await actors_.shard().run_queue().yield(plugin_.lane);
      slice_end_ns = actors_.clock().now_ns() + slice_ns;
      if (slice_end_ns > deadline_ns) {
        replayed.stopped =
            fmt::format("it took more than {} s; turn {} and those after it are left",
                        replay_time_max.count(),
                        entry.record.turn);
        break;
      }
    }
    const journal::Record& record = entry.record;
    if (replayed.turns == 0) replayed.first_turn = record.turn;
    replayed.last_turn = record.turn;
    ++replayed.turns;
    const std::string before =
        !record.committed && state_ ? std::string(state_->text()) : std::string();

    // This one will be undone: that is not to repeat all since the last checkpoint.
    if (!record.committed && instance_ && history_.has_turns()) checkpoint();
    Outcome outcome = co_await wake_for(record);
    const bool is_awake = outcome.ending == Ending::done;
    if (!is_awake && record.committed) {
      co_return Error{
          fmt::format("before turn {}: {} {}", record.turn, outcome.message, outcome.detail)};
    }
    Repetition repetition(*this, record);
    if (is_awake) outcome = co_await repetition.run();
    const bool commits = is_awake && !repetition.is_lost() && repetition.commits(outcome);
    std::string now = repetition.is_lost() ? "unknown: it asked for what had no answer then"
                                           : result_text(outcome);
    bool is_different = false;
    if (is_awake && replayed.different_turn == 0) {
      if (auto difference = repetition.difference(outcome)) {
        is_different = true;
        replayed.different_turn = record.turn;
        replayed.difference = *std::move(difference);
      }
    }
    if (is_different || record.turn == until) {
      replayed.yield = {.state = state_ ? std::string(state_->text()) : std::string(),
                        .output = is_call() ? std::string(outcome.output) : std::string(),
                        .reason = outcome.message,
                        .pushes = repetition.effects().pushes(),
                        .deeds = repetition.effects().deeds()};
    }
    if ((!record.committed || !commits) && replayed.failures.size() < Replayed::failures_max) {
      std::string detail = repetition.said();
      if (!detail.empty() && !outcome.detail.empty()) detail += '\n';
      detail += outcome.detail;
      replayed.failures.push_back({.turn = record.turn,
                                   .function = record.function,
                                   .recorded = result_text(record),
                                   .now = now,
                                   .detail = std::move(detail)});
    }
    if (record.committed && repetition.is_lost()) {
      replayed.stopped = fmt::format("turn {} is {}", record.turn, now);
      break;
    }
    // With the code of then, one that failed left no trace for those after it, whatever it does
    // now.
    const bool stays = commits && (record.committed || is_other_code);
    if (stays) {
      keep_replayed(repetition.renewed(outcome));
    } else {
      undo(outcome.guest_ran);
      if (!record.committed) {
        state_.reset();
        if (!before.empty()) {
          CO_TRY(state_, state::Canonical::read(before));
        }
      }
    }
    if (record.turn == until || (is_different && record.committed && !is_other_code)) break;
  }
  if (state_) replayed.state = state_->text();
  co_return replayed;
}

// The turns at the end of an actor's journal, oldest first: those from that one on, after its last
// entry of another kind.
Task<Result<std::vector<journal::Entry>>> Actors::read_turns(std::string address,
                                                             std::uint64_t first) {
  std::vector<journal::Entry> entries;  // the newest first
  std::size_t bytes = 0;
  bool is_last = false;
  while (!is_last) {
    const std::uint64_t from = entries.empty() ? 0 : entries.back().subject.number - 1;
    shard::Reply<Result<std::vector<journal::Entry>>> reply;
    gate_->journal().history(address, from, page, reply.taker(shard()));
    Result<std::vector<journal::Entry>> some = co_await reply;
    if (some.has_error()) co_return std::move(some).error();
    is_last = some->size() < page;
    for (journal::Entry& entry : *some) {
      bytes += sizeof(journal::Entry) + entry.record.bytes();
      const bool belongs =
          journal::is_turn(entry.record.kind) && entry.record.turn >= first &&
          bytes <= replay_read_bytes_max &&
          (entries.empty() || entries.back().subject.incarnation == entry.subject.incarnation);
      is_last = is_last || !belongs || entry.subject.number == 1;
      if (!belongs) break;
      entries.push_back(std::move(entry));
    }
  }
  std::ranges::reverse(entries);
  co_return entries;
}

// On an actor made for it, with that version or with that of the turns.
Task<Result<Replayed>> Actors::replay_turns(ReplayOrder order, std::int64_t deadline_ns) {
  const Address& address = order.address;
  Plugin* plugin = find_plugin(address.plugin());
  if (plugin == nullptr) {
    co_return Replayed{.nothing = fmt::format("there is no plugin \"{}\"", address.plugin())};
  }
  if (!gate_) co_return Replayed{.nothing = "this server keeps no history"};
  Task<Result<std::vector<journal::Entry>>> reading = read_turns(address.text(), order.from);
  Result<std::vector<journal::Entry>> entries = co_await std::move(reading);
  if (entries.has_error()) co_return std::move(entries).error();
  if (entries->empty()) {
    shard::Reply<Result<std::vector<journal::Entry>>> reply;
    gate_->journal().history(address.text(), 0, 1, reply.taker(shard()));
    const Result<std::vector<journal::Entry>> last = co_await reply;
    if (last.has_error()) co_return last.error();
    co_return Replayed{.nothing = why_no_turns(order, *last)};
  }
  // What it was before them: a checkpoint, and the turns since, which are run too.
  journal::Past past;
  if (entries->front().record.turn > 1) {
    const journal::At before{journal::At::Kind::entry, entries->front().subject.number - 1};
    shard::Reply<Result<std::optional<journal::Past>>> reply;
    gate_->journal().load(address.text(), before, reply.taker(shard()));
    Result<std::optional<journal::Past>> read = co_await reply;
    if (read.has_error()) co_return std::move(read).error();
    if (!*read) {
      co_return Replayed{.nothing = fmt::format("there is no actor {}", address.text())};
    }
    past = **std::move(read);
  }
  entries->insert(entries->begin(),
                  std::make_move_iterator(past.entries.begin()),
                  std::make_move_iterator(past.entries.end()));
  past.entries.clear();

  // Without other code: the version of theirs that they come out the same with, if there is one.
  Actor::Candidates candidates{.code = entries->front().record.code};
  std::optional<Replayed> first;
  while (true) {
    Actor shade(*this, *plugin, address, Belongs::to_nobody);
    std::shared_ptr<const PluginVersion> version = order.version;
    if (version == nullptr) version = co_await shade.next_candidate(candidates);
    if (version == nullptr && first) co_return *std::move(first);
    if (version == nullptr) co_return Error{candidates.why_no_more};
    Task<Result<>> repeating = shade.repeat_past(past);
    const Result<> repeated = co_await std::move(repeating);
    if (repeated.has_error()) co_return repeated.error();
    shade.version_ = std::move(version);
    Task<Result<Replayed>> replaying = shade.replay(*entries, order, deadline_ns);
    Result<Replayed> replayed = co_await std::move(replaying);
    if (replayed.has_error() || order.version != nullptr || replayed->different_turn == 0) {
      co_return replayed;
    }
    if (!first) first = *std::move(replayed);
  }
}

Task<> Actors::tell_replay(ReplayOrder order, AskPtr ask) {
  const std::int64_t deadline_ns =
      clock_.now_ns() + std::chrono::nanoseconds(replay_time_max).count();
  Task<Result<Replayed>> replaying = replay_turns(order, deadline_ns);
  Result<Replayed> replayed = co_await std::move(replaying);
  if (replayed && order.version != nullptr && replayed->difference.what == Repetition::hash_name) {
    // The journal has a hash of what came out then. The code of then makes it once more, where it
    // is still there.
    order.version = nullptr;
    order.until = replayed->different_turn;
    Task<Result<Replayed>> again = replay_turns(order, deadline_ns);
    const Result<Replayed> then = co_await std::move(again);
    const bool is_known = then && then->nothing.empty() && then->different_turn == 0 &&
                          then->stopped.empty() && then->last_turn == replayed->different_turn;
    if (is_known) {
      auto found = difference(then->yield, replayed->yield);
      if (found) replayed->difference = *std::move(found);
    }
  }
  --replays_;
  if (replayed.has_error()) {
    // The journal cannot be read, or the code of then is not kept.
    answer(ask, {.verdict = Verdict::unavailable, .message = replayed.error().message});
    co_return;
  }
  if (!replayed->nothing.empty()) {
    answer(ask, {.verdict = Verdict::missing, .message = replayed->nothing});
    co_return;
  }
  answer(ask, {.output = as_json(*replayed)});
}

void Actors::replay(ReplayOrder order, AskPtr ask) {
  if (replays_ == replays_max) {
    answer(ask,
           {.verdict = Verdict::busy,
            .message = fmt::format("{} replays are under way; try again", replays_max)});
    return;
  }
  ++replays_;
  start(tell_replay(std::move(order), std::move(ask)));
}

}  // namespace troupe::actor
