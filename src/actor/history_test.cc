#include "actor/history.h"

#include <gtest/gtest.h>

namespace troupe::actor {
namespace {

using std::chrono::microseconds;

void keep(History& history, std::size_t input_bytes, std::chrono::nanoseconds ran) {
  journal::Record turn;
  turn.input.assign(input_bytes, 'x');
  history.keep(turn, ran);
}

TEST(History, ACheckpointIsDueAfterTurnsOrBytesOrTimeOfTheGuest) {
  History turns;
  for (std::size_t i = 1; i < checkpoint_turns; ++i) keep(turns, 1, microseconds(70));
  EXPECT_FALSE(turns.is_checkpoint_due());
  keep(turns, 1, microseconds(70));
  EXPECT_TRUE(turns.is_checkpoint_due());

  History bytes;
  keep(bytes, checkpoint_bytes, {});
  EXPECT_TRUE(bytes.is_checkpoint_due());

  History time;
  keep(time, 1, microseconds(4999));
  EXPECT_FALSE(time.is_checkpoint_due());
  keep(time, 1, microseconds(1));
  EXPECT_TRUE(time.is_checkpoint_due());
  time.replace(std::make_unique<Checkpoint>());
  EXPECT_FALSE(time.is_checkpoint_due());
}

TEST(History, OneThatCannotBeTakenIsDueAgainOnlyAfterAsMuchMore) {
  History history;
  keep(history, 1, checkpoint_guest_time);
  history.put_off();
  EXPECT_FALSE(history.is_checkpoint_due());
  EXPECT_EQ(history.turns().size(), 1U);
  keep(history, 1, checkpoint_guest_time);
  EXPECT_TRUE(history.is_checkpoint_due());
}

TEST(History, IsCompleteUntilTooMuchHasHappenedToBeRepeated) {
  History turns;
  for (std::size_t i = 0; i < replay_turns_max; ++i) keep(turns, 1, {});
  EXPECT_TRUE(turns.is_complete());
  keep(turns, 1, {});
  EXPECT_FALSE(turns.is_complete());
  EXPECT_FALSE(turns.has_turns());
  turns.replace(std::make_unique<Checkpoint>());
  EXPECT_TRUE(turns.is_complete());

  History bytes;
  keep(bytes, replay_bytes_max, {});
  EXPECT_FALSE(bytes.is_complete());

  History time;
  keep(time, 1, replay_guest_time_max);
  EXPECT_TRUE(time.is_complete());
  keep(time, 1, microseconds(1));
  EXPECT_FALSE(time.is_complete());

  History loaded;
  std::vector<journal::Record> records(replay_turns_max);
  loaded.restore(records);
  EXPECT_TRUE(loaded.is_complete());
  keep(loaded, 1, {});
  EXPECT_FALSE(loaded.is_complete());
}

TEST(History, ATurnIsGivenBackAsItWasKept) {
  History history;
  std::vector<journal::Record> kept;
  for (std::uint8_t i = 1; i <= 4; ++i) {
    journal::Record turn{.turn = i,
                         .input_id = {i},
                         .function = "addTodo",
                         .input = std::string(i, 'x'),
                         .time_ns = i * 1000,
                         .committed = true,
                         .outcome = {i},
                         .last_time_ns = i * 1000 + 1};
    if (i % 2 == 0) turn.seed = {0, i};  // asked for random numbers
    if (i == 3) turn.answers = {"an answer"};
    if (i == 4) turn.reason = "why";
    kept.push_back(turn);
    history.keep(turn, {});
  }
  EXPECT_EQ(history.turns(), kept);
}

}  // namespace
}  // namespace troupe::actor
