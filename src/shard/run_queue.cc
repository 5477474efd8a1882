#include "shard/run_queue.h"

#include <boost/asio/post.hpp>

namespace troupe::shard {

void RunQueue::push(Waiter& waiter, Lane& lane) {
  if (lane.waiters_.empty() && !lane.is_linked()) lanes_.push_back(lane);
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
  const Clock::time_point end = Clock::now() + slice_;
  do {
    resume_one();
  } while (!lanes_.empty() && Clock::now() < end);
  if (!lanes_.empty()) schedule();
}

void RunQueue::resume_one() {
  // Cancelled waiters leave their lane empty behind them.
  while (!lanes_.empty() && lanes_.front().waiters_.empty()) lanes_.pop_front();
  if (lanes_.empty()) return;

  Lane& lane = lanes_.front();
  lanes_.pop_front();
  Waiter& waiter = lane.waiters_.front();
  lane.waiters_.pop_front();
  if (!lane.waiters_.empty()) lanes_.push_back(lane);
  waiter.handle_.resume();
}

}  // namespace troupe::shard
