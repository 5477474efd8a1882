// When the timers of a shard's actors run out, by the wall clock.
//
// One timer of the event loop, set to the first of them. Owned by Actors; lives on its shard. An
// actor that ends cancels its own.
#pragma once

#include "base/clock.h"
#include "shard/shard.h"

#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>

namespace troupe::actor {

class Actor;

class Timers {
 public:
  Timers(shard::Shard& shard, const Clock& clock);
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // `due_ns` since the Unix epoch. An actor has one timer of a name at a time.
  void set(Actor& actor, const std::string& name, std::int64_t due_ns);
  void cancel(Actor& actor, const std::string& name, std::int64_t due_ns);

  // Tells the actors whose timers have run out. The event loop does it; tests may.
  void fire();

 private:
  using Steady = std::chrono::steady_clock;
  // The wall clock may be set while we wait: it is looked at again at least this often.
  static constexpr std::chrono::seconds wait_max{1};

  void wait();

  const Clock& clock_;
  std::set<std::tuple<std::int64_t, Actor*, std::string>> due_;
  boost::asio::basic_waitable_timer<Steady, boost::asio::wait_traits<Steady>, shard::Executor>
      timer_;
  std::int64_t waits_for_ns_ = 0;  // 0: for nothing
};

}  // namespace troupe::actor
