// Whose turn it is on a shard.
//
// Work that has to wait for the thread (a turn behind other turns, a guest that used up its slice)
// suspends here. Lanes share the thread's time: the one that has had least of it is served next,
// one resumption, and within a lane first come, first served. A lane is a plugin, so a plugin with
// a thousand busy actors gets no more of the thread than one with a single actor, and one that asks
// for little and now and then waits for the resumption at hand alone, however many others want all
// they can get. What a lane did not use while nothing of it waited is gone. After a slice of time
// the event loop sees to sockets and timers; what the turns of one slice show a viewer leaves in
// one write.
//
// Lives on: its shard. Not thread-safe.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>

namespace troupe::shard {

class RunQueue {
  using Hook =
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using OrderHook =
      boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using Duration = std::chrono::steady_clock::duration;

 public:
  class Lane;

  // co_await queue.yield(lane): resumed when the lane's turn comes. Destroying the awaiting
  // coroutine takes it out of the queue.
  class Waiter : public Hook {
   public:
    Waiter(RunQueue& queue, Lane& lane) : queue_(queue), lane_(lane) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      handle_ = handle;
      queue_.push(*this, lane_);
    }
    void await_resume() const noexcept {}

   private:
    friend class RunQueue;
    RunQueue& queue_;
    Lane& lane_;
    std::coroutine_handle<> handle_;
  };

  // One plugin's share. Owned by whoever runs the plugin; outlives its waiters.
  class Lane : public OrderHook {
   public:
    Lane() = default;
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    friend bool operator<(const Lane& a, const Lane& b) { return a.used_ < b.used_; }

   private:
    friend class RunQueue;
    boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
    Duration used_{0};  // of the thread, as the queue counts it
  };

  // The longest that resumptions go on before the event loop has the thread.
  static constexpr std::chrono::microseconds slice_default{1000};
  // What a resumption counts at least, so that short ones of several lanes alternate.
  static constexpr std::chrono::microseconds use_min_default{50};

  explicit RunQueue(boost::asio::io_context& io,
                    std::chrono::microseconds slice = slice_default,
                    std::chrono::microseconds use_min = use_min_default)
      : io_(io), slice_(slice), use_min_(use_min) {}
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // True when nobody waits: what comes now may run at once, in the caller's stack.
  bool idle() const { return lanes_.empty(); }

  Waiter yield(Lane& lane) { return Waiter(*this, lane); }

 private:
  void push(Waiter& waiter, Lane& lane);
  void schedule();
  void run_slice();
  // The lane that was served; null when nobody waited any more.
  Lane* resume_one();
  void charge(Lane& lane, Duration time);

  boost::asio::io_context& io_;
  const std::chrono::microseconds slice_;
  const std::chrono::microseconds use_min_;
  // Those with waiters, the one that has had least first.
  boost::intrusive::multiset<Lane, boost::intrusive::constant_time_size<false>> lanes_;
  Duration floor_{0};  // what the lane served last had had before
  bool scheduled_ = false;
};

}  // namespace troupe::shard
