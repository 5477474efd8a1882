#include "wire/session_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace troupe::wire {
namespace {

TEST(SessionId, NewSessionsAreDifferentAndLookLikeSessions) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string session = new_session();
    EXPECT_TRUE(is_session(session)) << session;
    seen.insert(session);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(SessionId, WhatNewSessionCannotHaveMadeIsNone) {
  EXPECT_FALSE(is_session(""));
  EXPECT_FALSE(is_session(std::string(21, 'a')));
  EXPECT_FALSE(is_session(std::string(23, 'a')));
  EXPECT_FALSE(is_session(std::string(21, 'a') + "="));
  EXPECT_FALSE(is_session(std::string(21, 'a') + "/"));
}

TEST(SessionId, LettersAreTheHmacOfTheSessionInItsNameSpace) {
  // HMAC-SHA-256 with key "key" of "cookie\0session", in base 32.
  EXPECT_EQ(session_letters("key", "cookie", "session"), "6ljvt6awlnudj3qs");
}

TEST(SessionId, LettersAreSixteenAndDependOnKeyNameSpaceAndSession) {
  const std::string letters = session_letters("key", "cookie", "session");
  EXPECT_EQ(letters.size(), 16U);
  EXPECT_EQ(letters.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos);
  const std::set<std::string> all{letters,
                                  session_letters("other", "cookie", "session"),
                                  session_letters("key", "join", "session"),
                                  session_letters("key", "cookie", "session2"),
                                  session_letters("key", "cookies", "ession")};
  EXPECT_EQ(all.size(), 5U);
}

}  // namespace
}  // namespace troupe::wire
