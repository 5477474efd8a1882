// What components import: clocks and random numbers of the turn, waits that suspend, a log, and no
// more than that.
#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::guest {
namespace {

using test::Plugin;
using test::Shared;
using test::wasm_of;

std::string refusal_of(std::string_view text) {
  Shared& shared = Shared::get();
  const auto module = shared.cache->load(*shared.engine, wasm_of(text));
  return module ? "" : module.error().message;
}

constexpr std::string_view readings_text = R"((component
  (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock (export "now" (func (result u64)))))
  (import "wasi:random/random@0.2.0" (instance $random (export "get-random-u64" (func (result u64)))))
  (core func $now (canon lower (func $clock "now")))
  (core func $number (canon lower (func $random "get-random-u64")))
  (core module $m
    (import "host" "now" (func $now (result i64)))
    (import "host" "number" (func $number (result i64)))
    (func (export "now") (result i64) (call $now))
    (func (export "number") (result i64) (call $number)))
  (core instance $i (instantiate $m (with "host" (instance
    (export "now" (func $now)) (export "number" (func $number))))))
  (func (export "now") (result u64) (canon lift (core func $i "now")))
  (func (export "number") (result u64) (canon lift (core func $i "number")))))";

TEST(ComponentImports, TimeAndRandomNumbersAreTheTurns) {
  Plugin plugin(readings_text);
  EXPECT_EQ(plugin.output("now"), '"' + std::to_string(plugin.inputs.time_ns) + '"');
  const std::string number = plugin.output("number");
  EXPECT_EQ(plugin.output("number"), number);
  plugin.inputs.seed[0] ^= 1;
  EXPECT_NE(plugin.output("number"), number);
}

constexpr std::string_view sleeping_text = R"((component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))
    (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $o))
    (export "pollable" (type $p (eq $o)))
    (export "now" (func (result u64)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (core func $now (canon lower (func $clock "now")))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $drop (canon resource.drop $pollable))
  (core module $m
    (import "host" "now" (func $now (result i64)))
    (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "host" "block" (func $block (param i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "sleep") (param i64) (result i64) (local $timer i32)
      (local.set $timer (call $subscribe (local.get 0)))
      (call $block (local.get $timer))
      (call $drop (local.get $timer))
      (call $now))
    (func (export "hoard") (loop (drop (call $subscribe (i64.const 0))) (br 0))))
  (core instance $i (instantiate $m (with "host" (instance
    (export "now" (func $now)) (export "subscribe" (func $subscribe))
    (export "block" (func $block)) (export "drop" (func $drop))))))
  (func (export "sleep") (param "ns" u64) (result u64) (canon lift (core func $i "sleep")))
  (func (export "hoard") (canon lift (core func $i "hoard")))))";

TEST(ComponentImports, AWaitMovesTheTurnsClockByWhatWasAsked) {
  Plugin plugin(sleeping_text);
  const std::string woken = std::to_string(plugin.inputs.time_ns + 5'000'000);
  EXPECT_EQ(plugin.output("sleep", "[5000000]"), '"' + woken + '"');
  // Again and again: the pollable before has been given back.
  for (int i = 0; i < 2000; ++i) plugin.output("sleep", "[0]");
}

TEST(ComponentImports, AWaitCountsAsTimeThatTheGuestRuns) {
  Plugin plugin(sleeping_text);
  plugin.environment.limits.timeout = std::chrono::milliseconds(20);
  EXPECT_EQ(plugin.call("sleep", "[3600000000000]").ending, Ending::timeout);
}

TEST(ComponentImports, PollablesHaveABound) {
  Plugin plugin(sleeping_text);
  const Outcome outcome = plugin.call("hoard");
  EXPECT_EQ(outcome.ending, Ending::trap);
  EXPECT_EQ(outcome.message, "the handler trapped: more than 1024 pollables at once");
}

constexpr std::string_view printing_text = R"((component
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $s (sub resource)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $s)) (param "contents" (list u8)) (result (result))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $stream (type $o))
    (export "output-stream" (type $s (eq $o)))
    (export "get-stdout" (func (result (own $s))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
  (core module $memory (memory (export "memory") 1) (data (i32.const 8) "Hello\nWorld\n"))
  (core instance $mem (instantiate $memory))
  (core func $get (canon lower (func $stdout "get-stdout")))
  (core func $exit-with (canon lower (func $exit "exit")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
                      (memory (core memory $mem "memory"))))
  (core module $m
    (import "host" "get" (func $get (result i32)))
    (import "host" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "host" "exit" (func $exit (param i32)))
    (func (export "print") (drop (call $write (call $get) (i32.const 8) (i32.const 12))))
    (func (export "leave") (call $exit (i32.const 1))))
  (core instance $i (instantiate $m (with "host" (instance
    (export "get" (func $get)) (export "write" (func $write)) (export "exit" (func $exit-with))))))
  (func (export "print") (canon lift (core func $i "print")))
  (func (export "leave") (canon lift (core func $i "leave")))))";

TEST(ComponentImports, OutputIsThePluginsLog) {
  Plugin plugin(printing_text);
  plugin.output("print");
  ASSERT_EQ(plugin.host.lines.size(), 2U);
  EXPECT_EQ(plugin.host.lines[0], std::pair(LogLevel::info, std::string("Hello")));
  EXPECT_EQ(plugin.host.lines[1], std::pair(LogLevel::info, std::string("World")));
}

TEST(ComponentImports, AnExitIsAnError) {
  Plugin plugin(printing_text);
  const Outcome outcome = plugin.call("leave");
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message, "the plugin exited with code 1");
  EXPECT_TRUE(plugin.instance->spent());
}

constexpr std::string_view telling_text = R"((component
  (import "troupe:actor/host" (instance $host
    (export "reply" (func (param "name" string) (param "detail" string)))))
  (core module $memory (memory (export "memory") 1)
    (data (i32.const 0) "shout") (data (i32.const 16) "{\"a\":1}") (data (i32.const 32) "{"))
  (core instance $mem (instantiate $memory))
  (core func $reply (canon lower (func $host "reply") (memory (core memory $mem "memory"))))
  (core module $m
    (import "host" "reply" (func $reply (param i32 i32 i32 i32)))
    (func (export "tell") (call $reply (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 7)))
    (func (export "mumble") (call $reply (i32.const 0) (i32.const 5) (i32.const 32) (i32.const 1))))
  (core instance $i (instantiate $m (with "host" (instance (export "reply" (func $reply))))))
  (func (export "tell") (canon lift (core func $i "tell")))
  (func (export "mumble") (canon lift (core func $i "mumble")))))";

TEST(ComponentImports, AReplyReachesTheHost) {
  Plugin plugin(telling_text);
  plugin.output("tell");
  ASSERT_EQ(plugin.host.calls.size(), 1U);
  EXPECT_EQ(plugin.host.calls[0].first, "reply");
  EXPECT_EQ(plugin.host.calls[0].second, R"({"name":"shout","detail":{"a":1}})");
  const Outcome outcome = plugin.call("mumble");
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message.substr(0, 29), "reply: the detail is no JSON:") << outcome.message;
}

TEST(ComponentImports, ARefusalOfTheHostEndsTheCallAsAnError) {
  Plugin plugin(telling_text);
  plugin.host.answer = Error{"not now"};
  const Outcome outcome = plugin.call("tell");
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message, "not now");
}

TEST(ComponentImports, WhatIsLinkedAndNotOfferedEndsWhoeverCallsIt) {
  Plugin plugin(R"((component
    (import "wasi:sockets/instance-network@0.2.0" (instance $network
      (export "instance-network" (func (result u32)))))
    (core func $get (canon lower (func $network "instance-network")))
    (core module $m (import "host" "get" (func $get (result i32)))
      (func (export "connect") (result i32) (call $get)))
    (core instance $i (instantiate $m (with "host" (instance (export "get" (func $get))))))
    (func (export "connect") (result u32) (canon lift (core func $i "connect")))))");
  const Outcome outcome = plugin.call("connect");
  EXPECT_EQ(outcome.ending, Ending::trap);
  EXPECT_EQ(outcome.message,
            "the handler trapped: the plugin called wasi:sockets/instance-network "
            "instance-network, which Troupe does not offer");
}

TEST(ComponentImports, AreRefusedByName) {
  const auto says = [](std::string_view text, std::string_view words) {
    const std::string message = refusal_of(text);
    EXPECT_NE(message.find(words), std::string::npos) << message;
  };
  says(R"((component (import "docs:store/files@1.0.0" (instance (export "open" (func))))))",
       "\"docs:store/files@1.0.0\", which nobody provides");
  says(
      R"((component (import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func))))))",
      "\"wasi:http/outgoing-handler@0.2.0\", which nobody provides");
  says(
      R"((component (import "wasi:random/random@0.3.0" (instance (export "get-random-u64" (func (result u64)))))))",
      "versions 0.2 of WASI");
  says(R"((component (import "open" (func))))", "\"open\" by itself");
}

// What a function reads is of the kind it expects, whatever the component says.
TEST(ComponentImports, OfAnotherTypeAreRefused) {
  const auto says = [](std::string_view text) {
    const std::string message = refusal_of(text);
    EXPECT_NE(message.find("with another type than it has"), std::string::npos) << message;
  };
  says(R"((component (import "wasi:random/random@0.2.0" (instance
            (export "get-random-bytes" (func (param "len" string) (result (list u8))))))))");
  says(R"((component (import "troupe:actor/host" (instance
            (export "reply" (func (param "name" u64) (param "detail" string)))))))");
  says(R"((component (import "troupe:actor/host" (instance (export "self" (func))))))");
}

}  // namespace
}  // namespace troupe::guest
