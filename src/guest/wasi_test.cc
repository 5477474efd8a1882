// WASI as a guest meets it: the turn's clock and random numbers, the log, no files, an end.
#include "guest/imports.h"
#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

namespace troupe::guest {
namespace {

using test::module_text;
using test::number_in;
using test::Plugin;

std::string source_text() {
  return module_text(R"(
    (func (export "time")
      (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 0)))
      (call $say (i32.const 0) (i32.const 8)))
    (func (export "times")
      (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 0)))
      (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 8)))
      (call $say_number (i64.sub (i64.load (i32.const 8)) (i64.load (i32.const 0)))))
    (func (export "random")
      (drop (call $random (i32.const 0) (i32.const 1000)))
      (call $say (i32.const 0) (i32.const 1000)))
    (func (export "random_in_pieces") (local $i i32)
      (drop (call $random (i32.const 0) (i32.const 1)))
      (drop (call $random (i32.const 1) (i32.const 130)))
      (drop (call $random (i32.const 131) (i32.const 0)))
      (drop (call $random (i32.const 131) (i32.const 869)))
      (call $say (i32.const 0) (i32.const 1000))))");
}

TEST(Wasi, TheClockStandsAtTheTimeOfTheTurn) {
  Plugin plugin(source_text());
  EXPECT_EQ(number_in(plugin.output("time")), 1'700'000'000'000'000'000U);
  EXPECT_EQ(number_in(plugin.output("time")), 1'700'000'000'000'000'000U);
  plugin.inputs.time_ns += 5;
  EXPECT_EQ(number_in(plugin.output("time")), 1'700'000'000'000'000'005U);
}

TEST(Wasi, EachReadingOfAnyClockIsAMicrosecondLater) {
  Plugin plugin(source_text());
  EXPECT_EQ(number_in(plugin.output("times")), 1000U);
}

TEST(Wasi, AnOutcomeSaysWhereTheClockStood) {
  Plugin plugin(source_text());
  EXPECT_EQ(plugin.call("times").clock_ns, plugin.inputs.time_ns + 2000);
  EXPECT_EQ(plugin.call("random").clock_ns, plugin.inputs.time_ns);
}

TEST(Wasi, RandomNumbersAreTheSeeds) {
  Plugin plugin(source_text());
  const std::string first = plugin.output("random");
  EXPECT_EQ(plugin.output("random"), first);
  EXPECT_EQ(plugin.output("random_in_pieces"), first);
  Plugin other(source_text());
  EXPECT_EQ(other.output("random"), first);
  other.inputs.seed[0] ^= 1;
  EXPECT_NE(other.output("random"), first);
  // Not the same few bytes again and again.
  std::set<std::string> words;
  for (std::size_t at = 0; at < first.size(); at += 8) words.insert(first.substr(at, 8));
  EXPECT_EQ(words.size(), 125U);
}

TEST(Wasi, SaysWhetherRandomNumbersWereDrawn) {
  Plugin plugin(source_text());
  EXPECT_TRUE(plugin.call("random").drew_random);
  EXPECT_FALSE(plugin.call("times").drew_random);
}

// ChaCha20 with a key of zeroes and a nonce of zeroes: RFC 8439, appendix A.1, test vector 1.
TEST(Wasi, RandomNumbersAreChaCha20) {
  Plugin plugin(source_text());
  plugin.inputs.seed = {};
  EXPECT_EQ(plugin.output("random").substr(0, 8), "\x76\xb8\xe0\xad\xa0\xf1\x3d\x90");
}

TEST(Wasi, PointersOutOfBoundsAreFaults) {
  Plugin plugin(module_text(R"(
    (func (export "clock") (call $say_number (i64.extend_i32_u
      (call $clock (i32.const 0) (i64.const 0) (i32.const 131065)))))
    (func (export "random") (call $say_number (i64.extend_i32_u
      (call $random (i32.const 131000) (i32.const 100)))))
    (func (export "random_wrapping") (call $say_number (i64.extend_i32_u
      (call $random (i32.const -8) (i32.const 16)))))
    (func (export "write")
      (i32.store (i32.const 0) (i32.const 131070))
      (i32.store (i32.const 4) (i32.const 10))
      (call $say_number (i64.extend_i32_u
        (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
    (func (export "write_vectors") (call $say_number (i64.extend_i32_u
        (call $fd_write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 8)))))
    (func (export "poll") (call $say_number (i64.extend_i32_u
        (call $poll (i32.const 131060) (i32.const 0) (i32.const 1) (i32.const 8)))))
    (func (export "sizes") (call $say_number (i64.extend_i32_u
        (call $args_sizes_get (i32.const 0) (i32.const 131069))))))"));
  for (const std::string& function : std::vector<std::string>(plugin.module->functions().begin(),
                                                              plugin.module->functions().end())) {
    EXPECT_EQ(number_in(plugin.output(function)), 21U) << function;
  }
}

TEST(Wasi, StandardOutputAndErrorAreTheLog) {
  Plugin plugin(module_text(R"(
    (func $write (param $fd i32) (param $at i32) (param $length i32)
      (i32.store (i32.const 1000) (local.get $at))
      (i32.store (i32.const 1004) (local.get $length))
      (i32.store (i32.const 1008) (local.get $at))
      (i32.store (i32.const 1012) (i32.const 1))
      (if (call $fd_write (local.get $fd) (i32.const 1000) (i32.const 2) (i32.const 1016))
        (then unreachable))
      (if (i32.ne (i32.load (i32.const 1016)) (i32.add (local.get $length) (i32.const 1)))
        (then unreachable)))
    (func (export "talk")
      (call $write (i32.const 1) (i32.const 0) (i32.const 12))
      (call $write (i32.const 2) (i32.const 0) (i32.const 3))
      (call $write (i32.const 1) (i32.const 0) (i32.const 3)))
    (func (export "nowhere") (call $say_number (i64.extend_i32_u
      (call $fd_write (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0)))))
    (data (i32.const 0) "one\ntwo\nthree"))"));
  plugin.output("talk");
  using Lines = std::vector<std::pair<LogLevel, std::string>>;
  EXPECT_EQ(plugin.host.lines,
            (Lines{{LogLevel::info, "one"},
                   {LogLevel::info, "two"},
                   {LogLevel::info, "threoone" + std::string("o")},
                   {LogLevel::warn, "oneo"}}));
  EXPECT_EQ(number_in(plugin.output("nowhere")), 8U);
}

TEST(Wasi, ALineOfTheLogIsBounded) {
  Plugin plugin(module_text(R"(
    (func (export "shout")
      (memory.fill (i32.const 0) (i32.const 120) (i32.const 20000))
      (i32.store (i32.const 30000) (i32.const 0))
      (i32.store (i32.const 30004) (i32.const 20000))
      (drop (call $fd_write (i32.const 1) (i32.const 30000) (i32.const 1) (i32.const 30008)))))"));
  plugin.output("shout");
  ASSERT_EQ(plugin.host.lines.size(), 3U);
  EXPECT_EQ(plugin.host.lines[0].second, std::string(8192, 'x'));
  EXPECT_EQ(plugin.host.lines[2].second, std::string(20000 - 2 * 8192, 'x'));
}

TEST(Wasi, StandardOutputBelowTheLevelIsDropped) {
  Plugin plugin(module_text(R"(
    (func (export "talk")
      (i32.store (i32.const 4) (i32.const 8))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))))"));
  plugin.environment.limits.log_level = LogLevel::warn;
  plugin.output("talk");
  ASSERT_EQ(plugin.host.lines.size(), 1U);
  EXPECT_EQ(plugin.host.lines[0].first, LogLevel::warn);
}

TEST(Wasi, RuntimesFindThreeStreamsAndNothingElse) {
  Plugin plugin(module_text(R"(
    (func $number (param $errno i32) (call $say_number (i64.extend_i32_u (local.get $errno))))
    (func (export "stdin_type")
      (if (call $fd_fdstat_get (i32.const 0) (i32.const 0)) (then unreachable))
      (call $number (i32.load8_u (i32.const 0))))
    (func (export "stat_3") (call $number (call $fd_fdstat_get (i32.const 3) (i32.const 0))))
    (func (export "prestat_3") (call $number (call $fd_prestat_get (i32.const 3) (i32.const 0))))
    (func (export "read_end")
      (i32.store (i32.const 100) (i32.const 99))
      (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100)) (then unreachable))
      (call $number (i32.load (i32.const 100))))
    (func (export "arguments")
      (i64.store (i32.const 0) (i64.const -1))
      (if (call $args_sizes_get (i32.const 0) (i32.const 4)) (then unreachable))
      (call $say_number (i64.load (i32.const 0))))
    (func (export "open") (call $number (call $path_open (i32.const 3) (i32.const 0)
      (i32.const 0) (i32.const 1) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 100)))))"));
  EXPECT_EQ(number_in(plugin.output("stdin_type")), 2U);
  EXPECT_EQ(number_in(plugin.output("stat_3")), 8U);
  EXPECT_EQ(number_in(plugin.output("prestat_3")), 8U);
  EXPECT_EQ(number_in(plugin.output("read_end")), 0U);
  EXPECT_EQ(number_in(plugin.output("arguments")), 0U);
  EXPECT_EQ(number_in(plugin.output("open")), 8U);
}

TEST(Wasi, ExitWithCode0IsSuccessAndTheEndOfTheInstance) {
  Plugin plugin(module_text(R"(
    (func (export "f") (call $say (i32.const 0) (i32.const 2)) (call $exit (i32.const 0)) unreachable)
    (data (i32.const 0) "ok"))"));
  const Outcome outcome = plugin.call("f");
  EXPECT_EQ(outcome.ending, Ending::done);
  EXPECT_EQ(outcome.output, "ok");
  EXPECT_TRUE(plugin.instance->spent());
}

TEST(Wasi, ExitWithAnotherCodeIsAnError) {
  Plugin plugin(module_text(R"(
    (func (export "plain") (call $exit (i32.const 3)))
    (func (export "with_text")
      (call $error_set (call $put (i32.const 0) (i32.const 3))) (call $exit (i32.const 0)))
    (data (i32.const 0) "why"))"));
  Outcome outcome = plugin.call("plain");
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message, "the plugin exited with code 3");
  plugin.instance.reset();
  outcome = plugin.call("with_text");
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message, "why");
}

// poll_oneoff with all that can be asked at once; ready events come before any wait.
TEST(Wasi, PollAnswersWhatIsReadyAndWhatCannotBe) {
  Plugin plugin(module_text(R"(
    (func $ask (param $at i32) (param $data i64) (param $tag i32) (param $id i32)
      (i64.store (local.get $at) (local.get $data))
      (i32.store8 (i32.add (local.get $at) (i32.const 8)) (local.get $tag))
      (i32.store (i32.add (local.get $at) (i32.const 16)) (local.get $id)))
    (func (export "poll")
      (call $ask (i32.const 0) (i64.const 1) (i32.const 0) (i32.const 1))    ;; a clock, in an hour
      (i64.store (i32.const 24) (i64.const 3600000000000))
      (call $ask (i32.const 48) (i64.const 2) (i32.const 1) (i32.const 0))   ;; standard input
      (call $ask (i32.const 96) (i64.const 3) (i32.const 2) (i32.const 1))   ;; standard output
      (call $ask (i32.const 144) (i64.const 4) (i32.const 1) (i32.const 9))  ;; no descriptor
      (call $ask (i32.const 192) (i64.const 5) (i32.const 0) (i32.const 9))  ;; no clock
      (if (call $poll (i32.const 0) (i32.const 1000) (i32.const 5) (i32.const 2000)) (then unreachable))
      (call $say (i32.const 1000) (i32.mul (i32.const 32) (i32.load (i32.const 2000)))))
    (func (export "nothing") (call $say_number (i64.extend_i32_u
      (call $poll (i32.const 0) (i32.const 1000) (i32.const 0) (i32.const 2000)))))
    (func (export "past")
      (call $ask (i32.const 0) (i64.const 1) (i32.const 0) (i32.const 0))
      (i64.store (i32.const 24) (i64.const 1))
      (i32.store16 (i32.const 40) (i32.const 1))                               ;; a time long ago
      (if (call $poll (i32.const 0) (i32.const 1000) (i32.const 1) (i32.const 2000)) (then unreachable))
      (call $say (i32.const 1000) (i32.mul (i32.const 32) (i32.load (i32.const 2000))))))"));
  const std::string events = plugin.output("poll");
  ASSERT_EQ(events.size(), 4 * 32U);
  const auto data = [&](std::size_t i) { return number_in(events.substr(32 * i, 8)); };
  const auto error = [&](std::size_t i) { return static_cast<int>(events[32 * i + 8]); };
  EXPECT_EQ(data(0), 2U);
  EXPECT_EQ(error(0), 0);
  EXPECT_EQ(events[24], 1);  // hung up
  EXPECT_EQ(data(1), 3U);
  EXPECT_EQ(error(1), 0);
  EXPECT_EQ(data(2), 4U);
  EXPECT_EQ(error(2), 8);
  EXPECT_EQ(data(3), 5U);
  EXPECT_EQ(error(3), 28);
  EXPECT_EQ(number_in(plugin.output("nothing")), 28U);
  EXPECT_EQ(plugin.output("past").size(), 32U);
}

TEST(Wasi, OffersTheWholeOfPreview1) {
  std::set<std::string_view> names;
  for (const HostFunction& function : wasi_functions()) names.insert(function.name);
  EXPECT_EQ(names.size(), 46U);
  EXPECT_EQ(names.size(), wasi_functions().size());
}

}  // namespace
}  // namespace troupe::guest
