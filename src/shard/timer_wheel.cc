#include "shard/timer_wheel.h"

#include <algorithm>
#include <cassert>

namespace troupe::shard {

TimerWheel::TimerWheel(boost::asio::io_context& io, Milliseconds tick)
    : tick_(tick), start_(Clock::now()), timer_(io.get_executor()) {
  assert(tick_ > Milliseconds::zero() && "a wheel without ticks never turns");
}

void TimerWheel::start() {
  wait();
}

void TimerWheel::set(Timeout& timeout, Milliseconds after) {
  timeout.cancel();
  const auto wait = std::max(after, Milliseconds::zero());
  // One tick for the rest of the division, one for the part of the current tick that has passed.
  timeout.due_ = ticks_ + static_cast<std::uint64_t>(wait / tick_) + 1 +
                 (wait % tick_ != Milliseconds::zero());
  slots_[timeout.due_ % slot_count].push_back(timeout);
}

void TimerWheel::advance(Clock::time_point now) {
  const auto target = static_cast<std::uint64_t>(std::max<Clock::rep>((now - start_) / tick_, 0));
  while (ticks_ < target) {
    // After a long pause every slot need be seen once only.
    if (target - ticks_ > slot_count) ticks_ = target - slot_count;
    ++ticks_;
    Slot& slot = slots_[ticks_ % slot_count];
    Slot visited;
    visited.swap(slot);
    while (!visited.empty()) {
      Timeout& timeout = visited.front();
      timeout.cancel();
      if (timeout.due_ > target) {
        slot.push_back(timeout);
      } else {
        timeout.on_timeout();
      }
    }
  }
}

void TimerWheel::wait() {
  timer_.expires_after(tick_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    advance(Clock::now());
    wait();
  });
}

}  // namespace troupe::shard
