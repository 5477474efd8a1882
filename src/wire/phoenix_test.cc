#include "wire/phoenix.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace troupe::wire {
namespace {

using namespace std::literals;

template <class Pieces>
std::string text_of(const Pieces& pieces) {
  std::string text;
  for (const std::string_view piece : pieces) text += piece;
  return text;
}

class PhoenixTest : public testing::Test {
 protected:
  // The message is kept, as a connection keeps its own while the frame is in use.
  ClientFrame text(std::string message) {
    message_ = std::move(message);
    auto frame = decoder_.read_text(message_);
    EXPECT_TRUE(frame) << message_ << ": " << (frame ? "" : frame.error().message);
    return frame ? *frame : ClientFrame{};
  }
  std::string refusal(std::string_view message) {
    auto frame = decoder_.read_text(message);
    return frame ? "taken" : frame.error().message;
  }
  std::string binary_refusal(std::string_view message) {
    auto frame = decoder_.read_binary(message);
    return frame ? "taken" : frame.error().message;
  }

  std::string message_;
  Decoder decoder_;
};

TEST(PhoenixVersion, OnlyVersion20IsSpoken) {
  EXPECT_TRUE(speaks_version_2("2.0.0"));
  EXPECT_TRUE(speaks_version_2("2.0.17"));
  for (const auto* other :
       {"", "1.0.0", "2.0", "2.0.", "2.1.0", "3.0.0", "junk", "2.0.x", " 2.0.0", "2.0.0 "}) {
    EXPECT_FALSE(speaks_version_2(other)) << other;
  }
}

TEST_F(PhoenixTest, AFrameIsSlicedWithoutChangingIt) {
  const auto frame = text(R"( ["4", "7" ,"todo:all","lvs_evt:addTodo", {"todo": "milk"} ] )");
  EXPECT_EQ(frame.join_ref, R"("4")");
  EXPECT_EQ(frame.ref, R"("7")");
  EXPECT_EQ(frame.topic, "todo:all");
  EXPECT_EQ(frame.topic_json, R"("todo:all")");
  EXPECT_EQ(frame.event, "lvs_evt:addTodo");
  EXPECT_EQ(frame.payload, R"({"todo": "milk"})");
  EXPECT_FALSE(frame.binary);
}

TEST_F(PhoenixTest, RefsComeBackAsTheyCame) {
  EXPECT_EQ(text(R"([null,7,"t","e",{}])").join_ref, "null");
  EXPECT_EQ(text(R"([null,7,"t","e",{}])").ref, "7");
  EXPECT_EQ(text(R"(["a\"b",1.50e1,"t","e",{}])").join_ref, R"("a\"b")");
  EXPECT_EQ(text(R"(["a\"b",1.50e1,"t","e",{}])").ref, "1.50e1");
}

TEST_F(PhoenixTest, EscapedTopicsAndEventsAreReadButGoBackAsTheyCame) {
  const auto frame = text(R"(["1","2","todo\u003aall\"x","\u006cvs_evt:a",{}])");
  EXPECT_EQ(frame.topic, "todo:all\"x");
  EXPECT_EQ(frame.topic_json, R"("todo\u003aall\"x")");
  EXPECT_EQ(frame.event, "lvs_evt:a");
}

TEST_F(PhoenixTest, APayloadIsAnyJsonAndElementsBehindItAreIgnored) {
  for (const auto* payload : {"null", "true", "1", R"("text")", "[1,[2]]", "{}"}) {
    EXPECT_EQ(text("[\"1\",\"2\",\"t\",\"e\","s + payload + ",6,[7]]").payload, payload);
  }
}

TEST_F(PhoenixTest, WhatIsNoFrameIsRefused) {
  for (const auto* message : {"",
                              "{}",
                              "\"x\"",
                              "[]",
                              R"(["1","2","t","e"])",
                              R"(["1","2",3,"e",{}])",
                              R"(["1","2","t",null,{}])",
                              R"(["1","2","t","e",{}])"
                              "x",
                              R"(["1","2","t","e",{},])",
                              R"(["1","2","t","e",01])",
                              R"(["1","2","t","e",1e400])",
                              R"(["1","2","t","e","\ud800"])",
                              "[\"1\",\"2\",\"\xff\",\"e\",{}]"}) {
    EXPECT_NE(refusal(message), "taken") << message;
  }
  EXPECT_EQ(refusal("{}"), "a frame is an array, this is an object");
}

TEST_F(PhoenixTest, ARefHasABound) {
  const std::string longest = '"' + std::string(ref_bytes_max - 2, '1') + '"';
  EXPECT_EQ(refusal("[" + longest + "," + longest + ",\"t\",\"e\",{}]"), "taken");
  EXPECT_EQ(refusal("[1" + std::string(ref_bytes_max, '1') + ",\"1\",\"t\",\"e\",{}]"),
            "join_ref has 65 bytes; at most 64 are taken");
  EXPECT_NE(refusal("[null,1" + std::string(ref_bytes_max, '1') + ",\"t\",\"e\",{}]"), "taken");
}

TEST_F(PhoenixTest, TheBoundHoldsForTheJsonTextOfABinaryRef) {
  const auto with_ref = [](const std::string& ref) {
    return "\x00\x00"s + static_cast<char>(ref.size()) + "\x01\x01" + ref + "te";
  };
  EXPECT_EQ(binary_refusal(with_ref(std::string(62, '1'))), "taken");
  EXPECT_NE(binary_refusal(with_ref(std::string(63, '1'))), "taken");
  // Written as \u0001, six bytes each.
  EXPECT_NE(binary_refusal(with_ref(std::string(11, '\x01'))), "taken");
}

TEST_F(PhoenixTest, ABinaryPushIsSliced) {
  const auto message = "\x00\x01\x02\x08\x03"s + "4" + "17" + "todo:all" + "img" + "\xff\x00\x01"s;
  const auto frame = decoder_.read_binary(message);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->join_ref, R"("4")");
  EXPECT_EQ(frame->ref, R"("17")");
  EXPECT_EQ(frame->topic, "todo:all");
  EXPECT_EQ(frame->topic_json, R"("todo:all")");
  EXPECT_EQ(frame->event, "img");
  EXPECT_EQ(frame->payload, "\xff\x00\x01"sv);
  EXPECT_TRUE(frame->binary);
}

TEST_F(PhoenixTest, EmptyRefsOfABinaryPushAreNull) {
  const auto frame = decoder_.read_binary("\x00\x00\x00\x01\x01te"sv);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->join_ref, "null");
  EXPECT_EQ(frame->ref, "null");
  EXPECT_EQ(frame->payload, "");
}

TEST_F(PhoenixTest, BinaryFramesThatAreCutShortOrOfAnotherKindAreRefused) {
  const auto whole = "\x00\x01\x01\x01\x01jrte"sv;
  EXPECT_EQ(binary_refusal(whole), "taken");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(binary_refusal(whole.substr(0, size)), "taken") << size;
  }
  EXPECT_NE(binary_refusal("\x01\x00\x00\x00\x00"sv), "taken");
  EXPECT_NE(binary_refusal("\x02\x00\x00\x00\x00"sv), "taken");
  EXPECT_NE(binary_refusal("\x00\x00\x00\x01\x00\xff"sv), "taken");
}

TEST(PhoenixFrames, AnswersHaveTheKeysInTheOrderOfTheOriginal) {
  EXPECT_EQ(text_of(reply_frame("\"4\"", "\"7\"", "\"todo:all\"", ReplyStatus::ok, "{}")),
            R"(["4","7","todo:all","phx_reply",{"response":{},"status":"ok"}])");
  EXPECT_EQ(
      text_of(
          reply_frame("null", "7", "\"x\"", ReplyStatus::error, R"({"reason":"unmatched topic"})")),
      R"([null,7,"x","phx_reply",{"response":{"reason":"unmatched topic"},"status":"error"}])");
}

TEST(PhoenixFrames, PushesShareTheHeadOfTheirJoin) {
  const std::string head = push_head("\"4\"", "\"todo:all\"");
  EXPECT_EQ(text_of(push_frame(head, "\"state:patch\"", R"({"patch":[],"version":1})")),
            R"(["4",null,"todo:all","state:patch",{"patch":[],"version":1}])");
  EXPECT_EQ(push_head("null", "\"t\""), R"([null,null,"t",)");
}

TEST(PhoenixFrames, EndsOfAChannelCarryItsJoinRefTwice) {
  EXPECT_EQ(text_of(close_frame("\"1\"", "\"t\"")), R"(["1","1","t","phx_close",{}])");
  EXPECT_EQ(text_of(error_frame("\"1\"", "\"t\"", "{}")), R"(["1","1","t","phx_error",{}])");
}

TEST(PhoenixFrames, BinaryHeadsHaveTheLayoutOfTheStockSerializer) {
  EXPECT_EQ(*binary_push_head("\"4\"", "topic", "ev"), "\x00\x01\x05\x02"s + "4topicev");
  EXPECT_EQ(*binary_reply_head("\"4\"", "\"17\"", "topic", ReplyStatus::ok),
            "\x01\x01\x02\x05\x02"s + "417topicok");
  EXPECT_EQ(*binary_reply_head("null", "9", "t", ReplyStatus::error),
            "\x01\x00\x01\x01\x05"s + "9terror");
  EXPECT_EQ(*binary_broadcast_head("topic", "ev"), "\x02\x05\x02"s + "topicev");
}

TEST(PhoenixFrames, NamesTooLongForABinaryFrameAreRefused) {
  EXPECT_TRUE(binary_broadcast_head(std::string(255, 't'), "e"));
  EXPECT_FALSE(binary_broadcast_head(std::string(256, 't'), "e"));
  EXPECT_FALSE(binary_push_head("null", "t", std::string(256, 'e')));
}

}  // namespace
}  // namespace troupe::wire
