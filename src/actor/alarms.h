// The timers of actors that are not there.
//
// An actor whose timer runs out within a minute is woken, so that it is there when it does: a shard
// knows the timers of the actors it has.
// Owned by System; lives on the first shard.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "base/task.h"
#include "journal/journal.h"
#include "shard/shard.h"

#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>

namespace troupe::actor {

class System;

class Alarms {
 public:
  Alarms(System& system, journal::Journal& journal, const Clock& clock, Log& log);
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;
  ~Alarms();

  // Once, when every plugin has been installed.
  void start();
  // Actors that were there are not any more: all timers that run out soon are looked at again.
  void rewind();

 private:
  using Steady = std::chrono::steady_clock;

  Task<> run();
  Task<bool> wake_next();

  System& system_;
  journal::Journal& journal_;
  const Clock& clock_;
  Log& log_;
  journal::Alarm after_;  // those before it have been seen to
  bool rewound_ = false;
  boost::asio::basic_waitable_timer<Steady, boost::asio::wait_traits<Steady>, shard::Executor>
      timer_;
  Task<> run_;  // last: ends before what it uses
};

}  // namespace troupe::actor
