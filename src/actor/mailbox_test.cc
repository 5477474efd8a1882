#include "actor/mailbox.h"

#include <gtest/gtest.h>

namespace troupe::actor {
namespace {

Message event(std::string payload) {
  return {.kind = Message::Kind::event, .name = "e", .payload = std::move(payload)};
}

Bounds bounds_of(std::size_t messages, std::size_t bytes) {
  return {.mailbox_messages_max = messages, .mailbox_bytes_max = bytes};
}

TEST(Mailbox, GivesTheMessagesBackInTheirOrder) {
  Mailbox mailbox;
  const Bounds bounds = bounds_of(10, 100);
  ASSERT_TRUE(mailbox.push(event("1"), bounds));
  ASSERT_TRUE(mailbox.push(event("2"), bounds));
  EXPECT_EQ(mailbox.pop().payload, "1");
  EXPECT_EQ(mailbox.pop().payload, "2");
  EXPECT_TRUE(mailbox.empty());
}

TEST(Mailbox, RefusesOneMessageTooManyAndLeavesItUntouched) {
  Mailbox mailbox;
  const Bounds bounds = bounds_of(2, 100);
  ASSERT_TRUE(mailbox.push(event("1"), bounds));
  ASSERT_TRUE(mailbox.push(event("2"), bounds));
  Message third = event("3");
  EXPECT_FALSE(mailbox.push(std::move(third), bounds));
  EXPECT_EQ(third.payload, "3");
  mailbox.pop();
  EXPECT_TRUE(mailbox.push(std::move(third), bounds));
}

TEST(Mailbox, RefusesMoreBytesThanItsBound) {
  Mailbox mailbox;
  const Bounds bounds = bounds_of(10, 8);
  EXPECT_TRUE(mailbox.push(event("1234567"), bounds));  // and one byte of the name
  EXPECT_FALSE(mailbox.push(event(""), bounds));
  mailbox.pop();
  EXPECT_TRUE(mailbox.push(event(""), bounds));
}

TEST(Mailbox, HasRoomOfItsOwnForJoinsAndLeaves) {
  Mailbox mailbox;
  const Bounds bounds = bounds_of(0, 0);
  EXPECT_FALSE(mailbox.push(event(""), bounds));
  EXPECT_TRUE(mailbox.push({.kind = Message::Kind::join}, bounds));
  EXPECT_TRUE(mailbox.push({.kind = Message::Kind::leave}, bounds));
  EXPECT_EQ(mailbox.size(), 2U);
}

}  // namespace
}  // namespace troupe::actor
