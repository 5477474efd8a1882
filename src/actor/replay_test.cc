// The turns of a journal run again beside their actor.
#include "actor/replay.h"

#include "actor/held_journal.h"
#include "actor/testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace troupe::actor {
namespace {

using test::ActorTest;
using test::plugin_text;
using test::Screen;

class ReplayTest : public test::HasJournal, public ActorTest {
 protected:
  ReplayTest() : ActorTest(Durability::commit, &journal) {}

  void play(const ViewerPtr& viewer, std::initializer_list<std::string_view> events) {
    for (const std::string_view name : events) {
      event(viewer, name);
      journal.commit();
      settle();
    }
  }
  ViewerPtr join_home(const std::string& key) {
    return join(screen, key, 0, system.shard_of({"p", key}));
  }
  // What is told of p/k.
  std::string replay(ReplayOrder order = {.address = {"p", "k"}}) {
    std::optional<Answer> got;
    system.replay(
        std::move(order),
        std::make_shared<const Ask>(Ask{0, [&](Answer answer) { got = std::move(answer); }}));
    settle();
    if (!got) return "no answer";
    return got->verdict == Verdict::done ? got->output : got->message;
  }
  static std::string with(std::string text, std::string_view old, std::string_view other) {
    text.replace(text.find(old), old.size(), other);
    return text;
  }

  Screen screen;
};

TEST_F(ReplayTest, TurnsComeOutTheSameAndThoseThatFailedFailAgain) {
  const auto viewer = join_home("k");
  play(viewer, {"count", "fail", "count", "trap", "count"});
  // Init is turn 1.
  const std::string told = replay();
  EXPECT_TRUE(told.starts_with(R"({"first_turn":1,"last_turn":6,"turns":6,"failures":[)")) << told;
  EXPECT_NE(told.find(R"({"turn":3,"function":"fail","recorded":"error: no","now":"error: no")"),
            std::string::npos)
      << told;
  EXPECT_NE(told.find(R"({"turn":5,"function":"trap","recorded":"failed: )"), std::string::npos);
  EXPECT_NE(told.find(R"("detail":"at function )"), std::string::npos) << told;
  EXPECT_TRUE(told.ends_with(R"(],"difference":null,"state":{"n":3}})")) << told;
}

TEST_F(ReplayTest, TheActorDoesNotNotice) {
  const auto viewer = join_home("k");
  play(viewer, {"count", "say", "keep"});
  screen.take();
  const std::size_t entries = journal.entries.at("p/k").size();
  replay();
  EXPECT_TRUE(screen.lines.empty());
  EXPECT_EQ(journal.waiting(), 0U);
  EXPECT_EQ(journal.entries.at("p/k").size(), entries);
  play(viewer, {"count"});
  EXPECT_EQ(screen.take(), test::Lines{R"(patch [{"op":"replace","path":"/n","value":2}])"});
}

TEST_F(ReplayTest, MoreTurnsThanACheckpointHoldsComeOutTheSame) {
  clock.tick = 10'000;
  const auto viewer = join_home("k");
  for (std::size_t i = 0; i < 3 * checkpoint_turns; ++i) play(viewer, {"count"});
  ask(Message::Kind::stop, "k");
  play(viewer, {"trap", "count"});
  // What they have led to must not be what they begin with.
  ASSERT_EQ(journal.checkpoints.at("p/k").turn, 192U);
  const std::string told = replay();
  EXPECT_TRUE(told.ends_with(R"("difference":null,"state":{"n":3}})")) << told;
  EXPECT_TRUE(replay({.address = {"p", "k"}, .from = 190})
                  .starts_with(R"({"first_turn":1,"last_turn":195,"turns":195,)"))
      << "what it rests on is run too";
  EXPECT_EQ(replay({.address = {"p", "k"}, .from = 192}), told);
}

TEST_F(ReplayTest, OtherCodeIsNamedByTheFirstTurnThatDiffersAndGoesOn) {
  const auto viewer = join_home("k");
  play(viewer, {"one", "count", "count"});
  const std::string text = with(std::string(plugin_text),
                                "(i32.add (global.get $count) (i32.const 1))",
                                "(i32.add (global.get $count) (i32.const 2))");
  const std::string told = replay({.address = {"p", "k"}, .version = version_of(text)});
  EXPECT_NE(told.find(R"("difference":{"turn":3,"what":"the state","expected":"{\"n\":1}",)"
                      R"("got":"{\"n\":2}"},"state":{"n":4}})"),
            std::string::npos)
      << told;
}

TEST_F(ReplayTest, ATrapThatOtherCodeDoesNotMakeIsWhatDiffers) {
  const auto viewer = join_home("k");
  play(viewer, {"count", "trap", "count"});
  const std::string text =
      with(std::string(plugin_text),
           "(global.set $count (i32.const 7)) (unreachable)",
           "(global.set $count (i32.const 7)) (call $give (i32.const 7) (i32.const 7))");
  const std::string told = replay({.address = {"p", "k"}, .version = version_of(text)});
  EXPECT_NE(told.find(R"("difference":{"turn":3,"what":"the result","expected":"failed: )"),
            std::string::npos)
      << told;
  EXPECT_TRUE(told.ends_with(R"("got":"done"},"state":{"n":8}})")) << told;
}

TEST_F(ReplayTest, WhatTheCodeOfThenDoesNotRepeatEndsIt) {
  const auto viewer = join_home("k");
  play(viewer, {"count", "count", "count"});
  journal.entries.at("p/k")[2].record.outcome[0] ^= 1;
  const std::string told = replay();
  EXPECT_TRUE(told.starts_with(R"({"first_turn":1,"last_turn":3,"turns":3,)")) << told;
  EXPECT_NE(told.find(R"("what":"the hash of state, output and effects")"), std::string::npos);
}

TEST_F(ReplayTest, OneThatIsNotThereIsNamed) {
  EXPECT_EQ(replay(), "there is no actor p/k");
}

}  // namespace
}  // namespace troupe::actor
