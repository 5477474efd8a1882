#include "actor/actor.h"

#include "actor/actors.h"
#include "actor/turn.h"
#include "base/json.h"

#include <fmt/format.h>

#include <utility>

namespace troupe::actor {

namespace {

// How long an actor goes from message to message before it lets the event loop have the thread.
constexpr std::int64_t slice_ns = 1'000'000;

}  // namespace

Actor::Actor(Actors& actors, Plugin& plugin, Address address)
    : actors_(actors),
      plugin_(plugin),
      address_(std::move(address)),
      mailbox_(plugin.version->bounds.mailbox_messages_max,
               plugin.version->bounds.mailbox_bytes_max),
      audience_(actors.shards(), actors.shard().index()) {}

Actor::~Actor() {
  run_.reset();
  sleep();
}

void Actor::deliver(Message message) {
  const ViewerPtr viewer = message.viewer;
  if (retired_) return;
  // The viewer of an actor of its own takes it along, in the middle of a turn if need be.
  if (message.kind == Message::Kind::leave && viewer->ends_actor) {
    leave(viewer);
    return;
  }
  if (running_) {
    if (!mailbox_.push(std::move(message))) {
      refuse(viewer, "busy", "too many events are waiting; try again");
      audience_.show_answered(viewer);
    }
    return;
  }
  running_ = true;
  unlink();  // from the idle
  run_ = run(std::move(message));
  run_.start();
}

Task<> Actor::run(Message message) {
  shard::RunQueue& queue = actors_.shard().run_queue();
  if (!queue.idle()) co_await queue.yield(plugin_.lane);
  std::int64_t slice_end_ns = actors_.clock().now_ns() + slice_ns;
  while (true) {
    switch (message.kind) {
      case Message::Kind::join:
        co_await join(std::move(message.viewer));
        break;
      case Message::Kind::event:
        co_await event(message);
        break;
      case Message::Kind::refresh:
        refresh(message.viewer);
        break;
      case Message::Kind::leave:
        leave(message.viewer);
        break;
    }
    if (retired_ || mailbox_.empty()) break;
    if (!queue.idle() || actors_.clock().now_ns() > slice_end_ns) {
      co_await queue.yield(plugin_.lane);
      slice_end_ns = actors_.clock().now_ns() + slice_ns;
    }
    message = mailbox_.pop();
  }
  running_ = false;
  if (!retired_) actors_.rest(*this);
}

Task<> Actor::join(ViewerPtr viewer) {
  viewer->actor = this;
  audience_.add(viewer);
  if (state_) {
    audience_.show_state(viewer, state_->text(), StateReason::joined);
    co_return;
  }
  Turn turn(*this, viewer.get());
  const guest::Outcome outcome = co_await turn.run(
      "init",
      plugin_.version->init_payload ? std::string_view(viewer->params) : std::string_view());
  if (outcome.ending != guest::Ending::done) {
    report("init", outcome, viewer);
    co_return;
  }
  // Everyone here has been waiting for the first state, this viewer and those whose init failed.
  audience_.show_start(turn.effects().pushes(), state_->text(), viewer.get());
}

Task<> Actor::event(const Message& message) {
  const ViewerPtr& viewer = message.viewer;
  if (!state_) {
    refuse(viewer, "error", "there is no state yet: init has failed; join again to retry");
  } else if (!plugin_.version->is_event(message.name)) {
    refuse(viewer, "error", fmt::format("unknown event \"{}\"", message.name));
  } else {
    Turn turn(*this, viewer.get());
    const guest::Outcome outcome = co_await turn.run(message.name, message.payload);
    if (outcome.ending == guest::Ending::done) {
      has_history_ = true;
      audience_.show_turn(turn.effects().pushes(), turn.patch(), viewer.get());
    } else {
      report(message.name, outcome, viewer);
    }
  }
  audience_.show_answered(viewer);
}

void Actor::refresh(const ViewerPtr& viewer) {
  if (state_) audience_.show_state(viewer, state_->text(), StateReason::refreshed);
  audience_.show_answered(viewer);
}

void Actor::leave(const ViewerPtr& viewer) {
  viewer->actor = nullptr;
  audience_.remove(*viewer);
  if (viewer->ends_actor || (audience_.empty() && !has_history_ && mailbox_.empty())) {
    retired_ = true;
    actors_.retire(*this);
  }
}

void Actor::sleep() {
  if (!instance_) return;
  instance_.reset();
  version_.reset();
  actors_.slept();
}

void Actor::report(std::string_view function,
                   const guest::Outcome& outcome,
                   const ViewerPtr& viewer) {
  const std::string_view type = guest::name_of(outcome.ending);
  if (outcome.ending == guest::Ending::error) {
    actors_.log().info("[{} turn {}] {} was refused by the plugin: {}",
                       address_.text(),
                       turns_,
                       function,
                       outcome.message);
  } else {
    actors_.log().warn("[{} turn {}] {} failed ({}): {}{}{}",
                       address_.text(),
                       turns_,
                       function,
                       type,
                       outcome.message,
                       outcome.detail.empty() ? "" : "\n",
                       outcome.detail);
  }
  refuse(viewer, type, outcome.message);
}

void Actor::refuse(const ViewerPtr& viewer, std::string_view type, std::string_view message) {
  std::string payload = "{\"type\":";
  json::quote(payload, type);
  payload += ",\"message\":";
  json::quote(payload, message);
  payload += '}';
  audience_.show_error(viewer, payload);
}

}  // namespace troupe::actor
