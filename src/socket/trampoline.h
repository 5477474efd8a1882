// An executor that runs what is posted to it as soon as the work at hand is done, before the event
// loop goes on with others.
//
// Beast hands over each message that a read has brought by posting to the loop, and so the messages
// of all clients that wait take turns. Under this executor those of one client are handled in a
// row: what they work on is still in the cache, and their answers leave, and are made durable,
// together. After `in_a_row_max` others have the loop first.
//
// Lives on a shard; not thread-safe, as its executors are not.
#pragma once

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <cassert>
#include <cstddef>
#include <new>
#include <utility>

namespace troupe::socket {

class Trampoline {
 public:
  static constexpr std::size_t in_a_row_max = 16;

  // As Asio wants executors (boost.org, "Executor requirements"); what is not posted but dispatched
  // runs at once.
  class Executor {
   public:
    Executor(Trampoline& trampoline, bool never_at_once)
        : trampoline_(&trampoline), never_at_once_(never_at_once) {}

    boost::asio::execution_context& query(boost::asio::execution::context_t) const {
      return trampoline_->io_;
    }
    Executor require(boost::asio::execution::blocking_t::never_t) const {
      return {*trampoline_, true};
    }
    Executor require(boost::asio::execution::blocking_t::possibly_t) const {
      return {*trampoline_, false};
    }
    template <class Work>
    void execute(Work work) const {
      if (never_at_once_) {
        trampoline_->post(std::move(work));
      } else {
        trampoline_->run(work);
      }
    }
    friend bool operator==(const Executor&, const Executor&) = default;

   private:
    Trampoline* trampoline_;
    bool never_at_once_;
  };

  explicit Trampoline(boost::asio::io_context& io) : io_(io) {}
  Trampoline(const Trampoline&) = delete;
  Trampoline& operator=(const Trampoline&) = delete;
  ~Trampoline() { assert(!next_.run && "what is posted runs before the loop goes on"); }

  Executor executor() { return {*this, false}; }

 private:
  // Work of a type that is no longer known, in its place.
  struct Next {
    void (*run)(void* place) = nullptr;
    alignas(std::max_align_t) std::array<std::byte, 192> place;
  };

  template <class Work>
  void run(Work& work) {
    if (running_) return std::move(work)();
    running_ = true;
    std::move(work)();
    while (next_.run != nullptr) std::exchange(next_.run, nullptr)(next_.place.data());
    in_a_row_ = 0;
    running_ = false;
  }

  template <class Work>
  void post(Work work) {
    // A message is small; what is larger, as an answer to a ping, has time.
    if constexpr (sizeof(Work) <= sizeof(Next::place)) {
      if (running_ && next_.run == nullptr && ++in_a_row_ < in_a_row_max) {
        new (next_.place.data()) Work(std::move(work));
        next_.run = [](void* place) {
          Work& there = *std::launder(static_cast<Work*>(place));
          Work work = std::move(there);
          there.~Work();
          std::move(work)();
        };
        return;
      }
    }
    boost::asio::post(io_, [this, work = std::move(work)]() mutable { run(work); });
  }

  boost::asio::io_context& io_;
  Next next_;
  std::size_t in_a_row_ = 0;
  bool running_ = false;
};

}  // namespace troupe::socket
