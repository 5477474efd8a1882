#include "actor/system.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <future>
#include <utility>

namespace troupe::actor {

namespace {

// On how many live actors' states a new version's `migrate` is tried.
constexpr std::size_t migrations_tried_max = 16;
// Subscriptions, and messages on their way, are read by so many.
constexpr std::size_t page = 4096;

// All that the journal gives by pages, each after the last of the one before. Blocks.
template <class T, class Read, class Take>
Result<> read_all(Read read, Take take) {
  T after;
  while (true) {
    std::promise<Result<std::vector<T>>> answer;
    read(after, [&answer](Result<std::vector<T>> part) { answer.set_value(std::move(part)); });
    TRY(std::vector<T> part, answer.get_future().get());
    for (T& one : part) take(one);
    if (part.size() < page) return {};
    after = std::move(part.back());
  }
}

Message::Kind kind_of(journal::Outgoing::Kind kind) {
  switch (kind) {
    case journal::Outgoing::Kind::event:
      return Message::Kind::event;
    case journal::Outgoing::Kind::call:
      return Message::Kind::call;
    case journal::Outgoing::Kind::notice:
      return Message::Kind::notice;
  }
  return Message::Kind::event;
}

}  // namespace

System::System(shard::Shards& shards, const Clock& clock, Log& log, AwakeRules rules)
    : shards_(shards), clock_(clock), log_(log) {
  rules.instances_max = std::max<std::size_t>(1, rules.instances_max / shards.size());
  for (std::size_t index = 0; index < shards.size(); ++index) {
    actors_.push_back(std::make_unique<Actors>(*this, shards, index, clock, log, rules));
  }
}

System::~System() = default;

Result<> System::use(journal::Journal& journal) {
  for (const auto& actors : actors_) actors->use(journal);
  alarms_ = std::make_unique<Alarms>(*this, journal, clock_, log_);
  journal_ = &journal;
  return read_all<journal::Subscription>(
      [&](const journal::Subscription& after, auto reply) {
        journal.subscriptions(after, page, std::move(reply));
      },
      [this](const journal::Subscription& one) {
        if (Address::read(one.address)) subscriptions_.add(one.topic, one.address);
      });
}

Result<> System::resume() {
  if (journal_ == nullptr) return {};
  // Each sender's in the order it sent them, before anybody can send more.
  const Result<> sent = read_all<journal::Outgoing>(
      [this](const journal::Outgoing& after, auto reply) {
        journal_->outbox(after, page, std::move(reply));
      },
      [this](const journal::Outgoing& message) { send_again(message); });
  if (!sent) {
    return Error{fmt::format("messages on their way cannot be read: {}", sent.error().message)};
  }
  shards_[0].send([this] { alarms_->start(); });
  return {};
}

void System::send_again(const journal::Outgoing& message) {
  const auto to = Address::read(message.to);
  if (!to) return;
  actors_[shard_of_text(message.sender)]->sent(message.sender, message.bytes());
  send(*to,
       {.kind = kind_of(message.kind),
        .name = message.name,
        .payload = message.payload,
        .input_id = journal::sender_id(message.sender, message.incarnation, message.number),
        .delivery = std::make_shared<const journal::Outgoing>(
            journal::Outgoing{.sender = message.sender,
                              .incarnation = message.incarnation,
                              .number = message.number})});
}

void System::wake_sleepers() {
  shards_[0].send([this] { alarms_->rewind(); });
}

void System::tell_past(const Address& address, std::uint64_t turn, AskPtr ask) {
  const std::size_t index = shard_of(address);
  shards_[index].send([this, index, address, turn, ask = std::move(ask)] {
    actors_[index]->tell_past(address, turn, ask);
  });
}

void System::replay(ReplayOrder order, AskPtr ask) {
  const std::size_t index = shard_of(order.address);
  shards_[index].send([this, index, order = std::move(order), ask = std::move(ask)] {
    actors_[index]->replay(order, ask);
  });
}

void System::settled(const std::shared_ptr<const journal::Outgoing>& delivery, std::size_t bytes) {
  const std::size_t index = shard_of_text(delivery->sender);
  shards_[index].send(
      [this, index, delivery, bytes] { actors_[index]->settled(delivery->sender, bytes); });
}

void System::forgotten(const std::string& address) {
  for (std::size_t index = 0; index < actors_.size(); ++index) {
    shards_[index].send([actors = actors_[index].get(), address] { actors->forgotten(address); });
  }
}

std::size_t System::shard_of(const Address& address) const {
  return shard_of_text(address.text());
}

// That of the journal's partition: a partition has one owner.
std::size_t System::shard_of_text(std::string_view address) const {
  return journal::partition_of(address) % actors_.size();
}

void System::install(const std::shared_ptr<const PluginVersion>& version) {
  for (std::size_t index = 0; index < actors_.size(); ++index) {
    shards_[index].send([actors = actors_[index].get(), version] { actors->install(version); });
  }
}

void System::try_migrate(std::size_t asking_shard,
                         std::shared_ptr<const PluginVersion> version,
                         std::function<void(std::vector<std::string>)> done) {
  struct Parts {
    std::vector<std::string> mistakes;
    std::size_t missing;
    std::function<void(std::vector<std::string>)> done;
  };
  auto parts = std::make_shared<Parts>(Parts{{}, actors_.size(), std::move(done)});
  const std::size_t each = std::max<std::size_t>(1, migrations_tried_max / actors_.size());
  for (std::size_t index = 0; index < actors_.size(); ++index) {
    shards_[index].send([this, asking_shard, index, each, version, parts] {
      actors_[index]->try_migrate(
          version, each, [this, asking_shard, parts](std::vector<std::string> mistakes) {
            shards_[asking_shard].send([parts, mistakes = std::move(mistakes)] {
              parts->mistakes.insert(parts->mistakes.end(), mistakes.begin(), mistakes.end());
              if (--parts->missing == 0) parts->done(std::move(parts->mistakes));
            });
          });
    });
  }
}

void System::uninstall(const std::string& name) {
  for (std::size_t index = 0; index < actors_.size(); ++index) {
    shards_[index].send([actors = actors_[index].get(), name] { actors->uninstall(name); });
  }
}

void System::join(const ViewerPtr& viewer) {
  Actors& actors = *actors_[viewer->actor_shard];
  if (viewer->shard == viewer->actor_shard) {
    actors.join(viewer);
  } else {
    shards_[viewer->actor_shard].send([&actors, viewer] { actors.join(viewer); });
  }
}

void System::event(const ViewerPtr& viewer, std::string_view name, std::string_view payload) {
  deliver({.kind = Message::Kind::event,
           .viewer = viewer,
           .name = std::string(name),
           .payload = std::string(payload)});
}

void System::call(const ViewerPtr& viewer,
                  std::string_view function,
                  std::string_view input,
                  std::string_view ref) {
  deliver({.kind = Message::Kind::call,
           .viewer = viewer,
           .name = std::string(function),
           .payload = std::string(input),
           .ref = std::string(ref)});
}

void System::refresh(const ViewerPtr& viewer) {
  deliver({.kind = Message::Kind::refresh, .viewer = viewer});
}

void System::leave(const ViewerPtr& viewer) {
  deliver({.kind = Message::Kind::leave, .viewer = viewer});
}

void System::deliver(Message&& message) {
  Actors& actors = *actors_[message.viewer->actor_shard];
  if (message.viewer->shard == message.viewer->actor_shard) {
    actors.deliver(std::move(message));
  } else {
    const std::size_t to = message.viewer->actor_shard;
    shards_[to].send(
        [&actors, message = std::move(message)]() mutable { actors.deliver(std::move(message)); });
  }
}

void System::send(const Address& to, Message message) {
  pass(to, std::move(message), 0);
}

// The actor is on the shard of its address, unless it is a viewer's own and
// lives where its viewer does: then one of the other shards has it. Through the
// inbox even of the own shard, so that actors that send to each other do not
// pile up on the stack. What must arrive in order always goes the whole round,
// and never finds an actor sooner that has come to be meanwhile.
void System::pass(Address to, Message message, std::size_t shards_tried) {
  const std::size_t home = shard_of(to);
  const std::size_t ahead = message.delivery ? 1 : 0;
  const std::size_t index = (home + ahead + shards_tried) % actors_.size();
  const bool is_last = shards_tried + ahead == actors_.size();
  shards_[index].send([this,
                       to = std::move(to),
                       message = std::move(message),
                       index,
                       shards_tried,
                       is_last]() mutable {
    Actors& actors = *actors_[index];
    if (is_last || actors.find(to.text()) != nullptr) {
      actors.deliver(to, std::move(message));
    } else {
      pass(std::move(to), std::move(message), shards_tried + 1);
    }
  });
}

void System::publish(const std::string& topic,
                     std::shared_ptr<const std::string> notice,
                     const journal::InputId& id) {
  for (std::size_t index = 0; index < actors_.size(); ++index) {
    shards_[index].send([actors = actors_[index].get(), topic, notice, id] {
      actors->publish(topic, *notice, id);
    });
  }
}

}  // namespace troupe::actor
