#include "journal/sqlite_journal.h"

#include "journal/inspect.h"
#include "journal/testing.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace troupe::journal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view address = "todo/todo:all";

At at_turn(std::uint64_t turn) {
  return {At::Kind::turn, turn};
}

// A journal in a folder of its own, with one appender that owns everything.
class SqliteJournalTest : public testing::Test {
 protected:
  SqliteJournalTest() { open(); }

  void open() {
    told_.emplace();
    auto opened =
        open_sqlite({.file = folder_.file(), .bounds = bounds_, .retention = retention_}, clock_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    journal_ = std::move(*opened);
    appender_ = journal_->appender(*told_);
    for (std::size_t i = 0; i < partitions; ++i) {
      appender_->claim(static_cast<std::uint8_t>(i));
    }
  }
  void close() {
    appender_.reset();
    journal_.reset();
    told_.reset();
  }
  void reopen() {
    close();
    open();
  }

  Subject subject(std::uint64_t number, std::string_view whose = address) const {
    return {.address = std::string(whose), .incarnation = 77, .number = number};
  }
  // Turns from..to, each the entry of its number; waits for the last.
  void append_turns(std::uint64_t from, std::uint64_t to, std::string_view whose = address) {
    Ticket last = 0;
    for (std::uint64_t turn = from; turn <= to; ++turn) {
      const Appended appended = appender_->append(subject(turn, whose), a_turn(turn));
      ASSERT_TRUE(appended) << name_of(appended.refusal);
      last = appended.ticket;
    }
    appender_->flush();
    ASSERT_TRUE(told_->wait_for(last)) << told_->take_failure();
  }
  bool append_and_wait(const Subject& whose,
                       const Record& record,
                       const Changes& changes = {},
                       const Beside& beside = {}) {
    const Appended appended = appender_->append(whose, record, changes, beside);
    appender_->flush();
    return appended && told_->wait_for(appended.ticket);
  }
  Checkpoint checkpoint_of(std::uint64_t number) const {
    return {.subject = subject(number),
            .turn = number,
            .last_time_ns = a_turn(number).time_ns,
            .code = "00ff",
            .state = R"({"n":)" + std::to_string(number) + "}",
            .memory = std::string(10'000, 'm')};
  }
  void expect_sound() {
    const auto verified = verify(folder_.file());
    ASSERT_TRUE(verified.has_value()) << verified.error().message;
    EXPECT_EQ(verified->problems, std::vector<std::string>());
  }
  // Changes one byte of the input in the file, where SQLite does not look.
  void damage(std::string_view input) {
    std::fstream file(folder_.file(), std::ios::in | std::ios::out | std::ios::binary);
    const std::string all(std::istreambuf_iterator<char>(file), {});
    const std::size_t at = all.find(input);
    ASSERT_NE(at, std::string::npos);
    file.clear();
    file.seekp(static_cast<std::streamoff>(at) + 2);
    file.put('7');
  }
  std::uint64_t prune() {
    Awaited<std::uint64_t> answer;
    journal_->prune(answer.reply());
    return answer.get().value();
  }
  Result<void> forget(std::string whose) {
    Awaited<void> answer;
    journal_->forget(std::move(whose), answer.reply());
    return answer.get();
  }

  Folder folder_;
  StoppedClock clock_;
  Bounds bounds_;
  Retention retention_;
  std::optional<Told> told_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Appender> appender_;
};

TEST_F(SqliteJournalTest, IsMadeForItsOwnerAlone) {
  struct stat status{};
  ASSERT_EQ(::stat(folder_.file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(SqliteJournalTest, KnowsNothingOfAnActorThatWasNeverThere) {
  EXPECT_FALSE(load(*journal_, "todo/none").value().has_value());
  EXPECT_TRUE(history(*journal_, "todo/none").value().empty());
}

TEST_F(SqliteJournalTest, GivesTurnsBackInOrderBeforeAndAfterItIsOpenedAgain) {
  append_turns(1, 70);
  for (int pass = 0; pass < 2; ++pass) {
    const auto past = load(*journal_, std::string(address)).value();
    ASSERT_TRUE(past.has_value());
    EXPECT_EQ(past->last, subject(70));
    EXPECT_EQ(past->turn, 70U);
    ASSERT_EQ(past->entries.size(), 70U);
    for (std::uint64_t turn = 1; turn <= 70; ++turn) {
      Record expected = a_turn(turn);
      expected.last_time_ns = expected.time_ns;
      EXPECT_EQ(past->entries[turn - 1].record, expected);
    }
    reopen();
  }
  expect_sound();
}

TEST_F(SqliteJournalTest, LoadsTheLastCheckpointAndWhatCameAfter) {
  append_turns(1, 10);
  ASSERT_TRUE(appender_->keep(checkpoint_of(10)));
  append_turns(11, 13);
  reopen();  // ends only when the checkpoint is written
  const auto past = load(*journal_, std::string(address)).value();
  ASSERT_TRUE(past->checkpoint.has_value());
  EXPECT_EQ(*past->checkpoint, checkpoint_of(10));
  ASSERT_EQ(past->entries.size(), 3U);
  EXPECT_EQ(past->entries[0].subject.number, 11U);
  expect_sound();
}

TEST_F(SqliteJournalTest, ACheckpointOfWhatIsNotFlushedYetGoesToTheWriterAfterIt) {
  append_turns(1, 9);
  ASSERT_TRUE(appender_->append(subject(10), a_turn(10)));
  ASSERT_TRUE(appender_->keep(checkpoint_of(10)));
  reopen();
  const auto past = load(*journal_, std::string(address)).value();
  ASSERT_TRUE(past->checkpoint.has_value());
  EXPECT_EQ(*past->checkpoint, checkpoint_of(10));
  EXPECT_TRUE(past->entries.empty());
}

TEST_F(SqliteJournalTest, ACheckpointIsWrittenWithTheNextCommitOrSoonAlone) {
  append_turns(1, 10);
  const std::uint64_t commits = journal_->counters().commits;
  ASSERT_TRUE(appender_->keep(checkpoint_of(10)));
  while (journal_->counters().checkpoints == 0) std::this_thread::yield();
  EXPECT_EQ(journal_->counters().commits, commits + 1);
}

// Its number may be that of another turn by now.
TEST_F(SqliteJournalTest, ACheckpointOfAnEntryThatFailedIsNotKept) {
  append_turns(1, 5);
  ASSERT_TRUE(appender_->append(subject(6), a_turn(6)));
  Checkpoint wrong = checkpoint_of(6);
  wrong.state = R"({"n":"what never was"})";
  Told other_told;
  const auto other = journal_->appender(other_told);
  other->claim(partition_of(address));
  ASSERT_TRUE(appender_->keep(wrong));
  const Appended appended = other->append(subject(6), a_turn(6));
  other->flush();
  ASSERT_TRUE(other_told.wait_for(appended.ticket));
  appender_->flush();
  EXPECT_FALSE(told_->wait_for(6));
  reopen();
  const auto past = load(*journal_, std::string(address)).value();
  EXPECT_FALSE(past->checkpoint.has_value());
  EXPECT_EQ(past->entries.size(), 6U);
}

// What was lost has numbers of its own, for which nobody waits.
TEST_F(SqliteJournalTest, ACheckpointAfterALossIsWritten) {
  append_turns(1, 5);
  Told other_told;
  const auto other = journal_->appender(other_told);
  ASSERT_TRUE(appender_->append(subject(6), a_turn(6)));
  other->claim(partition_of(address));
  appender_->flush();
  EXPECT_FALSE(told_->wait_for(6));
  told_->take_failure();
  appender_->claim(partition_of(address));
  appender_->recover();
  ASSERT_TRUE(appender_->append(subject(6), a_turn(6)));  // and this is lost as well
  appender_->recover();
  ASSERT_TRUE(appender_->keep(checkpoint_of(5)));
  reopen();
  EXPECT_EQ(load(*journal_, std::string(address)).value()->checkpoint, checkpoint_of(5));
}

TEST_F(SqliteJournalTest, LoadsAnActorAsItWasAtAnEarlierTurn) {
  append_turns(1, 5);
  ASSERT_TRUE(appender_->keep(checkpoint_of(5)));
  append_turns(6, 12);
  ASSERT_TRUE(appender_->keep(checkpoint_of(12)));
  append_turns(13, 14);
  reopen();
  const auto at_8 = load(*journal_, std::string(address), at_turn(8)).value();
  EXPECT_EQ(at_8->checkpoint->turn, 5U);
  ASSERT_EQ(at_8->entries.size(), 3U);
  EXPECT_EQ(at_8->entries.back().record.turn, 8U);
  const auto at_3 = load(*journal_, std::string(address), at_turn(3)).value();
  EXPECT_FALSE(at_3->checkpoint.has_value());
  EXPECT_EQ(at_3->entries.size(), 3U);
  const auto at_5 = load(*journal_, std::string(address), at_turn(5)).value();
  EXPECT_EQ(at_5->checkpoint->turn, 5U);
  EXPECT_TRUE(at_5->entries.empty());
  const auto after_4 = load(*journal_, std::string(address), At{At::Kind::entry, 4}).value();
  EXPECT_FALSE(after_4->checkpoint.has_value());
  EXPECT_EQ(after_4->entries.size(), 4U);
  EXPECT_NE(load(*journal_, std::string(address), At{At::Kind::entry, 15})
                .error()
                .message.find("no entry 15"),
            std::string::npos);
  EXPECT_NE(load(*journal_, std::string(address), at_turn(15)).error().message.find("no turn 15"),
            std::string::npos);
}

TEST_F(SqliteJournalTest, TurnsThatWereUndoneAreInTheHistoryAndNotRunAgain) {
  append_turns(1, 2);
  Record undone = a_turn(3);
  undone.committed = false;
  undone.result = TurnResult::failed;
  undone.reason = "it ran out of memory";
  ASSERT_TRUE(append_and_wait(subject(3), undone));
  append_turns(4, 4);
  const auto past = load(*journal_, std::string(address)).value();
  EXPECT_EQ(past->turn, 4U);
  EXPECT_EQ(past->entries.size(), 3U);
  const auto entries = history(*journal_, std::string(address), 0, 2).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1].record.reason, "it ran out of memory");
  EXPECT_EQ(history(*journal_, std::string(address), 2).value().front().subject.number, 2U);
}

TEST_F(SqliteJournalTest, ALifeEndsWithATombstoneAndTheNextIsAnother) {
  append_turns(1, 2);
  Record tombstone;
  tombstone.kind = Kind::end;
  tombstone.turn = 2;
  tombstone.time_ns = a_turn(3).time_ns;
  tombstone.committed = true;
  ASSERT_TRUE(append_and_wait(subject(3), tombstone));
  EXPECT_TRUE(load(*journal_, std::string(address)).value()->ended);

  Subject next = subject(4);
  EXPECT_FALSE(append_and_wait(next, a_turn(1))) << "the old life goes on";
  appender_->recover();
  told_->take_failure();
  next.incarnation = 78;
  Record first = a_turn(1);
  first.time_ns = a_turn(4).time_ns;
  ASSERT_TRUE(append_and_wait(next, first));
  const auto past = load(*journal_, std::string(address)).value();
  EXPECT_FALSE(past->ended);
  EXPECT_EQ(past->entries.size(), 1U);
  EXPECT_EQ(history(*journal_, std::string(address)).value().size(), 4U);
  expect_sound();
}

TEST_F(SqliteJournalTest, WhoGoesOnFromAnOldPastIsRefused) {
  append_turns(1, 3);
  EXPECT_FALSE(append_and_wait(subject(3), a_turn(3)));
  EXPECT_NE(told_->take_failure().find("its last one is 3"), std::string::npos);
  EXPECT_EQ(appender_->append(subject(4), a_turn(4)).refusal, Refusal::failed);
  appender_->recover();
  append_turns(4, 4);
  expect_sound();
}

TEST_F(SqliteJournalTest, AnOwnerThatWasReplacedCannotAppend) {
  append_turns(1, 1);
  Told other_told;
  const auto other = journal_->appender(other_told);
  EXPECT_EQ(other->append(subject(2), a_turn(2)).refusal, Refusal::not_owner);
  other->claim(partition_of(address));
  EXPECT_EQ(appender_->append(subject(2), a_turn(2)).refusal, Refusal::not_owner);
  const Appended appended = other->append(subject(2), a_turn(2));
  other->flush();
  ASSERT_TRUE(appended);
  EXPECT_TRUE(other_told.wait_for(appended.ticket));
}

TEST_F(SqliteJournalTest, AProcessThatWasOvertakenCommitsNothingMore) {
  append_turns(1, 1);
  const auto other = open_sqlite({.file = folder_.file()}, clock_).value();
  EXPECT_FALSE(append_and_wait(subject(2), a_turn(2)));
  EXPECT_NE(told_->take_failure().find("another process has opened the journal"),
            std::string::npos);
  EXPECT_TRUE(journal_->health().refusing);
  EXPECT_EQ(history(*other, std::string(address)).value().size(), 1U);
}

TEST_F(SqliteJournalTest, AMessageLeavesTheOutboxWithTheEntryOfItsReceiver) {
  const Outgoing message{.kind = Outgoing::Kind::event,
                         .number = 1,
                         .to = "todo/other",
                         .name = "add",
                         .payload = "{}"};
  ASSERT_TRUE(append_and_wait(subject(1), a_turn(1), {.sent = 1}, {.sent = {message}}));
  const auto pending = [this] {
    Awaited<std::vector<Outgoing>> answer;
    journal_->outbox({}, 10, answer.reply());
    return answer.get().value();
  };
  ASSERT_EQ(pending().size(), 1U);
  EXPECT_EQ(pending()[0].sender, address);
  EXPECT_EQ(pending()[0].payload, "{}");
  reopen();
  ASSERT_EQ(pending().size(), 1U) << "it is still on its way after a restart";
  ASSERT_TRUE(append_and_wait(subject(1, "todo/other"), a_turn(1), {}, {.received = pending()}));
  EXPECT_TRUE(pending().empty());
}

TEST_F(SqliteJournalTest, TimersAreFoundByWhenTheyAreDue) {
  const auto due = [this](std::int64_t until, Alarm after = {}) {
    Awaited<std::vector<Alarm>> answer;
    journal_->timers(until, std::move(after), 10, answer.reply());
    return answer.get().value();
  };
  const Timer soon{.name = "soon", .event = "tick", .payload = "1", .due_ns = 100, .generation = 1};
  const Timer late{.name = "late", .event = "tick", .payload = "2", .due_ns = 200, .generation = 2};
  ASSERT_TRUE(append_and_wait(subject(1), a_turn(1), {.timers_set = {soon, late}}));
  EXPECT_TRUE(due(99).empty());
  ASSERT_EQ(due(150).size(), 1U);
  EXPECT_EQ(due(150)[0].timer, soon);
  EXPECT_EQ(due(1000, due(150)[0])[0].timer, late);
  ASSERT_TRUE(append_and_wait(subject(2), a_turn(2), {.timers_cancelled = {"soon"}}));
  EXPECT_EQ(due(1000).size(), 1U);
  EXPECT_EQ(load(*journal_, std::string(address)).value()->timers, std::vector{late});
}

TEST_F(SqliteJournalTest, SubscriptionsAreReadInPages) {
  ASSERT_TRUE(append_and_wait(subject(1), a_turn(1), {.topics_joined = {"news", "sport", "tv"}}));
  ASSERT_TRUE(append_and_wait(subject(2), a_turn(2), {.topics_left = {"sport"}}));
  ASSERT_TRUE(append_and_wait(subject(1, "a/b"), a_turn(1), {.topics_joined = {"news"}}));
  const auto page = [this](Subscription after) {
    Awaited<std::vector<Subscription>> answer;
    journal_->subscriptions(std::move(after), 2, answer.reply());
    return answer.get().value();
  };
  const std::string todo(address);
  EXPECT_EQ(page({}), (std::vector<Subscription>{{"news", "a/b"}, {"news", todo}}));
  EXPECT_EQ(page({"news", todo}), (std::vector<Subscription>{{"tv", todo}}));
  EXPECT_EQ(load(*journal_, todo).value()->topics, (std::vector<std::string>{"news", "tv"}));
}

TEST_F(SqliteJournalTest, ListsActorsInOrderWhetherTheTableKnowsThemOrNot) {
  append_turns(1, 1, "todo/b");
  append_turns(1, 1, "todo/d");
  reopen();  // those are in the table now
  append_turns(1, 1, "todo/a");
  append_turns(1, 1, "todo/c");
  append_turns(2, 2, "todo/d");
  append_turns(1, 1, "user/x");
  Awaited<std::vector<ActorLine>> answer;
  journal_->list("todo/", "todo/a", 10, answer.reply());
  const auto lines = answer.get().value();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].address, "todo/b");
  EXPECT_EQ(lines[1].address, "todo/c");
  EXPECT_EQ(lines[2].address, "todo/d");
  EXPECT_EQ(lines[2].turn, 2U);
}

TEST_F(SqliteJournalTest, AQueueThatIsFullRefuses) {
  close();
  bounds_.queue_entries_max = 4;
  open();
  std::uint64_t accepted = 0;
  Refusal refusal = Refusal::failed;
  // The writer is slower than this loop on every disk there is.
  for (std::uint64_t turn = 1; turn <= 1'000'000; ++turn) {
    const Appended appended = appender_->append(subject(turn), a_turn(turn));
    if (!appended) {
      refusal = appended.refusal;
      break;
    }
    accepted = appended.ticket;
  }
  EXPECT_EQ(refusal, Refusal::full);
  appender_->flush();
  ASSERT_TRUE(told_->wait_for(accepted));
  append_turns(accepted + 1, accepted + 1);  // there is room again
  expect_sound();
}

TEST_F(SqliteJournalTest, PruningKeepsWhatThePolicySaysAndTheRestStillLoads) {
  append_turns(1, 10);
  ASSERT_TRUE(appender_->keep(checkpoint_of(10)));
  append_turns(11, 20);
  ASSERT_TRUE(appender_->keep(checkpoint_of(20)));
  append_turns(21, 30);
  ASSERT_TRUE(appender_->keep(checkpoint_of(30)));
  append_turns(31, 32);
  reopen();
  EXPECT_EQ(prune(), 0U) << "all of it is younger than the policy's age";
  clock_.now_ns_ += std::chrono::nanoseconds(retention_.age).count() + 1'000'000'000;
  EXPECT_EQ(prune(), 20U) << "up to the second last checkpoint";
  expect_sound();
  const auto past = load(*journal_, std::string(address)).value();
  EXPECT_EQ(past->checkpoint->turn, 30U);
  EXPECT_EQ(past->entries.size(), 2U);
  EXPECT_EQ(history(*journal_, std::string(address)).value().size(), 12U);
  EXPECT_EQ(load(*journal_, std::string(address), at_turn(25)).value()->checkpoint->turn, 20U);
  EXPECT_TRUE(load(*journal_, std::string(address), at_turn(15)).has_error());
}

TEST_F(SqliteJournalTest, WhatIsForgottenIsGoneFromTheFiles) {
  append_turns(1, 40);
  append_turns(1, 40, "todo/other");
  ASSERT_TRUE(appender_->keep(checkpoint_of(40)));
  reopen();
  EXPECT_NE(forget(std::string(address)).error().message.find("still lives"), std::string::npos);
  Record tombstone;
  tombstone.kind = Kind::end;
  tombstone.turn = 40;
  tombstone.time_ns = a_turn(41).time_ns;
  tombstone.committed = true;
  ASSERT_TRUE(append_and_wait(subject(41), tombstone));
  ASSERT_FALSE(verify(folder_.file(), std::string(address)).value().problems.empty());
  const auto forgotten = forget(std::string(address));
  ASSERT_TRUE(forgotten.has_value()) << forgotten.error().message;
  const auto verified = verify(folder_.file(), std::string(address)).value();
  EXPECT_EQ(verified.problems, std::vector<std::string>());
  EXPECT_EQ(verified.removed, 41U);
  EXPECT_FALSE(load(*journal_, std::string(address)).value().has_value());
  EXPECT_EQ(load(*journal_, "todo/other").value()->entries.size(), 40U);
}

// Its other entries are found without it, and another's beside it stay.
TEST_F(SqliteJournalTest, AnActorWithADamagedEntryCanBeForgotten) {
  append_turns(1, 40, "todo/other");
  append_turns(1, 40);
  Record tombstone;
  tombstone.kind = Kind::end;
  tombstone.turn = 40;
  tombstone.time_ns = a_turn(41).time_ns;
  tombstone.committed = true;
  ASSERT_TRUE(append_and_wait(subject(41), tombstone));
  close();
  damage("\x03[1]");
  open();
  const auto forgotten = forget(std::string(address));
  ASSERT_TRUE(forgotten.has_value()) << forgotten.error().message;
  const auto verified = verify(folder_.file(), std::string(address)).value();
  EXPECT_EQ(verified.problems, std::vector<std::string>());
  EXPECT_FALSE(load(*journal_, std::string(address)).value().has_value());
  EXPECT_EQ(load(*journal_, "todo/other").value()->entries.size(), 40U);
}

TEST_F(SqliteJournalTest, ABackupMadeMeanwhileIsAWholeJournalWithItsCode) {
  fs::create_directories(folder_.path() / "plugins/todo");
  std::ofstream(folder_.path() / "plugins/todo/5f0c.wasm") << "code";
  append_turns(1, 20);
  ASSERT_TRUE(backup(folder_.path(), {"plugins"}, folder_.path() / "backup").has_value());
  append_turns(21, 25);
  EXPECT_TRUE(backup(folder_.path(), {}, folder_.path() / "backup").has_error()) << "is there";

  const Folder other;
  const auto restored = restore(folder_.path() / "backup", other.path());
  ASSERT_TRUE(restored.has_value()) << restored.error().message;
  std::string code;
  std::ifstream(other.path() / "plugins/todo/5f0c.wasm") >> code;
  EXPECT_EQ(code, "code");
  const auto copy = open_sqlite({.file = other.file()}, clock_).value();
  EXPECT_EQ(load(*copy, std::string(address)).value()->entries.size(), 20U);
  EXPECT_TRUE(restore(folder_.path() / "backup", other.path()).has_error()) << "has a journal";
}

TEST_F(SqliteJournalTest, ADamagedEntryIsNamed) {
  append_turns(1, 3);
  close();
  damage("\x03[1]");
  const auto verified = verify(folder_.file()).value();
  ASSERT_FALSE(verified.problems.empty());
  EXPECT_NE(verified.problems[0].find("the checksum is wrong"), std::string::npos)
      << verified.problems[0];
  open();
  const auto past = load(*journal_, std::string(address));
  ASSERT_TRUE(past.has_error());
  EXPECT_NE(past.error().message.find("the checksum is wrong"), std::string::npos);
}

TEST_F(SqliteJournalTest, AJournalOfANewerProgramIsRefused) {
  close();
  std::fstream file(folder_.file(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(63);  // the last byte of user_version in SQLite's header
  file.put(99);
  file.close();
  const auto opened = open_sqlite({.file = folder_.file()}, clock_);
  ASSERT_TRUE(opened.has_error());
  EXPECT_NE(opened.error().message.find("format version 99"), std::string::npos);
}

}  // namespace
}  // namespace troupe::journal
