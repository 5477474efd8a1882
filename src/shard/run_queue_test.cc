#include "shard/run_queue.h"

#include "base/task.h"

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace troupe::shard {
namespace {

Task<> work(RunQueue& queue, RunQueue::Lane& lane, std::string& order, char name, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    co_await queue.yield(lane);
    order += name;
  }
}

// Holds the thread for long each time.
Task<> work_long(RunQueue& queue, RunQueue::Lane& lane, std::string& order, char name, int rounds) {
  constexpr std::chrono::milliseconds time{20};
  for (int round = 0; round < rounds; ++round) {
    co_await queue.yield(lane);
    order += name;
    const auto begun = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < begun + time) {
    }
  }
}

class RunQueueTest : public testing::Test {
 protected:
  boost::asio::io_context io{1};
  // Every resumption counts the same.
  RunQueue queue{io, RunQueue::slice_default, std::chrono::hours(1)};
  RunQueue::Lane one;
  RunQueue::Lane other;
  std::string order;
};

TEST_F(RunQueueTest, ServesTheLanesInTurnHoweverManyWaitInOne) {
  std::vector<Task<>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(work(queue, one, order, 'a', 1));
  tasks.push_back(work(queue, other, order, 'b', 3));
  for (auto& task : tasks) task.start();
  EXPECT_FALSE(queue.idle());
  io.run();
  EXPECT_EQ(order, "ababab");
  EXPECT_TRUE(queue.idle());
}

TEST_F(RunQueueTest, ServesFirstWhoHasHadLeastOfTheTime) {
  RunQueue by_time(io);
  const auto busy = [&](char name, int rounds) -> Task<> {
    return work_long(by_time, one, order, name, rounds);
  };
  Task<> greedy = busy('g', 3);
  Task<> other_greedy = busy('h', 3);
  Task<> modest = work(by_time, other, order, 'm', 5);
  greedy.start();
  other_greedy.start();
  modest.start();
  io.run();
  EXPECT_EQ(order, "gmmmmmhghgh");
}

TEST_F(RunQueueTest, TimeThatALaneDidNotWantIsNotSavedForIt) {
  RunQueue by_time(io);
  Task<> first = work_long(by_time, one, order, 'f', 4);
  first.start();
  while (order.size() < 3) io.run_one();
  Task<> late = work_long(by_time, other, order, 'l', 4);
  late.start();
  io.run();
  // It may catch up with the one at hand, and then they alternate.
  EXPECT_EQ(order.substr(0, 4), "fffl");
  EXPECT_LE(order.find('f', 4), 5U) << order;
}

TEST_F(RunQueueTest, WithinALaneTheFirstComeIsServedFirst) {
  Task<> first = work(queue, one, order, '1', 2);
  Task<> second = work(queue, one, order, '2', 2);
  first.start();
  second.start();
  io.run();
  EXPECT_EQ(order, "1212");
}

TEST_F(RunQueueTest, LetsTheEventLoopRunAfterASlice) {
  RunQueue impatient(io, std::chrono::microseconds(0));
  Task<> task = work(impatient, one, order, 'w', 3);
  task.start();
  boost::asio::post(io, [this] {
    order += '-';
    boost::asio::post(io, [this] { order += '-'; });
  });
  io.run();
  EXPECT_EQ(order, "w-w-w");
}

TEST_F(RunQueueTest, GoesOnWithinASliceBeforeTheEventLoopRuns) {
  RunQueue patient(io, std::chrono::hours(1));
  Task<> task = work(patient, one, order, 'w', 3);
  task.start();
  boost::asio::post(io, [this] { order += '-'; });
  io.run();
  EXPECT_EQ(order, "www-");
}

TEST_F(RunQueueTest, ForgetsWhoIsDestroyedWhileWaiting) {
  Task<> lost = work(queue, one, order, 'x', 1);
  Task<> kept = work(queue, other, order, 'k', 1);
  lost.start();
  kept.start();
  lost.reset();
  io.run();
  EXPECT_EQ(order, "k");
}

}  // namespace
}  // namespace troupe::shard
