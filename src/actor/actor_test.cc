// Actors and turns against a real guest, on shards whose loops the test turns itself.
#include "actor/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actor {
namespace {

using test::ActorTest;
using test::Lines;
using test::plugin_text;
using test::plugin_with;
using test::Screen;

TEST_F(ActorTest, TheFirstViewerStartsItAndLaterOnesFindItsState) {
  Screen first;
  Screen second;
  const auto viewer = join(first, "k");
  EXPECT_EQ(first.take(), Lines{R"(joined {"n":0})"});
  event(viewer, "one");
  EXPECT_EQ(first.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":1}])"});
  EXPECT_EQ(first.answers, 1);
  join(second, "k");
  EXPECT_EQ(second.take(), Lines{R"(joined {"n":1})"});
}

TEST_F(ActorTest, ViewersOfOtherShardsSeeTheSameInTheSameOrder) {
  Screen here;
  Screen there;
  const auto near = join(here, "k", 0, 0);
  const auto far = join(there, "k", 1, 0);
  here.take();
  there.take();
  event(far, "say");
  event(near, "zero");
  EXPECT_EQ(here.take(),
            (Lines{R"(push hi {"a":1})",
                   R"(patch [{"op":"replace","path":"/n","value":1}])",
                   R"(patch [{"op":"replace","path":"/n","value":0}])"}));
  EXPECT_EQ(there.take(),
            (Lines{R"(push hi {"a":1})",
                   R"(push hi {"a":1})",
                   R"(patch [{"op":"replace","path":"/n","value":1}])",
                   R"(patch [{"op":"replace","path":"/n","value":0}])"}));
  EXPECT_EQ(there.answers, 1);
  EXPECT_EQ(here.answers, 1);
}

TEST_F(ActorTest, ATurnThatIsUndoneLeavesNoTraceAndOnlyItsSenderIsTold) {
  Screen sender;
  Screen other;
  const auto viewer = join(sender, "k");
  join(other, "k");
  event(viewer, "one");
  sender.take();
  other.take();

  event(viewer, "fail");
  EXPECT_EQ(sender.take(), Lines{R"(error {"type":"error","message":"no"})"});
  event(viewer, "say_and_trap");
  ASSERT_EQ(sender.lines.size(), 1U);
  EXPECT_TRUE(sender.take()[0].starts_with(R"(error {"type":"trap","message":")"));
  event(viewer, "list");
  EXPECT_EQ(
      sender.take(),
      Lines{
          R"(error {"type":"output","message":"the handler returned an array; the state must be an object"})"});
  event(viewer, "nothing");
  sender.take();
  EXPECT_EQ(other.take(), Lines{});

  // Neither the variable nor the state of the failed turns is there.
  event(viewer, "has_var");
  EXPECT_EQ(sender.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":0}])"});
  EXPECT_EQ(sender.answers, 6);
}

TEST_F(ActorTest, AFailedTurnLeavesTheMemoryAsItWas) {
  Screen screen;
  const auto viewer = join(screen, "k");
  event(viewer, "count");
  event(viewer, "count");
  screen.take();
  event(viewer, "trap");
  screen.take();
  event(viewer, "count");
  EXPECT_EQ(screen.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":3}])"});
}

// The memory of a component cannot be captured: to undo a turn is to repeat all others.
TEST_F(ActorTest, APayloadThatTheTypesRefuseCostsNoInstance) {
  install(R"((component
    (core module $code
      (func (export "init") (result i32) (i32.const 0))
      (func (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1))))
    (core instance $core (instantiate $code))
    (func (export "init") (result u32) (canon lift (core func $core "init")))
    (func (export "add") (param "by" u32) (param "n" u32) (result u32)
      (canon lift (core func $core "add")))))");
  Screen screen;
  const auto viewer = join(screen, "k");
  event(viewer, "add", R"({"by":2})");
  EXPECT_EQ(screen.take(),
            (Lines{R"(joined {"n":0})", R"(patch [{"op":"replace","path":"/n","value":2}])"}));
  event(viewer, "add", R"({"by":"two"})");
  EXPECT_EQ(screen.take(),
            Lines{R"(error {"type":"error","message":"payload.by: expected u32, got \"two\""})"});
  event(viewer, "add", R"({"by":1})");
  EXPECT_EQ(screen.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":3}])"});
  EXPECT_EQ(system.on(0).find_plugin("p")->counters.wakes, 1U);
}

TEST_F(ActorTest, SleepAndRestartKeepTheMemory) {
  Screen screen;
  const auto viewer = join(screen, "k");
  event(viewer, "count");
  clock.now += 60'000'000'000;
  system.on(0).tuck_in();
  EXPECT_NE(ask(Message::Kind::show, "k").output.find(R"("status":"asleep")"), std::string::npos);
  event(viewer, "count");
  ask(Message::Kind::restart, "k");
  screen.take();
  event(viewer, "count");
  EXPECT_EQ(screen.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":3}])"});
}

// Whatever loses the instance, the actor comes back as it was: one that is put to sleep, restarted
// and made to trap at random shows the same as one that is left alone.
TEST_F(ActorTest, ADisturbedActorShowsWhatAnUndisturbedOneShows) {
  const auto seed = static_cast<std::uint32_t>(std::random_device()());
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  const auto below = [&](std::size_t count) { return random() % count; };
  Screen calm;
  Screen disturbed;
  const auto left_alone = join(calm, "calm");
  const auto troubled = join(disturbed, "troubled");
  for (int step = 0; step < 400; ++step) {
    clock.now += 10'000'000'000;  // no failure is near another
    const char* name = std::array{"count", "one", "zero", "say", "keep", "has_var"}[below(6)];
    calm.take();
    disturbed.take();
    event(left_alone, name);
    event(troubled, name);
    ASSERT_EQ(calm.take(), disturbed.take()) << "step " << step << " " << name;
    switch (below(4)) {
      case 0:
        clock.now += 60'000'000'000;
        for (std::size_t shard = 0; shard < shards.size(); ++shard) system.on(shard).tuck_in();
        break;
      case 1:
        ask(Message::Kind::restart, "troubled");
        break;
      case 2:
        event(troubled, below(2) == 0 ? "trap" : "say_and_trap");
        break;
      default:
        break;
    }
  }
}

TEST_F(ActorTest, AViewerWhoseEventsKeepFailingIsSentAwayAndTheOthersStay) {
  Screen bad;
  Screen good;
  const auto poisoner = join(bad, "k");
  person = "another";
  const auto other = join(good, "k");
  for (int i = 0; i < 4; ++i) event(poisoner, "trap");
  EXPECT_EQ(bad.take().back(), "crashed");
  person = "someone";
  Screen again;
  join(again, "k");
  ASSERT_EQ(again.lines.size(), 1U);
  EXPECT_TRUE(again.lines[0].starts_with("refused {\"reason\":\"too many of your events failed"))
      << again.lines[0];
  good.take();
  event(other, "one");
  EXPECT_EQ(good.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":1}])"});
  clock.now += 1'100'000'000;
  again.take();
  join(again, "k");
  EXPECT_EQ(again.take(), Lines{R"(joined {"n":1})"});
}

TEST_F(ActorTest, AnActorWhoseOwnTurnsKeepFailingGoesDownForAWhile) {
  Screen screen;
  join(screen, "k");
  screen.take();
  for (int i = 0; i < 4; ++i) {
    system.send({"p", "k"}, {.kind = Message::Kind::event, .name = "trap", .payload = "{}"});
  }
  settle();
  EXPECT_EQ(screen.take(), Lines{"crashed"});
  const Answer answer = ask(Message::Kind::event, "k", "one");
  EXPECT_EQ(answer.verdict, Verdict::down);
  EXPECT_EQ(answer.retry_ms, 1000);
  Screen late;
  join(late, "k");
  EXPECT_EQ(late.take(), Lines{R"(refused {"reason":"actor is down","retry_ms":1000})"});
  clock.now += 1'000'000'000;
  EXPECT_EQ(ask(Message::Kind::event, "k", "one").state, R"({"n":1})");
}

TEST_F(ActorTest, AnEventFromOutsideStartsTheActorAndIsAnswered) {
  const Answer answer = ask(Message::Kind::event, "new", "say");
  EXPECT_EQ(answer.verdict, Verdict::done);
  EXPECT_EQ(answer.turn, 2U);
  EXPECT_EQ(answer.state, R"({"n":1})");
  ASSERT_EQ(answer.replies.size(), 1U);
  EXPECT_EQ(answer.replies[0].name, "hi");
  EXPECT_EQ(ask(Message::Kind::event, "new", "nosuch").verdict, Verdict::missing);
  EXPECT_EQ(ask(Message::Kind::event, "new", "fail").message, "no");
  EXPECT_EQ(ask(Message::Kind::call, "new", "one").verdict, Verdict::refused);
  EXPECT_EQ(ask(Message::Kind::show, "other").verdict, Verdict::missing);
}

TEST_F(ActorTest, AnActorOfItsViewersOwnIsFoundFromEveryShard) {
  Screen screen;
  // Wherever its address would have it, its viewer is on the other shard.
  const std::size_t away = 1 - system.shard_of({"p", "own"});
  join(screen, "own", away, away, true);
  EXPECT_EQ(ask(Message::Kind::event, "own", "one").state, R"({"n":1})");
  EXPECT_EQ(screen.take().back(), R"(patch [{"op":"replace","path":"/n","value":1}])");
}

TEST_F(ActorTest, TheEndOfAnActorClosesItsChannelsAndTheNextIsANewOne) {
  Screen screen;
  const auto viewer = join(screen, "k");
  event(viewer, "one");
  screen.take();
  EXPECT_EQ(ask(Message::Kind::end, "k").verdict, Verdict::done);
  EXPECT_EQ(screen.take(), Lines{"over"});
  join(screen, "k");
  EXPECT_EQ(screen.take(), Lines{R"(joined {"n":0})"});
}

TEST_F(ActorTest, ATimerComesBackAsAnEventOnceAndSettingItAgainReplacesIt) {
  install(plugin_with({{"soon", "timer", R"({"name":"t","after_ms":50,"event":"count"})"},
                       {"late", "timer", R"({"name":"t","after_ms":500,"event":"count"})"},
                       {"never", "cancel", R"({"name":"t"})"}}));
  Screen screen;
  const auto viewer = join(screen, "k");
  const auto pass = [&](int ms) {
    clock.now += ms * 1'000'000LL;
    system.on(0).timers().fire();
    settle();
  };
  event(viewer, "soon");
  screen.take();
  pass(40);
  EXPECT_EQ(screen.take(), Lines{});
  pass(20);
  EXPECT_EQ(screen.take(), Lines{"patch []"});  // count gives 1 as well
  pass(100);
  EXPECT_EQ(screen.take(), Lines{});

  event(viewer, "soon");
  event(viewer, "late");
  screen.take();
  pass(100);
  EXPECT_EQ(screen.take(), Lines{});
  pass(500);
  EXPECT_EQ(screen.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":2}])"});

  event(viewer, "soon");
  event(viewer, "never");
  screen.take();
  pass(100);
  EXPECT_EQ(screen.take(), Lines{});
}

TEST_F(ActorTest, ActorsSendToEachOtherByAddress) {
  install(plugin_with({{"tell", "send", R"({"to":"p/other","event":"one"})"},
                       {"lost", "send", R"({"to":"nosuch/k","event":"one"})"}}));
  Screen here;
  Screen there;
  const auto viewer = join(here, "k");
  join(there, "other", 1, system.shard_of({"p", "other"}));
  there.take();
  event(viewer, "tell");
  EXPECT_EQ(there.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":1}])"});
  event(viewer, "lost");
  EXPECT_NE(lines->last_formatted().back().find("there is no plugin \"nosuch\""),
            std::string::npos);
}

TEST_F(ActorTest, ANewVersionTakesTheStateThroughItsMigrate) {
  Screen screen;
  const auto viewer = join(screen, "k");
  event(viewer, "one");
  screen.take();
  std::string with_migrate(plugin_text);
  with_migrate.insert(with_migrate.rfind(')'),
                      R"((func (export "migrate") (call $give (i32.const 0) (i32.const 7))))");
  install(with_migrate);
  EXPECT_EQ(screen.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":0}])"});
  EXPECT_NE(ask(Message::Kind::show, "k").output.find(R"("current":true)"), std::string::npos);

  std::string broken(plugin_text);
  broken.insert(broken.rfind(')'), R"((func (export "migrate") (unreachable)))");
  install(broken);
  EXPECT_EQ(screen.take(), Lines{});
  EXPECT_NE(ask(Message::Kind::show, "k").output.find(R"("current":false)"), std::string::npos);
  event(viewer, "one");
  EXPECT_EQ(screen.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":1}])"});
}

TEST_F(ActorTest, EventsThatAreNoneAreRefusedByName) {
  Screen screen;
  const auto viewer = join(screen, "k");
  screen.take();
  for (const char* name : {"nosuch", "init", "_initialize", ""}) {
    event(viewer, name);
    EXPECT_EQ(screen.take(),
              Lines{std::string(R"(error {"type":"error","message":"unknown event \")") + name +
                    R"(\""})"});
  }
}

TEST_F(ActorTest, AnEndlessHandlerEndsByItsTimeoutWhileOthersAreServed) {
  Screen stuck;
  Screen free;
  const auto spinner = join(stuck, "a");
  const auto other = join(free, "b");
  stuck.take();
  system.event(spinner, "spin", "{}");
  // The spinner holds the thread for a slice at a time; the other's events come in between.
  int served = 0;
  while (stuck.answers == 0) {
    system.event(other, "one", "{}");
    shards[0].io().restart();
    shards[0].io().poll_one();
    served += free.answers;
    free.answers = 0;
  }
  EXPECT_GE(served, 5);
  ASSERT_EQ(stuck.lines.size(), 1U);
  EXPECT_TRUE(stuck.lines[0].starts_with(R"(error {"type":"timeout")")) << stuck.lines[0];
  settle();
}

TEST_F(ActorTest, ARefreshGivesTheStateWhole) {
  Screen screen;
  const auto viewer = join(screen, "k");
  screen.take();
  system.refresh(viewer);
  settle();
  EXPECT_EQ(screen.take(), Lines{R"(refreshed {"n":0})"});
  EXPECT_EQ(screen.answers, 1);
}

TEST_F(ActorTest, AnActorMerelyVisitedEndsWithItsLastViewer) {
  Screen screen;
  const auto first = join(screen, "k");
  system.leave(first);
  settle();
  EXPECT_EQ(first->actor, nullptr);
  screen.take();
  // Its init runs again: a new life.
  join(screen, "k");
  EXPECT_EQ(screen.take(), Lines{R"(joined {"n":0})"});
}

TEST_F(ActorTest, AnActorWithAHistoryStaysWhenItsViewersHaveLeft) {
  Screen screen;
  const auto first = join(screen, "k");
  event(first, "one");
  system.leave(first);
  settle();
  screen.take();
  join(screen, "k");
  EXPECT_EQ(screen.take(), Lines{R"(joined {"n":1})"});
}

// Its plugin's end is still at work then.
TEST_F(ActorTest, AViewerMayLeaveWhileHisActorIsEnded) {
  std::string text(plugin_text);
  text.insert(text.find(R"((func (export "init"))"), R"((func (export "terminate") (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 20000000))))))");
  install(text);
  Screen screen;
  const auto own = join(screen, "own", 0, 0, true);
  event(own, "one");
  system.on(0).deliver({"p", "own"}, {.kind = Message::Kind::end});
  system.leave(own);
  settle();
  EXPECT_EQ(system.on(0).find("p/own"), nullptr);
}

TEST_F(ActorTest, AViewersOwnActorEndsWithItEvenInTheMiddleOfATurn) {
  Screen screen;
  const auto viewer = join(screen, "k", 0, 0, true);
  event(viewer, "one");
  screen.take();
  system.event(viewer, "spin", "{}");
  system.leave(viewer);
  viewer->outbox = nullptr;
  settle();
  EXPECT_EQ(viewer->actor, nullptr);
  EXPECT_EQ(screen.take(), Lines{});
}

TEST_F(ActorTest, ANewVersionRunsTheNextTurnAndTheStateStays) {
  Screen screen;
  const auto viewer = join(screen, "k");
  event(viewer, "one");
  screen.take();
  std::string changed(plugin_text);
  changed.replace(changed.find("{\\\"n\\\":1}"), 9, "{\\\"n\\\":2}");
  install(changed);
  EXPECT_EQ(screen.take(), Lines{});
  event(viewer, "one");
  EXPECT_EQ(screen.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":2}])"});
}

TEST_F(ActorTest, InstancesIdleLongestGiveWayAndTheirActorsGoOn) {
  std::vector<Screen> screens(6);
  std::vector<ViewerPtr> viewers;
  for (std::size_t i = 0; i < screens.size(); ++i) {
    viewers.push_back(join(screens[i], std::to_string(i)));
    event(viewers[i], "one");
    screens[i].take();
  }
  for (std::size_t i = 0; i < screens.size(); ++i) {
    event(viewers[i], "zero");
    EXPECT_EQ(screens[i].take(), Lines{R"(patch [{"op":"replace","path":"/n","value":0}])"}) << i;
  }
  EXPECT_EQ(system.bounds(0).count(Bound::instances), 10U) << "four when they came, then each";
}

// Their turns began in different seconds, and take the thread in turn.
TEST_F(ActorTest, WhatAPluginLogsIsBoundedByTheSecondInWhichItIsSaid) {
  std::string chatty(plugin_text);
  chatty.insert(chatty.find("(import"),
                R"((import "extism:host/env" "log_warn" (func $log (param i64)))
  )");
  chatty.insert(chatty.find("(func (export \"spin\")"), R"((func (export "chat")
    (loop $again (call $log (call $block (i32.const 0) (i32.const 7))) (br $again)))
  )");
  constexpr std::size_t bytes_max = 1000;
  install(chatty, {.log_bytes_per_second_max = bytes_max});
  Screen first;
  Screen second;
  const ViewerPtr one = join(first, "1");
  const ViewerPtr two = join(second, "2");
  const auto step = [&] {
    shards[0].io().restart();
    shards[0].io().poll_one();
  };
  system.event(one, "chat", "{}");
  step();
  clock.now += 1'000'000'000;
  system.event(two, "chat", "{}");
  settle();
  EXPECT_EQ(first.take().size() + second.take().size(), 4U) << "the first states and two errors";
  const auto said = std::ranges::count_if(lines->last_formatted(), [](const std::string& line) {
    return line.find(R"(] {"n":0})") != std::string::npos;
  });
  // Each line counts its seven bytes and 80 more: a line more or less for each of two seconds.
  EXPECT_GT(said, 0);
  EXPECT_LE(said, 2 * (bytes_max / 87 + 1));
}

// More of them than there are instances in the pool: each has handled one message, and waits for
// the thread to handle the next.
TEST_F(ActorTest, AnActorThatWaitsForTheThreadGivesWayToo) {
  std::vector<Screen> screens(30);
  std::vector<ViewerPtr> viewers;
  for (std::size_t i = 0; i < screens.size(); ++i) {
    viewers.push_back(join(screens[i], std::to_string(i)));
    screens[i].take();
  }
  Screen busy;
  const ViewerPtr spinner = join(busy, "spinner");
  system.event(spinner, "spin", "{}");
  for (const ViewerPtr& viewer : viewers) {
    system.event(viewer, "one", "{}");
    system.event(viewer, "zero", "{}");
  }
  settle();
  for (std::size_t i = 0; i < screens.size(); ++i) {
    EXPECT_EQ(screens[i].take(),
              (Lines{R"(patch [{"op":"replace","path":"/n","value":1}])",
                     R"(patch [{"op":"replace","path":"/n","value":0}])"}))
        << i;
  }
}

TEST_F(ActorTest, APluginHasNoMoreAwakeThanItMayAndOneThatIsIdleGivesWay) {
  install(plugin_text, {.instances_max = 2});  // one for each shard
  Screen first;
  Screen second;
  const ViewerPtr one = join(first, "1");
  const ViewerPtr two = join(second, "2");
  EXPECT_EQ(system.on(0).find_plugin("p")->awake, 1U);
  event(one, "one");
  EXPECT_EQ(first.take().back(), R"(patch [{"op":"replace","path":"/n","value":1}])");
  second.take();

  system.event(one, "spin", "{}");
  const auto step = [&] {
    shards[0].io().restart();
    shards[0].io().poll_one();
  };
  step();  // it spins, and gives way after a slice
  system.event(two, "one", "{}");
  while (second.lines.empty()) step();
  EXPECT_EQ(second.take(),
            Lines{R"(error {"type":"busy","message":"too many actors are at work; try again"})"});
  while (first.lines.empty()) step();
  settle();
  EXPECT_EQ(system.on(0).find_plugin("p")->awake, 0U) << "the one that span was undone";
  event(two, "one");
  EXPECT_EQ(second.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":1}])"});
  const auto& reached = system.on(0).find_plugin("p")->counters.reached;
  EXPECT_EQ(reached[static_cast<std::size_t>(Limit::instances)], 1U);
  EXPECT_EQ(reached[static_cast<std::size_t>(Limit::timeout)], 1U);
}

TEST_F(ActorTest, WhenEveryInstanceIsAtWorkTheNextWaitsForOneToEnd) {
  const std::size_t at_work_max = instances_max / shards.size() + spare_instances;
  std::vector<Screen> screens(at_work_max + 1);
  std::vector<ViewerPtr> viewers;
  for (std::size_t i = 0; i < screens.size(); ++i) {
    viewers.push_back(join(screens[i], std::to_string(i)));
    screens[i].take();
  }
  Screen& last = screens.back();
  for (std::size_t i = 0; i < at_work_max; ++i) system.event(viewers[i], "spin", "{}");
  const auto step = [&] {
    shards[0].io().restart();
    shards[0].io().poll_one();
  };
  while (system.on(0).find_plugin("p")->awake < at_work_max) step();
  step();
  step();  // all spin, and give way after a slice
  system.event(viewers.back(), "one", "{}");
  settle();
  EXPECT_EQ(last.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":1}])"});
}

}  // namespace
}  // namespace troupe::actor

// The module cache starts this program as its compiler.
int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "compile-module") {
    return troupe::guest::run_compiler(argc - 2, argv + 2);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
