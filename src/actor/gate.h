// The output gate: what shows a turn waits until the turn's record is durable.
//
// Each append to the journal has a ticket, and what an actor shows after it waits for that ticket;
// following turns run meanwhile. What waits leaves in the order it was held, for each actor. When
// appends fail, what waits for them is dropped (those who asked are told so), and each actor that
// made one goes the one way back.
//
// The appends of a stretch of work go to the journal's writer together: as soon as a round of the
// event loop has brought no more, and at the latest gather_max after the first. So a shard that has
// little to do waits for nothing, and a busy one has large commits instead of many.
//
// A Gate is a shard's, an Exit an actor's. Both live on that shard; committed() and failed() alone
// may be called by the journal's thread.
#pragma once

#include "base/frame_cache.h"
#include "base/log.h"
#include "journal/journal.h"
#include "shard/shard.h"

#include <boost/container/small_vector.hpp>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::actor {

class Actor;

class Gate final : public journal::Committed {
 public:
  static constexpr std::chrono::microseconds gather_max{1000};

  // Claims those partitions of the journal whose number is `shard`'s index modulo `shards`.
  Gate(journal::Journal& journal, shard::Shard& shard, std::size_t shards, Log& log);
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  // No shard's thread may run any more. What waits is destroyed.
  ~Gate() override;

  journal::Journal& journal() { return journal_; }

  // Why no turn may begin now: the journal cannot be written, or too much waits for it.
  std::optional<journal::Refusal> refusal();

  // As journal::Appender. When what is appended fails later, the actor is told (Actor::lose), if it
  // is there: null when it is not.
  journal::Appended append(Actor* actor,
                           const journal::SubjectView& subject,
                           const journal::Record& record,
                           const journal::Changes& changes,
                           const journal::Beside& beside);
  bool keep(journal::Checkpoint checkpoint) { return appender_->keep(std::move(checkpoint)); }
  void drop(std::vector<journal::Outgoing> delivered) { appender_->drop(std::move(delivered)); }
  // The actor ends, and is told nothing any more.
  void forget(const Actor& actor);

  bool is_durable(journal::Ticket ticket) const { return ticket <= durable_; }
  // Calls leave() when the ticket is durable, or lost() when it never will be. It must not be
  // durable yet.
  template <class Leave, class Lost>
  void hold(journal::Ticket ticket, Leave leave, Lost lost) {
    add(ticket, std::make_unique<HeldOutput<Leave, Lost>>(std::move(leave), std::move(lost)));
  }

 private:
  struct Output {
    static void* operator new(std::size_t size) { return FrameCache::allocate(size); }
    static void operator delete(void* output, std::size_t size) {
      FrameCache::release(output, size);
    }
    virtual ~Output() = default;
    virtual void leave() = 0;
    virtual void lost() = 0;
  };
  template <class Leave, class Lost>
  struct HeldOutput final : Output {
    HeldOutput(Leave l, Lost o) : on_leave(std::move(l)), on_lost(std::move(o)) {}
    void leave() override { on_leave(); }
    void lost() override { on_lost(); }
    Leave on_leave;
    Lost on_lost;
  };
  // What one append made, and all that waits for it.
  struct Held {
    Actor* actor;  // null when it has ended
    std::size_t bytes;
    boost::container::small_vector<std::unique_ptr<Output>, 2> outputs;
  };

  void committed(journal::Ticket last) override;
  void failed(const Error& why) override;

  void gather();
  void flush_when_quiet();
  void add(journal::Ticket ticket, std::unique_ptr<Output> output);
  void release(journal::Ticket last);
  void fail(const Error& why);

  journal::Journal& journal_;
  shard::Shard& shard_;
  Log& log_;
  const std::size_t turns_max_;
  const std::size_t bytes_max_;
  std::unique_ptr<journal::Appender> appender_;
  std::deque<Held, FrameAllocator<Held>> held_;  // the first is that of the ticket after durable_
  std::size_t held_bytes_ = 0;
  journal::Ticket durable_ = 0;
  bool refusing_ = false;  // it has been, and is asked before the next turn whether it still is
  bool gathering_ = false;
  bool has_more_ = false;  // since the last round
  std::chrono::steady_clock::time_point gathering_since_;

  // What the journal's thread has told, and whether the shard knows that it has.
  std::atomic<journal::Ticket> reached_ = 0;
  std::atomic<bool> told_ = false;
};

// The way out of one actor.
class Exit {
 public:
  // Whether what is shown now may leave at once.
  bool is_open() const { return gate_ == nullptr || gate_->is_durable(last_); }
  // Only while it is not open.
  template <class Leave>
  void hold(Leave leave) {
    gate_->hold(last_, std::move(leave), [] {});
  }
  template <class Leave, class Lost>
  void hold(Leave leave, Lost lost) {
    gate_->hold(last_, std::move(leave), std::move(lost));
  }

  // From now on all waits for this one; 0: for nothing.
  void wait_for(Gate& gate, journal::Ticket ticket) {
    gate_ = &gate;
    last_ = ticket;
  }

  // co_await exit.opened(): true as soon as all that was shown so far could leave, false when it
  // never will.
  class Opened {
   public:
    explicit Opened(Exit& exit) : exit_(exit) {}
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    ~Opened() {
      if (state_) state_->waiting = nullptr;
    }
    bool await_ready() const { return exit_.is_open(); }
    void await_suspend(std::coroutine_handle<> handle) {
      state_ = std::make_shared<State>();
      state_->waiting = handle;
      const auto go_on = [state = state_](bool opened) {
        state->opened = opened;
        if (state->waiting) std::exchange(state->waiting, nullptr).resume();
      };
      exit_.hold([go_on] { go_on(true); }, [go_on] { go_on(false); });
    }
    bool await_resume() const { return !state_ || state_->opened; }

   private:
    // Shared with what the gate holds.
    struct State {
      std::coroutine_handle<> waiting;
      bool opened = false;
    };
    Exit& exit_;
    std::shared_ptr<State> state_;
  };
  Opened opened() { return Opened(*this); }

 private:
  Gate* gate_ = nullptr;
  journal::Ticket last_ = 0;
};

}  // namespace troupe::actor
