#include "shard/run_queue.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace troupe::shard {

void RunQueue::push(Waiter& waiter, Lane& lane) {
  if (!lane.is_linked()) {
    lane.used_ = std::max(lane.used_, floor_);
    lanes_.insert(lane);
  }
  lane.waiters_.push_back(waiter);
  schedule();
}

void RunQueue::schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  boost::asio::post(io_, [this] {
    scheduled_ = false;
    run_slice();
  });
}

void RunQueue::run_slice() {
  using Clock = std::chrono::steady_clock;
  Clock::time_point now = Clock::now();
  const Clock::time_point end = now + slice_;
  do {
    Lane* const lane = resume_one();
    const Clock::time_point begun = std::exchange(now, Clock::now());
    if (lane != nullptr) charge(*lane, now - begun);
  } while (!lanes_.empty() && now < end);
  if (!lanes_.empty()) schedule();
}

RunQueue::Lane* RunQueue::resume_one() {
  // Cancelled waiters leave their lane empty behind them.
  while (!lanes_.empty() && lanes_.begin()->waiters_.empty()) lanes_.erase(lanes_.begin());
  if (lanes_.empty()) return nullptr;

  Lane& lane = *lanes_.begin();
  floor_ = lane.used_;
  Waiter& waiter = lane.waiters_.front();
  lane.waiters_.pop_front();
  if (lane.waiters_.empty()) lanes_.erase(lanes_.begin());
  waiter.handle_.resume();
  return &lane;
}

void RunQueue::charge(Lane& lane, Duration time) {
  const bool is_waiting = lane.is_linked();
  if (is_waiting) lanes_.erase(lanes_.iterator_to(lane));
  lane.used_ += std::max<Duration>(time, use_min_);
  if (is_waiting) lanes_.insert(lane);
}

}  // namespace troupe::shard
