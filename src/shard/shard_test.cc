#include "shard/shard.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace troupe::shard {
namespace {

TEST(Shard, RunsWhatIsSentOnItsOwnThreadInTheOrderOfEachSender) {
  Shards shards(1);
  shards.start();

  constexpr int senders = 4;
  constexpr int letters = 2000;
  std::vector<std::vector<int>> seen(senders);
  std::promise<void> done;
  std::thread::id where;
  int arrived = 0;

  std::vector<std::thread> threads;
  for (int sender = 0; sender < senders; ++sender) {
    threads.emplace_back([&, sender] {
      for (int letter = 0; letter < letters; ++letter) {
        shards[0].send([&, sender, letter] {
          where = std::this_thread::get_id();
          seen[static_cast<std::size_t>(sender)].push_back(letter);
          if (++arrived == senders * letters) done.set_value();
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  done.get_future().wait();
  shards.stop();

  EXPECT_NE(where, std::this_thread::get_id());
  for (const auto& order : seen) {
    ASSERT_EQ(order.size(), static_cast<std::size_t>(letters));
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }
}

TEST(Shard, DestroysWhatWasSentAndNeverRun) {
  auto held = std::make_shared<int>(0);
  {
    Shard shard(0);
    shard.send([held] { ++*held; });
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(*held, 0);
}

}  // namespace
}  // namespace troupe::shard
