#include "actor/actor.h"

#include "actor/actors.h"
#include "actor/migrate.h"
#include "actor/system.h"
#include "actor/turn.h"
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe::actor {

namespace {

using guest::Ending;
using guest::Outcome;

// How long an actor goes from message to message before it lets the event loop have the thread.
constexpr std::int64_t slice_ns = 1'000'000;
constexpr std::int64_t ns_per_ms = 1'000'000;

// When as many actors of the plugin are awake as may be, and all of them at work.
constexpr std::string_view no_room = "too many actors are at work; try again";
constexpr std::int64_t no_room_retry_ms = 100;  // for timers
// For how long an actor waits for one of those at work to end its turn, before it answers busy.
constexpr std::int64_t place_wait_max_ns = 1'000'000'000;

std::int64_t ms_rounded_up(std::int64_t ns) {
  return (ns + ns_per_ms - 1) / ns_per_ms;
}

std::string down_payload(std::string_view reason, std::int64_t retry_ms) {
  std::string payload = "{\"reason\":";
  json::quote(payload, reason);
  payload += fmt::format(",\"retry_ms\":{}}}", retry_ms);
  return payload;
}

// As the `error` event of a viewer names it. That an event is unknown, or comes before the state,
// is plainly an error there.
std::string_view event_error_type(Verdict verdict) {
  if (verdict == Verdict::missing || verdict == Verdict::refused) return "error";
  return type_of({.verdict = verdict});
}

// After this one may try again what the journal could not take.
constexpr std::int64_t unavailable_retry_ms = 1000;

Answer unavailable(std::string text) {
  return {.verdict = Verdict::unavailable,
          .ending = Ending::error,
          .message = std::move(text),
          .retry_ms = unavailable_retry_ms};
}

}  // namespace

Actor::Actor(Actors& actors, Plugin& plugin, Address address, Belongs belongs)
    : actors_(actors),
      plugin_(plugin),
      address_(std::move(address)),
      belongs_(belongs),
      audience_(actors.shards(), actors.shard().index(), exit_),
      incarnation_(actors.random().number()) {
  if (belongs != Belongs::to_itself || actors.gate() == nullptr ||
      plugin.version->durability == Durability::none) {
    return;
  }
  journaled_ = std::make_unique<Journaled>();
  journaled_->gated = plugin.version->durability == Durability::commit;
}

Actor::~Actor() {
  run_.reset();
  drop_instance();
  if (journaled_) {
    actors_.gate()->forget(*this);
    if (journaled_->unpark_ns != 0) actors_.timers().cancel(*this, {}, journaled_->unpark_ns);
  }
  for (const auto& [name, timer] : timers_) actors_.timers().cancel(*this, name, timer.due_ns);
  if (!journaled_) {
    for (const std::string& topic : topics_) actors_.unsubscribe(topic, *this);
  }
}

void Actor::deliver(Message&& message) {
  // It can end at any moment, and no journal keeps it: who has sent this need not wait for it.
  if (belongs_ == Belongs::to_a_viewer && message.delivery) {
    actors_.drop(message);
    message.delivery = nullptr;
  }
  if (retired_) return;
  // The viewer of an actor of its own takes it along, in the middle of a turn if need be.
  if (message.kind == Message::Kind::leave && message.viewer->ends_actor) {
    leave(message.viewer);
    return;
  }
  if (running_) {
    message.arrived_ns = actors_.clock().now_ns();
    if (!mailbox_.push(std::move(message), plugin_.version->bounds)) {
      plugin_.counters.reach(Limit::mailbox);
      refuse(message, Verdict::busy, "too many messages are waiting; try again");
    }
    return;
  }
  running_ = true;
  run_ = run(std::move(message));
  run_.start();
  // Its frame is the next actor's, still warm in the cache.
  if (run_.done()) run_.reset();
}

Task<> Actor::run(Message&& first) {
  Message message = std::move(first);
  shard::RunQueue& queue = actors_.shard().run_queue();
  if (!queue.idle()) {
    message.arrived_ns = actors_.clock().now_ns();
    co_await queue.yield(plugin_.lane);
  }
  unlink();  // from the idle: until here it could be put to sleep for another
  std::int64_t now_ns = actors_.clock().now_ns();
  std::int64_t slice_end_ns = now_ns + slice_ns;
  while (true) {
    // Those in the middle of a turn go on meanwhile, unless all of them wait for something else.
    const std::int64_t wait_end_ns = now_ns + place_wait_max_ns;
    while (may_need_instance(message) && actors_.all_at_work() && !queue.idle() &&
           now_ns < wait_end_ns) {
      co_await queue.yield(plugin_.lane);
      now_ns = actors_.clock().now_ns();
      slice_end_ns = now_ns + slice_ns;
    }
    bool is_ready = true;
    if (journaled_) {
      if (journaled_->lost) {
        // Behind those that are handled once more.
        mailbox_.push_front(std::move(message));
        co_await all_told();
        go_back();
        message = mailbox_.pop();
      }
      if (message.kind == Message::Kind::wake) unpark();
      if (!journaled_->loaded) {
        is_ready = co_await load(message);
        now_ns = actors_.clock().now_ns();
      }
      if (is_ready) is_ready = !park_unless_ready(message);
    }
    const std::int64_t begun_ns = now_ns;
    if (is_ready) {
      switch (message.kind) {
        case Message::Kind::join:
          co_await join(std::move(message.viewer));
          break;
        case Message::Kind::event:
          if (!admit(message)) break;
          if (!state_) {
            const bool is_told = co_await init(nullptr, message.ask);
            now_ns = actors_.clock().now_ns();
            if (is_told && message.ask) break;
          }
          if (state_) co_await act(message, message.name, message.payload, now_ns);
          break;
        case Message::Kind::call:
          if (admit(message)) co_await act(message, message.name, message.payload, now_ns);
          break;
        case Message::Kind::notice:
          if (hears(message)) co_await act(message, "handle_message", message.payload, now_ns);
          break;
        case Message::Kind::timer:
          if (take_timer(message)) co_await act(message, message.name, message.payload, now_ns);
          break;
        case Message::Kind::end:
          if (const bool has_ended = co_await end_life(); !has_ended) {
            refuse(message, Verdict::unavailable, "the journal could not be written; try again");
          } else if (message.ask) {
            answer(message.ask, {.turn = turns_});
          }
          break;
        case Message::Kind::upgrade:
          co_await switch_version();
          break;
        case Message::Kind::rewind:
          co_await rewind(message);
          break;
        case Message::Kind::fork:
          co_await fork(message);
          break;
        default:
          obey(message);
      }
    }
    if (message.delivery) actors_.drop(message);  // it had no turn
    if (retired_) {
      pass_on();
      break;
    }
    if (is_lost()) {
      co_await all_told();
      go_back();
    }
    if (mailbox_.empty()) break;
    if (now_ns == begun_ns) now_ns = actors_.clock().now_ns();
    if (!queue.idle() || now_ns > slice_end_ns) {
      actors_.let_sleep(*this);
      co_await queue.yield(plugin_.lane);
      unlink();
      now_ns = actors_.clock().now_ns();
      slice_end_ns = now_ns + slice_ns;
    }
    message = mailbox_.pop();
  }
  running_ = false;
  idle_since_ns_ = slice_end_ns;
  if (!retired_) actors_.rest(*this);
}

bool Actor::may_need_instance(const Message& message) const {
  if (instance_ || message.kind == Message::Kind::leave) return false;
  if (journaled_ && !journaled_->loaded) return true;  // to repeat its turns
  switch (message.kind) {
    case Message::Kind::refresh:
    case Message::Kind::show:
    case Message::Kind::stop:
    case Message::Kind::restart:
      return false;
    case Message::Kind::join:
      return !state_ && !is_call();
    default:
      return true;
  }
}

// Who wrote to an actor while it ended, or wants to see it, reaches the next life of its address.
// Of its viewers there are none any more.
void Actor::pass_on() {
  if (journaled_) unpark();
  while (!mailbox_.empty()) {
    Message message = mailbox_.pop();
    if (message.kind == Message::Kind::join && belongs_ == Belongs::to_itself) {
      actors_.join(message.viewer);
    } else if (message.kind == Message::Kind::join) {
      refuse(message, Verdict::missing, "the actor has ended");
    } else if (message.viewer) {
      continue;
    } else if (belongs_ == Belongs::to_itself) {
      actors_.deliver(address_, std::move(message));
    } else if (message.ask) {
      actors_.answer(message.ask, {.verdict = Verdict::missing, .message = "the actor has ended"});
    }
  }
}

void Actor::obey(const Message& message) {
  switch (message.kind) {
    case Message::Kind::refresh:
      refresh(message.viewer);
      break;
    case Message::Kind::leave:
      leave(message.viewer);
      break;
    case Message::Kind::stop:
      sleep();
      break;
    case Message::Kind::restart:
      restart();
      break;
    default:
      break;
  }
  if (message.ask) answer(message.ask, {.output = description(), .turn = turns_});
}

Task<> Actor::join(ViewerPtr viewer) {
  const std::int64_t now_ns = actors_.clock().now_ns();
  const std::int64_t down_ns = supervisor_.down_for_ns(now_ns);
  const std::int64_t out_ns = supervisor_.shut_out_for_ns(viewer->person, now_ns);
  if (down_ns > 0 || out_ns > 0) {
    audience_.show_refused(
        viewer,
        down_payload(
            down_ns > 0 ? "actor is down" : "too many of your events failed; try again later",
            ms_rounded_up(std::max(down_ns, out_ns))));
    viewer->actor = nullptr;
    co_return;
  }
  viewer->actor = this;
  audience_.add(viewer);
  audience_.show_joined(viewer);
  if (is_call()) co_return;
  if (state_) {
    audience_.show_state(viewer, state_->text(), StateReason::joined);
    co_return;
  }
  if (viewer->watches) co_return;
  if (!has_room()) {
    audience_.show_error(viewer, error_payload("busy", no_room));
    co_return;
  }
  co_await init(viewer, nullptr);
}

// The first state. Who is there already has been waiting for it: this viewer, and those whose init
// failed.
Task<bool> Actor::init(ViewerPtr viewer, AskPtr ask) {
  Turn turn(*this, viewer.get());
  std::string_view params;
  if (version().init_payload) params = viewer ? std::string_view(viewer->params) : "{}";
  const Outcome outcome = co_await turn.run("init", params, actors_.clock().now_ns());
  if (turn.committed()) {
    audience_.show_start(turn.effects().pushes(), state_->text(), viewer.get());
    perform(turn);
    co_return false;
  }
  if (turn.lost()) {
    if (ask) answer(ask, unavailable("the first state could not be recorded; try again"));
    co_return true;
  }
  report("init", outcome);
  if (viewer) {
    audience_.show_error(viewer, error_payload(guest::name_of(outcome.ending), outcome.message));
  }
  if (ask) answer(ask, answer_of(outcome));
  if (outcome.ending != Ending::error &&
      supervisor_.failed(actors_.clock().now_ns(), version().supervision)) {
    go_down(outcome.message);
  }
  co_return true;
}

// Whether an event or a call can be handled; else who sent it is told why not.
bool Actor::admit(const Message& message) {
  const bool calls = message.kind == Message::Kind::call;
  if (calls != is_call()) {
    refuse(message,
           Verdict::refused,
           calls ? "this plugin has events, and no functions to call"
                 : "this plugin has functions to call, and no events");
  } else if (supervisor_.has_failures() && is_down()) {
    refuse(message, Verdict::down, "actor is down");
  } else if (message.viewer && !state_ && !calls) {
    refuse(
        message, Verdict::refused, "there is no state yet: init has failed; join again to retry");
  } else if (!version().is_event(message.name)) {
    refuse(message,
           Verdict::missing,
           fmt::format("unknown {} \"{}\"", calls ? "function" : "event", message.name));
  } else if (const std::string_view why = journal_refusal(); !why.empty()) {
    refuse(message, Verdict::unavailable, std::string(why));
  } else if (!has_room()) {
    refuse(message, Verdict::busy, std::string(no_room));
  } else {
    return true;
  }
  return false;
}

// Whether it is awake, or may be. Else that is counted.
bool Actor::has_room() {
  if (instance_ || actors_.has_room(plugin_)) return true;
  plugin_.counters.reach(Limit::instances);
  return false;
}

bool Actor::hears(const Message& message) {
  if (!topics_.contains(message.name)) {
    // The turn that subscribed, or the life, is over.
    if (journaled_) actors_.system().subscriptions().remove(message.name, address_.text());
    return false;
  }
  if (is_down() || (!state_ && !is_call())) return false;
  if (const std::string_view why = journal_refusal(); !why.empty()) {
    actors_.log().warn("[{}] a message of a topic was dropped: {}", address_.text(), why);
    return false;
  }
  if (!has_room()) {
    refuse(message, Verdict::busy, std::string(no_room));
    return false;
  }
  if (version().module->has_function("handle_message")) return true;
  actors_.log().warn("[{}] has subscribed to a topic, but exports no handle_message",
                     address_.text());
  return false;
}

// Whether the timer that the message names has run out and was not set again since; then the
// message becomes its event.
bool Actor::take_timer(Message& message) {
  const auto found = timers_.find(message.name);
  if (found == timers_.end() || found->second.generation != message.generation) return false;
  Timer due = std::move(found->second);
  timers_.erase(found);
  std::int64_t later_ms = journal_refusal().empty() ? down_for_ms() : unavailable_retry_ms;
  if (later_ms == 0 && !has_room()) later_ms = no_room_retry_ms;
  if (later_ms > 0) {
    due.due_ns = actors_.clock().now_ns() + later_ms * ns_per_ms;
    set_timer(message.name, std::move(due));
    return false;
  }
  if (journaled_) {
    journaled_->fired.push_back({.name = message.name,
                                 .event = due.event,
                                 .payload = due.payload,
                                 .due_ns = due.due_ns,
                                 .generation = due.generation});
  }
  if (!version().is_event(due.event)) {
    actors_.log().warn(
        "[{}] the timer \"{}\" wants the event \"{}\", which the plugin does not export",
        address_.text(),
        message.name,
        due.event);
    return false;
  }
  message.input_id =
      journal::sender_id(address_.text() + "#" + message.name, incarnation_, due.generation);
  message.name = std::move(due.event);
  message.payload = std::move(due.payload);
  return true;
}

Task<> Actor::act(Message& message,
                  std::string_view function,
                  std::string_view payload,
                  std::int64_t& now_ns) {
  Turn turn(*this, message.viewer.get());
  const std::int64_t begun_ns = now_ns;
  if (journaled_) journaled_->handling = message.delivery ? &message : nullptr;
  const Outcome outcome = co_await turn.run(function, payload, begun_ns, message.input_id);
  Counters& counters = plugin_.counters;
  const std::int64_t waited_ns = message.arrived_ns == 0 ? 0 : begun_ns - message.arrived_ns;
  now_ns = actors_.clock().now_ns();
  const std::int64_t worked_ns = now_ns - begun_ns;
  counters.wait_times.add(waited_ns);
  counters.turn_times.add(worked_ns);
  counters.answer_times.add(waited_ns + worked_ns);
  if (journaled_) journaled_->handling = nullptr;
  if (turn.lost() && message.delivery) {
    if (journaled_->is_too_large) co_return;  // it is dropped
    journaled_->unsettled.push_back({std::make_shared<const bool>(false), std::move(message)});
    message.delivery = nullptr;
    co_return;
  }
  if (turn.lost()) {
    refuse(message,
           Verdict::unavailable,
           "the journal could not be written, and what was not yet shown is undone");
    co_return;
  }
  // An event of a viewer that has gone well: what the turn shows is all that he is told.
  const bool is_answered =
      turn.committed() && outcome.ending == Ending::done && message.viewer && message.ref.empty();
  if (turn.committed()) {
    has_history_ = true;
    history_.took(std::chrono::nanoseconds(now_ns - turn.time_ns()));  // without a wake
    audience_.show_turn(turn.effects().pushes(), turn.patch(), message.viewer, is_answered);
    perform(turn);
  }
  if (outcome.ending == Ending::done) {
    ++plugin_.counters.turns_done;
  } else {
    report(function, outcome);
  }
  if (!is_answered) answer(message, turn, outcome);
  if (outcome.ending != Ending::done && outcome.ending != Ending::error) {
    blame(message, turn, outcome);
  }
}

void Actor::answer(const Message& message, const Turn& turn, const Outcome& outcome) {
  if (message.viewer && message.ref.empty()) {
    if (outcome.ending != Ending::done) {
      audience_.show_error(message.viewer,
                           error_payload(guest::name_of(outcome.ending), outcome.message));
    }
    audience_.show_answered(message.viewer);
    return;
  }
  if (!message.viewer && !message.ask) return;
  Answer answer = answer_of(outcome);
  answer.output = turn.output();
  if (message.viewer) {
    audience_.show_called(message.viewer, message.ref, std::move(answer));
    return;
  }
  if (message.kind == Message::Kind::event) {
    if (state_) answer.state = state_->text();
    for (const Push& push : turn.effects().pushes()) {
      if (!push.to_all && turn.committed()) answer.replies.push_back(push);
    }
  }
  this->answer(message.ask, std::move(answer));
}

void Actor::answer(const AskPtr& ask, Answer answer) {
  if (exit_.is_open()) {
    actors_.answer(ask, std::move(answer));
    return;
  }
  exit_.hold(
      [&actors = actors_, ask, answer = std::move(answer)]() mutable {
        actors.answer(ask, std::move(answer));
      },
      [&actors = actors_, ask] {
        actors.answer(
            ask, unavailable("the journal could not be written: it is as if this had never been"));
      });
}

Answer Actor::answer_of(const Outcome& outcome) const {
  Answer answer{.ending = outcome.ending, .message = outcome.message, .turn = turns_};
  if (outcome.ending != Ending::done) {
    answer.verdict = outcome.ending == Ending::error ? Verdict::error : Verdict::failed;
  }
  return answer;
}

void Actor::refuse(const Message& message, Verdict verdict, std::string text) {
  const std::int64_t retry_ms =
      verdict == Verdict::unavailable ? unavailable_retry_ms : down_for_ms();
  if (message.kind == Message::Kind::join) {
    audience_.show_refused(message.viewer, down_payload(text, retry_ms));
    message.viewer->actor = nullptr;
    return;
  }
  if (message.viewer && message.ref.empty()) {
    audience_.show_error(message.viewer, error_payload(event_error_type(verdict), text));
    audience_.show_answered(message.viewer);
    return;
  }
  Answer answer{.verdict = verdict,
                .ending = Ending::error,
                .message = std::move(text),
                .turn = turns_,
                .retry_ms = retry_ms};
  if (message.viewer) {
    audience_.show_called(message.viewer, message.ref, std::move(answer));
  } else if (message.ask) {
    this->answer(message.ask, std::move(answer));
  } else {
    actors_.log().warn("[{}] a message for \"{}\" from another actor was dropped: {}",
                       address_.text(),
                       message.name,
                       answer.message);
  }
}

void Actor::refresh(const ViewerPtr& viewer) {
  if (state_) audience_.show_state(viewer, state_->text(), StateReason::refreshed);
  audience_.show_answered(viewer);
}

void Actor::leave(const ViewerPtr& viewer) {
  viewer->actor = nullptr;
  audience_.remove(*viewer);
  if (viewer->ends_actor) {
    audience_.show_end(EndReason::over);  // to those who watch
    retired_ = true;
    pass_on();
    actors_.retire(*this);
  }
}

void Actor::restart() {
  drop_instance();
  supervisor_.forgive();
}

// The last turn of its life. What `terminate` returns is nobody's, and its failure stops nothing.
// False when it goes on, as the journal could not be written.
Task<bool> Actor::end_life() {
  if (state_ && version().module->has_function("terminate") && down_for_ms() == 0) {
    Turn turn(*this, nullptr);
    const Outcome outcome = co_await turn.run("terminate", "\"deleted\"", actors_.clock().now_ns());
    if (turn.lost()) co_return false;
    if (turn.committed()) {
      perform(turn);
    } else {
      report("terminate", outcome);
    }
  }
  if (journaled_ && journaled_->begun) {
    if (!mark(journal::Kind::end, {})) co_return false;
    // Until then a message for this address must not begin another life.
    const bool is_over = co_await all_told();
    if (!is_over) co_return false;
    for (const std::string& topic : topics_) {
      actors_.system().subscriptions().remove(topic, address_.text());
    }
  }
  audience_.show_end(EndReason::over);
  retired_ = true;
  actors_.retire(*this);
  co_return true;
}

Task<> Actor::switch_version() {
  const std::shared_ptr<const PluginVersion> target = plugin_.version;
  if (version_ == target || refused_version_ == target) co_return;
  const std::string from = version_                ? version_->module->content_hash()
                           : history_.checkpoint() ? history_.checkpoint()->code
                                                   : std::string();
  const bool same_code = from == target->module->content_hash();
  if (from.empty() || same_code) {
    // Only how it runs is new: what it has in memory stays.
    const bool is_reconfigured =
        version_ && version_->environment.config != target->environment.config;
    if (is_reconfigured && history_.has_turns()) {
      // The turns before it ran with the old configuration: none of them may be repeated with this.
      Task<Result<>> taking = take_memory();
      const Result<> taken = co_await std::move(taking);
      if (taken.has_error()) forget_memory();
      if (!history_.checkpoint()->memory) {
        actors_.log().info(
            "[{}] goes on with its variables and its state alone: its memory could not be captured "
            "when the configuration changed",
            address_.text());
      }
    }
    if (same_code) sleep();
    version_ = target;
    if (!is_reconfigured) co_return;
    if (journaled_ && journaled_->begun) {
      std::string config;
      json::quote_object(config, target->environment.config);
      mark(journal::Kind::config, std::move(config));
    }
    co_return;
  }
  std::optional<state::Canonical> next;
  if (state_ && target->module->has_function("migrate")) {
    auto migrated = co_await migrate(actors_, plugin_, target, from, state_->text());
    if (migrated.has_error()) {
      refused_version_ = target;
      ++plugin_.counters.switches_refused;
      actors_.log().warn(
          "[{}] stays on its version: {}", address_.text(), migrated.error().message);
      co_return;
    }
    next = std::move(*migrated);
  }
  drop_instance();
  version_ = target;
  refused_version_.reset();
  ++plugin_.counters.switches;
  if (next) {
    const std::string_view patch = actors_.differ().diff(*state_, *next);
    if (*next != *state_) audience_.show_turn({}, patch, nullptr);
    state_ = std::move(next);
  }
  // Code of another version has nothing to do with the memory of this one.
  if (turns_ == 0) co_return;
  forget_memory();
  if (journaled_) mark(journal::Kind::upgrade, from);
}

// Timers and subscriptions are the actor's own affair, and were seen to with the turn.
void Actor::perform(const Turn& turn) {
  std::uint64_t number = turn.sent_before();
  for (const Deed& deed : turn.effects().deeds()) {
    if (deed.kind == Deed::Kind::publish) {
      publish(deed, number);
    } else if (deed.is_message()) {
      const bool is_call = deed.kind == Deed::Kind::call;
      send(*Address::read(deed.target),
           {.kind = is_call ? Message::Kind::call : Message::Kind::event,
            .name = deed.event,
            .payload = deed.payload},
           ++number);
    }
  }
}

void Actor::publish(const Deed& deed, std::uint64_t& number) {
  const journal::InputId id = journal::sender_id(address_.text(), incarnation_, ++number);
  when_durable([&system = actors_.system(),
                topic = deed.target,
                shared = std::make_shared<const std::string>(deed.notice),
                id] { system.publish(topic, shared, id); },
               [] {});
  for (const std::string& hearer : deed.hearers) {
    send(*Address::read(hearer),
         {.kind = Message::Kind::notice, .name = deed.target, .payload = deed.notice},
         ++number);
  }
}

void Actor::send(Address to, Message message, std::uint64_t number) {
  message.input_id = journal::sender_id(address_.text(), incarnation_, number);
  if (journaled_) {
    message.delivery = std::make_shared<const journal::Outgoing>(journal::Outgoing{
        .sender = address_.text(), .incarnation = incarnation_, .number = number});
    actors_.sent(address_.text(), message.bytes());
  }
  auto lost = [&actors = actors_, delivery = message.delivery, bytes = message.bytes()] {
    actors.settled(delivery->sender, bytes);
  };
  when_durable(
      [&system = actors_.system(), to = std::move(to), message = std::move(message)]() mutable {
        system.send(to, std::move(message));
      },
      std::move(lost));
}

// All that the actor has done so far: also where what it shows does not wait for that, or its
// receiver could be done with a message before the outbox has it. When it is lost, lost() is
// called.
template <class Letter, class Lost>
void Actor::when_durable(Letter letter, Lost lost) {
  if (!journaled_ || actors_.gate()->is_durable(journaled_->last)) {
    letter();
  } else {
    actors_.gate()->hold(journaled_->last, std::move(letter), std::move(lost));
  }
}

void Actor::set_timer(const std::string& name, Timer timer) {
  cancel_timer(name);
  actors_.timers().set(*this, name, timer.due_ns);
  timers_.insert_or_assign(name, std::move(timer));
}

void Actor::cancel_timer(const std::string& name) {
  const auto found = timers_.find(name);
  if (found == timers_.end()) return;
  actors_.timers().cancel(*this, name, found->second.due_ns);
  timers_.erase(found);
}

void Actor::timer_is_due(const std::string& name) {
  if (name.empty()) {  // no plugin's
    deliver({.kind = Message::Kind::wake});
    return;
  }
  const auto found = timers_.find(name);
  if (found == timers_.end()) return;
  deliver({.kind = Message::Kind::timer, .name = name, .generation = found->second.generation});
}

void Actor::report(std::string_view function, const Outcome& outcome) {
  if (outcome.ending == Ending::error) {
    ++plugin_.counters.turns_error;
    actors_.log().info("[{} turn {}] {} was refused by the plugin: {}",
                       address_.text(),
                       turns_,
                       function,
                       outcome.message);
  } else {
    ++plugin_.counters.turns_failed;
    actors_.log().warn("[{} turn {}] {} failed ({}): {}{}{}",
                       address_.text(),
                       turns_,
                       function,
                       guest::name_of(outcome.ending),
                       outcome.message,
                       outcome.detail.empty() ? "" : "\n",
                       outcome.detail);
  }
}

// A viewer's poison counts against that viewer; what an operator or an application asks for over
// HTTP is answered and counts against nobody; the rest is the actor's own fault.
void Actor::blame(const Message& message, const Turn& turn, const Outcome& outcome) {
  const std::int64_t now_ns = actors_.clock().now_ns();
  if (turn.failed_to_wake() || (!message.viewer && !message.ask)) {
    if (supervisor_.failed(now_ns, version().supervision)) go_down(outcome.message);
  } else if (message.viewer &&
             supervisor_.failed_for(message.viewer->person, now_ns, version().supervision)) {
    const ViewerPtr viewer = message.viewer;
    actors_.log().warn("[{}] a viewer's events have failed too often; its channel ends",
                       address_.text());
    audience_.show_end(viewer, EndReason::crashed);
    leave(viewer);
  }
}

void Actor::go_down(std::string_view reason) {
  ++plugin_.counters.downs;
  drop_instance();
  actors_.log().error("[{}] is down for {} ms: it has failed too often, the last time with: {}",
                      address_.text(),
                      down_for_ms(),
                      reason);
  audience_.show_end(EndReason::crashed);
}

std::int64_t Actor::down_for_ms() const {
  return ms_rounded_up(supervisor_.down_for_ns(actors_.clock().now_ns()));
}

bool Actor::is_forgettable() const {
  return !running_ && audience_.empty() && (!has_history_ || is_in_journal()) && mailbox_.empty() &&
         timers_.empty() && (topics_.empty() || journaled_) && !is_punishing() &&
         (!journaled_ || journaled_->parked.empty());
}

bool Actor::is_punishing() const {
  return supervisor_.has_failures() && supervisor_.is_punishing(actors_.clock().now_ns());
}

std::string Actor::description(Detail detail) const {
  std::string json = "{\"address\":";
  json::quote(json, address_.text());
  const std::int64_t down_ms = down_for_ms();
  json += ",\"status\":";
  json::quote(json, down_ms > 0 ? "down" : is_awake() ? "awake" : "asleep");
  if (down_ms > 0) json += fmt::format(",\"retry_ms\":{}", down_ms);
  json += ",\"version\":";
  json::quote(json, version().hash);
  json += fmt::format(",\"current\":{},\"turn\":{},\"failures\":{},\"viewers\":{},\"waiting\":{}",
                      !version_ || version_ == plugin_.version,
                      turns_,
                      supervisor_.failures(),
                      audience_.size(),
                      mailbox_.size());
  json += fmt::format(",\"memory_bytes\":{}",
                      instance_ ? instance_->memory_bytes() : history_.bytes_kept());
  if (detail != Detail::summary) {
    json += fmt::format(",\"in_flight\":{}", actors_.in_flight(address_.text()).messages);
  }
  if (detail == Detail::summary) return json + '}';
  json += ",\"timers\":[";
  for (const auto& [name, timer] : timers_) {
    if (json.back() != '[') json += ',';
    json += "{\"name\":";
    json::quote(json, name);
    json += ",\"event\":";
    json::quote(json, timer.event);
    json += fmt::format(",\"due_ms\":{}}}", timer.due_ns / ns_per_ms);
  }
  json += "],\"topics\":";
  json::quote_array(json, topics_);
  json += ",\"state\":";
  json += state_ ? std::string_view(state_->text()) : "null";
  json += '}';
  return json;
}

}  // namespace troupe::actor
