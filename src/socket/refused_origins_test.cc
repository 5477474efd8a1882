#include "socket/refused_origins.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::socket {
namespace {

using namespace std::chrono_literals;

TEST(RefusedOrigins, EachIsNewsOnceAMinute) {
  RefusedOrigins refused;
  const RefusedOrigins::Time start{};
  EXPECT_TRUE(refused.is_news("https://a", start));
  EXPECT_FALSE(refused.is_news("https://a", start + 59s));
  EXPECT_TRUE(refused.is_news("https://b", start + 59s));
  EXPECT_TRUE(refused.is_news("https://a", start + 60s));
}

TEST(RefusedOrigins, AFloodOfInventedOnesDoesNotFloodTheLog) {
  RefusedOrigins refused;
  int lines = 0;
  for (int i = 0; i < 10'000; ++i) lines += refused.is_news("https://" + std::to_string(i), {});
  EXPECT_EQ(lines, 16);
}

}  // namespace
}  // namespace troupe::socket
