#include "actor/actors.h"

#include <boost/asio/post.hpp>

#include <utility>

namespace troupe::actor {

Actors::Actors(shard::Shards& shards,
               std::size_t index,
               const Clock& clock,
               Log& log,
               std::size_t instances_max)
    : shards_(shards), index_(index), clock_(clock), log_(log), instances_max_(instances_max) {}

Actors::~Actors() = default;

void Actors::install(std::shared_ptr<const PluginVersion> version) {
  auto& plugin = plugins_[version->name];
  if (!plugin) plugin = std::make_unique<Plugin>();
  plugin->version = std::move(version);
}

Plugin* Actors::find_plugin(std::string_view name) {
  const auto found = plugins_.find(std::string(name));
  return found == plugins_.end() ? nullptr : found->second.get();
}

void Actors::join(const ViewerPtr& viewer) {
  auto& actor = actors_[viewer->address.text()];
  if (!actor) {
    Plugin* plugin = find_plugin(viewer->address.plugin);
    assert(plugin != nullptr && "a topic rule names a plugin that was installed");
    actor = std::make_unique<Actor>(*this, *plugin, viewer->address);
  }
  // From the first moment, so that what the viewer sends next finds the actor.
  viewer->actor = actor.get();
  actor->deliver({Message::Kind::join, viewer, {}, {}});
}

void Actors::deliver(Message message) {
  // An actor that ended has told its viewers so.
  if (Actor* actor = message.viewer->actor; actor != nullptr) actor->deliver(std::move(message));
}

void Actors::woke() {
  ++instances_;
  while (instances_ > instances_max_ && !idle_.empty()) {
    Actor& longest = idle_.front();
    idle_.pop_front();
    longest.sleep();
  }
}

void Actors::slept() {
  --instances_;
}

void Actors::rest(Actor& actor) {
  idle_.push_back(actor);
}

void Actors::retire(Actor& actor) {
  const auto found = actors_.find(actor.address().text());
  assert(found != actors_.end() && found->second.get() == &actor);
  if (retired_.empty()) {
    // What is retired may be on the stack right now, in the middle of a turn.
    boost::asio::post(shard().io(), [this] { retired_.clear(); });
  }
  retired_.push_back(std::move(found->second));
  actors_.erase(found);
}

}  // namespace troupe::actor
