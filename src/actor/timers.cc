#include "actor/timers.h"

#include "actor/actor.h"

#include <algorithm>
#include <utility>

namespace troupe::actor {

Timers::Timers(shard::Shard& shard, const Clock& clock)
    : clock_(clock), timer_(shard.io().get_executor()) {}

void Timers::set(Actor& actor, const std::string& name, std::int64_t due_ns) {
  due_.emplace(due_ns, &actor, name);
  wait();
}

void Timers::cancel(Actor& actor, const std::string& name, std::int64_t due_ns) {
  due_.erase({due_ns, &actor, name});
  if (due_.empty()) {
    waits_for_ns_ = 0;
    timer_.cancel();
  }
}

void Timers::fire() {
  waits_for_ns_ = 0;
  const std::int64_t now_ns = clock_.now_ns();
  // What an actor sets meanwhile is due later.
  while (!due_.empty() && std::get<0>(*due_.begin()) <= now_ns) {
    const auto [due_ns, actor, name] = *due_.begin();
    due_.erase(due_.begin());
    actor->timer_is_due(name);
  }
  wait();
}

void Timers::wait() {
  if (due_.empty() || waits_for_ns_ == std::get<0>(*due_.begin())) return;
  waits_for_ns_ = std::get<0>(*due_.begin());
  const std::chrono::nanoseconds left(std::max<std::int64_t>(0, waits_for_ns_ - clock_.now_ns()));
  timer_.expires_after(std::min<std::chrono::nanoseconds>(left, wait_max));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) fire();
  });
}

}  // namespace troupe::actor
