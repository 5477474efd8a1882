// Guests that take their time: nobody else waits for them, and they can be ended at any point.
#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace troupe::guest {
namespace {

using test::finish;
using test::module_text;
using test::number_in;
using test::Plugin;
using namespace std::chrono_literals;

// spin: for ever. nap: sleeps so many nanoseconds as the input, eight bytes, says, and gives what
// its clock moved.
std::string patient_text() {
  return module_text(R"(
    (func (export "spin") (loop $next (br $next)))
    (func $sleep (param $ns i64)
      (i64.store (i32.const 1000) (i64.const 77))        ;; user data
      (i32.store8 (i32.const 1008) (i32.const 0))        ;; a clock
      (i32.store (i32.const 1016) (i32.const 1))         ;; the monotonic one
      (i64.store (i32.const 1024) (local.get $ns))
      (i32.store16 (i32.const 1040) (i32.const 0))       ;; a span
      (if (call $poll (i32.const 1000) (i32.const 2000) (i32.const 1) (i32.const 3000)) (then unreachable))
      (if (i32.ne (i32.load (i32.const 3000)) (i32.const 1)) (then unreachable))
      (if (i64.ne (i64.load (i32.const 2000)) (i64.const 77)) (then unreachable)))
    (func $now (result i64)
      (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 4000)))
      (i64.load (i32.const 4000)))
    (func (export "nap") (local $before i64)
      (local.set $before (call $now))
      (call $sleep (call $input_load_u64 (i64.const 0)))
      (call $say_number (i64.sub (call $now) (local.get $before))))
    (func (export "nap_for_ever") (loop $next (call $sleep (i64.const 1000000)) (br $next)))
    (func (export "quick") (call $say (i32.const 0) (i32.const 2)))
    (data (i32.const 0) "ok"))");
}

std::string eight_bytes(std::uint64_t number) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof number);
}

// A second instance of the same plugin on the same shard, with a lane of its own.
struct Neighbour {
  explicit Neighbour(Plugin& p) : plugin(p) {
    auto [made, outcome] = finish(
        plugin.shard,
        Instance::create(
            plugin.shard, lane, plugin.module, plugin.environment, plugin.inputs, plugin.host));
    instance = std::move(made);
  }

  Plugin& plugin;
  shard::RunQueue::Lane lane;
  std::unique_ptr<Instance> instance;
};

TEST(Waiting, EndsAnEndlessLoopAfterItsTime) {
  Plugin plugin(patient_text());
  plugin.environment.limits.timeout = 30ms;
  const Outcome outcome = plugin.call("spin");
  EXPECT_EQ(outcome.ending, Ending::timeout);
  EXPECT_EQ(outcome.message, "the handler ran longer than 30 ms");
  EXPECT_GT(outcome.ran, 1ms);
  EXPECT_LT(outcome.ran, 10'000ms);
  EXPECT_TRUE(plugin.instance->spent());
  plugin.instance.reset();
  EXPECT_EQ(plugin.output("quick"), "ok");
}

TEST(Waiting, ACallThatGetsTheThreadTooRarelyEnds) {
  Plugin plugin(patient_text());
  plugin.environment.limits.timeout = 200ms;  // far more than the first slice on a busy machine
  plugin.wake();
  Task<Outcome> call = plugin.instance->call("spin", {}, plugin.inputs, plugin.vars, plugin.host);
  call.start();
  ASSERT_FALSE(call.done());
  const auto begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < begun + 2s) {
  }  // others have the thread
  plugin.shard.io().run_one();
  ASSERT_TRUE(call.done());
  const Outcome outcome = call.take();
  EXPECT_EQ(outcome.ending, Ending::timeout);
  EXPECT_EQ(outcome.message,
            "the server was too busy to finish the handler within 2000 ms; try again");
}

TEST(Waiting, OthersAnswerWhileAGuestSpins) {
  Plugin plugin(patient_text());
  Neighbour neighbour(plugin);
  plugin.environment.limits.timeout = 10'000ms;
  plugin.wake();
  Task<Outcome> spinning =
      plugin.instance->call("spin", {}, plugin.inputs, plugin.vars, plugin.host);
  spinning.start();
  ASSERT_FALSE(spinning.done());
  for (int i = 0; i < 20; ++i) {
    plugin.shard.io().run_one();
    Task<Outcome> quick =
        neighbour.instance->call("quick", {}, plugin.inputs, plugin.vars, plugin.host);
    quick.start();
    while (!quick.done()) plugin.shard.io().run_one();
    EXPECT_EQ(quick.take().output, "ok");
  }
  EXPECT_FALSE(spinning.done());
}

TEST(Waiting, GuestsThatSpinTakeTurns) {
  Plugin plugin(patient_text());
  plugin.environment.limits.timeout = 20ms;
  plugin.wake();
  Neighbour neighbour(plugin);
  Task<Outcome> one = plugin.instance->call("spin", {}, plugin.inputs, plugin.vars, plugin.host);
  Task<Outcome> two = neighbour.instance->call("spin", {}, plugin.inputs, plugin.vars, plugin.host);
  one.start();
  two.start();
  while (!one.done() || !two.done()) plugin.shard.io().run_one();
  EXPECT_EQ(one.take().ending, Ending::timeout);
  EXPECT_EQ(two.take().ending, Ending::timeout);
}

TEST(Waiting, ASleepReallySleepsAndMovesTheTurnsClockByWhatWasAsked) {
  Plugin plugin(patient_text());
  const auto before = std::chrono::steady_clock::now();
  const std::uint64_t moved = number_in(plugin.output("nap", eight_bytes(20'000'000)));
  EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
  EXPECT_EQ(moved, 20'000'000U + 1000U);  // and one reading
}

TEST(Waiting, ASleeperDelaysNobody) {
  Plugin plugin(patient_text());
  Neighbour neighbour(plugin);
  plugin.environment.limits.timeout = 60'000ms;
  plugin.wake();
  const std::string span = eight_bytes(50'000'000'000);
  const std::string_view input[] = {span};
  Task<Outcome> sleeping =
      plugin.instance->call("nap", input, plugin.inputs, plugin.vars, plugin.host);
  sleeping.start();
  for (int i = 0; i < 100; ++i) {
    Task<Outcome> quick =
        neighbour.instance->call("quick", {}, plugin.inputs, plugin.vars, plugin.host);
    quick.start();
    while (!quick.done()) plugin.shard.io().run_one();
    EXPECT_EQ(quick.take().output, "ok");
  }
  EXPECT_FALSE(sleeping.done());
}

TEST(Waiting, SleepingCountsAsTimeTaken) {
  Plugin plugin(patient_text());
  plugin.environment.limits.timeout = 30ms;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(plugin.call("nap", eight_bytes(3'600'000'000'000)).ending, Ending::timeout);
  // A slice of a millisecond counts whole where it ends in a wait, and a busy machine cuts several.
  EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
  plugin.instance.reset();
  EXPECT_EQ(plugin.call("nap_for_ever").ending, Ending::timeout);
}

TEST(Waiting, DroppingTheTaskEndsAGuestThatSpins) {
  Plugin plugin(patient_text());
  plugin.wake();
  {
    Task<Outcome> spinning =
        plugin.instance->call("spin", {}, plugin.inputs, plugin.vars, plugin.host);
    spinning.start();
    plugin.shard.io().run_one();
    ASSERT_FALSE(spinning.done());
  }
  EXPECT_TRUE(plugin.instance->spent());
  plugin.instance.reset();
  EXPECT_EQ(plugin.output("quick"), "ok");
}

TEST(Waiting, DroppingTheTaskEndsAGuestThatSleeps) {
  Plugin plugin(patient_text());
  plugin.wake();
  const std::string span = eight_bytes(3'600'000'000'000);
  const std::string_view input[] = {span};
  {
    Task<Outcome> sleeping =
        plugin.instance->call("nap", input, plugin.inputs, plugin.vars, plugin.host);
    sleeping.start();
    ASSERT_FALSE(sleeping.done());
  }
  plugin.instance.reset();
  // The timer's handler comes still, and finds nobody.
  plugin.shard.io().poll();
  EXPECT_EQ(plugin.output("quick"), "ok");
}

TEST(Waiting, AStartThatTakesTooLongIsEnded) {
  Plugin plugin(module_text(R"((func (export "_initialize") (loop $next (br $next))))"));
  plugin.environment.limits.timeout = 10ms;
  EXPECT_EQ(plugin.wake().ending, Ending::timeout);
  EXPECT_EQ(plugin.instance, nullptr);
}

TEST(Waiting, AStartSectionThatTakesTooLongIsEnded) {
  Plugin plugin(module_text(R"((func $begin (loop $next (br $next))) (start $begin))"));
  plugin.environment.limits.timeout = 10ms;
  EXPECT_EQ(plugin.wake().ending, Ending::timeout);
}

}  // namespace
}  // namespace troupe::guest
