#include "guest/slice_clock.h"

#include <pthread.h>
#include <utility>

namespace troupe::guest {

SliceClock::SliceClock(std::function<void()> tick)
    : tick_(std::move(tick)), now_(Time::clock::now().time_since_epoch().count()) {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "slice-clock");
}

SliceClock::~SliceClock() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

SliceClock::Seat& SliceClock::add_seat() {
  const std::lock_guard lock(mutex_);
  return seats_.emplace_back();
}

void SliceClock::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    changed_.wait(lock, [this] { return stop_ || !parked_.load(); });
    Time next = Time::clock::now();
    for (int idle_ticks = 0; !stop_;) {
      // A late thread does not catch up: guests have had a longer slice, not several.
      next = std::max(next + slice, Time::clock::now());
      if (changed_.wait_until(lock, next, [this] { return stop_; })) break;
      now_.store(Time::clock::now().time_since_epoch().count(), std::memory_order_relaxed);
      tick_();
      idle_ticks = anybody_since_last_tick() ? 0 : idle_ticks + 1;
      if (idle_ticks < idle_ticks_max) continue;
      parked_.store(true, std::memory_order_seq_cst);
      if (!anybody_since_last_tick()) break;
      parked_.store(false);
      idle_ticks = 0;
    }
  }
}

bool SliceClock::anybody_since_last_tick() {
  bool anybody = false;
  for (Seat& seat : seats_) {
    int state = seat.state_.load(std::memory_order_seq_cst);
    if (state == Seat::idle) continue;
    anybody = true;
    if (state == Seat::used) seat.state_.compare_exchange_strong(state, Seat::idle);
  }
  return anybody;
}

void SliceClock::wake() {
  {
    const std::lock_guard lock(mutex_);
    if (!parked_.load()) return;
    now_.store(Time::clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    parked_.store(false);
  }
  changed_.notify_one();
}

}  // namespace troupe::guest
