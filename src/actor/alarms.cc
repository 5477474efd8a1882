#include "actor/alarms.h"

#include "actor/message.h"
#include "actor/system.h"
#include "shard/reply.h"

#include <algorithm>
#include <coroutine>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::actor {

namespace {

// Of timers that are read at once.
constexpr std::size_t page = 256;
// Actors are woken so long before their timers run out, and looked for so
// often.
constexpr std::chrono::nanoseconds ahead = std::chrono::seconds(60);
constexpr std::chrono::nanoseconds period = std::chrono::seconds(30);
// After a read that failed, or a loss of actors.
constexpr std::chrono::nanoseconds soon = std::chrono::seconds(1);

// Goes on when the time is up, or the wait is cut short.
template <class Timer>
struct Until {
  Timer& timer;
  std::chrono::nanoseconds wait;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    timer.expires_after(wait);
    timer.async_wait([handle](boost::system::error_code) { handle.resume(); });
  }
  void await_resume() const noexcept {}
};

}  // namespace

Alarms::Alarms(System& system, journal::Journal& journal, const Clock& clock, Log& log)
    : system_(system),
      journal_(journal),
      clock_(clock),
      log_(log),
      timer_(system.shards()[0].io().get_executor()) {}

Alarms::~Alarms() = default;

void Alarms::start() {
  run_ = run();
  run_.start();
}

void Alarms::rewind() {
  rewound_ = true;
  timer_.cancel();
}

Task<> Alarms::run() {
  while (true) {
    std::chrono::nanoseconds wait = period;
    if (std::exchange(rewound_, false)) {
      after_ = {};
      wait = soon;
    }
    const bool all_seen = co_await wake_next();
    if (!all_seen) wait = soon;
    Until<decltype(timer_)> pause{timer_, wait};
    co_await pause;
  }
}

// False when not all could be read.
Task<bool> Alarms::wake_next() {
  const std::int64_t until_ns = clock_.now_ns() + ahead.count();
  while (true) {
    shard::Reply<Result<std::vector<journal::Alarm>>> read;
    journal_.timers(until_ns, after_, page, read.taker(system_.shards()[0]));
    Result<std::vector<journal::Alarm>> alarms = co_await read;
    if (alarms.has_error()) {
      log_.error("timers cannot be read: {}", alarms.error().message);
      co_return false;
    }
    for (const journal::Alarm& alarm : *alarms) {
      if (const auto address = Address::read(alarm.address)) {
        system_.send(*address, {.kind = Message::Kind::wake});
      }
    }
    if (!alarms->empty()) after_ = alarms->back();
    if (alarms->size() < page) co_return true;
  }
}

}  // namespace troupe::actor
