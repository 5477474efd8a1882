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

class RunQueueTest : public testing::Test {
 protected:
  boost::asio::io_context io{1};
  RunQueue queue{io};
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
