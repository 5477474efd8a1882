// The actors of one shard, and the way to them.
//
// Owned by System. Lives on its shard; not thread-safe. An actor comes to be with its first viewer
// or message. One that has never committed a turn beyond init ends with its last viewer; a viewer's
// own (`{topic}/{join}`) ends with that viewer; others stay. The instances of those that are idle
// for long, or longest when there are too many, are freed.
#pragma once

#include "actor/actor.h"
#include "actor/address.h"
#include "actor/ask.h"
#include "actor/gate.h"
#include "actor/plugin.h"
#include "actor/timers.h"
#include "actor/viewer.h"
#include "base/bounds.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "base/task.h"
#include "journal/journal.h"
#include "shard/shard.h"
#include "state/diff.h"

#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace troupe::actor {

class System;

// What keeps instances from filling the memory, on each shard.
struct AwakeRules {
  std::size_t instances_max = 1000;
  // Beyond them, on each shard, while all of them are in the middle of a turn.
  std::size_t spare_instances = 0;
  std::chrono::nanoseconds idle_max = std::chrono::seconds(30);
};

struct ActorSummary {
  std::string address;
  std::string json;  // as Actor::description(), but without what is long
};

struct PluginCounters {
  std::string plugin;
  Counters counters;
  std::size_t actors = 0;
  std::size_t awake = 0;
  std::map<std::string, std::size_t> versions;  // actors by the hash of the version they run

  void add(const PluginCounters& other);
};

// What a durable actor has sent that nobody has handled yet, as far as its shard has heard.
struct InFlight {
  std::size_t messages = 0;
  std::size_t bytes = 0;
};

class Actors {
 public:
  Actors(System& system,
         shard::Shards& shards,
         std::size_t index,
         const Clock& clock,
         Log& log,
         const AwakeRules& rules);
  Actors(const Actors&) = delete;
  Actors& operator=(const Actors&) = delete;
  ~Actors();

  // Makes this the version that runs. Actors that are awake switch to it now, between two turns;
  // the others when they wake.
  void install(std::shared_ptr<const PluginVersion> version);
  // Tries `migrate` of a version that is to be installed on the states of up to `count` actors. The
  // result is what went wrong, a line for each actor.
  void try_migrate(std::shared_ptr<const PluginVersion> version,
                   std::size_t count,
                   std::function<void(std::vector<std::string>)> done);
  // The plugin's actors end, and it starts no more of them unless it is installed again.
  void uninstall(std::string_view name);

  // Null when there is no such plugin, or it is leaving.
  Plugin* find_plugin(std::string_view name);
  Actor* find(std::string_view address);
  bool may_be_asleep(const Plugin& plugin) const;

  // Before any actor is. Keeps in it the turns of those that want it.
  void use(journal::Journal& journal);
  // Null when there is no journal.
  Gate* gate() { return gate_.get(); }
  // Tells what an actor of the journal was at the end of that turn of its life, or of its last one,
  // as description().
  void tell_past(Address address, std::optional<std::uint64_t> turn, AskPtr ask);
  // Ends the life of an actor that cannot be loaded, or whose plugin is not served: in the journal,
  // and without `terminate`.
  void bury(Address address, AskPtr ask);
  // Runs an actor's turns again beside it and tells what came of it, as as_json(Replayed).
  void replay(ReplayOrder order, AskPtr ask);
  // A message of a durable actor, which nobody handles: it will not be sent again.
  void drop(const Message& message);

  // The journal has forgotten that actor: what it has sent to plugins that are not served is not
  // sent any more, and a life that has no entry yet begins with the first.
  void forgotten(const std::string& sender);

  // Of the durable actors of this shard, also those that are asleep or forgotten: from the turn
  // that sends a message on, until it has been handled or dropped, or its sender's turn is lost.
  InFlight in_flight(const std::string& sender) const;
  void sent(const std::string& sender, std::size_t bytes);
  void settled(const std::string& sender, std::size_t bytes);

  // Puts all to sleep that can be: the server is about to end.
  void sleep_all();

  // The mailbox side; called by System on this shard.
  void join(const ViewerPtr& viewer);
  void deliver(Message&& message);
  // To the actor of that address, which comes to be if need be.
  void deliver(const Address& address, Message&& message);
  // To those of this shard that have subscribed and are kept by no journal.
  void publish(const std::string& topic, const std::string& notice, const journal::InputId& id);

  // Up to `limit` of the plugin's actors (of all plugins when it is empty) by address, behind
  // `after`.
  std::vector<ActorSummary> list(std::string_view plugin,
                                 std::string_view after,
                                 std::size_t limit) const;
  std::vector<PluginCounters> counters() const;
  // How often somebody had to sleep for another, or was told to try again. From any thread.
  const BoundCounts& bounds() const { return bounds_; }

  // For actors and turns: what they share with the others of their shard.
  System& system() { return system_; }
  shard::Shards& shards() { return shards_; }
  shard::Shard& shard() { return shards_[index_]; }
  const Clock& clock() const { return clock_; }
  Log& log() { return log_; }
  Random& random() { return random_; }
  Timers& timers() { return timers_; }
  // Buffers of one comparison, used and left within a turn without waiting in between.
  state::Differ& differ() { return differ_; }
  // For a turn to write in; comes back when the turn is over, and its strings keep their room.
  std::unique_ptr<journal::Record> lend_record();
  void take_back(std::unique_ptr<journal::Record> record);
  void answer(AskPtr ask, Answer answer);

  // Whether every instance there may be is in the middle of a turn: nobody can be put to sleep.
  bool all_at_work() const;
  // Whether one more of the plugin's actors may be awake; one that is idle is put to sleep for it.
  bool has_room(Plugin& plugin);
  // Called by an actor. It is about to get an instance; it has given it up, or got none; it has
  // nothing to do and may lose it; it waits for the thread between two messages, and may lose it as
  // well, until it unlinks itself; it is done for, and ends as soon as its own stack has unwound.
  void woke(Plugin& plugin);
  void slept(Plugin& plugin);
  void rest(Actor& actor);
  void let_sleep(Actor& actor);
  void retire(Actor& actor);
  // One that no journal keeps hears of the topic, or not any more.
  void subscribe(const std::string& topic, Actor& actor);
  void unsubscribe(const std::string& topic, Actor& actor);

  // Puts to sleep what has been idle for too long. The event loop does it; tests may.
  void tuck_in();

 private:
  using Steady = std::chrono::steady_clock;

  void start(Task<> task);
  Task<> end_unloaded(Address address, AskPtr ask);
  Task<> look_back(Address address, std::optional<std::uint64_t> turn, AskPtr ask);
  Task<Result<std::vector<journal::Entry>>> read_turns(std::string address, std::uint64_t first);
  Task<Result<Replayed>> replay_turns(ReplayOrder order, std::int64_t deadline_ns);
  Task<> tell_replay(ReplayOrder order, AskPtr ask);
  Task<> migrate_some(std::shared_ptr<const PluginVersion> version,
                      std::vector<std::string> addresses,
                      std::function<void(std::vector<std::string>)> done);
  void wait_for_bedtime();

  System& system_;
  shard::Shards& shards_;
  const std::size_t index_;
  const Clock& clock_;
  Log& log_;
  const AwakeRules rules_;
  std::size_t instances_ = 0;
  BoundCounts bounds_;
  Random random_;
  Timers timers_;
  std::unique_ptr<Gate> gate_;
  state::Differ differ_;
  std::vector<std::unique_ptr<journal::Record>> spare_records_;
  std::map<std::string, std::unique_ptr<Plugin>, std::less<>> plugins_;
  std::unordered_map<std::string, InFlight> in_flight_;  // by the sender; none is zero
  // Messages of durable actors to those of plugins that are not served now, in their order. Those
  // that sent them wait for them (Bounds::outbox_max).
  std::map<std::string, std::vector<std::pair<Address, Message>>, std::less<>> unserved_;
  std::unordered_map<std::string, std::set<Actor*>> subscribers_;
  // By the text of the address, which only the actor has.
  struct ByAddress {
    using is_transparent = void;
    static std::string_view text(std::string_view text) { return text; }
    static std::string_view text(const std::unique_ptr<Actor>& actor) {
      return actor->address().text();
    }
    std::size_t operator()(const auto& of) const { return std::hash<std::string_view>{}(text(of)); }
    bool operator()(const auto& one, const auto& other) const { return text(one) == text(other); }
  };
  std::unordered_set<std::unique_ptr<Actor>, ByAddress, ByAddress> actors_;
  Actor::IdleList idle_;  // awake or punishing, longest idle first
  std::vector<std::unique_ptr<Actor>> retired_;
  std::list<Task<>> tasks_;
  std::size_t replays_ = 0;        // under way
  std::set<std::string> burials_;  // likewise, by address
  bool bedtime_set_ = false;
  boost::asio::basic_waitable_timer<Steady, boost::asio::wait_traits<Steady>, shard::Executor>
      bedtime_;
};

}  // namespace troupe::actor
