// Durable actors against a journal that commits when the test says so, or fails.
#include "actor/held_journal.h"
#include "actor/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actor {
namespace {

using journal::Entry;
using journal::Kind;
using test::ActorTest;
using test::HeldJournal;
using test::Lines;
using test::plugin_text;
using test::plugin_with;
using test::Screen;

class GateTest : public test::HasJournal, public ActorTest {
 protected:
  GateTest() : ActorTest(Durability::commit, &journal) {}

  void commit() {
    journal.commit();
    settle();
  }
  void fail() {
    journal.fail();
    settle();
  }
  ViewerPtr join_home(Screen& screen, const std::string& key, std::size_t shard = 0) {
    return join(screen, key, shard, system.shard_of({"p", key}));
  }
  const std::string one = R"(patch [{"op":"replace","path":"/n","value":1}])";
  const std::string zero = R"(patch [{"op":"replace","path":"/n","value":0}])";
};

TEST_F(GateTest, NobodySeesATurnBeforeItIsDurable) {
  Screen screen;
  Screen elsewhere;
  const auto viewer = join_home(screen, "k");
  join_home(elsewhere, "k", 1);
  EXPECT_EQ(screen.take(), Lines{R"(joined {"n":0})"});
  elsewhere.take();
  EXPECT_EQ(journal.waiting(), 0U) << "a topic that is merely visited costs nothing";
  event(viewer, "one");
  event(viewer, "zero");
  EXPECT_EQ(journal.waiting(), 3U) << "the first state and two turns";
  EXPECT_EQ(screen.lines.size() + elsewhere.lines.size(), 0U);
  EXPECT_EQ(screen.answers, 0);
  commit();
  EXPECT_EQ(screen.take(), (Lines{one, zero}));
  EXPECT_EQ(elsewhere.take(), (Lines{one, zero}));
  EXPECT_EQ(screen.answers, 2);
}

TEST_F(GateTest, WhatAStretchOfWorkAppendsIsFlushedTogether) {
  std::vector<Screen> screens(20);
  std::vector<ViewerPtr> viewers;
  for (std::size_t i = 0; i < screens.size(); ++i) {
    viewers.push_back(join_home(screens[i], std::to_string(i)));
  }
  for (const ViewerPtr& viewer : viewers) system.event(viewer, "one", "{}");
  EXPECT_EQ(journal.flushes, 0U);
  settle();
  EXPECT_EQ(journal.waiting(), 2 * screens.size());
  // Turns of more than a millisecond go in several, of which there are never as many as turns.
  EXPECT_GE(journal.flushes, 1U);
  EXPECT_LT(journal.flushes, screens.size());
  commit();
  for (Screen& screen : screens) EXPECT_EQ(screen.take().back(), one);
}

TEST_F(GateTest, WhoJoinsMeanwhileGetsTheStateOnceItIsDurable) {
  Screen first;
  Screen second;
  const auto viewer = join_home(first, "k");
  event(viewer, "one");
  join_home(second, "k");
  EXPECT_EQ(second.joins, 0);
  EXPECT_EQ(second.take(), Lines{});
  commit();
  EXPECT_EQ(second.joins, 1);
  EXPECT_EQ(second.take(), Lines{R"(joined {"n":1})"});
}

TEST_F(GateTest, ErrorsAndAnswersToAskersWaitTheirTurn) {
  Screen screen;
  const auto viewer = join_home(screen, "k");
  screen.take();
  event(viewer, "one");
  event(viewer, "fail");
  event(viewer, "unknown");
  std::optional<Answer> answer;
  const auto asked =
      std::make_shared<const Ask>(Ask{0, [&](Answer got) { answer = std::move(got); }});
  system.send({"p", "k"},
              {.kind = Message::Kind::event, .ask = asked, .name = "zero", .payload = "{}"});
  settle();
  EXPECT_EQ(screen.take(), Lines{});
  EXPECT_FALSE(answer);
  commit();
  EXPECT_EQ(screen.take(),
            (Lines{one,
                   R"(error {"type":"error","message":"no"})",
                   R"(error {"type":"error","message":"unknown event \"unknown\""})",
                   zero}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->state, R"({"n":0})");
}

TEST_F(GateTest, WhenACommitFailsTheActorGoesBackAndItsViewersRejoin) {
  Screen screen;
  const auto viewer = join_home(screen, "k");
  event(viewer, "one");
  commit();
  screen.take();
  event(viewer, "zero");
  std::optional<Answer> answer;
  const auto asked =
      std::make_shared<const Ask>(Ask{0, [&](Answer got) { answer = std::move(got); }});
  system.send({"p", "k"},
              {.kind = Message::Kind::event, .ask = asked, .name = "zero", .payload = "{}"});
  settle();
  fail();
  EXPECT_EQ(screen.take(), Lines{"crashed"});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->verdict, Verdict::unavailable);
  EXPECT_GT(answer->retry_ms, 0);

  // What is durable can be read; turns are refused until the disk is well again.
  const auto again = join_home(screen, "k");
  EXPECT_EQ(screen.take(), Lines{R"(joined {"n":1})"});
  event(again, "zero");
  ASSERT_EQ(screen.lines.size(), 1U);
  EXPECT_TRUE(screen.take()[0].starts_with(R"(error {"type":"unavailable","message":")"));
  journal.refusing = false;
  event(again, "zero");
  commit();
  EXPECT_EQ(screen.take(), Lines{zero});
}

TEST_F(GateTest, AFirstStateThatWasLostIsMadeAnew) {
  Screen screen;
  const auto viewer = join_home(screen, "k");
  screen.take();
  event(viewer, "one");
  fail();
  EXPECT_EQ(screen.take(), Lines{"crashed"});
  journal.refusing = false;
  const auto again = join_home(screen, "k");
  EXPECT_EQ(screen.take(), Lines{R"(joined {"n":0})"});
  event(again, "one");
  commit();
  EXPECT_EQ(screen.take(), Lines{one});
}

TEST_F(GateTest, AFailureOfOneActorsShardLeavesDurableActorsAlone) {
  Screen quiet;
  Screen busy;
  const auto calm = join_home(quiet, "calm");
  event(calm, "one");
  commit();
  quiet.take();
  const auto active = join_home(busy, "active");
  event(active, "one");
  fail();
  EXPECT_EQ(quiet.take(), Lines{});
  journal.refusing = false;
  event(calm, "zero");
  commit();
  EXPECT_EQ(quiet.take(), Lines{zero});
}

TEST_F(GateTest, AnActorOfAViewerIsNotKept) {
  Screen screen;
  const auto viewer = join(screen, "own", 0, 0, true);
  screen.take();
  event(viewer, "one");
  EXPECT_EQ(screen.take(), Lines{one});
  EXPECT_EQ(journal.waiting(), 0U);
}

TEST_F(GateTest, ADeletedActorIsGoneWhenItsEndIsDurableAndLivesAgain) {
  Screen screen;
  const auto viewer = join_home(screen, "k");
  event(viewer, "one");
  commit();
  screen.take();
  std::optional<Answer> answer;
  const auto asked =
      std::make_shared<const Ask>(Ask{0, [&](Answer got) { answer = std::move(got); }});
  system.send({"p", "k"}, {.kind = Message::Kind::end, .ask = asked});
  settle();
  EXPECT_EQ(screen.take(), Lines{});
  EXPECT_FALSE(answer);
  commit();
  EXPECT_EQ(screen.take(), Lines{"over"});
  EXPECT_TRUE(answer);
  const auto again = join_home(screen, "k");
  EXPECT_EQ(screen.take(), Lines{R"(joined {"n":0})"});
  event(again, "one");
  commit();
  EXPECT_EQ(screen.take(), Lines{one});
  const std::vector<Entry>& entries = journal.entries.at("p/k");
  ASSERT_EQ(entries.size(), 5U);
  EXPECT_EQ(entries[2].record.kind, Kind::end);
  EXPECT_NE(entries[1].subject.incarnation, entries[3].subject.incarnation);
}

// The disk is full.
TEST_F(GateTest, AnActorWhoseEndTheJournalDoesNotTakeLivesOn) {
  Screen screen;
  const auto viewer = join_home(screen, "k");
  event(viewer, "one");
  commit();
  journal.refusing = true;
  EXPECT_EQ(ask(Message::Kind::end, "k").verdict, Verdict::unavailable);

  journal.refusing = false;
  std::optional<Answer> answer;
  const auto asked =
      std::make_shared<const Ask>(Ask{0, [&](Answer got) { answer = std::move(got); }});
  system.send({"p", "k"}, {.kind = Message::Kind::end, .ask = asked});
  settle();
  EXPECT_FALSE(answer);
  fail();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->verdict, Verdict::unavailable);
  journal.refusing = false;
  Screen later;
  join_home(later, "k");
  EXPECT_EQ(later.take(), Lines{R"(joined {"n":1})"});
}

// They are told nothing of a first state that was lost but that.
TEST_F(GateTest, WhoAsksIsAnsweredOnceWhenTheFirstStateIsLost) {
  std::string text = plugin_with({{"listen", "subscribe", R"({"topic":"news"})"}});
  const std::string plain = R"((func (export "init") (call $give)";
  ASSERT_NE(text.find(plain), std::string::npos);
  text.replace(text.find(plain),
               plain.size(),
               R"((func (export "init")
                    (call $troupe_subscribe (call $block (i32.const 1000) (i32.const 16)))
                    (call $give)");
  install(text);
  journal.refusing = true;
  int answers = 0;
  const auto asked = std::make_shared<const Ask>(Ask{0, [&](Answer got) {
                                                       ++answers;
                                                       EXPECT_EQ(got.verdict, Verdict::unavailable);
                                                     }});
  system.send({"p", "k"},
              {.kind = Message::Kind::event, .ask = asked, .name = "one", .payload = "{}"});
  settle();
  EXPECT_EQ(answers, 1);
}

TEST_F(GateTest, WhoJoinsWhileTheActorEndsSeesItsNextLife) {
  Screen first;
  Screen second;
  const auto viewer = join_home(first, "k");
  event(viewer, "one");
  commit();
  system.send({"p", "k"}, {.kind = Message::Kind::end});
  settle();
  const auto waiting = join_home(second, "k");
  EXPECT_EQ(second.joins, 0);
  commit();
  EXPECT_EQ(second.joins, 1);
  EXPECT_EQ(second.take(), Lines{R"(joined {"n":0})"});
  event(waiting, "one");
  commit();
  EXPECT_EQ(second.take(), Lines{one});
  system.leave(waiting);
  settle();
}

TEST_F(GateTest, AMessageToAViewersOwnActorIsNotWaitedForWhenThatEnds) {
  install(plugin_with({{"tell", "send", R"({"to":"p/own","event":"one"})"}}));
  Screen screen;
  const auto own = join(screen, "own", 0, 0, true);
  system.send({"p", "k"}, {.kind = Message::Kind::event, .name = "tell", .payload = "{}"});
  settle();
  system.event(own, "spin", "{}");
  const auto turn_once = [&] {
    for (std::size_t shard : {0U, 1U}) {
      shards[shard].io().restart();
      shards[shard].io().poll_one();
    }
  };
  turn_once();
  journal.commit();
  for (int i = 0; i < 30; ++i) turn_once();
  system.leave(own);
  settle();
  commit();
  EXPECT_EQ(system.on(system.shard_of({"p", "k"})).in_flight("p/k").messages, 0U);
  EXPECT_TRUE(journal.on_their_way.empty());
}

// Its timer's turn is still to come.
TEST_F(GateTest, AnUpgradeLeavesTheTimerThatHasFiredAlone) {
  std::string text =
      plugin_with({{"later", "timer", R"({"name":"t","after_ms":40000,"event":"one"})"}});
  install(text);
  system.send({"p", "k"}, {.kind = Message::Kind::event, .name = "later", .payload = "{}"});
  settle();
  commit();
  ask(Message::Kind::stop, "k");
  commit();
  text.insert(text.rfind(')'), R"((func (export "more")))");
  install(text);
  clock.now += 50'000'000'000;
  system.on(system.shard_of({"p", "k"})).timers().fire();
  settle();
  commit();
  const std::vector<Entry>& entries = journal.entries.at("p/k");
  const auto upgrade = std::ranges::find(
      entries, Kind::upgrade, [](const Entry& entry) { return entry.record.kind; });
  ASSERT_NE(upgrade, entries.end());
  EXPECT_TRUE(upgrade->changes.timers_cancelled.empty());
  EXPECT_EQ(entries.back().record.function, "one");
  EXPECT_EQ(entries.back().changes.timers_cancelled, std::vector<std::string>{"t"});
}

TEST_F(GateTest, EventsThatAreRefusedDoNotKeepTheCheckpointBack) {
  Screen screen;
  const auto viewer = join_home(screen, "k");
  for (int i = 0; i < 8; ++i) event(viewer, "one");
  for (int i = 0; i < 500; ++i) {
    event(viewer, "fail");
    journal.commit();
    settle();
  }
  ASSERT_TRUE(journal.checkpoints.contains("p/k"));
  EXPECT_GT(journal.checkpoints.at("p/k").subject.number + 2 * checkpoint_turns,
            journal.entries.at("p/k").size());
}

// Another server on the same journal.
class NextServer : public ActorTest {
 public:
  explicit NextServer(HeldJournal& journal) : ActorTest(Durability::commit, &journal) {}
  void TestBody() override {}
  using ActorTest::ask;
  using ActorTest::event;
  using ActorTest::install;
  using ActorTest::join;
  using ActorTest::settle;
  using ActorTest::system;

  // Actors that are loaded, and instances that were made for any.
  std::size_t loaded() {
    return system.on(0).list("", "", 10).size() + system.on(1).list("", "", 10).size();
  }
  std::uint64_t wakes() {
    return system.on(0).find_plugin("p")->counters.wakes +
           system.on(1).find_plugin("p")->counters.wakes;
  }
};

// Its end needs neither its past nor its plugin.
class BurialTest : public GateTest {
 protected:
  Answer end(NextServer& server) {
    std::optional<Answer> answer;
    const auto asked =
        std::make_shared<const Ask>(Ask{0, [&](Answer got) { answer = std::move(got); }});
    server.system.send({"p", "k"}, {.kind = Message::Kind::end, .ask = asked});
    server.settle();
    journal.commit();
    server.settle();
    EXPECT_TRUE(answer);
    return answer.value_or(Answer{.message = "no answer"});
  }
  void live() {
    Screen screen;
    const auto viewer = join_home(screen, "k");
    event(viewer, "one");
    commit();
    journal.crash();
  }
};

TEST_F(BurialTest, AnActorThatCannotBeLoadedCanBeDeleted) {
  live();
  journal.damaged.insert("p/k");
  NextServer next(journal);
  EXPECT_EQ(end(next).verdict, Verdict::done);
  EXPECT_EQ(journal.entries.at("p/k").back().record.kind, Kind::end);
  EXPECT_EQ(journal.entries.at("p/k").back().record.turn, 2U);
  journal.damaged.clear();
  EXPECT_EQ(end(next).verdict, Verdict::missing);
  Screen screen;
  next.join(screen, "k", 0, next.system.shard_of({"p", "k"}));
  EXPECT_EQ(screen.take(), Lines{R"(joined {"n":0})"});
}

TEST_F(BurialTest, AnActorOfAPluginThatIsNotServedCanBeDeleted) {
  live();
  NextServer next(journal);
  next.system.uninstall("p");
  next.settle();
  next.system.subscriptions().add("news", "p/k");
  EXPECT_EQ(end(next).verdict, Verdict::done);
  EXPECT_EQ(journal.entries.at("p/k").back().record.kind, Kind::end);
  EXPECT_TRUE(next.system.subscriptions().of("news").empty());
  EXPECT_EQ(end(next).verdict, Verdict::missing);
}

TEST_F(BurialTest, WhatTheJournalDoesNotTakeIsNotBuried) {
  live();
  NextServer next(journal);
  next.system.uninstall("p");
  next.settle();
  journal.refusing = true;
  EXPECT_EQ(end(next).verdict, Verdict::unavailable);
  EXPECT_NE(journal.entries.at("p/k").back().record.kind, Kind::end);
}

// Asleep with a checkpoint, and the new code does not take its state.
TEST_F(GateTest, AnActorWhoseMigrationFailsAndWhoseCodeIsGoneIsRefusedAndNothingElse) {
  Screen screen;
  const auto viewer = join_home(screen, "k");
  for (int i = 0; i < 8; ++i) event(viewer, "count");
  commit();
  ask(Message::Kind::stop, "k");
  commit();
  ASSERT_TRUE(journal.checkpoints.contains("p/k"));
  journal.crash();
  NextServer next(journal);
  std::string text(plugin_text);
  text.insert(text.rfind(')'), R"((func (export "migrate") (unreachable)))");
  next.install(text);
  std::optional<Answer> answer;
  const auto asked =
      std::make_shared<const Ask>(Ask{0, [&](Answer got) { answer = std::move(got); }});
  next.system.send({"p", "k"},
                   {.kind = Message::Kind::event, .ask = asked, .name = "one", .payload = "{}"});
  next.settle();
  journal.commit();
  next.settle();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->verdict, Verdict::failed);
  EXPECT_NE(answer->message.find("stays on a version"), std::string::npos) << answer->message;
}

// What the guest had in memory is there again.
TEST_F(GateTest, AnotherProcessGoesOnFromTheJournal) {
  Screen screen;
  const auto viewer = join_home(screen, "k");
  for (int i = 0; i < 3; ++i) event(viewer, "count");
  event(viewer, "trap");
  commit();
  screen.take();
  ASSERT_EQ(journal.entries.at("p/k").size(), 5U);
  ASSERT_TRUE(journal.checkpoints.empty()) << "it is to repeat its turns";

  NextServer next(journal);
  Screen other;
  const auto again = next.join(other, "k", 0, next.system.shard_of({"p", "k"}));
  EXPECT_EQ(other.take(), Lines{R"(joined {"n":3})"});
  next.event(again, "count");
  journal.commit();
  next.settle();
  EXPECT_EQ(other.take(), Lines{R"(patch [{"op":"replace","path":"/n","value":4}])"});
}

TEST_F(GateTest, ATurnThatWouldSendMoreThanMayBeOnItsWayFails) {
  install(plugin_with({{"tell", "send", R"({"to":"p/other","event":"one"})"}}), {.outbox_max = 1});
  Screen screen;
  const auto viewer = join_home(screen, "k");
  event(viewer, "tell");
  screen.take();
  event(viewer, "tell");
  journal.commit();
  settle();
  const Lines shown = screen.take();
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown[1],
            R"-(error {"type":"output","message":"this turn's 1 messages to other actors and the )-"
            R"-(1 not handled yet are more than 1 (limits.outbox)"})-");
  const Counters& counters = system.on(system.shard_of({"p", "k"})).find_plugin("p")->counters;
  EXPECT_EQ(counters.reached[static_cast<std::size_t>(Limit::outbox)], 1U);
}

// What is on its way to a plugin that is not served waits for it, and is counted.
class InFlightTest : public GateTest {
 protected:
  void install(const Bounds& bounds) {
    ActorTest::install(plugin_with({{"tell", "send", R"({"to":"q/k","event":"one"})"}}), bounds);
  }
  Answer tell() {
    std::optional<Answer> got;
    const auto asked =
        std::make_shared<const Ask>(Ask{0, [&](Answer answer) { got = std::move(answer); }});
    system.send({"p", "k"},
                {.kind = Message::Kind::event, .ask = asked, .name = "tell", .payload = "{}"});
    settle();
    if (!got) commit();
    EXPECT_TRUE(got);
    return got.value_or(Answer{.message = "no answer"});
  }
  Actors& home() { return system.on(system.shard_of({"p", "k"})); }
  static constexpr std::size_t message_bytes = 5;  // one{}
};

TEST_F(InFlightTest, AnActorThatWasForgottenMeanwhileMaySendNoMore) {
  install({.outbox_max = 2});
  EXPECT_EQ(tell().verdict, Verdict::done);
  EXPECT_EQ(tell().verdict, Verdict::done);
  clock.now += 3'600'000'000'000;
  home().tuck_in();
  settle();
  ASSERT_EQ(home().find("p/k"), nullptr);
  EXPECT_EQ(tell().verdict, Verdict::failed);
}

TEST_F(InFlightTest, TheBytesOfAllTurnsCount) {
  install({.outbox_bytes_max = 2 * message_bytes});
  EXPECT_EQ(tell().verdict, Verdict::done);
  EXPECT_EQ(tell().verdict, Verdict::done);
  const Answer answer = tell();
  EXPECT_EQ(answer.verdict, Verdict::failed);
  EXPECT_NE(answer.message.find("more than 10 (limits.outbox_bytes)"), std::string::npos)
      << answer.message;
}

TEST_F(InFlightTest, WhatWasLostIsNotOnItsWay) {
  install({.outbox_max = 1});
  for (int i = 0; i < 3; ++i) {
    system.send({"p", "k"}, {.kind = Message::Kind::event, .name = "tell", .payload = "{}"});
    settle();
    EXPECT_EQ(home().in_flight("p/k").messages, 1U);
    fail();
    EXPECT_EQ(home().in_flight("p/k").messages, 0U);
    journal.refusing = false;
  }
  EXPECT_EQ(tell().verdict, Verdict::done);
  EXPECT_EQ(tell().verdict, Verdict::failed);
}

TEST_F(InFlightTest, TheNextServerCountsWhatTheLastOneLeft) {
  install({.outbox_max = 1});
  EXPECT_EQ(tell().verdict, Verdict::done);
  journal.crash();
  NextServer next(journal);
  ASSERT_TRUE(next.system.resume());
  next.settle();
  const InFlight left = next.system.on(next.system.shard_of({"p", "k"})).in_flight("p/k");
  EXPECT_EQ(left.messages, 1U);
  EXPECT_EQ(left.bytes, message_bytes);
}

TEST_F(InFlightTest, WhatAForgottenActorHasSentIsWithdrawn) {
  install({.outbox_max = 1});
  EXPECT_EQ(tell().verdict, Verdict::done);
  system.forgotten("p/other");
  settle();
  EXPECT_EQ(home().in_flight("p/k").messages, 1U);
  system.forgotten("p/k");
  settle();
  EXPECT_EQ(home().in_flight("p/k").messages, 0U);
  EXPECT_TRUE(journal.on_their_way.empty());
}

TEST_F(InFlightTest, WhatHasBeenHandledIsNoLongerOnItsWay) {
  install({.outbox_max = 1});
  EXPECT_EQ(tell().verdict, Verdict::done);
  auto other = std::make_shared<PluginVersion>(*version_of(plugin_text));
  other->name = "q";
  system.install(other);
  settle();
  commit();
  EXPECT_EQ(home().in_flight("p/k").messages, 0U);
  EXPECT_TRUE(journal.on_their_way.empty());
  EXPECT_EQ(tell().verdict, Verdict::done);
}

// Actors that hear of what others publish.
class PublishTest : public GateTest {
 protected:
  PublishTest() {
    const std::string topic = R"({"topic":"news"})";
    std::string text = plugin_with({{"listen", "subscribe", topic},
                                    {"tell", "publish", rain},
                                    {"handle_message", "cancel", R"({"name":"none"})"}});
    // The texts of the exports lie there one after another.
    text.insert(text.rfind(')'),
                fmt::format(R"((func (export "listen_and_tell")
                              (call $troupe_subscribe (call $block (i32.const 1000) (i32.const {})))
                              (call $troupe_publish (call $block (i32.const {}) (i32.const {})))
                              (call $give (i32.const 7) (i32.const 7))))",
                            topic.size(),
                            1000 + topic.size(),
                            rain.size()));
    install(text, {.outbox_max = 2});
  }
  // What comes of it, when it is durable.
  Answer order(const std::string& key, Message::Kind kind, const std::string& name = {}) {
    std::optional<Answer> got;
    const auto asked =
        std::make_shared<const Ask>(Ask{0, [&](Answer answer) { got = std::move(answer); }});
    system.send({"p", key}, {.kind = kind, .ask = asked, .name = name, .payload = "{}"});
    settle();
    commit();
    EXPECT_TRUE(got);
    return got.value_or(Answer{.message = "no answer"});
  }
  void listen(const std::string& key) {
    EXPECT_EQ(order(key, Message::Kind::event, "listen").verdict, Verdict::done);
  }
  // By failures of nobody's but its own.
  void bring_down(const std::string& key) {
    for (int i = 0; i < 4; ++i) {
      system.send({"p", key}, {.kind = Message::Kind::event, .name = "trap", .payload = "{}"});
    }
    settle();
    commit();
    ASSERT_EQ(order(key, Message::Kind::event, "one").verdict, Verdict::down);
  }
  // After the time that one is down, at the most.
  void unpark(const std::string& key) {
    clock.now += 120'000'000'000;
    system.send({"p", key}, {.kind = Message::Kind::wake});
    settle();
    commit();
  }
  // Who hears it has not committed that yet.
  void tell(const std::string& key) {
    EXPECT_EQ(order(key, Message::Kind::event, "tell").verdict, Verdict::done);
  }
  // What an actor has heard, by the journal.
  Lines heard(const std::string& key) const {
    Lines heard;
    const auto found = journal.entries.find("p/" + key);
    if (found == journal.entries.end()) return heard;
    for (const Entry& entry : found->second) {
      if (entry.record.function == "handle_message") heard.push_back(entry.record.input);
    }
    return heard;
  }
  const std::string rain = R"({"topic":"news","event":"rain","payload":[1]})";
};

TEST_F(PublishTest, ReachesASleeperThatIsNotEvenLoaded) {
  listen("s");
  ask(Message::Kind::stop, "s");
  EXPECT_EQ(system.on(0).list("", "", 10).size() + system.on(1).list("", "", 10).size(), 0U);
  // Oftener than may be on its way at once.
  for (std::size_t times = 1; times <= 5; ++times) {
    tell("t");
    commit();
    EXPECT_EQ(heard("s"), Lines(times, rain));
  }
  EXPECT_TRUE(journal.on_their_way.empty());
}

TEST_F(PublishTest, IsHeardOnceWhateverTheServerEndsInTheMiddleOf) {
  listen("s");
  listen("u");
  tell("t");
  ASSERT_EQ(journal.on_their_way.size(), 2U);
  journal.crash();
  NextServer next(journal);
  next.system.install(system.on(0).find_plugin("p")->version);
  ASSERT_TRUE(next.system.resume());
  next.settle();
  journal.commit();
  next.settle();
  EXPECT_EQ(heard("s"), Lines{rain});
  EXPECT_EQ(heard("u"), Lines{rain});
  EXPECT_TRUE(journal.on_their_way.empty());
}

TEST_F(PublishTest, WhoHasJustSubscribedHearsItself) {
  for (int times = 1; times <= 2; ++times) {
    EXPECT_EQ(order("s", Message::Kind::event, "listen_and_tell").verdict, Verdict::done);
    commit();
    EXPECT_EQ(heard("s"), Lines(static_cast<std::size_t>(times), rain));
  }
}

TEST_F(PublishTest, WhoseTurnWasLostHearsItselfOnce) {
  system.send({"p", "s"},
              {.kind = Message::Kind::event, .name = "listen_and_tell", .payload = "{}"});
  settle();
  fail();
  journal.refusing = false;
  EXPECT_EQ(order("s", Message::Kind::event, "listen_and_tell").verdict, Verdict::done);
  commit();
  EXPECT_EQ(heard("s"), Lines{rain});
  EXPECT_TRUE(journal.on_their_way.empty());
}

// It goes back for a turn that the journal did not take.
TEST_F(PublishTest, WhatWasHeardDurablyIsNotHeardAgain) {
  listen("s");
  tell("t");
  commit();
  ASSERT_EQ(heard("s"), Lines{rain});
  journal.refusing = true;
  EXPECT_EQ(order("s", Message::Kind::event, "one").verdict, Verdict::unavailable);
  journal.refusing = false;
  unpark("s");
  EXPECT_EQ(order("s", Message::Kind::event, "one").verdict, Verdict::done);
  EXPECT_EQ(heard("s"), Lines{rain});
}

// The same, while the turn before is still on its way to the journal.
TEST_F(PublishTest, WhatIsHeardJustBeforeALossOfAnotherTurnIsHeardOnce) {
  listen("s");
  tell("t");
  journal.refusing = true;
  system.send({"p", "s"}, {.kind = Message::Kind::event, .name = "one", .payload = "{}"});
  settle();
  journal.refusing = false;
  commit();
  EXPECT_EQ(order("s", Message::Kind::event, "one").verdict, Verdict::done);
  EXPECT_EQ(heard("s"), Lines{rain});
}

TEST_F(PublishTest, OneThatIsDownHoldsNobodyUpAndHearsItLater) {
  listen("s");
  bring_down("s");
  for (int i = 0; i < 5; ++i) tell("t");
  commit();
  EXPECT_TRUE(heard("s").empty());
  unpark("s");
  EXPECT_EQ(heard("s"), Lines(5, rain));
  EXPECT_TRUE(journal.on_their_way.empty());
}

TEST_F(PublishTest, OneThatEndsWhileItIsDownLeavesNothingBehind) {
  listen("s");
  bring_down("s");
  tell("t");
  EXPECT_EQ(journal.on_their_way.size(), 1U);
  order("s", Message::Kind::end);
  clock.now += 1'000'000'000;
  for (std::size_t shard : {0U, 1U}) system.on(shard).timers().fire();
  settle();
  commit();
  EXPECT_TRUE(heard("s").empty());
  EXPECT_TRUE(journal.on_their_way.empty());
}

TEST_F(PublishTest, WhatWasOnItsWayToAPluginThatIsNotServedWaitsForIt) {
  listen("s");
  const auto version = system.on(0).find_plugin("p")->version;
  tell("t");
  journal.crash();
  NextServer next(journal);
  next.system.uninstall("p");
  next.settle();
  ASSERT_TRUE(next.system.resume());
  next.settle();
  EXPECT_EQ(journal.on_their_way.size(), 1U);
  next.system.install(version);
  next.settle();
  journal.commit();
  next.settle();
  EXPECT_EQ(heard("s"), Lines{rain});
  EXPECT_TRUE(journal.on_their_way.empty());
}

// More than a page of the journal, and than the gate and a mailbox take.
TEST_F(PublishTest, WhatWasOnItsWayArrivesInItsOrder) {
  clock.tick = 10'000;
  listen("s");
  Lines sent;
  for (std::uint64_t number = 1; number <= 6000; ++number) {
    sent.push_back(std::to_string(number));
    journal.on_their_way.push_back({.kind = journal::Outgoing::Kind::notice,
                                    .sender = "p/x",
                                    .incarnation = 7,
                                    .number = number,
                                    .to = "p/s",
                                    .name = "news",
                                    .payload = sent.back()});
  }
  ASSERT_TRUE(system.resume());
  settle();
  commit();
  unpark("s");
  EXPECT_EQ(heard("s"), sent);
  EXPECT_TRUE(journal.on_their_way.empty());
}

TEST_F(PublishTest, WhoseLifeIsOverHearsNothingMore) {
  listen("s");
  order("s", Message::Kind::end);
  tell("t");
  EXPECT_TRUE(journal.on_their_way.empty());
  EXPECT_TRUE(heard("s").empty());
}

TEST_F(PublishTest, ASubscriptionThatWasLostIsForgotten) {
  system.send({"p", "s"}, {.kind = Message::Kind::event, .name = "listen", .payload = "{}"});
  settle();
  fail();
  journal.refusing = false;
  tell("t");
  commit();
  EXPECT_TRUE(heard("s").empty());
  EXPECT_TRUE(journal.on_their_way.empty());
  EXPECT_TRUE(system.subscriptions().of("news").empty());
}

TEST_F(PublishTest, MoreThanMayBeOnTheirWayFailTheTurn) {
  for (const char* key : {"a", "b", "c"}) listen(key);
  const Answer answer = order("t", Message::Kind::event, "tell");
  EXPECT_EQ(answer.verdict, Verdict::failed);
  EXPECT_NE(answer.message.find(
                "this turn's 3 messages to other actors and the 0 not handled yet are more than 2"),
            std::string::npos)
      << answer.message;
}

TEST_F(GateTest, WhoLooksAtASleeperIsToldTheSameAndWakesNobody) {
  Screen screen;
  const auto viewer = join_home(screen, "k");
  for (int i = 0; i < 3; ++i) event(viewer, "count");
  commit();
  system.leave(viewer);
  journal.entries.at("p/k").back().changes.timers_set.push_back(
      {.name = "t", .event = "count", .payload = "{}", .due_ns = clock.now, .generation = 1});

  // Without a checkpoint the state is made anew beside the actor.
  NextServer after_a_crash(journal);
  const std::string repeated = after_a_crash.ask(Message::Kind::show, "k").output;
  EXPECT_NE(repeated.find(R"("status":"asleep")"), std::string::npos) << repeated;
  EXPECT_NE(repeated.find(R"("turn":4,)"), std::string::npos) << repeated;
  EXPECT_NE(repeated.find(R"("timers":[{"name":"t")"), std::string::npos) << repeated;
  EXPECT_NE(repeated.find(R"("state":{"n":3})"), std::string::npos) << repeated;
  EXPECT_EQ(after_a_crash.loaded(), 0U);
  EXPECT_EQ(after_a_crash.wakes(), 0U);
  EXPECT_EQ(after_a_crash.ask(Message::Kind::show, "other").verdict, Verdict::missing);
  EXPECT_EQ(after_a_crash.loaded(), 0U);

  journal.entries.at("p/k").back().changes.timers_set.clear();
  const auto once_more = join_home(screen, "k");
  for (std::size_t turns = 4; turns < checkpoint_turns; ++turns) event(once_more, "count");
  system.leave(once_more);
  commit();
  ASSERT_GE(journal.checkpoints.count("p/k"), 1U);
  NextServer after_a_stop(journal);
  const std::string told = after_a_stop.ask(Message::Kind::show, "k").output;
  EXPECT_EQ(after_a_stop.loaded(), 0U);
  EXPECT_EQ(after_a_stop.wakes(), 0U);
  Screen other;
  const auto watching = after_a_stop.join(other, "k", 0, after_a_stop.system.shard_of({"p", "k"}));
  EXPECT_EQ(after_a_stop.loaded(), 1U);
  std::string loaded = after_a_stop.ask(Message::Kind::show, "k").output;
  const std::size_t viewers = loaded.find(R"("viewers":1)");
  ASSERT_NE(viewers, std::string::npos) << loaded;
  loaded.replace(viewers, 11, R"("viewers":0)");
  EXPECT_EQ(told, loaded);
}

TEST_F(GateTest, WhatComesOutDifferentlyIsNotServed) {
  Screen screen;
  const auto viewer = join_home(screen, "k");
  event(viewer, "count");
  commit();
  journal.entries.at("p/k")[1].record.outcome[0] ^= 1;
  event(viewer, "count");
  screen.take();
  fail();
  screen.take();
  join_home(screen, "k");
  ASSERT_EQ(screen.lines.size(), 1U);
  EXPECT_TRUE(screen.lines[0].starts_with(
      R"(refused {"reason":"the actor cannot be loaded: turn 2 came out differently)"))
      << screen.lines[0];
}

// So much is to be repeated at most, however few turns it is.
TEST_F(GateTest, ACheckpointIsDueWhenTheGuestHasWorkedForLong) {
  std::string text(plugin_text);
  text.insert(text.find(R"((func (export "init"))"),
              R"((func (export "work") (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 40000000))))
    (call $give (i32.const 7) (i32.const 7)))
  )");
  install(text);
  Screen screen;
  const auto viewer = join_home(screen, "k");
  event(viewer, "work");
  commit();
  EXPECT_EQ(screen.take().back(), one);
  ASSERT_TRUE(journal.checkpoints.contains("p/k"));
  EXPECT_EQ(journal.checkpoints.at("p/k").turn, 2U);
}

// Its memory cannot be captured: what a crash would make it repeat has a bound.
TEST_F(GateTest, MemoryThatCannotBeCapturedIsGivenUpBeforeTooMuchWouldBeRepeated) {
  std::string text(plugin_text);
  text.insert(text.find("(memory 1)"),
              "(table $t 1 funcref) (func (export \"set\") "
              "(table.set $t (i32.const 0) (ref.null func)))\n  ");
  install(text);
  Screen screen;
  const auto viewer = join_home(screen, "k");
  // The first state is a turn too, and a checkpoint is tried only now and then.
  for (std::size_t i = 0; i < replay_turns_max + checkpoint_turns; ++i) {
    event(viewer, "count");
    if (i % checkpoint_turns == 0) commit();
  }
  commit();
  const std::vector<Entry>& entries = journal.entries.at("p/k");
  const auto restart = std::ranges::find_if(
      entries, [](const Entry& entry) { return entry.record.kind == Kind::restart; });
  ASSERT_NE(restart, entries.end());
  EXPECT_TRUE(restart->has_checkpoint);
  EXPECT_LE(restart - entries.begin(), replay_turns_max + checkpoint_turns);
  EXPECT_EQ(journal.checkpoints.at("p/k").memory, std::nullopt);
  ask(Message::Kind::restart, "k");
  event(viewer, "zero");
  commit();
  screen.take();
  event(viewer, "one");
  commit();
  EXPECT_EQ(screen.take(), Lines{one}) << "it goes on";
}

}  // namespace
}  // namespace troupe::actor
