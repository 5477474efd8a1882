#include "shard/timer_wheel.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

namespace troupe::shard {
namespace {

using namespace std::chrono_literals;

class Alarm final : public TimerWheel::Timeout {
 public:
  explicit Alarm(std::function<void()> ring = {}) : ring_(std::move(ring)) {}
  int rung = 0;

 private:
  void on_timeout() override {
    ++rung;
    if (ring_) ring_();
  }
  std::function<void()> ring_;
};

class TimerWheelTest : public testing::Test {
 protected:
  void pass(std::chrono::milliseconds time) { wheel.advance(now += time); }

  boost::asio::io_context io;
  TimerWheel wheel{io, 10ms};
  TimerWheel::Clock::time_point now = wheel.now();
};

TEST_F(TimerWheelTest, ATimeoutGoesOffOnceNeverEarlyAndAtMostTwoTicksLate) {
  Alarm alarm;
  wheel.set(alarm, 25ms);
  pass(24ms);
  EXPECT_EQ(alarm.rung, 0);
  pass(21ms);
  EXPECT_EQ(alarm.rung, 1);
  EXPECT_FALSE(alarm.is_set());
  pass(10s);
  EXPECT_EQ(alarm.rung, 1);
}

TEST_F(TimerWheelTest, ATimeoutLongerThanTheWheelWaitsForItsRound) {
  Alarm alarm;
  wheel.set(alarm, 60s);
  for (int i = 0; i < 5999; ++i) pass(10ms);
  EXPECT_EQ(alarm.rung, 0);
  pass(30ms);
  EXPECT_EQ(alarm.rung, 1);
}

TEST_F(TimerWheelTest, ALongPauseFiresEverythingThatIsDueAndNothingElse) {
  Alarm soon;
  Alarm later;
  Alarm much_later;
  wheel.set(soon, 10ms);
  wheel.set(later, 100s);
  wheel.set(much_later, 3h);
  pass(1h);
  EXPECT_EQ(soon.rung, 1);
  EXPECT_EQ(later.rung, 1);
  EXPECT_EQ(much_later.rung, 0);
  pass(2h);
  pass(20ms);
  EXPECT_EQ(much_later.rung, 1);
}

TEST_F(TimerWheelTest, SettingAgainForgetsTheFirstTimeAndCancellingForgetsAll) {
  Alarm moved;
  Alarm cancelled;
  wheel.set(moved, 20ms);
  wheel.set(moved, 100ms);
  wheel.set(cancelled, 20ms);
  cancelled.cancel();
  pass(90ms);
  EXPECT_EQ(moved.rung, 0);
  EXPECT_EQ(cancelled.rung, 0);
  pass(30ms);
  EXPECT_EQ(moved.rung, 1);
}

TEST_F(TimerWheelTest, ATimeoutMaySetItselfCancelOthersAndDestroyItself) {
  std::vector<std::unique_ptr<Alarm>> alarms;
  Alarm victim;
  alarms.push_back(std::make_unique<Alarm>([&] { victim.cancel(); }));
  Alarm repeating([&] { wheel.set(repeating, 10ms); });
  std::unique_ptr<Alarm> short_lived;
  short_lived = std::make_unique<Alarm>([&] { short_lived.reset(); });
  wheel.set(*alarms[0], 10ms);
  wheel.set(victim, 10ms);
  wheel.set(repeating, 10ms);
  wheel.set(*short_lived, 10ms);
  pass(20ms);
  EXPECT_EQ(victim.rung, 0);
  EXPECT_EQ(short_lived, nullptr);
  EXPECT_EQ(repeating.rung, 1);
  pass(20ms);
  EXPECT_EQ(repeating.rung, 2);
}

TEST_F(TimerWheelTest, TheEventLoopTurnsTheWheel) {
  Alarm alarm([&] { io.stop(); });
  wheel.set(alarm, 15ms);
  wheel.start();
  io.run_for(10s);
  EXPECT_EQ(alarm.rung, 1);
}

}  // namespace
}  // namespace troupe::shard
