#include "guest/instance.h"

#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace troupe::guest {
namespace {

using test::module_text;
using test::number_in;
using test::Plugin;

// Counts its calls in its own memory and gives the count as one digit.
constexpr std::string_view counter = R"((module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func (export "increment") (result i32) (local $block i64)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (i32.add (global.get $count) (i32.const 48)))
    (call $output_set (local.get $block) (i64.const 1))
    (i32.const 0))))";

TEST(Instance, KeepsItsMemoryBetweenCalls) {
  Plugin plugin(counter);
  EXPECT_EQ(plugin.output("increment"), "1");
  EXPECT_EQ(plugin.output("increment"), "2");
}

TEST(Instance, SaysWhichFunctionIsMissing) {
  Plugin plugin(counter);
  const Outcome outcome = plugin.call("decrement");
  EXPECT_EQ(outcome.ending, Ending::missing);
  EXPECT_EQ(outcome.message, "Function not found: decrement");
  EXPECT_EQ(plugin.output("increment"), "1");
}

TEST(Instance, KnowsTheFunctionsThatCanBeCalled) {
  Plugin plugin(module_text(R"(
    (func (export "b"))
    (func (export "a") (result i32) (i32.const 0))
    (func (export "takes") (param i32))
    (func (export "gives") (result i64) (i64.const 0))
    (func (export "gives_two") (result i32 i32) (i32.const 0) (i32.const 0)))"));
  const auto functions = plugin.module->functions();
  EXPECT_EQ(std::vector<std::string>(functions.begin(), functions.end()),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(plugin.module->has_function("a"));
  EXPECT_FALSE(plugin.module->has_function("takes"));
  EXPECT_FALSE(plugin.module->has_function("memory"));
}

TEST(Instance, NamesATrapAndWhereItHappened) {
  Plugin plugin(module_text(R"(
    (func $deeper unreachable)
    (func (export "stop") (call $deeper))
    (func (export "divide") (drop (i32.div_u (i32.const 1) (i32.const 0))))
    (func (export "outside") (drop (i32.load (i32.const 0x7fffffff)))))"));
  const Outcome outcome = plugin.call("stop");
  EXPECT_EQ(outcome.ending, Ending::trap);
  EXPECT_EQ(outcome.message, "the handler trapped: unreachable");
  EXPECT_NE(outcome.detail.find("deeper"), std::string::npos) << outcome.detail;
  EXPECT_TRUE(plugin.instance->spent());
  plugin.instance.reset();
  EXPECT_EQ(plugin.call("divide").message, "the handler trapped: division by zero");
  plugin.instance.reset();
  EXPECT_EQ(plugin.call("outside").message, "the handler trapped: memory access out of bounds");
}

TEST(Instance, NamesTheFunctionsOfABacktraceAsTheirAuthorsDo) {
  Plugin plugin(module_text(R"(
    (func $_ZN4todo4list3add17h0123456789abcdefE unreachable)
    (func $_RNvC4todo6insert (call $_ZN4todo4list3add17h0123456789abcdefE))
    (func $_ZN4todo5storeEiPKc (call $_RNvC4todo6insert))
    (func $plain (call $_ZN4todo5storeEiPKc))
    (func (export "stop") (call $plain)))"));
  const std::string detail = plugin.call("stop").detail;
  const std::string_view names[] = {"at todo::list::add (",
                                    "at todo::insert (",
                                    "at todo::store(int, char const*) (",
                                    "at plain ("};
  std::size_t from = 0;
  for (const std::string_view name : names) {
    from = detail.find(name, from);
    ASSERT_NE(from, std::string::npos) << name << " in\n" << detail;
  }
}

TEST(Instance, NotANumberIsTheSameEverywhere) {
  Plugin plugin(module_text(R"((func (export "nan") (call $say_number
    (i64.extend_i32_u (i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0)))))))"));
  // x86 would set the sign, ARM would not.
  EXPECT_EQ(number_in(plugin.output("nan")), 0x7fc00000U);
}

TEST(Instance, EndsEndlessRecursion) {
  Plugin plugin(module_text(R"((func $again (export "again") (call $again) (call $again)))"));
  const Outcome outcome = plugin.call("again");
  EXPECT_EQ(outcome.ending, Ending::trap);
  EXPECT_EQ(outcome.message, "the handler trapped: stack overflow");
}

TEST(Instance, EndsAnOutputBomb) {
  Plugin plugin(module_text(R"((func (export "shout")
    (call $output_set (call $alloc (i64.const 1000)) (i64.const 1000))))"));
  plugin.environment.limits.output_bytes_max = 999;
  const Outcome outcome = plugin.call("shout");
  EXPECT_EQ(outcome.ending, Ending::output);
  EXPECT_EQ(outcome.message, "the output of 1000 bytes is larger than the limit of 999");
  EXPECT_EQ(outcome.output, "");
  plugin.environment.limits.output_bytes_max = 1000;
  EXPECT_EQ(plugin.output("shout").size(), 1000U);
}

TEST(Instance, RefusesAnInputThatDoesNotFit) {
  Plugin plugin(counter);
  plugin.environment.limits.memory_pages_max = 2;
  EXPECT_EQ(plugin.call("increment", std::string(200'000, ' ')).ending, Ending::out_of_memory);
  EXPECT_EQ(plugin.output("increment"), "1");
}

TEST(Instance, RefusesAMemoryBeyondThePluginsLimit) {
  Plugin plugin(module_text(""));
  plugin.environment.limits.memory_pages_max = 1;
  const Outcome outcome = plugin.wake();
  EXPECT_EQ(plugin.instance, nullptr);
  EXPECT_EQ(outcome.ending, Ending::out_of_memory);
}

TEST(Instance, EndsAMemoryBomb) {
  Plugin plugin(module_text(R"((func (export "grow")
    (loop $next
      (if (i32.eq (memory.grow (i32.const 10)) (i32.const -1)) (then unreachable))
      (br $next)))
    (func (export "grow_at_once") (drop (memory.grow (i32.const 60000))) unreachable)
    (func (export "grow_a_little")
      (if (i32.ne (memory.grow (i32.const 3)) (i32.const 2)) (then unreachable))
      (call $say_number (i64.extend_i32_u (memory.size)))))"));
  for (const std::string_view function : {"grow", "grow_at_once"}) {
    const Outcome outcome = plugin.call(function);
    EXPECT_EQ(outcome.ending, Ending::out_of_memory);
    EXPECT_EQ(outcome.message,
              "the plugin needs more memory than its limit of 256 pages of 64 KiB");
    EXPECT_NE(outcome.detail, "");
    plugin.instance.reset();
  }
  EXPECT_EQ(number_in(plugin.output("grow_a_little")), 5U);
}

TEST(Instance, EndsAGuestThatWantsTooManyBlocks) {
  Plugin plugin(module_text(R"((func (export "hoard")
    (loop $next
      (br_if $next (i64.ne (call $alloc (i64.const 100000)) (i64.const 0))))
    unreachable))"));
  const Outcome outcome = plugin.call("hoard");
  EXPECT_EQ(outcome.ending, Ending::out_of_memory);
  EXPECT_EQ(outcome.message, "the plugin needs more memory than its limit of 256 pages of 64 KiB");
}

// What runs before the first call, by the exports a module has.

std::string noting_start(std::string_view exports) {
  return module_text(R"(
    (global $steps (mut i64) (i64.const 0))
    (func $note (param $digit i64)
      (global.set $steps (i64.add (i64.mul (global.get $steps) (i64.const 10)) (local.get $digit))))
    (func (export "steps") (call $say_number (global.get $steps))) )" +
                     std::string(exports));
}

TEST(Instance, RunsInitializeOnce) {
  Plugin plugin(noting_start(R"((func (export "_initialize") (call $note (i64.const 1))))"));
  EXPECT_EQ(number_in(plugin.output("steps")), 1U);
  EXPECT_EQ(number_in(plugin.output("steps")), 1U);
}

TEST(Instance, RunsConstructorsInsteadOfInitialize) {
  Plugin plugin(noting_start(R"(
    (func (export "_initialize") (call $note (i64.const 1)))
    (func (export "__wasm_call_ctors") (call $note (i64.const 2))))"));
  EXPECT_EQ(number_in(plugin.output("steps")), 2U);
}

TEST(Instance, RunsHaskellsStartAfterInitialize) {
  Plugin plugin(noting_start(R"(
    (func (export "_initialize") (call $note (i64.const 1)))
    (func (export "__wasm_call_ctors") (call $note (i64.const 2)))
    (func (export "hs_init") (param i32 i32) (call $note (i64.const 3))))"));
  EXPECT_EQ(number_in(plugin.output("steps")), 13U);
}

TEST(Instance, SkipsStartFunctionsOfOtherTypes) {
  Plugin plugin(noting_start(R"(
    (func (export "_initialize") (result i32) (call $note (i64.const 1)) (i32.const 0))
    (func (export "hs_init") (call $note (i64.const 3))))"));
  EXPECT_EQ(number_in(plugin.output("steps")), 0U);
}

TEST(Instance, RunsAStartSection) {
  Plugin plugin(noting_start(R"((func $begin (call $note (i64.const 7))) (start $begin))"));
  EXPECT_EQ(number_in(plugin.output("steps")), 7U);
}

TEST(Instance, ReportsATrapAtItsStart) {
  for (const std::string_view exports : {R"((func (export "_initialize") unreachable))",
                                         R"((func $begin unreachable) (start $begin))"}) {
    Plugin plugin(noting_start(exports));
    const Outcome outcome = plugin.wake();
    EXPECT_EQ(plugin.instance, nullptr);
    EXPECT_EQ(outcome.ending, Ending::trap);
    EXPECT_EQ(outcome.message, "the handler trapped: unreachable");
  }
}

TEST(Instance, HasNoVarsAtItsStart) {
  Plugin plugin(noting_start(R"(
    (func (export "_initialize")
      (call $note (call $var_get (call $put (i32.const 0) (i32.const 3))))
      (call $var_set (call $put (i32.const 0) (i32.const 3)) (i64.const 0)))
    (data (i32.const 0) "key"))"));
  plugin.vars.set("key", "value", 1000);
  EXPECT_EQ(plugin.wake().message,
            "the handler trapped: vars cannot be set while the plugin starts up");
}

TEST(Instance, ShardsRunTheSameModuleAtOnce) {
  std::vector<std::unique_ptr<Plugin>> plugins;
  for (std::size_t index = 0; index < 4; ++index) {
    plugins.push_back(std::make_unique<Plugin>(module_text(R"((func (export "echo")
      (call $output_set (call $input_offset) (call $input_length))))"),
                                               index));
  }
  std::vector<std::thread> threads;
  for (std::size_t index = 0; index < plugins.size(); ++index) {
    threads.emplace_back(
        [&plugin = *plugins[index], text = std::string(100, static_cast<char>('a' + index))] {
          for (int i = 0; i < 500; ++i) {
            if (i % 50 == 0) plugin.instance.reset();
            EXPECT_EQ(plugin.output("echo", text), text);
          }
        });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace troupe::guest
