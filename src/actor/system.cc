#include "actor/system.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace troupe::actor {

System::System(shard::Shards& shards, const Clock& clock, Log& log, std::size_t instances_max)
    : shards_(shards) {
  const std::size_t each = std::max<std::size_t>(1, instances_max / shards.size());
  for (std::size_t index = 0; index < shards.size(); ++index) {
    actors_.push_back(std::make_unique<Actors>(shards, index, clock, log, each));
  }
}

System::~System() = default;

std::size_t System::shard_of(const Address& address) const {
  return std::hash<std::string>{}(address.text()) % actors_.size();
}

void System::install(const std::shared_ptr<const PluginVersion>& version) {
  for (std::size_t index = 0; index < actors_.size(); ++index) {
    shards_[index].send([actors = actors_[index].get(), version] { actors->install(version); });
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
  deliver({Message::Kind::event, viewer, std::string(name), std::string(payload)});
}

void System::refresh(const ViewerPtr& viewer) {
  deliver({Message::Kind::refresh, viewer, {}, {}});
}

void System::leave(const ViewerPtr& viewer) {
  deliver({Message::Kind::leave, viewer, {}, {}});
}

void System::deliver(Message message) {
  Actors& actors = *actors_[message.viewer->actor_shard];
  if (message.viewer->shard == message.viewer->actor_shard) {
    actors.deliver(std::move(message));
  } else {
    const std::size_t to = message.viewer->actor_shard;
    shards_[to].send(
        [&actors, message = std::move(message)]() mutable { actors.deliver(std::move(message)); });
  }
}

}  // namespace troupe::actor
