#include "base/rate.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace troupe {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t start_ns = 1'700'000'000 * second_ns;

int taken(Rate& rate, std::int64_t now_ns, int wanted) {
  int count = 0;
  for (int i = 0; i < wanted; ++i) count += rate.take(now_ns) ? 1 : 0;
  return count;
}

TEST(Rate, AllowsASecondsWorthAtOnceAndThenOneByOne) {
  Rate rate(10);
  EXPECT_EQ(taken(rate, start_ns, 100), 10);
  EXPECT_FALSE(rate.is_at_rest(start_ns));
  EXPECT_EQ(taken(rate, start_ns + second_ns / 10, 100), 1);
  EXPECT_EQ(taken(rate, start_ns + second_ns / 2, 100), 4);
  EXPECT_EQ(taken(rate, start_ns + 10 * second_ns, 100), 10);
  EXPECT_TRUE(rate.is_at_rest(start_ns + 11 * second_ns));
}

TEST(Rate, DoesNotWaitForAClockThatWasSetBack) {
  Rate rate(10);
  EXPECT_EQ(taken(rate, start_ns, 100), 10);
  EXPECT_EQ(taken(rate, start_ns - 3600 * second_ns, 100), 10);
}

TEST(Rate, CountsWhatSeveralThreadsTakeOnlyOnce) {
  Rate rate(1000);
  std::atomic<int> all = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { all += taken(rate, start_ns, 1000); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(all, 1000);
}

}  // namespace
}  // namespace troupe
