// An actor that sleeps between its turns cannot be told from one that never does; and a snapshot
// that does not fit is refused with the reason.
#include "guest/snapshot.h"

#include "guest/snapshot_codec.h"
#include "guest/state_exports.h"
#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest {
namespace {

using test::finish;
using test::module_text;
using test::number_in;
using test::Plugin;

// Drops the instance and makes it again from what was captured of it.
Outcome sleep_and_wake(Plugin& plugin) {
  // Stored and read again, as a journal does.
  const Snapshot snapshot = Snapshot::read(plugin.instance->capture().value().bytes()).value();
  plugin.instance.reset();
  auto [made, outcome] = finish(
      plugin.shard,
      Instance::restore(
          plugin.shard, plugin.lane, plugin.module, plugin.environment, snapshot, plugin.host));
  plugin.instance = std::move(made);
  return std::move(outcome);
}

std::string state_of(const Plugin& plugin) {
  return plugin.instance->capture().value().bytes();
}

// State of every kind that is captured, and a function for each way to change it. The first byte of
// an input says how much.
constexpr std::string_view stateful = R"(
  (global $a (mut i32) (i32.const -7))
  (global $b (mut i64) (i64.const 5))
  (global $c (mut f32) (f32.const 0.5))
  (global $d (mut f64) (f64.const -0.25))
  (global $e (export "e") (mut v128) (v128.const i64x2 1 2))
  (global $fixed i32 (i32.const 9))
  (table $steps 3 funcref)
  (elem (table $steps) (i32.const 0) func $up $down $swap)
  (data (i32.const 20000) "here from the beginning")
  (start $begin)
  (func $begin (i64.store (i32.const 8) (i64.const 99)))
  ;; The start-up depends on its inputs, and grows the memory when they are odd.
  (func (export "_initialize")
    (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1)))
    (drop (call $random (i32.const 40000) (i32.const 64)))
    (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 50000)))
    (if (i32.and (i32.load8_u (i32.const 40000)) (i32.const 1))
      (then (drop (memory.grow (i32.const 1)))))
    (global.set $b (i64.load (i32.const 40008))))
  (func $amount (result i32) (call $input_load_u8 (i64.const 0)))
  (func $up (global.set $a (i32.add (global.get $a) (call $amount))))
  (func $down (global.set $a (i32.sub (global.get $a) (i32.const 1))))
  (func $swap (local $was i64)
    (local.set $was (global.get $b))
    (global.set $b (i64.extend_i32_s (global.get $a)))
    (global.set $a (i32.wrap_i64 (local.get $was))))
  (func (export "step") (call_indirect $steps (i32.rem_u (call $amount) (i32.const 3))))
  (func (export "floats")
    (global.set $c (f32.div (global.get $c) (f32.convert_i32_u (call $amount))))
    (global.set $d (f64.sub (global.get $d) (f64.promote_f32 (global.get $c))))
    (global.set $e (i32x4.add (global.get $e) (i32x4.splat (call $amount)))))
  (func (export "write") (local $at i32)
    (local.set $at (i32.mul (call $amount) (i32.const 509)))
    (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 0x01020304))))
  (func (export "write_back")
    (i32.store (i32.mul (call $amount) (i32.const 509)) (i32.const 0)))
  (func (export "grow") (local $pages i32)
    (if (i32.lt_u (memory.size) (i32.const 12))
      (then
        (local.set $pages (memory.grow (i32.and (call $amount) (i32.const 3))))
        (i64.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8))
                   (i64.extend_i32_u (local.get $pages))))))
  (func (export "draw") (drop (call $random (i32.const 30000) (call $amount))))
  (func (export "look") (local $at i32) (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 7))
                               (i64.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
    (local.set $sum (i64.xor (local.get $sum) (i64.extend_i32_u (global.get $a))))
    (local.set $sum (i64.add (local.get $sum) (global.get $b)))
    (local.set $sum (i64.rotl (local.get $sum) (i64.extend_i32_u (i32.reinterpret_f32 (global.get $c)))))
    (local.set $sum (i64.sub (local.get $sum) (i64.reinterpret_f64 (global.get $d))))
    (local.set $sum (i64.xor (local.get $sum) (i64x2.extract_lane 1 (global.get $e))))
    (call $say_number (local.get $sum)))
  (func (export "remember")
    (call $var_set (call $put (i32.const 20000) (i32.const 4)) (call $put (i32.const 30000) (call $amount))))
  (func (export "starts") (call $say_number (i64.load (i32.const 16))))
)";

TEST(Snapshot, SleepAfterEveryCallGivesWhatNeverSleepingGives) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::array<std::string_view, 8> functions = {
      "step", "floats", "write", "write_back", "grow", "draw", "look", "remember"};
  for (int life = 0; life < 8; ++life) {
    Plugin awake(module_text(stateful));
    Plugin asleep(module_text(stateful));
    for (Plugin* plugin : {&awake, &asleep}) {
      plugin->inputs.seed[0] = static_cast<std::uint8_t>(life);
      plugin->wake();
    }
    for (int turn = 0; turn < 40; ++turn) {
      const std::string_view function = functions[random() % functions.size()];
      const std::string input(1, static_cast<char>(random()));
      for (Plugin* plugin : {&awake, &asleep}) {
        plugin->inputs.time_ns += 1000;
        plugin->inputs.seed[1] = static_cast<std::uint8_t>(turn);
      }
      ASSERT_EQ(asleep.output(function, input), awake.output(function, input)) << function;
      ASSERT_EQ(state_of(asleep), state_of(awake)) << function;
      const Outcome woken = sleep_and_wake(asleep);
      ASSERT_EQ(woken.ending, Ending::done) << woken.message;
      ASSERT_EQ(state_of(asleep), state_of(awake)) << function;
      ASSERT_EQ(asleep.vars.entries(), awake.vars.entries());
    }
  }
}

TEST(Snapshot, IsSmall) {
  Plugin plugin(
      module_text(R"((func (export "write") (i64.store (i32.const 70000) (i64.const 5))))"));
  plugin.output("write");
  EXPECT_LT(plugin.instance->capture().value().bytes().size(), 150U);
  EXPECT_EQ(plugin.instance->capture().value().memory_pages(), 2U);
}

TEST(Snapshot, LeavesTheCapturedInstanceAsItIs) {
  Plugin plugin(module_text(stateful));
  plugin.output("write", "\x11");
  const std::string before = state_of(plugin);
  EXPECT_EQ(state_of(plugin), before);
  plugin.output("write", "\x11");
  EXPECT_NE(state_of(plugin), before);
}

TEST(Snapshot, WakesWithoutStartingUp) {
  Plugin plugin(module_text(stateful));
  EXPECT_EQ(number_in(plugin.output("starts")), 1U);
  EXPECT_EQ(sleep_and_wake(plugin).ending, Ending::done);
  EXPECT_EQ(number_in(plugin.output("starts")), 1U);
}

TEST(Snapshot, WorksWithoutMemoryAndWithoutGlobals) {
  Plugin counting(R"((module
    (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
    (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
    (global $count (mut i64) (i64.const 1))
    (func (export "more") (global.set $count (i64.mul (global.get $count) (i64.const 2)))
      (call $output_set (call $alloc (global.get $count)) (global.get $count)))))");
  EXPECT_EQ(counting.output("more").size(), 2U);
  EXPECT_EQ(sleep_and_wake(counting).ending, Ending::done);
  EXPECT_EQ(counting.output("more").size(), 4U);

  Plugin empty(R"((module (func (export "nothing"))))");
  empty.output("nothing");
  EXPECT_EQ(sleep_and_wake(empty).ending, Ending::done);
  EXPECT_EQ(empty.output("nothing"), "");
}

TEST(Snapshot, StillEndsGrowthBeyondTheLimitAfterWaking) {
  Plugin plugin(module_text(R"((func (export "grow") (drop (memory.grow (i32.const 3)))))"));
  plugin.environment.limits.memory_pages_max = 5;
  plugin.output("grow");
  EXPECT_EQ(sleep_and_wake(plugin).ending, Ending::done);
  EXPECT_EQ(plugin.call("grow").ending, Ending::out_of_memory);
}

TEST(Snapshot, ACopyGoesItsOwnWay) {
  Plugin plugin(module_text(stateful));
  plugin.output("write", "\x22");
  plugin.output("grow", "\x01");
  plugin.output("floats", "\x03");
  const std::string before = state_of(plugin);
  auto [copy, outcome] = finish(plugin.shard, plugin.instance->copy(plugin.host));
  ASSERT_NE(copy, nullptr) << outcome.message;
  EXPECT_EQ(copy->capture().value().bytes(), before);
  std::swap(copy, plugin.instance);
  plugin.output("write", "\x22");
  EXPECT_NE(state_of(plugin), before);
  std::swap(copy, plugin.instance);
  EXPECT_EQ(state_of(plugin), before);
}

TEST(Snapshot, IsOfABoundedSize) {
  Plugin plugin(module_text(R"((func (export "fill")
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072))))"));
  plugin.environment.limits.snapshot_bytes_max = 131072;
  plugin.output("fill");
  EXPECT_TRUE(plugin.instance->capture().has_value());
  plugin.environment.limits.snapshot_bytes_max = 131071;
  EXPECT_EQ(plugin.instance->capture().error().message,
            "the plugin's memory has changed in 131072 bytes since its start-up; a snapshot may "
            "hold 131071");
}

TEST(Snapshot, EachActorStartsWithTheSeedOfItsTurn) {
  Plugin one(module_text(stateful));
  Plugin other(module_text(stateful));
  other.inputs.seed[5] = 77;
  one.wake();
  other.wake();
  EXPECT_NE(state_of(one), state_of(other));
  // Restored where others were started otherwise, it is itself.
  const std::string before = state_of(one);
  EXPECT_EQ(sleep_and_wake(one).ending, Ending::done);
  EXPECT_EQ(state_of(one), before);
}

TEST(Snapshot, APluginThatAsksItsHostWhileItStartsLivesButIsNotCaptured) {
  Plugin plugin(module_text(R"((func (export "_initialize") (drop (call $self)))
    (func (export "f")))"));
  plugin.host.answer = std::string("{}");
  plugin.output("f");
  EXPECT_EQ(plugin.host.calls.size(), 1U);
  EXPECT_EQ(plugin.instance->capture().error().message,
            "a start-up with fixed inputs, for the image that snapshots refer to, failed: no actor "
            "is behind this start-up");
}

TEST(Snapshot, TheStartUpForTheImageIsNotHeard) {
  Plugin plugin(module_text(R"(
    (func (export "_initialize") (call $log_info (call $put (i32.const 100) (i32.const 3))))
    (data (i32.const 100) "up!"))"));
  plugin.wake();
  EXPECT_EQ(plugin.host.lines.size(), 1U);
}

// What is refused.

Outcome restored(Plugin& plugin, const Snapshot& snapshot) {
  auto [made, outcome] = finish(
      plugin.shard,
      Instance::restore(
          plugin.shard, plugin.lane, plugin.module, plugin.environment, snapshot, plugin.host));
  EXPECT_EQ(made != nullptr, outcome.ending == Ending::done);
  return std::move(outcome);
}

TEST(Snapshot, OfAnotherPluginIsRefused) {
  Plugin one(module_text(stateful));
  Plugin other(module_text(R"((func (export "write")))"));
  one.output("write", "\x01");
  const Outcome outcome = restored(other, one.instance->capture().value());
  EXPECT_EQ(outcome.ending, Ending::snapshot);
  EXPECT_NE(outcome.message.find("it is of another plugin"), std::string::npos) << outcome.message;
}

TEST(Snapshot, OfAnotherStartUpIsRefused) {
  constexpr std::string_view text = R"((func (export "_initialize")
    (i64.store (i32.const 0) (call $length (call $config_get (call $put (i32.const 100) (i32.const 3))))))
    (data (i32.const 100) "key"))";
  Plugin plugin(module_text(text));
  plugin.environment.config = {{"key", "value"}};
  plugin.wake();
  const Snapshot snapshot = plugin.instance->capture().value();
  plugin.instance.reset();
  EXPECT_EQ(restored(plugin, snapshot).ending, Ending::done);
  plugin.environment.config = {{"key", "another value"}};
  const Outcome outcome = restored(plugin, snapshot);
  EXPECT_EQ(outcome.ending, Ending::snapshot);
  EXPECT_NE(outcome.message.find("another image of the start-up"), std::string::npos)
      << outcome.message;
}

TEST(Snapshot, WithMoreMemoryThanTheLimitIsRefused) {
  Plugin plugin(module_text(R"((func (export "grow") (drop (memory.grow (i32.const 5)))))"));
  plugin.output("grow");
  const Snapshot snapshot = plugin.instance->capture().value();
  plugin.environment.limits.memory_pages_max = 4;
  const Outcome outcome = restored(plugin, snapshot);
  EXPECT_EQ(outcome.ending, Ending::out_of_memory);
  EXPECT_EQ(outcome.message, "the plugin needs more memory than its limit of 4 pages of 64 KiB");
}

TEST(Snapshot, ThatIsDamagedAnywhereIsRefused) {
  Plugin plugin(module_text(stateful));
  plugin.output("write", "\x11");
  const std::string bytes = state_of(plugin);
  EXPECT_TRUE(Snapshot::read(bytes).has_value());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_TRUE(Snapshot::read(damaged).has_error()) << "byte " << at;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(Snapshot::read(bytes.substr(0, size)).has_error()) << size << " bytes";
  }
  EXPECT_EQ(Snapshot::read(bytes + "x").error().message,
            "the snapshot is damaged: its checksum is wrong");
  EXPECT_EQ(Snapshot::read("something else").error().message,
            "these bytes are no snapshot of a guest's memory");
  std::string later = bytes;
  later[4] = 2;
  EXPECT_EQ(Snapshot::read(later).error().message,
            "the snapshot has version 2 of its format; this program reads version 1");
}

// What the checksum does not catch, since it was computed over it.
TEST(Snapshot, ThatIsWellSealedButWrongIsRefused) {
  Plugin plugin(module_text(stateful));
  plugin.output("write", "\x11");
  const Snapshot good = plugin.instance->capture().value();
  SnapshotCodec codec;
  Difference difference;
  ASSERT_TRUE(codec.decode(good, difference).has_value());
  const SnapshotHeader header = SnapshotCodec::header(good).value();
  const auto refusal = [&](const std::function<void(SnapshotHeader&)>& change) {
    SnapshotHeader changed = header;
    change(changed);
    const Outcome outcome = restored(plugin, codec.encode(changed, difference));
    EXPECT_EQ(outcome.ending, Ending::snapshot);
    return outcome.message.substr(outcome.message.find(": ") + 2);
  };
  EXPECT_EQ(refusal([](auto& h) { h.globals.pop_back(); }),
            "its globals are not of the plugin's types");
  EXPECT_EQ(refusal([](auto& h) { h.globals[0].type = ValueType::f32; }),
            "its globals are not of the plugin's types");
  EXPECT_EQ(refusal([](auto& h) { h.memory_pages = 1; }),
            "it has 1 pages of memory, less than the 2 that the plugin begins with");
  EXPECT_EQ(refusal([](auto& h) { h.memory_pages = 0; }),
            "the snapshot is damaged: it has more pages than its memory");

  difference.pages.back() = header.memory_pages * 16;
  EXPECT_EQ(refusal([](auto&) {}), "the snapshot is damaged: it has a page beyond its memory");
}

// Which modules can be captured.

std::string reason_of(std::string_view text) {
  return Plugin::load(text)->not_capturable();
}

TEST(NotCapturable, NamesTheInstruction) {
  const auto with = [](std::string_view instruction) {
    return reason_of(
        "(module (memory 1) (table $t 2 2 funcref) (elem $e func $f) (data $d \"x\")"
        "(func $f (export \"f\") " +
        std::string(instruction) + "))");
  };
  const std::vector<std::pair<std::string_view, std::string_view>> refused = {
      {"table.set", "(table.set $t (i32.const 0) (ref.func $f))"},
      {"table.grow", "(drop (table.grow $t (ref.null func) (i32.const 0)))"},
      {"table.init", "(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))"},
      {"table.copy", "(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))"},
      {"table.fill", "(table.fill $t (i32.const 0) (ref.null func) (i32.const 1))"},
      {"elem.drop", "(elem.drop $e)"},
      {"memory.init", "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))"},
      {"data.drop", "(data.drop $d)"},
  };
  for (const auto& [name, instruction] : refused) {
    EXPECT_EQ(with(instruction), "it uses the instruction " + std::string(name));
  }
  for (const std::string_view instruction :
       {"(drop (table.get $t (i32.const 0)))",
        "(drop (table.size $t))",
        "(memory.copy (i32.const 0) (i32.const 1) (i32.const 1))",
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 1))",
        "(call_indirect $t (i32.const 0))"}) {
    EXPECT_EQ(with(instruction), "") << instruction;
  }
}

TEST(NotCapturable, NamesStateThatCannotBeReached) {
  EXPECT_EQ(reason_of("(module (func (export \"f\")) (global (mut funcref) (ref.null func)))"),
            "it has a global reference that can change");
  EXPECT_EQ(reason_of("(module (func (export \"f\")) (global funcref (ref.null func)))"), "");
  EXPECT_EQ(reason_of("(module (func (export \"f\")) (type (struct)))"), "");
  EXPECT_EQ(reason_of("(module (func (export \"f\") (drop (ref.i31 (i32.const 1)))))"),
            "it uses an instruction of garbage collection, exceptions, atomics or later");
  EXPECT_EQ(reason_of("(module (func (export \"f\")) (tag))"), "it uses exceptions");
  EXPECT_EQ(reason_of("(module (func (export \"troupe:start\")))"),
            "it exports a name that begins with \"troupe:\"");
}

TEST(NotCapturable, NamesWhatNoSlotOfOursHolds) {
  const auto reason = [](std::string_view text) {
    const std::string module = with_exported_state(test::wasm_of(text));
    const std::size_t at = module.find(not_capturable_export);
    if (at == std::string::npos) return std::string();
    const std::size_t begin = at + not_capturable_export.size();
    const auto length = static_cast<std::uint8_t>(module[at - 1]);
    return module.substr(begin, length - not_capturable_export.size());
  };
  EXPECT_EQ(reason("(module (func (export \"f\")) (memory 1))"), "");
  EXPECT_EQ(reason("(module (func (export \"f\")) (memory 1) (memory 1))"),
            "it has several memories");
  EXPECT_EQ(reason("(module (func (export \"f\")) (memory i64 1))"),
            "its memory is shared, or of 64 bits");
  EXPECT_EQ(reason("(module (func (export \"f\")) (memory 1 2 shared))"),
            "its memory is shared, or of 64 bits");
  EXPECT_EQ(reason("(module (import \"a\" \"b\" (memory 1)) (func (export \"f\")))"),
            "it imports its memory");
  EXPECT_EQ(reason("(module (import \"a\" \"b\" (table 1 funcref)) (func (export \"f\")))"),
            "it imports a table");
  EXPECT_EQ(reason("(module (import \"a\" \"b\" (global (mut i32))) (func (export \"f\")))"),
            "it imports a global that can change");
  EXPECT_EQ(reason("(module (import \"a\" \"b\" (global i32)) (func (export \"f\")))"), "");
  EXPECT_EQ(reason("(module (import \"a\" \"b\" (tag)) (func (export \"f\")))"),
            "it uses exceptions");
}

TEST(NotCapturable, APluginRunsAllTheSameAndSaysWhyItCannotSleep) {
  Plugin plugin(module_text(R"(
    (table 1 funcref)
    (start $begin)
    (func $begin (i32.store (i32.const 0) (i32.const 42)))
    (func (export "f") (table.set (i32.const 0) (ref.null func))
                       (call $say_number (i64.load (i32.const 0))))
    (func (export "troupe:start") unreachable))"));
  EXPECT_EQ(number_in(plugin.output("f")), 42U);
  EXPECT_EQ(plugin.instance->capture().error().message,
            "the plugin's memory cannot be captured: " + plugin.module->not_capturable());
  const auto [copy, outcome] = finish(plugin.shard, plugin.instance->copy(plugin.host));
  EXPECT_EQ(copy, nullptr);
  EXPECT_EQ(outcome.ending, Ending::snapshot);
}

TEST(NotCapturable, WhatIsAddedToAModuleIsNotCalledByName) {
  Plugin plugin(module_text(R"(
    (start $begin)
    (func $begin (i32.store (i32.const 0) (i32.const 42)))
    (func (export "f")))"));
  EXPECT_EQ(std::vector<std::string>(plugin.module->functions().begin(),
                                     plugin.module->functions().end()),
            std::vector<std::string>{"f"});
  EXPECT_EQ(plugin.call("troupe:start").ending, Ending::missing);
}

}  // namespace
}  // namespace troupe::guest
