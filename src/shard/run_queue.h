// Whose turn it is on a shard.
//
// Work that has to wait for the thread (a turn behind other turns, a guest that used up its slice)
// suspends here. Lanes are served in turn, one resumption each, and within a lane first come, first
// served; a lane is a plugin, so a plugin with a thousand busy actors gets no more of the thread
// than one with a single actor. After a slice of time the event loop sees to sockets and timers;
// what the turns of one slice show a viewer leaves in one write.
//
// Lives on: its shard. Not thread-safe.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>

namespace troupe::shard {

class RunQueue {
  using Hook =
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

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

  // One plugin's place in the round. Owned by whoever runs the plugin; outlives its waiters.
  class Lane : public Hook {
   public:
    Lane() = default;
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

   private:
    friend class RunQueue;
    boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
  };

  // The longest that resumptions go on before the event loop has the thread.
  static constexpr std::chrono::microseconds slice_default{1000};

  explicit RunQueue(boost::asio::io_context& io, std::chrono::microseconds slice = slice_default)
      : io_(io), slice_(slice) {}
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // True when nobody waits: what comes now may run at once, in the caller's stack.
  bool idle() const { return lanes_.empty(); }

  Waiter yield(Lane& lane) { return Waiter(*this, lane); }

 private:
  void push(Waiter& waiter, Lane& lane);
  void schedule();
  void run_slice();
  void resume_one();

  boost::asio::io_context& io_;
  const std::chrono::microseconds slice_;
  boost::intrusive::list<Lane, boost::intrusive::constant_time_size<false>> lanes_;
  bool scheduled_ = false;
};

}  // namespace troupe::shard
