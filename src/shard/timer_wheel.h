// Timeouts that may be a little late: one timer for all the sockets of a shard.
//
// Setting and cancelling a timeout costs a few pointers and no system call; in return it goes off
// up to two ticks after its time, never before, as long as no work holds the shard up. Meant for
// what is cancelled far more often than it goes off: idle sockets, slow requests.
//
// Lives on: its shard. Not thread-safe.
#pragma once

#include "shard/shard.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe::shard {

class TimerWheel {
  using Hook =
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

 public:
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::milliseconds;

  // What waits. It belongs to whoever derives from it, and destroying it cancels it.
  class Timeout : public Hook {
   public:
    Timeout() = default;
    Timeout(const Timeout&) = delete;
    Timeout& operator=(const Timeout&) = delete;

    bool is_set() const { return is_linked(); }
    void cancel() { unlink(); }

   protected:
    ~Timeout() = default;

   private:
    friend class TimerWheel;
    // May set itself again, set and cancel others, and destroy itself.
    virtual void on_timeout() = 0;

    std::uint64_t due_ = 0;
  };

  // `tick` is the coarseness, more than zero.
  TimerWheel(boost::asio::io_context& io, Milliseconds tick);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Begins to turn; the wheel must outlive the runs of its event loop, or be stopped before.
  void start();
  void stop() { timer_.cancel(); }

  // Goes off `after` from now; a time set before is forgotten.
  void set(Timeout& timeout, Milliseconds after);

  // The time of the last turn of the wheel, read without a system call.
  Clock::time_point now() const { return start_ + tick_ * ticks_; }

  // Fires what is due at that time. The event loop does it; tests may do it instead of start().
  void advance(Clock::time_point now);

 private:
  using Slot = boost::intrusive::list<Timeout, boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t slot_count =
      256;  // later timeouts stay in their slot for some rounds

  void wait();

  const Milliseconds tick_;
  const Clock::time_point start_;
  std::uint64_t ticks_ = 0;  // since start_
  std::array<Slot, slot_count> slots_;
  boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Executor> timer_;
};

}  // namespace troupe::shard
