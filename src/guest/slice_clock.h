// What ends a guest's slice: a thread that counts Wasmtime's epoch up every millisecond.
//
// It ticks only while guests run and for a short time afterwards, so that an idle server sleeps. A
// guest's entry costs one atomic exchange on a word of its own shard; the thread is woken only when
// it has parked. Private to this folder. Thread-safe where not said otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace troupe::guest {

class SliceClock {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds slice{1};
  // Ticks without any guest after which the thread parks.
  static constexpr int idle_ticks_max = 200;

  // Where one shard says whether it runs a guest. Written by the shard, read by the clock's thread.
  class alignas(64) Seat {
    friend class SliceClock;
    enum State : int { idle, used, running };
    std::atomic<int> state_ = idle;
  };

  // tick is called on the clock's thread and must be cheap.
  explicit SliceClock(std::function<void()> tick);
  SliceClock(const SliceClock&) = delete;
  SliceClock& operator=(const SliceClock&) = delete;
  ~SliceClock();

  // A seat for a shard; it lives as long as the clock.
  Seat& add_seat();

  // Around each stretch of guest code, on the shard's thread.
  void enter(Seat& seat) {
    // Sequentially consistent, as in run(): either the clock sees the guest, or the guest the
    // parked clock.
    seat.state_.store(Seat::running, std::memory_order_seq_cst);
    if (parked_.load(std::memory_order_seq_cst)) wake();
  }
  void leave(Seat& seat) { seat.state_.store(Seat::used, std::memory_order_release); }

  // The time of the last tick: at most a slice old while a guest runs on an idle machine. Costs a
  // load.
  Time now() const { return Time(Time::duration(now_.load(std::memory_order_relaxed))); }

  bool parked() const { return parked_.load(); }

 private:
  void run();
  bool anybody_since_last_tick();
  void wake();

  const std::function<void()> tick_;
  std::atomic<bool> parked_ = true;
  std::atomic<Time::rep> now_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Seat> seats_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace troupe::guest
