// What the tests of actors share: actors and turns against a real guest, on shards whose loops the
// test turns itself.
#pragma once

#include "actor/system.h"
#include "guest/test_support.h"
#include "journal/journal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::actor::test {

// Handlers that give a fixed state or end in a fixed way. `count` keeps its number in the guest's
// own memory.
inline constexpr std::string_view plugin_text = R"((module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error (param i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/user" "troupe_reply" (func $reply (param i64)))
  (import "extism:host/user" "troupe_broadcast" (func $broadcast (param i64)))
  (memory 1)
  (data (i32.const 0) "{\"n\":0}{\"n\":1}[1]no{\"name\":\"hi\",\"detail\":{\"a\":1}}v")
  (global $count (mut i32) (i32.const 0))
  (func $block (param $at i32) (param $size i32) (result i64)
    (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (loop $next
      (call $store (i64.add (local.get $block) (i64.extend_i32_u (local.get $i)))
                   (i32.load8_u (i32.add (local.get $at) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $size))))
    (local.get $block))
  (func $give (param $at i32) (param $size i32)
    (call $output (call $block (local.get $at) (local.get $size)) (i64.extend_i32_u (local.get $size))))
  (func (export "init") (call $give (i32.const 0) (i32.const 7)))
  (func (export "one") (call $give (i32.const 7) (i32.const 7)))
  (func (export "zero") (call $give (i32.const 0) (i32.const 7)))
  (func (export "list") (call $give (i32.const 14) (i32.const 3)))
  (func (export "nothing"))
  (func (export "fail") (result i32)
    (call $error (call $block (i32.const 17) (i32.const 2))) (i32.const 1))
  (func (export "trap") (global.set $count (i32.const 7)) (unreachable))
  (func (export "spin") (loop $again (br $again)))
  (func (export "say")
    (call $reply (call $block (i32.const 19) (i32.const 30)))
    (call $broadcast (call $block (i32.const 19) (i32.const 30)))
    (call $give (i32.const 7) (i32.const 7)))
  (func (export "say_and_trap")
    (call $broadcast (call $block (i32.const 19) (i32.const 30)))
    (call $var_set (call $block (i32.const 49) (i32.const 1)) (call $block (i32.const 17) (i32.const 2)))
    (unreachable))
  (func (export "keep")
    (call $var_set (call $block (i32.const 49) (i32.const 1)) (call $block (i32.const 17) (i32.const 2)))
    (call $give (i32.const 0) (i32.const 7)))
  (func (export "has_var")
    (if (i64.eqz (call $length (call $var_get (call $block (i32.const 49) (i32.const 1)))))
      (then (call $give (i32.const 0) (i32.const 7)))
      (else (call $give (i32.const 7) (i32.const 7)))))
  (func (export "count")
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 12)
      (i32.add (i32.const 48) (i32.rem_u (global.get $count) (i32.const 10))))
    (call $give (i32.const 7) (i32.const 7)))
))";

// The plugin with more exports, each of which calls a host function with a fixed text and returns
// the state `one` returns.
inline std::string plugin_with(const std::vector<std::array<std::string, 3>>& exports) {
  std::string imports;
  for (const char* function : {"publish", "subscribe", "send", "timer", "cancel"}) {
    imports += fmt::format(
        R"((import "extism:host/user" "troupe_{0}" (func $troupe_{0} (param i64))))", function);
  }
  std::string more;
  std::size_t at = 1000;
  for (const auto& [name, function, text] : exports) {
    more += fmt::format("(data (i32.const {}) \"", at);
    for (const char c : text) more += c == '"' ? std::string("\\\"") : std::string(1, c);
    more += fmt::format(R"(")
        (func (export "{}") (call $troupe_{} (call $block (i32.const {}) (i32.const {})))
          (call $give (i32.const 7) (i32.const 7))))",
                        name,
                        function,
                        at,
                        text.size());
    at += text.size();
  }
  std::string out(plugin_text);
  out.insert(out.find("(memory 1)"), imports);
  out.insert(out.rfind(')'), more);
  return out;
}

// Stands where it is set, or goes on by `tick` at each look: then the slice of an actor that has
// much to do ends. It has to where there are thousands of turns, for a build with a sanitizer keeps
// the frame of each coroutine that was awaited on the stack until then.
struct FixedClock final : Clock {
  std::int64_t now_ns() const override {
    if (tick != 0) now += tick;
    return now;
  }
  mutable std::int64_t now = 1'700'000'000'000'000'000;
  std::int64_t tick = 0;
};

// Notes what an actor shows, a line each.
struct Screen final : Outbox {
  void joined() override { ++joins; }
  void refused(std::string_view payload) override {
    lines.push_back("refused " + std::string(payload));
  }
  void called(std::string_view ref, const Answer& answer) override {
    lines.push_back("called " + std::string(ref) + " " +
                    (answer.verdict == Verdict::done ? answer.output : answer.message));
  }
  void ended(EndReason reason) override {
    lines.emplace_back(reason == EndReason::crashed ? "crashed" : "over");
  }
  void state(std::string_view state, StateReason reason) override {
    lines.push_back((reason == StateReason::joined ? "joined " : "refreshed ") +
                    std::string(state));
  }
  void patch(std::string_view patch) override { lines.push_back("patch " + std::string(patch)); }
  void push(std::string_view name, std::string_view detail) override {
    lines.push_back("push " + std::string(name) + " " + std::string(detail));
  }
  void error(std::string_view payload) override {
    lines.push_back("error " + std::string(payload));
  }
  void answered() override { ++answers; }

  std::vector<std::string> take() { return std::exchange(lines, {}); }

  std::vector<std::string> lines;
  int answers = 0;
  int joins = 0;
};

using Lines = std::vector<std::string>;

class ActorTest : public testing::Test {
 protected:
  static constexpr std::size_t instances_max = 4;  // two for each shard
  static constexpr std::size_t spare_instances = 12;

  explicit ActorTest(Durability durability_of_all = Durability::none,
                     journal::Journal* journal = nullptr)
      : durability(durability_of_all) {
    if (journal != nullptr) {
      EXPECT_TRUE(system.use(*journal));
    }
    install(plugin_text);
  }

  std::shared_ptr<const PluginVersion> version_of(std::string_view text,
                                                  const Bounds& bounds = {}) const {
    auto version = std::make_shared<PluginVersion>();
    version->name = "p";
    version->module = guest::test::Plugin::load(text);
    version->durability = durability;
    version->environment.limits.timeout = std::chrono::milliseconds(300);
    version->bounds = bounds;
    return version;
  }
  void install(std::string_view text, const Bounds& bounds = {}) {
    system.install(version_of(text, bounds));
    settle();
  }

  // Lets both shards do all that they can do now.
  void settle() {
    std::size_t done = 0;
    do {
      done = 0;
      for (std::size_t shard = 0; shard < shards.size(); ++shard) {
        shards[shard].io().restart();
        done += shards[shard].io().poll();
      }
    } while (done != 0);
  }

  ViewerPtr join(Screen& screen,
                 std::string key,
                 std::size_t shard = 0,
                 std::size_t actor_shard = 0,
                 bool ends_actor = false) {
    auto viewer = std::make_shared<Viewer>(Viewer{.shard = shard,
                                                  .actor_shard = actor_shard,
                                                  .address = {"p", std::move(key)},
                                                  .ends_actor = ends_actor,
                                                  .id = "someone",
                                                  .person = person,
                                                  .topic = "topic",
                                                  .params = "{}"});
    viewer->outbox = &screen;
    system.join(viewer);
    settle();
    return viewer;
  }

  void event(const ViewerPtr& viewer, std::string_view name, std::string_view payload = "{}") {
    system.event(viewer, name, payload);
    settle();
  }

  // The answer to what is asked of the actor p/KEY from shard 0.
  Answer ask(Message::Kind kind,
             std::string key,
             std::string name = {},
             std::string payload = "{}") {
    std::optional<Answer> got;
    auto answered =
        std::make_shared<const Ask>(Ask{0, [&](Answer answer) { got = std::move(answer); }});
    system.send({"p", std::move(key)},
                {.kind = kind,
                 .ask = std::move(answered),
                 .name = std::move(name),
                 .payload = std::move(payload)});
    settle();
    EXPECT_TRUE(got);
    return got.value_or(Answer{.message = "no answer"});
  }

  const Durability durability;
  std::string person = "someone";
  FixedClock clock;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
  Log log{"test", lines};
  shard::Shards shards{2};
  System system{
      shards, clock, log, {.instances_max = instances_max, .spare_instances = spare_instances}};
};

}  // namespace troupe::actor::test
