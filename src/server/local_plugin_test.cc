// A plugin without a server, as libextism's users know it.
#include "server/local_plugin.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;
using guest::Ending;

std::shared_ptr<LocalRuntime> runtime() {
  static const std::shared_ptr<LocalRuntime> shared = [] {
    std::string name = (fs::temp_directory_path() / "troupe-local-XXXXXX").string();
    static const fs::path folder = ::mkdtemp(name.data());
    std::atexit([] { fs::remove_all(folder); });
    return LocalRuntime::create({.instances_max = 4, .cache_folder = folder}).value();
  }();
  return shared;
}

// Counts calls in its memory, keeps a variable k, answers configuration k, and more.
constexpr std::string_view text = R"((module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "extism:host/user" "ask" (func $ask (param i64) (result i64)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 48))
  (func $say (param $b i64) (call $output_set (local.get $b) (call $length (local.get $b))))
  (func $k (result i64) (local $b i64)
    (local.set $b (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $b) (i32.const 107))
    (local.get $b))
  (func (export "count") (local $b i64)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (local.set $b (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $b) (global.get $count))
    (call $say (local.get $b)))
  (func (export "set") (call $var_set (call $k) (call $input_offset)))
  (func (export "get") (call $say (call $var_get (call $k))))
  (func (export "config") (call $say (call $config_get (call $k))))
  (func (export "ask") (call $say (call $ask (call $input_offset))))
  (func (export "trap") unreachable)
  (func (export "spin") (loop (br 0)))
  ;; Waits for an hour.
  (func (export "sleep")
    (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200))))
  (func (export "_start") (global.set $count (i32.const 57)))))";

struct Fixture {
  explicit Fixture(LocalPlugin::Options options = {}) {
    auto ask = std::make_shared<guest::HostFunctionSpec>();
    ask->name = "ask";
    ask->parameters = {guest::NumberType::i64};
    ask->results = {guest::NumberType::i64};
    ask->body = [this](guest::HostCall& call, auto in, auto out) -> Result<void> {
      const std::string input(call.read(in[0].handle()));
      if (answer) {
        out[0].set(call.put(answer(input)));
        return {};
      }
      return Error{"nobody answers"};
    };
    plugin = LocalPlugin::create(
                 runtime(), {.parts = {{"main", text}}, .functions = {ask}}, std::move(options))
                 .value();
  }

  std::string output(std::string_view function, std::string_view input = {}) {
    const guest::Outcome& outcome = plugin->call(function, input);
    if (outcome.ending != Ending::done) return "failed: " + outcome.message;
    return std::string(outcome.output);
  }

  std::function<std::string(const std::string&)> answer;
  std::unique_ptr<LocalPlugin> plugin;
};

TEST(LocalPlugin, KeepsInstanceAndVariables) {
  Fixture fixture;
  EXPECT_EQ(fixture.output("count"), "1");
  EXPECT_EQ(fixture.output("count"), "2");
  fixture.output("set", "value");
  fixture.plugin->reset();
  EXPECT_EQ(fixture.output("count"), "3");
  fixture.plugin->restart();
  EXPECT_EQ(fixture.output("count"), "1");
  EXPECT_EQ(fixture.output("get"), "value");
}

TEST(LocalPlugin, GoesOnWithAFreshInstanceAfterATrap) {
  Fixture fixture;
  fixture.output("count");
  fixture.output("set", "value");
  EXPECT_EQ(fixture.plugin->call("trap", "").ending, Ending::trap);
  EXPECT_EQ(fixture.output("count"), "1");
  EXPECT_EQ(fixture.output("get"), "value");
}

TEST(LocalPlugin, StartsAnewAfterAProgramHasRun) {
  Fixture fixture;
  fixture.output("set", "value");
  EXPECT_EQ(fixture.plugin->call("_start", "").ending, Ending::done);
  EXPECT_EQ(fixture.output("count"), "1");
  EXPECT_EQ(fixture.output("get"), "");
}

TEST(LocalPlugin, AnswersWhatWasConfiguredLast) {
  LocalPlugin::Options options;
  options.environment.config["k"] = "first";
  Fixture fixture(std::move(options));
  EXPECT_EQ(fixture.output("config"), "first");
  fixture.plugin->set_config("k", "second");
  EXPECT_EQ(fixture.output("config"), "second");
  fixture.plugin->set_config("k", std::nullopt);
  EXPECT_EQ(fixture.output("config"), "");
}

TEST(LocalPlugin, CallsHostFunctions) {
  Fixture fixture;
  fixture.answer = [](const std::string& input) { return "<" + input + ">"; };
  EXPECT_EQ(fixture.output("ask", "what"), "<what>");
  fixture.answer = nullptr;
  EXPECT_EQ(fixture.output("ask", "what"), "failed: nobody answers");
}

TEST(LocalPlugin, MayNotBeCalledByItsOwnHostFunctions) {
  Fixture fixture;
  fixture.answer = [&](const std::string&) { return fixture.output("count"); };
  EXPECT_EQ(fixture.output("ask"), "failed: cannot make reentrant calls into plugin");
}

TEST(LocalPlugin, IsCancelledFromAnotherThreadWhetherItComputesOrWaits) {
  for (const std::string_view function : {"spin", "sleep"}) {
    Fixture fixture;
    LocalPlugin::Options options;
    fixture.output("set", "value");
    std::atomic<bool> ended = false;
    // Again and again: the call may not have begun yet.
    std::thread canceller([&] {
      while (!ended) {
        fixture.plugin->cancel();
        std::this_thread::yield();
      }
    });
    fixture.plugin->set_config("k", "after");
    const guest::Outcome& outcome = fixture.plugin->call(function, "");
    ended = true;
    canceller.join();
    EXPECT_EQ(outcome.ending, Ending::timeout) << function;
    EXPECT_EQ(guest::extism_text(outcome), "timeout");
    EXPECT_EQ(fixture.output("config"), "after");
    EXPECT_EQ(fixture.output("get"), "value");
  }
}

TEST(LocalPlugin, RunsIntoItsTimeLimitAndGoesOn) {
  LocalPlugin::Options options;
  options.environment.limits.timeout = std::chrono::milliseconds(20);
  Fixture fixture(std::move(options));
  for (const std::string_view function : {"spin", "sleep"}) {
    const guest::Outcome& outcome = fixture.plugin->call(function, "");
    EXPECT_EQ(outcome.ending, Ending::timeout) << function;
    EXPECT_EQ(outcome.code, 134);
    EXPECT_EQ(fixture.output("count"), "1");
  }
}

TEST(LocalPlugin, RefusesTroupesFunctionsWhereNobodyIsBehindThem) {
  constexpr std::string_view replying = R"((module
    (import "extism:host/user" "troupe_reply" (func $reply (param i64)))
    (func (export "f") (call $reply (i64.const 0)))))";
  auto plugin =
      LocalPlugin::create(runtime(), {.parts = {{"main", replying}}, .functions = {}}, {}).value();
  const guest::Outcome& outcome = plugin->call("f", "");
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message, "troupe_reply cannot be used here: no actor is behind it");
}

}  // namespace
}  // namespace troupe::server
