// Modules come out of the rewriting valid, and find in the window what the host's functions would
// have given them.
#include "guest/arena_access.h"

#include "guest/complaint.h"
#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::guest {
namespace {

using test::complaint_about;
using test::module_text;
using test::Plugin;
using test::wasm_of;

// Echoes its input by words and bytes; and does one thing with an address that the input's first
// eight bytes give, in a block that begins at the second eight (0: the input's own), after it has
// made the call a large one.
constexpr std::string_view body = R"(
  (func (export "echo") (result i32) (local $block i64) (local $length i64) (local $i i64)
    (local.set $length (call $input_length))
    (local.set $block (call $alloc (local.get $length)))
    (block $words (loop $next
      (br_if $words (i64.gt_u (i64.add (local.get $i) (i64.const 8)) (local.get $length)))
      (call $store_u64 (i64.add (local.get $block) (local.get $i)) (call $input_load_u64 (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 8)))
      (br $next)))
    (block $bytes (loop $next
      (br_if $bytes (i64.ge_u (local.get $i) (local.get $length)))
      (call $store_u8 (i64.add (local.get $block) (local.get $i)) (call $input_load_u8 (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next)))
    (call $output_set (local.get $block) (local.get $length))
    (i32.const 0))
  ;; Adds up every byte that can be read, by addresses and by offsets of the input.
  (func (export "sum") (result i32) (local $i i64) (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $load_u8 (local.get $i)))))
      (local.set $sum (i64.add (local.get $sum) (i64.popcnt (call $load_u64 (local.get $i)))))
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $input_load_u8 (local.get $i)))))
      (local.set $sum (i64.add (local.get $sum) (i64.popcnt (call $input_load_u64 (local.get $i)))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get $i) (i64.const 300000))))
    (call $say_number (local.get $sum))
    (i32.const 0))
  ;; Writes to every address there is, and some there are not.
  (func (export "scribble") (result i32) (local $i i64)
    (drop (call $alloc (i64.const 100000)))
    (loop $next
      (call $store_u64 (local.get $i) (i64.const -1))
      (call $store_u8 (i64.add (local.get $i) (i64.const 4)) (i32.const 255))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get $i) (i64.const 300000))))
    (call $store_u64 (i64.const -8) (i64.const -1))
    (i32.const 0))
  ;; The input's block given back, and what the input is then.
  (func (export "forget") (result i32) (local $at i64)
    (local.set $at (call $input_offset))
    (call $free (local.get $at))
    (call $say_number (i64.add (i64.add (i64.extend_i32_u (call $input_load_u8 (i64.const 0)))
                                        (call $input_load_u64 (i64.const 0)))
                               (i64.extend_i32_u (call $load_u8 (local.get $at)))))
    (i32.const 0))
  (func (export "start_again") (result i32) (local $block i64)
    (call $reset)
    (local.set $block (call $alloc (i64.const 20000)))
    (call $output_set (local.get $block) (i64.const 20000))
    (i32.const 0))
  (func (export "fail") (result i32)
    (call $error_set (call $alloc (i64.const 10000)))
    (drop (call $alloc (i64.const 20000)))
    (unreachable))
)";

// Every kind of function that a call of ours can stand in.
constexpr std::string_view everything = R"((module
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "env" "extism_store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/user" "global" (global $imported i32))
  (memory 1)
  (table 2 funcref)
  (elem (i32.const 0) $load_u8)
  (elem declare func $store_u8)
  (func $plain (result i32) (call $load_u8 (i64.const 1)))
  (func $of_locals (param i64 f32) (result i64) (local f64 v128 i64 i64) (local funcref)
    (local.set 6 (ref.func $store_u8))
    (call $store_u64 (call $input_load_u64 (local.get 0)) (call $input_load_u64 (local.get 4)))
    (if (result i64) (call $load_u8 (local.get 5))
      (then (call $input_load_u64 (i64.const 1)))
      (else (unreachable) (call $input_load_u64))))
  (func $tail (result i32) (return_call $load_u8 (i64.const 7)))
  (func $indirect (result i32)
    (call_indirect (param i64) (result i32) (i64.const 7) (i32.const 0)))
  (func $last (call $store_u8 (i64.const 64) (i32.const 1))))
)";

TEST(ArenaAccess, LeavesAModuleValid) {
  const std::string wasm = wasm_of(everything);
  ASSERT_EQ(complaint_about(wasm), "");
  const auto rewritten = with_window(wasm);
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(complaint_about(*rewritten), "");
  EXPECT_FALSE(with_window(*rewritten)) << "it exports the name already";
}

TEST(ArenaAccess, LeavesAloneWhatNeverCalls) {
  EXPECT_FALSE(with_window(wasm_of("(module)")));
  EXPECT_FALSE(with_window(wasm_of(R"((module
    (import "extism:host/env" "load_u8" (func (param i64) (result i32)))
    (memory 1) (func)))")));
  EXPECT_FALSE(with_window(wasm_of(R"((module
    (import "elsewhere" "load_u8" (func $f (param i64) (result i32)))
    (memory 1) (func (drop (call $f (i64.const 0))))))")));
}

TEST(ArenaAccess, LeavesAFunctionOfTooManyLocalsAsItIs) {
  std::string locals;
  for (int i = 0; i < 49'998; ++i) locals += " i32";
  const std::string wasm = wasm_of(R"((module
    (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
    (memory 1)
    (func (result i32) (call $load_u8 (i64.const 1)))
    (func (result i32) (local)" + locals +
                                   ") (call $load_u8 (i64.const 1))))");
  ASSERT_EQ(complaint_about(wasm), "");
  const auto rewritten = with_window(wasm);
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(complaint_about(*rewritten), "");
}

TEST(ArenaAccess, ReadsNothingBeyondAModulesEnd) {
  const std::string wasm = wasm_of(everything);
  for (std::size_t size = 0; size < wasm.size(); ++size) with_window(wasm.substr(0, size));
  for (std::size_t at = 0; at < wasm.size(); ++at) {
    std::string changed = wasm;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    with_window(changed);
  }
}

std::string varied(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + (i >> 8) + 1);
  return text;
}

TEST(ArenaAccess, GivesAGuestItsInputAndTakesItsOutputAtAnySize) {
  Plugin plugin(module_text(body));
  plugin.environment.limits.output_bytes_max = std::size_t{8} << 20;
  for (const std::size_t size :
       {1, 100, 4000, 4032, 4033, 5000, 70'003, 1 << 20, 3'000'001, 9, 0}) {
    const std::string input = varied(size);
    EXPECT_EQ(plugin.output("echo", input) == input, true) << size;
  }
}

TEST(ArenaAccess, ReadsTheSameInTheWindowAsThroughTheHost) {
  const std::shared_ptr<const Module> with = Plugin::load(module_text(body));
  // Of old names only, behind a table: those calls stay with the host.
  Plugin inside(with);
  const auto sum = [&](std::size_t size) {
    return test::number_in(inside.output("sum", varied(size)));
  };
  const auto expected = [](std::size_t size) {
    Arena arena;
    arena.clear(std::size_t{1} << 24);
    const std::string input = varied(size);
    const std::string_view pieces[] = {input};
    EXPECT_TRUE(arena.set_input(pieces));
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < 300'000; ++i) {
      sum += arena.load_u8(i) + static_cast<std::uint64_t>(__builtin_popcountll(arena.load_u64(i)));
      sum += arena.input_load_u8(i);
      sum += static_cast<std::uint64_t>(__builtin_popcountll(arena.input_load_u64(i)));
    }
    return sum;
  };
  for (const std::size_t size : {0, 5, 8, 4000, 4100, 65'470, 65'472, 65'473, 100'000, 200'001}) {
    EXPECT_EQ(sum(size), expected(size)) << size;
  }
}

TEST(ArenaAccess, LeavesNothingForTheNextCall) {
  Plugin plugin(module_text(body));
  const std::uint64_t clean = test::number_in(plugin.output("sum", varied(5000)));
  EXPECT_EQ(plugin.call("scribble", varied(5000)).ending, Ending::done);
  EXPECT_EQ(test::number_in(plugin.output("sum", varied(5000))), clean);
  EXPECT_EQ(plugin.output("start_again", varied(50'000)), std::string(20'000, '\0'));
}

TEST(ArenaAccess, ForgetsTheInputWhenItsBlockIsFreed) {
  Plugin plugin(module_text(body));
  const std::string input(10'000, 'A');
  EXPECT_EQ(test::number_in(plugin.output("forget", input)), 65U) << "the block's bytes are there";
}

TEST(ArenaAccess, KeepsAnOutputWhenTheGuestIsCalledAgainOrGone) {
  Plugin plugin(module_text(body));
  const std::string first = varied(30'000);
  const Outcome kept = plugin.call("echo", first);
  plugin.output("echo", std::string(50'000, 'x'));
  EXPECT_EQ(kept.output == first, true);
  plugin.instance.reset();
  EXPECT_EQ(kept.output == first, true);
}

TEST(ArenaAccess, EndsALargeCallThatTrapsAsASmallOne) {
  Plugin plugin(module_text(body));
  EXPECT_EQ(plugin.call("fail", varied(20'000)).ending, Ending::trap);
  plugin.instance.reset();
  EXPECT_EQ(plugin.output("echo", "again"), "again");
}

TEST(ArenaAccess, DoesWithoutAWindowThatCannotGrowFurther) {
  Plugin plugin(module_text(body));
  // Four pages by the store's limiter, after two of the module's; the budget of the blocks is as
  // small.
  plugin.environment.limits.memory_pages_max = 2;
  EXPECT_EQ(plugin.output("echo", varied(50'000)) == varied(50'000), true);
  EXPECT_EQ(plugin.call("echo", varied(200'000)).ending, Ending::out_of_memory);
}

TEST(ArenaAccess, IsNoPartOfASnapshot) {
  Plugin plugin(module_text(body));
  ASSERT_EQ(plugin.wake().ending, Ending::done);
  const Result<Snapshot> before = plugin.instance->capture();
  ASSERT_TRUE(before.has_value());
  plugin.output("echo", varied(100'000));
  const Result<Snapshot> after = plugin.instance->capture();
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(before->bytes() == after->bytes(), true);
}

TEST(ArenaAccess, GivesBackTheMemoryOfWindowsThatWereUsedLongAgo) {
  const std::shared_ptr<const Module> module = Plugin::load(module_text(body));
  Plugin first(module);
  std::vector<std::unique_ptr<Instance>> instances;
  const std::string large = varied(100'000);
  for (std::size_t i = 0; i < 3 * WarmWindows::windows_max; ++i) {
    EXPECT_EQ(first.output("echo", large) == large, true);
    instances.push_back(std::move(first.instance));
  }
  for (std::unique_ptr<Instance>& instance : instances) {
    first.instance = std::move(instance);
    const std::uint64_t sum = test::number_in(first.output("sum", "abc"));
    first.instance.reset();
    EXPECT_EQ(first.output("sum", "abc").size(), 8U);
    EXPECT_EQ(test::number_in(first.output("sum", "abc")), sum);
    first.instance.reset();
  }
}

}  // namespace
}  // namespace troupe::guest
