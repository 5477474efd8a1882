// Whose turn it is on a shard.
//
// Work that has to wait for the thread (a turn behind other turns, a guest that used up its slice)
// suspends here. Lanes are served in turn, one resumption each, and within a lane first come, first
// served; a lane is a plugin, so a plugin with a thousand busy actors gets no more of the thread
// than one with a single actor. Between two resumptions the event loop sees to sockets and timers.
//
// Lives on: its shard. Not thread-safe.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>

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

  explicit RunQueue(boost::asio::io_context& io) : io_(io) {}
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // True when nobody waits: what comes now may run at once, in the caller's stack.
  bool idle() const { return lanes_.empty(); }

  Waiter yield(Lane& lane) { return Waiter(*this, lane); }

 private:
  void push(Waiter& waiter, Lane& lane);
  void schedule();
  void resume_one();

  boost::asio::io_context& io_;
  boost::intrusive::list<Lane, boost::intrusive::constant_time_size<false>> lanes_;
  bool scheduled_ = false;
};

}  // namespace troupe::shard
