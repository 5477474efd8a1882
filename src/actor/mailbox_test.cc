#include "actor/mailbox.h"

#include <gtest/gtest.h>

namespace troupe::actor {
namespace {

Message event(std::string payload) {
  return {.kind = Message::Kind::event, .name = "e", .payload = std::move(payload)};
}

TEST(Mailbox, GivesTheMessagesBackInTheirOrder) {
  Mailbox mailbox(10, 100);
  ASSERT_TRUE(mailbox.push(event("1")));
  ASSERT_TRUE(mailbox.push(event("2")));
  EXPECT_EQ(mailbox.pop().payload, "1");
  EXPECT_EQ(mailbox.pop().payload, "2");
  EXPECT_TRUE(mailbox.empty());
}

TEST(Mailbox, RefusesOneMessageTooManyAndLeavesItUntouched) {
  Mailbox mailbox(2, 100);
  ASSERT_TRUE(mailbox.push(event("1")));
  ASSERT_TRUE(mailbox.push(event("2")));
  Message third = event("3");
  EXPECT_FALSE(mailbox.push(std::move(third)));
  EXPECT_EQ(third.payload, "3");
  mailbox.pop();
  EXPECT_TRUE(mailbox.push(std::move(third)));
}

TEST(Mailbox, RefusesMoreBytesThanItsBound) {
  Mailbox mailbox(10, 8);
  EXPECT_TRUE(mailbox.push(event("1234567")));  // and one byte of the name
  EXPECT_FALSE(mailbox.push(event("")));
  mailbox.pop();
  EXPECT_TRUE(mailbox.push(event("")));
}

TEST(Mailbox, HasRoomOfItsOwnForJoinsAndLeaves) {
  Mailbox mailbox(0, 0);
  EXPECT_FALSE(mailbox.push(event("")));
  EXPECT_TRUE(mailbox.push({.kind = Message::Kind::join}));
  EXPECT_TRUE(mailbox.push({.kind = Message::Kind::leave}));
  EXPECT_EQ(mailbox.size(), 2U);
}

}  // namespace
}  // namespace troupe::actor
