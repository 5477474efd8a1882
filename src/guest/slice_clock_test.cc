#include "guest/slice_clock.h"

#include <gtest/gtest.h>

#include <atomic>

namespace troupe::guest {
namespace {

// Ticks are awaited, not timed: the tests hold on any machine, however slow.
struct Ticks {
  std::atomic<int> count = 0;
  SliceClock clock{[this] {
    count.fetch_add(1);
    count.notify_all();
  }};

  void await_more(int more) {
    const int goal = count.load() + more;
    for (int seen = count.load(); seen < goal; seen = count.load()) count.wait(seen);
  }
};

TEST(SliceClock, StandsUntilAGuestRuns) {
  Ticks ticks;
  SliceClock::Seat& seat = ticks.clock.add_seat();
  EXPECT_TRUE(ticks.clock.parked());
  ticks.clock.enter(seat);
  EXPECT_FALSE(ticks.clock.parked());
  ticks.await_more(3);
  ticks.clock.leave(seat);
}

TEST(SliceClock, TicksAsLongAsAGuestStays) {
  Ticks ticks;
  SliceClock::Seat& seat = ticks.clock.add_seat();
  ticks.clock.enter(seat);
  ticks.await_more(2 * SliceClock::idle_ticks_max);
  EXPECT_FALSE(ticks.clock.parked());
  ticks.clock.leave(seat);
}

TEST(SliceClock, ParksSomeTimeAfterTheLastGuestAndWakesAgain) {
  Ticks ticks;
  SliceClock::Seat& seat = ticks.clock.add_seat();
  ticks.clock.enter(seat);
  ticks.clock.leave(seat);
  // It parks after the tick that makes the number full.
  ticks.await_more(SliceClock::idle_ticks_max);
  while (!ticks.clock.parked()) std::this_thread::yield();
  ticks.clock.enter(seat);
  ticks.await_more(1);
  ticks.clock.leave(seat);
}

TEST(SliceClock, KnowsTheTimeToATick) {
  Ticks ticks;
  SliceClock::Seat& seat = ticks.clock.add_seat();
  const auto before = SliceClock::Time::clock::now();
  ticks.clock.enter(seat);
  EXPECT_GE(ticks.clock.now(), before);
  ticks.await_more(2);
  EXPECT_GT(ticks.clock.now(), before);
  EXPECT_LE(ticks.clock.now(), SliceClock::Time::clock::now());
  ticks.clock.leave(seat);
}

}  // namespace
}  // namespace troupe::guest
