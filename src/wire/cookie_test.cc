#include "wire/cookie.h"

#include <gtest/gtest.h>

namespace troupe::wire {
namespace {

TEST(Cookie, TheFirstOfANameIsFound) {
  EXPECT_EQ(find_cookie("a=1; troupe_session=x-_y; b=2", "troupe_session"), "x-_y");
  EXPECT_EQ(find_cookie("s=1;s=2", "s"), "1");
  EXPECT_EQ(find_cookie("s=a=b", "s"), "a=b");
  EXPECT_EQ(find_cookie(" s = \"q\" ", "s"), "q");
}

TEST(Cookie, WhatIsNotThereIsEmpty) {
  for (const auto* header : {"", ";", "s", "xs=1", "sx=1", "s=", "=1", ";;=;", "s=  "}) {
    EXPECT_EQ(find_cookie(header, "s"), "") << header;
  }
}

}  // namespace
}  // namespace troupe::wire
