// An actor and the journal: what it appends, and how it comes back from there.
#include "actor/actor.h"
#include "actor/actors.h"
#include "actor/archive.h"
#include "actor/gate.h"
#include "actor/system.h"
#include "actor/turn.h"
#include "base/json.h"
#include "guest/snapshot.h"
#include "shard/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace troupe::actor {

namespace {

using guest::Ending;
using guest::Outcome;

constexpr std::int64_t ns_per_ms = 1'000'000;
// When what is parked is tried again, and the name of the timer; those of plugins are not empty.
constexpr std::int64_t unpark_after_ns = 500 * ns_per_ms;
constexpr std::string_view unpark_timer;

journal::Timer timer_of(const std::string& name, const Timer& timer) {
  return {.name = name,
          .event = timer.event,
          .payload = timer.payload,
          .due_ns = timer.due_ns,
          .generation = timer.generation};
}

// The kinds that come without knowing the past, and must not wait for it.
bool needs_past(Message::Kind kind) {
  return kind != Message::Kind::leave && kind != Message::Kind::upgrade;
}
// What is no reason for an actor to be.
bool only_asks(Message::Kind kind) {
  return kind == Message::Kind::show || kind == Message::Kind::stop ||
         kind == Message::Kind::restart || kind == Message::Kind::end ||
         kind == Message::Kind::wake || kind == Message::Kind::rewind;
}

}  // namespace

// Asleep, with all that it has been.
bool Actor::is_in_journal() const {
  return !instance_ && journaled_ && journaled_->loaded && journaled_->begun && !journaled_->lost &&
         journaled_->fired.empty() && actors_.gate()->is_durable(journaled_->last);
}

// What a turn's effects change in timers and subscriptions, within the bounds.
Actor::Plan Actor::plan(const Effects& effects) {
  Plan plan;
  journal::Changes& changes = plan.changes;
  std::map<std::string, std::optional<Timer>, std::less<>> timers;  // nothing: cancelled
  std::size_t count = timers_.size();
  std::set<std::string, std::less<>> topics;
  const auto is_set = [&](const std::string& name) {
    const auto found = timers.find(name);
    return found != timers.end() ? found->second.has_value() : timers_.contains(name);
  };
  const auto send = [&](journal::Outgoing::Kind kind,
                        const std::string& to,
                        const std::string& name,
                        const std::string& payload) {
    ++plan.sends;
    if (!journaled_) return;
    plan.sent.push_back({.kind = kind,
                         .sender = address_.text(),
                         .incarnation = incarnation_,
                         .number = sent_ + plan.sends,
                         .to = to,
                         .name = name,
                         .payload = payload});
  };
  for (const Deed& deed : effects.deeds()) {
    switch (deed.kind) {
      case Deed::Kind::timer:
        if (is_set(deed.target)) {
          --count;
        } else if (count >= version().bounds.timers_max) {
          plugin_.counters.reach(Limit::timers);
          actors_.log().warn(
              "[{}] has {} timers; \"{}\" is one too many", address_.text(), count, deed.target);
          break;
        }
        ++count;
        timers[deed.target] = Timer{.event = deed.event,
                                    .payload = deed.payload,
                                    .due_ns = last_time_ns_ + deed.after.count() * ns_per_ms,
                                    .generation = ++timer_generation_};
        break;
      case Deed::Kind::cancel:
        if (!is_set(deed.target)) break;
        --count;
        timers[deed.target] = std::nullopt;
        break;
      case Deed::Kind::subscribe:
        if (topics_.contains(deed.target) || topics.contains(deed.target)) break;
        if (topics_.size() + topics.size() >= version().bounds.topics_max) {
          plugin_.counters.reach(Limit::subscriptions);
          actors_.log().warn("[{}] has subscribed to {} topics; \"{}\" is one too many",
                             address_.text(),
                             topics_.size() + topics.size(),
                             deed.target);
        } else {
          topics.insert(deed.target);
        }
        break;
      case Deed::Kind::publish:
        ++plan.sends;  // to those that no journal keeps
        for (const std::string& hearer : deed.hearers) {
          send(journal::Outgoing::Kind::notice, hearer, deed.target, deed.notice);
        }
        break;
      case Deed::Kind::send:
        send(journal::Outgoing::Kind::event, deed.target, deed.event, deed.payload);
        break;
      case Deed::Kind::call:
        send(journal::Outgoing::Kind::call, deed.target, deed.event, deed.payload);
        break;
    }
  }
  for (const auto& [name, timer] : timers) {
    if (timer) {
      changes.timers_set.push_back(timer_of(name, *timer));
    } else if (timers_.contains(name)) {
      changes.timers_cancelled.push_back(name);
    }
  }
  changes.topics_joined.assign(topics.begin(), topics.end());
  return plan;
}

// Of what a turn publishes: the durable actors that have subscribed, itself too when it did so just
// before.
void Actor::find_hearers(Effects& effects) const {
  std::vector<std::string_view> joined;
  for (Deed& deed : effects.deeds()) {
    if (deed.kind == Deed::Kind::subscribe) joined.push_back(deed.target);
    if (deed.kind != Deed::Kind::publish) continue;
    deed.hearers = actors_.system().subscriptions().of(deed.target);
    std::erase_if(deed.hearers, [this](const std::string& hearer) {
      const Plugin* plugin = actors_.find_plugin(Address::read(hearer)->plugin());
      return plugin == nullptr || plugin->version->durability == Durability::none;
    });
    if (journaled_ && std::ranges::find(joined, deed.target) != joined.end() &&
        std::ranges::find(deed.hearers, address_.text()) == deed.hearers.end()) {
      deed.hearers.push_back(address_.text());
    }
  }
}

std::string Actor::outbox_refusal(const Effects& effects) const {
  if (effects.deeds().empty()) return {};
  const Bounds& bounds = version().bounds;
  InFlight of_turn;
  for (const Deed& deed : effects.deeds()) {
    if (!deed.is_message()) continue;
    const std::size_t receivers = deed.kind == Deed::Kind::publish ? deed.hearers.size() : 1;
    of_turn.messages += receivers;
    of_turn.bytes += receivers * deed.message_bytes();
  }
  if (of_turn.messages == 0) return {};
  const InFlight before = journaled_ ? actors_.in_flight(address_.text()) : InFlight{};
  const auto refusal = [](std::size_t now,
                          std::string_view what,
                          std::size_t then,
                          std::size_t max,
                          std::string_view name) {
    return fmt::format(
        "this turn's {} {} to other actors and the {} not handled yet are more than {} ({})",
        now,
        what,
        then,
        max,
        name);
  };
  if (before.bytes + of_turn.bytes > bounds.outbox_bytes_max) {
    return refusal(of_turn.bytes,
                   "bytes of messages",
                   before.bytes,
                   bounds.outbox_bytes_max,
                   "limits.outbox_bytes");
  }
  if (journaled_ && before.messages + of_turn.messages > bounds.outbox_max) {
    return refusal(
        of_turn.messages, "messages", before.messages, bounds.outbox_max, "limits.outbox");
  }
  return {};
}

void Actor::apply(const journal::Changes& changes) {
  for (const std::string& name : changes.timers_cancelled) cancel_timer(name);
  for (const journal::Timer& timer : changes.timers_set) {
    set_timer(timer.name,
              {.event = timer.event,
               .payload = timer.payload,
               .due_ns = timer.due_ns,
               .generation = timer.generation});
  }
  for (const std::string& topic : changes.topics_joined) {
    if (topics_.insert(topic).second) subscribe(topic);
  }
}

void Actor::subscribe(const std::string& topic) {
  if (journaled_) {
    actors_.system().subscriptions().add(topic, address_.text());
  } else {
    actors_.subscribe(topic, *this);
  }
}

// False when it is not, and will not be, part of the journal: then the actor is lost. The plan's
// changes become all that the record holds; its messages are taken. With `whole`, what the actor is
// after it is committed beside it, but for memory.
bool Actor::write(const journal::Record& record, Plan& plan, bool whole) {
  Journaled& own = *journaled_;
  if (own.lost) return false;
  if (record.kind == journal::Kind::init) {
    if (!record.committed) return true;  // leaves no actor, and no record
    const bool waits = plan.sends == 0 && !whole && plan.changes == journal::Changes{};
    if (waits) {
      own.init = std::make_unique<journal::Record>(record);
      return true;
    }
  }
  if (own.init) {
    const std::unique_ptr<journal::Record> init = std::move(own.init);
    if (!append(*init, {}, {}, false)) return false;
  }
  journal::Changes& changes = plan.changes;
  changes.sent = sent_ + plan.sends;
  // Not an upgrade or a restart on the way to the turn that they have led to.
  const bool is_turn = record.kind == journal::Kind::turn;
  std::vector<journal::Timer> all_fired;
  if (is_turn) all_fired.swap(own.fired);
  for (journal::Timer& fired : all_fired) {
    const auto has_name = [&](const journal::Timer& timer) { return timer.name == fired.name; };
    if (std::ranges::none_of(changes.timers_set, has_name) &&
        std::ranges::find(changes.timers_cancelled, fired.name) == changes.timers_cancelled.end()) {
      changes.timers_cancelled.push_back(std::move(fired.name));
    }
  }
  journal::Beside beside{.sent = std::move(plan.sent)};
  const bool takes = own.handling != nullptr && is_turn;
  if (takes) beside.received.push_back(*own.handling->delivery);
  if (!append(record, changes, std::move(beside), whole)) return false;

  while (!own.unsettled.empty() && *own.unsettled.front().durable) own.unsettled.pop_front();
  if (takes) {
    Message& message = *std::exchange(own.handling, nullptr);
    const auto durable = std::make_shared<bool>(false);
    actors_.gate()->hold(
        own.last,
        [&system = actors_.system(),
         delivery = message.is_awaited() ? message.delivery : nullptr,
         bytes = message.bytes(),
         durable] {
          *durable = true;
          if (delivery) system.settled(delivery, bytes);
        },
        [] {});
    own.unsettled.push_back({durable, message});
    message.delivery = nullptr;
  }
  return true;
}

bool Actor::append(const journal::Record& record,
                   const journal::Changes& changes,
                   journal::Beside beside,
                   bool whole) {
  Journaled& own = *journaled_;
  const journal::SubjectView subject{address_.text(), incarnation_, own.number + 1};
  std::optional<journal::Checkpoint> checkpoint;
  if (whole) {
    checkpoint = checkpoint_of(subject.number, changes);
    checkpoint->turn = record.turn;
    const bool has_memory = record.kind == journal::Kind::rewind ||
                            record.kind == journal::Kind::fork ||
                            record.kind == journal::Kind::config;
    if (has_memory && history_.checkpoint() != nullptr && history_.checkpoint()->memory) {
      checkpoint->memory = history_.checkpoint()->memory->bytes();
    }
    beside.checkpoint = &*checkpoint;
  }
  Gate& gate = *actors_.gate();
  const journal::Appended appended = gate.append(this, subject, record, changes, beside);
  if (!appended) {
    actors_.log().error("[{} turn {}] is not recorded, and undone: {}",
                        address_.text(),
                        record.turn,
                        journal::text_of(appended.refusal));
    own.lost = true;
    own.is_too_large = appended.refusal == journal::Refusal::too_large;
    return false;
  }
  own.number = subject.number;
  own.begun = true;
  own.last = appended.ticket;
  has_history_ = true;
  if (own.gated) exit_.wait_for(gate, appended.ticket);
  return true;
}

// The actor as it is with these changes, without its memory.
journal::Checkpoint Actor::checkpoint_of(std::uint64_t number,
                                         const journal::Changes& changes) const {
  journal::Checkpoint checkpoint{.subject = {address_.text(), incarnation_, number},
                                 .turn = turns_,
                                 .last_time_ns = last_time_ns_,
                                 .sent = std::max(sent_, changes.sent),
                                 .timer_generation = timer_generation_,
                                 .code = code(),
                                 .state = state_ ? state_->text() : std::string()};
  checkpoint.vars.assign(vars_.entries().begin(), vars_.entries().end());
  std::map<std::string, journal::Timer, std::less<>> timers;
  for (const auto& [name, timer] : timers_) timers.emplace(name, timer_of(name, timer));
  if (journaled_) {
    for (const journal::Timer& timer : journaled_->fired) timers.emplace(timer.name, timer);
  }
  for (const std::string& name : changes.timers_cancelled) timers.erase(name);
  for (const journal::Timer& timer : changes.timers_set) timers.insert_or_assign(timer.name, timer);
  for (auto& [name, timer] : timers) checkpoint.timers.push_back(std::move(timer));
  auto topics = topics_;
  topics.insert(changes.topics_joined.begin(), changes.topics_joined.end());
  checkpoint.topics.assign(topics.begin(), topics.end());
  return checkpoint;
}

// Something other than a turn: an upgrade, a restart, the end of the life.
bool Actor::mark(journal::Kind kind, std::string input) {
  last_time_ns_ = std::max(actors_.clock().now_ns(), last_time_ns_ + 1);
  journal::Record record;
  record.kind = kind;
  record.turn = turns_;
  record.time_ns = record.last_time_ns = last_time_ns_;
  record.input = std::move(input);
  record.code = code();
  record.committed = true;
  Plan nothing;
  return write(record, nothing, kind != journal::Kind::end);
}

// The last checkpoint goes to the journal too, when there is time.
void Actor::keep_checkpoint() {
  if (!journaled_ || journaled_->lost || !journaled_->begun || journaled_->init) return;
  const Checkpoint& last = *history_.checkpoint();
  journal::Checkpoint checkpoint = checkpoint_of(journaled_->number, {});
  if (last.memory) checkpoint.memory = last.memory->bytes();
  if (!actors_.gate()->keep(std::move(checkpoint))) {
    actors_.log().debug("[{}] a checkpoint is not kept: too many wait", address_.text());
  }
}

// Why no turn may begin now; empty when one may.
std::string_view Actor::journal_refusal() {
  if (!journaled_) return {};
  const auto refusal = actors_.gate()->refusal();
  return refusal ? journal::text_of(*refusal) : std::string_view();
}

// The actor as the journal has it, before its first message is handled. False when that must not be
// handled, and who sent it has been told why.
Task<bool> Actor::load(Message& message) {
  if (!needs_past(message.kind)) co_return message.kind == Message::Kind::leave;
  Result<bool> known = false;
  {
    shard::Reply<Result<std::optional<journal::Past>>> past;
    actors_.gate()->journal().load(address_.text(), past.taker(actors_.shard()));
    Result<std::optional<journal::Past>> read = co_await past;
    if (read.has_error()) {
      known = std::move(read).error();
    } else {
      Task<Result<bool>> taking = take_past(std::move(*read));
      known = co_await std::move(taking);
    }
  }
  if (known.has_error()) {
    co_await all_told();  // of a mark on the way
    forget_all();
    actors_.log().error("[{}] cannot be loaded: {}", address_.text(), known.error().message);
    const std::int64_t now_ns = actors_.clock().now_ns();
    const bool too_often = supervisor_.failed(now_ns, version().supervision);
    if (message.delivery) {
      park(message);
    } else if (message.kind == Message::Kind::end) {
      actors_.bury(address_, std::move(message.ask));
    } else if (message.kind != Message::Kind::wake) {
      refuse(message, Verdict::unavailable, "the actor cannot be loaded: " + known.error().message);
    }
    if (too_often) go_down(known.error().message);
    co_return false;
  }
  journaled_->loaded = true;
  if (*known || !only_asks(message.kind)) co_return true;
  if (message.kind == Message::Kind::wake) co_return false;
  refuse(message, Verdict::missing, fmt::format("there is no actor {}", address_.text()));
  co_return false;
}

// Whether there is one.
Task<Result<bool>> Actor::take_past(std::optional<journal::Past> past) {
  if (!past) co_return false;
  Journaled& own = *journaled_;
  own.number = past->last.number;
  if (past->ended) co_return false;
  own.begun = true;
  has_history_ = true;
  incarnation_ = past->last.incarnation;
  sent_ = past->sent;
  std::vector<journal::Timer> timers = std::move(past->timers);
  const std::vector<std::string> topics = std::move(past->topics);
  Task<Result<>> repeating = repeat_past(*std::move(past));
  const Result<> repeated = co_await std::move(repeating);
  if (repeated.has_error()) co_return repeated.error();
  apply({.timers_set = std::move(timers), .topics_joined = topics});
  co_return true;
}

Task<Result<>> Actor::repeat_past(journal::Past past) {
  Candidates candidates;
  Task<Result<>> recalling = recall(std::move(past), candidates);
  Result<> recalled = co_await std::move(recalling);
  if (recalled.has_error() || !history_.has_turns()) co_return recalled;
  std::string first;
  while (true) {
    std::shared_ptr<const PluginVersion> version = co_await next_candidate(candidates);
    if (!version) co_return Error{first.empty() ? candidates.why_no_more : first};
    version_ = std::move(version);
    const Outcome outcome = co_await revive();
    if (outcome.ending == Ending::done) co_return Result<>();
    if (!first.empty()) continue;
    first = outcome.detail.empty() ? outcome.message
                                   : fmt::format("{}: {}", outcome.message, outcome.detail);
  }
}

Task<Result<>> Actor::recall(journal::Past past, Candidates& candidates) {
  const std::string hash = past.checkpoint        ? past.checkpoint->code
                           : past.entries.empty() ? std::string()
                                                  : past.entries.front().record.code;
  if (past.checkpoint) {
    auto checkpoint = std::make_unique<Checkpoint>();
    checkpoint->turn = past.checkpoint->turn;
    checkpoint->code = past.checkpoint->code;
    checkpoint->state = past.checkpoint->state;
    for (const auto& [name, value] : past.checkpoint->vars) {
      checkpoint->vars.set(name, value, SIZE_MAX);
    }
    checkpoint->vars.commit();
    if (past.checkpoint->memory) {
      CO_TRY(checkpoint->memory, guest::Snapshot::read(std::move(*past.checkpoint->memory)));
    }
    if (!checkpoint->state.empty()) {
      CO_TRY(state_, state::Canonical::read(checkpoint->state));
    }
    vars_ = checkpoint->vars;
    history_.replace(std::move(checkpoint));
    timer_generation_ = past.checkpoint->timer_generation;
  }
  std::vector<journal::Record> turns;
  for (journal::Entry& entry : past.entries) {
    if (!journal::is_turn(entry.record.kind) || entry.record.code != hash) {
      co_return Error{fmt::format("entry {} cannot be repeated: it is a{} {} of other code",
                                  entry.subject.number,
                                  entry.record.kind == journal::Kind::init ? "n" : "",
                                  journal::name_of(entry.record.kind))};
    }
    for (const journal::Timer& timer : entry.changes.timers_set) {
      timer_generation_ = std::max(timer_generation_, timer.generation);
    }
    turns.push_back(std::move(entry.record));
  }
  turns_ = past.turn;
  last_time_ns_ = past.last_time_ns;
  if (turns.empty()) {
    if (plugin_.version->module->content_hash() == hash) version_ = plugin_.version;
    co_return Result<>();
  }
  candidates.code = hash;
  history_.restore(turns);
  co_return Result<>();
}

// Null when there are no more, and why.
Task<std::shared_ptr<const PluginVersion>> Actor::next_candidate(Candidates& candidates) {
  const bool is_first = candidates.next == 0 && !candidates.has_asked_archive;
  if (is_first && plugin_.version->module->content_hash() == candidates.code) {
    candidates.versions.push_back(plugin_.version);
  }
  Archive* archive = actors_.system().archive();
  if (candidates.next == candidates.versions.size() && !candidates.has_asked_archive) {
    candidates.has_asked_archive = true;
    candidates.why_no_more = fmt::format(
        "its last turns ran with other code ({}), which is not kept here: begin anew with another "
        "data folder, or serve that code once more",
        candidates.code);
    if (archive != nullptr) {
      shard::Reply<Result<Archive::Versions>> found;
      archive->find_versions(
          std::string(address_.plugin()), candidates.code, found.taker(actors_.shard()));
      Result<Archive::Versions> kept = co_await found;
      if (kept.has_error()) candidates.why_no_more = kept.error().message;
      for (auto& version : kept.has_error() ? Archive::Versions() : *std::move(kept)) {
        if (version->hash != plugin_.version->hash) candidates.versions.push_back(version);
      }
    }
  }
  if (candidates.next == candidates.versions.size()) co_return nullptr;
  co_return candidates.versions[candidates.next++];
}

// The content hash of what made its memory and its state.
const std::string& Actor::code() const {
  if (version_) return version_->module->content_hash();
  assert(history_.checkpoint() != nullptr && "an actor without a version comes from a checkpoint");
  return history_.checkpoint()->code;
}

// A message of a durable actor is never refused for what passes. True when it must wait.
bool Actor::park_unless_ready(Message& message) {
  if (!journaled_ || !message.delivery) return false;
  if (journaled_->parked.empty() && !is_down() && journal_refusal().empty() && has_room()) {
    return false;
  }
  park(message);
  return true;
}

void Actor::park(Message& message) {
  Journaled& own = *journaled_;
  if (message.kind == Message::Kind::notice && is_down()) {
    // Who publishes does not know who hears it, and is not to wait for one that is down.
    std::size_t count = 0;
    std::size_t bytes = message.bytes();
    for (const Message& parked : own.parked) {
      if (parked.kind != Message::Kind::notice) continue;
      ++count;
      bytes += parked.bytes();
    }
    const Bounds& bounds = version().bounds;
    if (count >= bounds.mailbox_messages_max || bytes > bounds.mailbox_bytes_max) {
      plugin_.counters.reach(Limit::mailbox);
      actors_.log().warn("[{}] a message of the topic {} was dropped: {} others wait already",
                         address_.text(),
                         message.name,
                         count);
      actors_.drop(message);
      message.delivery = nullptr;
      return;
    }
    if (message.is_awaited()) actors_.system().settled(message.delivery, message.bytes());
    message.settled = true;
  }
  own.parked.push_back(std::move(message));
  message.delivery = nullptr;
  if (own.unpark_ns != 0) return;
  own.unpark_ns = actors_.clock().now_ns() + unpark_after_ns;
  actors_.timers().set(*this, std::string(unpark_timer), own.unpark_ns);
}

// Those that were parked come before what waits in the mailbox.
void Actor::unpark() {
  if (const std::int64_t due_ns = std::exchange(journaled_->unpark_ns, 0); due_ns != 0) {
    actors_.timers().cancel(*this, std::string(unpark_timer), due_ns);
  }
  for (boost::container::deque<Message>& parked = journaled_->parked; !parked.empty();
       parked.pop_back()) {
    mailbox_.push_front(std::move(parked.back()));
  }
}

// An append has failed.
void Actor::lose() {
  journaled_->lost = true;
  if (!running_) go_back();
}

Task<bool> Actor::all_told() {
  Exit last;
  last.wait_for(*actors_.gate(), journaled_->last);
  const bool opened = co_await last.opened();
  co_return opened;
}

// The one way back, when turns were shown to nobody and are not in the journal: viewers join again,
// and the next message loads the actor.
void Actor::go_back() {
  // For its timers: one that had fired is set again too.
  const bool must_be_there = journaled_->begun;
  auto again = std::move(journaled_->unsettled);
  auto parked = std::move(journaled_->parked);
  forget_all();
  audience_.show_end(EndReason::crashed);
  if (must_be_there) actors_.system().wake_sleepers();
  // What others have sent is handled once more, in its order.
  for (; !parked.empty(); parked.pop_back()) mailbox_.push_front(std::move(parked.back()));
  for (; !again.empty(); again.pop_back()) {
    if (!*again.back().durable) mailbox_.push_front(std::move(again.back().message));
  }
  if (!running_ && !mailbox_.empty()) {
    unlink();
    deliver(mailbox_.pop());
    return;
  }
  if (!running_) {
    unlink();
    actors_.rest(*this);
  }
}

// As if it had not been loaded.
void Actor::forget_all() {
  drop_instance();
  const auto timers = timers_;
  for (const auto& [name, timer] : timers) cancel_timer(name);
  topics_.clear();
  version_.reset();
  vars_ = {};
  state_.reset();
  turns_ = 0;
  last_time_ns_ = 0;
  history_ = {};
  has_history_ = false;
  timer_generation_ = 0;
  sent_ = 0;
  incarnation_ = actors_.random().number();
  exit_.wait_for(*actors_.gate(), 0);
  Journaled fresh{.gated = journaled_->gated};
  fresh.parked = std::move(journaled_->parked);
  fresh.unpark_ns = journaled_->unpark_ns;
  *journaled_ = std::move(fresh);
}

}  // namespace troupe::actor
