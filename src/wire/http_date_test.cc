#include "wire/http_date.h"

#include <gtest/gtest.h>

namespace troupe::wire {
namespace {

TEST(HttpDate, IsWrittenAsTheHeaderWantsIt) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(HttpDate, AnEtagIsFoundInAList) {
  EXPECT_TRUE(etag_matches("\"a\"", "\"a\""));
  EXPECT_TRUE(etag_matches("\"x\", W/\"a\" ,\"b\"", "\"a\""));
  EXPECT_TRUE(etag_matches("*", "\"a\""));
  EXPECT_FALSE(etag_matches("", "\"a\""));
  EXPECT_FALSE(etag_matches("\"aa\"", "\"a\""));
  EXPECT_FALSE(etag_matches("a", "\"a\""));
}

}  // namespace
}  // namespace troupe::wire
