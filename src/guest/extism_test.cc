// The functions of extism:host/env and extism:host/user as a guest meets them.
#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>

namespace troupe::guest {
namespace {

using test::module_text;
using test::number_in;
using test::Plugin;

TEST(Extism, EchoesTheInputByBytesAndByWords) {
  Plugin plugin(module_text(R"(
    (func (export "by_bytes") (local $block i64) (local $i i64)
      (local.set $block (call $alloc (call $input_length)))
      (block $end (loop $next
        (br_if $end (i64.ge_u (local.get $i) (call $input_length)))
        (call $store_u8 (i64.add (local.get $block) (local.get $i))
                        (call $input_load_u8 (local.get $i)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $next)))
      (call $output_set (local.get $block) (call $input_length)))
    (func (export "first_word") (call $say_number (call $input_load_u64 (i64.const 0))))
    (func (export "as_block")
      (call $output_set (call $input_offset) (call $length (call $input_offset)))))"));
  EXPECT_EQ(plugin.output("by_bytes", "hello"), "hello");
  EXPECT_EQ(plugin.output("first_word", "12345678"), "12345678");
  EXPECT_EQ(number_in(plugin.output("first_word", "1234567")), 0U);
  EXPECT_EQ(plugin.output("as_block", "hello"), "hello");
  EXPECT_EQ(plugin.output("as_block", ""), "");
}

TEST(Extism, KernelFunctionsReachTheArena) {
  Plugin plugin(module_text(R"(
    (func (export "words") (local $block i64)
      (local.set $block (call $alloc (i64.const 8)))
      (call $store_u64 (local.get $block) (i64.const 42))
      (call $say_number (call $load_u64 (local.get $block))))
    (func (export "bytes") (local $block i64)
      (local.set $block (call $alloc (i64.const 8)))
      (call $store_u8 (local.get $block) (i32.const 0x1ff))
      (call $say_number (i64.extend_i32_u (call $load_u8 (local.get $block)))))
    (func (export "lengths") (local $block i64)
      (local.set $block (call $alloc (i64.const 5)))
      (call $say_number (i64.add (call $length (local.get $block))
                                 (i64.mul (i64.const 100) (call $length_unsafe (local.get $block))))))
    (func (export "freed") (local $block i64)
      (local.set $block (call $alloc (i64.const 5)))
      (call $free (local.get $block))
      (call $say_number (call $length (local.get $block))))
    (func (export "input_moved") (local $block i64)
      (local.set $block (call $put (i32.const 0) (i32.const 3)))
      (call $input_set (local.get $block) (i64.const 3))
      (call $say_number (i64.add (call $input_length)
                                 (i64.sub (call $input_offset) (local.get $block)))))
    (func (export "output_known")
      (call $say (i32.const 0) (i32.const 3))
      (call $say_number (call $output_length)))
    (func (export "output_offset") (local $block i64)
      (local.set $block (call $alloc (i64.const 9)))
      (call $output_set (local.get $block) (i64.const 9))
      (call $say_number (i64.sub (call $output_offset) (local.get $block))))
    (func (export "error_known") (local $block i64)
      (local.set $block (call $put (i32.const 0) (i32.const 3)))
      (call $error_set (local.get $block))
      (local.set $block (i64.sub (local.get $block) (call $error_get)))
      (call $error_set (i64.const 0))
      (call $say_number (local.get $block)))
    (func (export "size") (call $say_number (call $memory_bytes)))
    (func (export "reset")
      (call $reset)
      (call $say_number (call $input_length)))
    (data (i32.const 0) "abc"))"));
  EXPECT_EQ(number_in(plugin.output("words")), 42U);
  EXPECT_EQ(number_in(plugin.output("bytes")), 255U);
  EXPECT_EQ(number_in(plugin.output("lengths")), 505U);
  EXPECT_EQ(number_in(plugin.output("freed")), 0U);
  EXPECT_EQ(number_in(plugin.output("input_moved", "xxxxx")), 3U);
  EXPECT_EQ(number_in(plugin.output("output_known")), 3U);
  EXPECT_EQ(number_in(plugin.output("output_offset")), 0U);
  EXPECT_EQ(number_in(plugin.output("error_known")), 0U);
  EXPECT_EQ(number_in(plugin.output("size")), 65536U - 64);
  EXPECT_EQ(number_in(plugin.output("reset", "input")), 0U);
}

TEST(Extism, GivesNoOutputWhenNoneWasSet) {
  Plugin plugin(module_text(R"((func (export "nothing"))
    (func (export "one") (call $say (i32.const 0) (i32.const 1)))
    (data (i32.const 0) "1"))"));
  EXPECT_EQ(plugin.output("one"), "1");
  EXPECT_EQ(plugin.output("nothing"), "");
}

TEST(Extism, AnErrorTextFailsTheCallWhateverItReturns) {
  Plugin plugin(module_text(R"(
    (func $complain (call $error_set (call $put (i32.const 0) (i32.const 9))))
    (func (export "returns_0") (result i32) (call $complain) (i32.const 0))
    (func (export "returns_nothing") (call $complain))
    (func (export "returns_7") (result i32) (call $complain) (i32.const 7))
    (func (export "cleared") (call $complain) (call $error_set (i64.const 0)))
    (data (i32.const 0) "too green"))"));
  for (const std::string_view function : {"returns_0", "returns_nothing", "returns_7"}) {
    const Outcome outcome = plugin.call(function);
    EXPECT_EQ(outcome.ending, Ending::error) << function;
    EXPECT_EQ(outcome.message, "too green") << function;
    EXPECT_FALSE(plugin.instance->spent());
  }
  EXPECT_EQ(plugin.call("cleared").ending, Ending::done);
}

TEST(Extism, ACodeWithoutTextFailsTheCall) {
  Plugin plugin(module_text(R"((func (export "f") (result i32)
    (call $say (i32.const 0) (i32.const 1)) (i32.const -3)))"));
  const Outcome outcome = plugin.call("f");
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message, "Returned non-zero exit code: -3");
  EXPECT_EQ(outcome.code, -3);
  // What the guest had to say besides may be read all the same.
  EXPECT_EQ(outcome.output, std::string_view("\0", 1));
}

TEST(Extism, AnErrorTextIsMadeValidUtf8) {
  Plugin plugin(module_text(R"(
    (func (export "f") (call $error_set (call $put (i32.const 0) (i32.const 3))))
    (data (i32.const 0) "a\ffb"))"));
  EXPECT_EQ(plugin.call("f").message,
            "a\xEF\xBF\xBD"
            "b");
}

TEST(Extism, ATrapReportsTheTextTheGuestHadSet) {
  Plugin plugin(module_text(R"(
    (func (export "f") (call $error_set (call $put (i32.const 0) (i32.const 9))) unreachable)
    (data (i32.const 0) "last word"))"));
  const Outcome outcome = plugin.call("f");
  EXPECT_EQ(outcome.ending, Ending::trap);
  EXPECT_EQ(outcome.message, "last word");
  EXPECT_NE(outcome.detail.find("unreachable"), std::string::npos) << outcome.detail;
}

constexpr std::string_view keys_and_values = R"(
    (func $key (result i64) (call $put (i32.const 0) (i32.const 3)))
    (func $value (result i64) (call $put (i32.const 8) (i32.const 5)))
    (data (i32.const 0) "key") (data (i32.const 8) "value")
)";

TEST(Extism, ConfigIsReadAndItsKeyConsumed) {
  Plugin plugin(module_text(std::string(keys_and_values) + R"(
    (func (export "get") (call $say_block (call $config_get (call $key))))
    (func (export "handle") (call $say_number (call $config_get (call $key))))
    (func (export "consumed") (local $key i64)
      (local.set $key (call $key))
      (drop (call $config_get (local.get $key)))
      (call $say_number (call $length (local.get $key))))
    (func (export "stale") (drop (call $config_get (i64.const 4711)))))"));
  EXPECT_EQ(number_in(plugin.output("handle")), 0U);
  plugin.environment.config["key"] = "";
  EXPECT_EQ(number_in(plugin.output("handle")), 0U);
  plugin.environment.config["key"] = "setting";
  EXPECT_EQ(plugin.output("get"), "setting");
  EXPECT_EQ(number_in(plugin.output("consumed")), 0U);
  const Outcome outcome = plugin.call("stale");
  EXPECT_EQ(outcome.ending, Ending::trap);
  EXPECT_NE(outcome.message.find("invalid handle offset for config key: 4711"), std::string::npos)
      << outcome.message;
}

TEST(Extism, VarsAreSetReadAndErased) {
  Plugin plugin(module_text(std::string(keys_and_values) + R"(
    (func (export "set") (call $var_set (call $key) (call $value)))
    (func (export "get") (call $say_block (call $var_get (call $key))))
    (func (export "erase") (call $var_set (call $key) (i64.const 0)))
    (func (export "consumed") (local $key i64) (local $value i64)
      (local.set $key (call $key))
      (local.set $value (call $value))
      (call $var_set (local.get $key) (local.get $value))
      (call $say_number (i64.add (call $length (local.get $key)) (call $length (local.get $value)))))
    (func (export "stale_key") (drop (call $var_get (i64.const 4711))))
    (func (export "stale_value") (call $var_set (call $key) (i64.const 4711))))"));
  EXPECT_EQ(plugin.output("get"), "");
  EXPECT_EQ(plugin.output("set"), "");
  EXPECT_EQ(plugin.output("get"), "value");
  plugin.vars.commit();
  EXPECT_EQ(plugin.output("erase"), "");
  EXPECT_EQ(plugin.output("get"), "");
  plugin.vars.rollback();
  EXPECT_EQ(plugin.output("get"), "value");
  EXPECT_EQ(number_in(plugin.output("consumed")), 0U);
  EXPECT_NE(plugin.call("stale_key").message.find("var key: 4711"), std::string::npos);
  plugin.instance.reset();
  EXPECT_NE(plugin.call("stale_value").message.find("var value: 4711"), std::string::npos);
}

TEST(Extism, VarsBeyondTheirLimitEndTheCall) {
  Plugin plugin(module_text(std::string(keys_and_values) + R"(
    (func (export "set") (call $var_set (call $key) (call $value))))"));
  plugin.environment.limits.vars_bytes_max = 55;
  const Outcome full = plugin.call("set");
  EXPECT_NE(full.message.find("Variable store is full"), std::string::npos);
  EXPECT_TRUE(full.vars_full);
  plugin.instance.reset();
  plugin.environment.limits.vars_bytes_max = 0;
  EXPECT_NE(plugin.call("set").message.find("Vars are disabled by this host"), std::string::npos);
  EXPECT_EQ(plugin.vars.find("key"), nullptr);
}

TEST(Extism, VarsOutliveTheInstance) {
  Plugin plugin(module_text(std::string(keys_and_values) + R"(
    (func (export "set") (call $var_set (call $key) (call $value)))
    (func (export "get") (call $say_block (call $var_get (call $key)))))"));
  plugin.output("set");
  plugin.instance.reset();
  EXPECT_EQ(plugin.output("get"), "value");
}

TEST(Extism, LinesAreLoggedFromTheirLevelUp) {
  Plugin plugin(module_text(R"(
    (func $text (result i64) (call $put (i32.const 0) (i32.const 4)))
    (func (export "log") (local $text i64)
      (local.set $text (call $text))
      (call $log_debug (call $text))
      (call $log_info (call $text))
      (call $log_error (local.get $text))
      (call $say_number (call $length (local.get $text))))
    (func (export "level") (call $say_number (i64.extend_i32_u (call $get_log_level))))
    (func (export "stale") (call $log_info (i64.const 4711)))
    (data (i32.const 0) "li\ffe"))"));
  EXPECT_EQ(number_in(plugin.output("log")), 0U);
  using Lines = std::vector<std::pair<LogLevel, std::string>>;
  const std::string line =
      "li\xEF\xBF\xBD"
      "e";
  EXPECT_EQ(plugin.host.lines, (Lines{{LogLevel::info, line}, {LogLevel::error, line}}));
  EXPECT_EQ(number_in(plugin.output("level")), 2U);
  EXPECT_NE(plugin.call("stale").message.find("log message: 4711"), std::string::npos);
}

TEST(Extism, TroupesFunctionsReachTheHost) {
  Plugin plugin(module_text(R"(
    (func (export "self") (call $say_block (call $self)))
    (func (export "reply") (call $reply (call $put (i32.const 0) (i32.const 12))))
    (func (export "kept") (local $text i64)
      (local.set $text (call $put (i32.const 0) (i32.const 12)))
      (call $timer (local.get $text))
      (call $say_block (local.get $text)))
    (func (export "stale") (call $reply (i64.const 4711)))
    (data (i32.const 0) "{\"name\":\"x\"}"))"));
  plugin.host.answer = std::string(R"({"address":"todo/1"})");
  EXPECT_EQ(plugin.output("self"), R"({"address":"todo/1"})");
  plugin.output("reply");
  EXPECT_EQ(plugin.output("kept"), R"({"name":"x"})");
  using Calls = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(plugin.host.calls,
            (Calls{{"self", ""}, {"reply", R"({"name":"x"})"}, {"timer", R"({"name":"x"})"}}));
  EXPECT_EQ(plugin.call("stale").ending, Ending::trap);
}

TEST(Extism, AHostThatRefusesEndsTheCallAsAnError) {
  Plugin plugin(module_text(R"(
    (func (export "reply") (result i32)
      (call $reply (call $put (i32.const 0) (i32.const 2)))
      (unreachable))
    (data (i32.const 0) "{}"))"));
  plugin.host.answer = Error{"troupe_reply needs a name"};
  const Outcome outcome = plugin.call("reply");
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message, "troupe_reply needs a name");
  EXPECT_TRUE(plugin.instance->spent());
}

TEST(Extism, NoGuestReadsTheBytesOfAnother) {
  Plugin writer(module_text(R"(
    (func (export "write") (local $block i64) (local $i i64)
      (local.set $block (call $alloc (i64.const 60000)))
      (loop $next
        (call $store_u8 (i64.add (local.get $block) (local.get $i)) (i32.const 0xaa))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $next (i64.lt_u (local.get $i) (i64.const 60000))))
      (call $output_set (local.get $block) (i64.const 60000))))"));
  Plugin reader(module_text(R"(
    (func (export "read") (local $block i64) (local $i i64) (local $sum i64)
      (local.set $block (call $alloc (i64.const 65000)))
      (loop $next
        (local.set $sum (i64.add (local.get $sum)
          (i64.extend_i32_u (call $load_u8 (i64.add (local.get $block) (local.get $i))))))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $next (i64.lt_u (local.get $i) (i64.const 65000))))
      (call $free (local.get $block))
      (call $say_number (local.get $sum))))"));
  // Both run on the shard of the same index, so that the arena of the one is lent to the other.
  EXPECT_EQ(writer.output("write").size(), 60000U);
  EXPECT_EQ(number_in(reader.output("read")), 0U);
}

TEST(Extism, AnOutputLivesAsLongAsItsOutcome) {
  Plugin plugin(module_text(R"((func (export "echo")
    (call $output_set (call $input_offset) (call $input_length))))"));
  const Outcome first = plugin.call("echo", "first");
  Outcome second = plugin.call("echo", "second");
  const Outcome moved = std::move(second);
  EXPECT_EQ(plugin.output("echo", "third"), "third");
  EXPECT_EQ(first.output, "first");
  EXPECT_EQ(moved.output, "second");
}

TEST(Extism, PluginsOfBeforeOneImportTheKernelFromEnv) {
  Plugin plugin(R"((module
    (import "env" "extism_input_length" (func $input_length (result i64)))
    (import "env" "extism_input_load_u8" (func $input_load_u8 (param i64) (result i32)))
    (import "env" "extism_alloc" (func $alloc (param i64) (result i64)))
    (import "env" "extism_store_u8" (func $store_u8 (param i64 i32)))
    (import "env" "extism_length" (func $length (param i64) (result i64)))
    (import "env" "extism_output_set" (func $output_set (param i64 i64)))
    (import "env" "extism_var_get" (func $var_get (param i64) (result i64)))
    (import "env" "extism_var_set" (func $var_set (param i64 i64)))
    (import "env" "extism_http_status_code" (func (result i32)))
    (import "env" "extism_log_info" (func (param i64)))
    (memory (export "memory") 1)
    (func $key (result i64) (local $key i64)
      (local.set $key (call $alloc (i64.const 1)))
      (call $store_u8 (local.get $key) (i32.const 107))
      (local.get $key))
    (func (export "keep") (local $value i64)
      (local.set $value (call $alloc (call $input_length)))
      (call $store_u8 (local.get $value) (call $input_load_u8 (i64.const 0)))
      (call $var_set (call $key) (local.get $value)))
    (func (export "tell") (local $value i64)
      (local.set $value (call $var_get (call $key)))
      (call $output_set (local.get $value) (call $length (local.get $value))))))");
  plugin.output("keep", "x");
  EXPECT_EQ(plugin.output("tell"), "x");
}

TEST(Extism, NewerFunctionsHaveNoOldName) {
  for (const std::string_view name : {"extism_get_log_level",
                                      "extism_length_unsafe",
                                      "extism_http_headers",
                                      "extism_log_trace"}) {
    const auto module = test::load_program(
        {{"main", "(module (import \"env\" \"" + std::string(name) + "\" (func)))"}});
    ASSERT_TRUE(module.has_error()) << name;
    EXPECT_NE(module.error().message.find(name), std::string::npos) << module.error().message;
  }
}

TEST(Extism, AFunctionThatCannotBeCalledIsToldWhy) {
  Plugin plugin(module_text(R"(
    (func (export "takes") (param i32))
    (func (export "gives_two") (result i32 i32) (i32.const 0) (i32.const 0))
    (func (export "gives_i64") (result i64) (call $say (i32.const 0) (i32.const 1)) (i64.const 0))
    (func (export "gives_v128") (result v128) (v128.const i64x2 0 0))
    (func (export "gives_null") (result externref) (ref.null extern))
    (func (export "takes_any") (param anyref)))"));
  EXPECT_EQ(plugin.call("takes").message, "expected 1 arguments, got 0");
  EXPECT_EQ(plugin.call("takes_any").message, "expected 1 arguments, got 0");
  EXPECT_EQ(plugin.call("gives_two").message, "Function gives_two has 2 results, expected 0 or 1");
  for (const std::string_view function : {"gives_i64", "gives_v128", "gives_null"}) {
    EXPECT_FALSE(plugin.module->has_function(function));
    const Outcome outcome = plugin.call(function);
    EXPECT_EQ(outcome.ending, Ending::error) << function;
    EXPECT_EQ(outcome.code, -1) << function;
  }
}

TEST(Extism, EachEndingHasItsCode) {
  Plugin plugin(module_text(R"(
    (func (export "done") (result i32) (i32.const 0))
    (func (export "seven") (result i32) (i32.const 7))
    (func (export "trap") unreachable)
    (func (export "exit") (call $exit (i32.const 3)))
    (func (export "exit_well") (call $say (i32.const 0) (i32.const 1)) (call $exit (i32.const 0)))
    (func (export "refused") (drop (call $config_get (i64.const 4711))))
    (func (export "hoard") (loop (drop (memory.grow (i32.const 100))) (br 0))))"));
  const std::pair<std::string_view, std::int32_t> codes[] = {{"done", 0},
                                                             {"seven", 7},
                                                             {"trap", 134},
                                                             {"exit", 3},
                                                             {"exit_well", 0},
                                                             {"hoard", -1},
                                                             {"nothing", -1}};
  for (const auto& [function, code] : codes) {
    plugin.instance.reset();
    EXPECT_EQ(plugin.call(function).code, code) << function;
  }
  plugin.instance.reset();
  EXPECT_EQ(plugin.output("exit_well").size(), 1U);
}

// The budget of growth: what the memories begin with, and max_pages more in all.

constexpr std::string_view growing = R"(
    (func (export "grow") (result i32)
      (drop (memory.grow (i32.wrap_i64 (call $input_load_u64 (i64.const 0))))) (i32.const 0))
    (func (export "alloc") (result i32)
      (drop (call $alloc (call $input_load_u64 (i64.const 0)))) (i32.const 0)))";

std::string number(std::uint64_t value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

TEST(Extism, MemoryGrowsByTheLimitBeyondWhatItBeganWith) {
  Plugin plugin(module_text(growing));
  plugin.environment.limits.memory_pages_max = 4;  // it begins with 2
  EXPECT_EQ(plugin.call("grow", number(3)).ending, Ending::done);
  EXPECT_EQ(plugin.call("grow", number(1)).ending, Ending::done);
  EXPECT_EQ(plugin.call("grow", number(1)).ending, Ending::out_of_memory);
  plugin.instance.reset();
  EXPECT_EQ(plugin.call("grow", number(5)).ending, Ending::out_of_memory);
}

TEST(Extism, ItsOwnMemoryGrowsOutOfTheSameBudget) {
  Plugin plugin(module_text(growing));
  plugin.environment.limits.memory_pages_max = 4;
  EXPECT_EQ(plugin.call("alloc", number(2 * 65536)).ending, Ending::done);
  // What it has grown by stays paid.
  EXPECT_EQ(plugin.call("alloc", number(2 * 65536)).ending, Ending::done);
  EXPECT_EQ(plugin.call("grow", number(2)).ending, Ending::done);
  EXPECT_EQ(plugin.call("alloc", number(3 * 65536)).ending, Ending::out_of_memory);
  plugin.instance.reset();
  EXPECT_EQ(plugin.call("grow", number(4)).ending, Ending::done);
  EXPECT_EQ(plugin.call("alloc", number(1000)).ending, Ending::done);
  EXPECT_EQ(plugin.call("alloc", number(65536)).ending, Ending::out_of_memory);
}

TEST(Extism, AProgramRunsOnceOnAnInstance) {
  Plugin plugin(module_text(std::string(keys_and_values) + R"(
    (func (export "_start") (call $var_set (call $key) (call $value)))
    (func (export "set") (call $var_set (call $key) (call $value)))
    (func (export "get") (call $say_block (call $var_get (call $key)))))"));
  plugin.output("set");
  EXPECT_EQ(plugin.call("_start").ending, Ending::done);
  EXPECT_TRUE(plugin.instance->spent());
  plugin.instance.reset();
  EXPECT_EQ(plugin.output("get"), "");
}

TEST(Extism, InstructionsAreCountedWhereTheEngineDoes) {
  EngineOptions options;
  options.instances_max = 2;
  options.fuel = true;
  const auto engine = Engine::create(options).value();
  const auto module = test::Shared::get()
                          .cache
                          ->load(*engine, module_text(R"(
    (func (export "little") (result i32) (i32.const 0))
    (func (export "endless") (loop (br 0))))"))
                          .value();
  Plugin plugin(module);
  plugin.environment.limits.fuel_max = 10'000;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(plugin.call("little").ending, Ending::done);
  const Outcome outcome = plugin.call("endless");
  EXPECT_EQ(outcome.ending, Ending::out_of_fuel);
  EXPECT_EQ(outcome.message, "plugin ran out of fuel");
  plugin.instance.reset();
  EXPECT_EQ(plugin.call("little").ending, Ending::done);
  plugin.instance.reset();
}

}  // namespace
}  // namespace troupe::guest
