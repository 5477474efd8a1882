// A plugin as its actors see it: the version they run, and its limits.
#pragma once

#include "actor/supervisor.h"
#include "base/log.h"
#include "guest/instance.h"
#include "guest/module.h"
#include "guest/outcome.h"
#include "shard/run_queue.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::actor {

enum class Behaviour { call, live_state };

// Whether an actor's turns are in the journal, and whether what they show waits until they are.
enum class Durability {
  none,    // kept in memory; ends with the server
  async,   // in the journal soon after
  commit,  // in the journal before anybody sees it
};

// Bounds of a plugin and each of its actors. Reaching one is an answer, never growth.
struct Bounds {
  std::size_t mailbox_messages_max = 1000;
  std::size_t mailbox_bytes_max = std::size_t{4} << 20;
  std::size_t state_bytes_max = std::size_t{1} << 20;
  std::size_t effects_max = 256;  // of one turn
  std::size_t effects_bytes_max = std::size_t{1} << 20;
  std::size_t log_bytes_per_second_max = std::size_t{64} << 10;  // of the plugin, on each shard
  std::size_t timers_max = 100;
  std::size_t topics_max = 100;  // subscribed to
  // An actor's messages to others that have not been handled yet; more fail the turn. One that no
  // journal keeps has the bytes alone, for each turn.
  std::size_t outbox_max = 1000;
  std::size_t outbox_bytes_max = std::size_t{16} << 20;
  // Actors of the plugin awake at the same time, each shard its share, one at least; 0: no bound
  // but the server's.
  std::size_t instances_max = 0;

  friend bool operator==(const Bounds&, const Bounds&) = default;
};

// What a plugin may have no more of, as the configuration calls it; counted for operators when it
// is reached.
enum class Limit {
  mailbox,
  instances,
  memory,
  timeout,
  state,
  output,
  effects,
  timers,
  subscriptions,
  log,
  outbox,
  vars,
};
inline constexpr std::array<std::string_view, 12> limit_names = {"mailbox",
                                                                 "instances",
                                                                 "memory",
                                                                 "timeout",
                                                                 "state",
                                                                 "output",
                                                                 "effects",
                                                                 "timers",
                                                                 "subscriptions",
                                                                 "log",
                                                                 "outbox",
                                                                 "vars"};

// One version of a plugin: code and settings, immutable. Shared by the shards that run it; the old
// one lives until the last actor has switched.
struct PluginVersion {
  std::string name;
  // Of what was deployed, a module or a manifest with its settings, SHA-256 in hex: which version
  // this is to operators.
  std::string hash;
  std::shared_ptr<const guest::Module> module;
  Behaviour behaviour = Behaviour::live_state;
  bool init_payload = false;  // init gets [params] instead of nothing
  Durability durability = Durability::none;
  guest::Environment environment;
  Bounds bounds;
  SupervisorRules supervision;

  // Whether a client may call the export as an event: not the names of the life cycle, nor those
  // that begin with '_'.
  bool is_event(std::string_view function) const;
};

// How long something took, counted by upper bounds.
struct TimeHistogram {
  // In nanoseconds; what is longer than the last is counted behind it.
  static constexpr std::array<std::int64_t, 14> bounds_ns = {50'000,
                                                             100'000,
                                                             250'000,
                                                             500'000,
                                                             1'000'000,
                                                             2'500'000,
                                                             5'000'000,
                                                             10'000'000,
                                                             25'000'000,
                                                             50'000'000,
                                                             100'000'000,
                                                             250'000'000,
                                                             1'000'000'000,
                                                             10'000'000'000};

  std::array<std::uint64_t, bounds_ns.size() + 1> counts{};
  std::int64_t sum_ns = 0;

  void add(std::int64_t ns);
  void add(const TimeHistogram& other);
};

// What a plugin has done on one shard since the server started.
struct Counters {
  std::uint64_t turns_done = 0;
  std::uint64_t turns_error = 0;
  std::uint64_t turns_failed = 0;
  std::uint64_t wakes = 0;
  std::uint64_t sleeps = 0;
  std::uint64_t downs = 0;
  std::uint64_t switches = 0;                               // to a new version
  std::uint64_t switches_refused = 0;                       // actors that stay on an old one
  std::array<std::uint64_t, limit_names.size()> reached{};  // by Limit: messages, turns, lines, ...
  TimeHistogram wait_times;                                 // of a message, until its turn begins
  TimeHistogram turn_times;    // from the turn's begin to its end, waits of the guest included
  TimeHistogram answer_times;  // both

  void add(const Counters& other);
  void reach(Limit limit) { ++reached[static_cast<std::size_t>(limit)]; }
  // Where a call has ended because of a limit: that one.
  void reach(const guest::Outcome& outcome) {
    if (outcome.ending == guest::Ending::out_of_memory) reach(Limit::memory);
    if (outcome.ending == guest::Ending::timeout) reach(Limit::timeout);
    if (outcome.ending == guest::Ending::output) reach(Limit::output);
    if (outcome.vars_full) reach(Limit::vars);
  }
};

// A plugin on one shard: its current version and its place in the run queue's round. Owned by
// Actors; stays at its address until the server ends.
struct Plugin {
  std::shared_ptr<const PluginVersion> version;
  shard::RunQueue::Lane lane;
  Counters counters;
  std::size_t awake = 0;  // actors with an instance
  // It was uninstalled and starts no more actors.
  bool leaving = false;

  // Writes a guest's line under the plugin's name, unless it has said too much this second.
  void write_log(Log& log,
                 std::int64_t now_ns,
                 guest::LogLevel level,
                 std::string_view who,
                 std::string_view text);

 private:
  std::int64_t log_second_ = 0;
  std::size_t log_bytes_ = 0;  // let through in that second
};

}  // namespace troupe::actor
