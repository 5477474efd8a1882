#include "journal/record.h"

#include "journal/decode.h"
#include "journal/testing.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe::journal {
namespace {

std::string content_of(const Entry& entry) {
  std::string content;
  append_content(content, entry.subject, entry.record, entry.changes, entry.has_checkpoint);
  return content;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[static_cast<std::uint8_t>(c) >> 4];
    text += digits[static_cast<std::uint8_t>(c) & 15];
  }
  return text;
}

TEST(Record, EveryEntryIsReadBackAsItWas) {
  Random random;
  for (int round = 0; round < 2000; ++round) {
    const Entry entry = random_entry(random);
    const auto read = decode_content(content_of(entry), entry.sequence);
    ASSERT_TRUE(read.has_value()) << read.error().message << ' ' << random.seed();
    ASSERT_EQ(*read, entry) << random.seed();
  }
}

TEST(Record, EveryCheckpointIsReadBackAsItWas) {
  Random random;
  for (int round = 0; round < 300; ++round) {
    const Checkpoint checkpoint = random_checkpoint(random);
    const auto read = decode_checkpoint(encode(checkpoint));
    ASSERT_TRUE(read.has_value()) << read.error().message << ' ' << random.seed();
    ASSERT_EQ(*read, checkpoint) << random.seed();
  }
}

TEST(Record, MessagesAndAlarmsAreReadBackAsTheyWere) {
  Random random;
  for (int round = 0; round < 300; ++round) {
    const Outgoing message{.kind = static_cast<Outgoing::Kind>(1 + random.below(3)),
                           .sender = random.text(20),
                           .incarnation = random(),
                           .number = random(),
                           .to = random.text(20),
                           .name = random.text(10),
                           .payload = random.text(200)};
    const auto read = decode_outgoing(encode(message));
    ASSERT_TRUE(read.has_value()) << read.error().message << ' ' << random.seed();
    ASSERT_EQ(*read, message) << random.seed();
    const Alarm alarm{random.text(20), random(), random_timer(random, random.text(5))};
    const auto other = decode_alarm(encode(alarm));
    ASSERT_TRUE(other.has_value()) << other.error().message << ' ' << random.seed();
    ASSERT_EQ(*other, alarm) << random.seed();
  }
}

TEST(Record, ABatchGivesItsEntriesInOrder) {
  Random random;
  std::string batch(1, batch_head);
  std::vector<Entry> entries;
  for (int i = 0; i < 20; ++i) {
    entries.push_back(random_entry(random));
    append_entry(batch, content_of(entries.back()), 7, random.below(7), entries.back().sequence);
  }
  BatchReader reader(batch, 7);
  Framed framed;
  for (const Entry& entry : entries) {
    const auto more = reader.next(framed);
    ASSERT_TRUE(more.has_value() && *more) << random.seed();
    EXPECT_EQ(*decode_content(framed.content, framed.sequence), entry) << random.seed();
  }
  EXPECT_FALSE(*reader.next(framed));
}

// Each byte of a batch changed, and each end cut off: found by its checksum or its form.
TEST(Record, DamageAnywhereInABatchIsFound) {
  Random random;
  Entry entry = random_entry(random);
  entry.record.input.resize(std::min<std::size_t>(entry.record.input.size(), 60));
  std::string batch(1, batch_head);
  append_entry(batch, content_of(entry), 7, 3, entry.sequence);
  const auto is_sound = [](std::string_view text, std::uint64_t id) {
    BatchReader reader(text, id);
    Framed framed;
    while (true) {
      const auto more = reader.next(framed);
      if (more.has_error() || !*more) return more.has_value();
    }
  };
  ASSERT_TRUE(is_sound(batch, 7));
  EXPECT_FALSE(is_sound(batch, 8)) << "a batch under another's id is not its own";
  for (std::size_t i = 0; i < batch.size(); ++i) {
    std::string damaged = batch;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << random.below(8)));
    EXPECT_FALSE(is_sound(damaged, 7)) << "byte " << i << ' ' << random.seed();
    EXPECT_FALSE(is_sound(std::string_view(batch).substr(0, i), 7)) << "cut at " << i;
  }
}

TEST(Record, DamageAnywhereInACheckpointIsFound) {
  Random random;
  const std::string body = encode(random_checkpoint(random));
  for (int round = 0; round < 500; ++round) {
    std::string damaged = body;
    const std::size_t at = random.below(body.size());
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    EXPECT_TRUE(decode_checkpoint(damaged).has_error()) << "byte " << at << ' ' << random.seed();
  }
}

// The worked example of docs/formats/journal.md.
TEST(Record, IsWrittenAsTheExampleInTheDocumentation) {
  Record record;
  record.kind = Kind::turn;
  record.turn = 2;
  record.function = "addTodo";
  record.input = R"({"todo":"milk"})";
  record.time_ns = 1'760'000'000'000'000'000;
  record.last_time_ns = record.time_ns + 3000;
  record.code = "5f0c";
  record.committed = true;
  std::string content;
  append_content(content,
                 {.address = "todo/todo:all", .incarnation = 0x0123456789abcdef, .number = 2},
                 record,
                 {},
                 false);
  EXPECT_EQ(hex(content),
            "01"                                // kind: turn
            "59"                                // flags: committed, function, input, code
            "0d746f646f2f746f646f3a616c6c"      // address
            "02"                                // number
            "efcdab8967452301"                  // incarnation
            "02"                                // turn
            "0000b0d4acc66c18"                  // time
            "b817"                              // the clock went on by 3,000 ns
            "00"                                // result: done
            "07616464546f646f"                  // function
            "0f7b22746f646f223a226d696c6b227d"  // input
            "03015f0c");                        // code
  EXPECT_EQ(partition_of("todo/todo:all"), 241);
  std::string entry;
  append_entry(entry, content, 9, 8, 5);
  EXPECT_EQ(hex(entry.substr(0, 3)), "410805");  // bytes of the content, batch before, sequence
  EXPECT_EQ(hex(entry.substr(entry.size() - 8)), "7380060cb5ac3f59");
}

// Whatever is in it, the hash of a plugin comes back, and in hexadecimal form when it can.
TEST(Record, CodeIsPackedWhenItIsLowerCaseHexadecimal) {
  const auto packed = [](const std::string& code) {
    Entry entry;
    entry.subject = {"a/b", 1, 1};
    entry.sequence = 1;
    entry.record.code = code;
    const std::string content = content_of(entry);
    const auto read = decode_content(content, 1);
    EXPECT_TRUE(read.has_value() && read->record.code == code) << code;
    return content.size();
  };
  const std::string hash = "0123456789abcdef5f";
  for (std::size_t size = 1; size <= hash.size(); ++size) {
    const std::size_t whole = packed(std::string(size, '-'));
    EXPECT_EQ(packed(hash.substr(0, size)), size % 2 == 0 ? whole - size / 2 : whole);
  }
  const std::size_t whole = packed(std::string(hash.size(), '-'));
  for (std::size_t at = 0; at < hash.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string code = hash;
      code[at] = static_cast<char>(byte);
      const bool is_hex = std::string("0123456789abcdef").find(code[at]) != std::string::npos;
      EXPECT_EQ(packed(code), is_hex ? whole - hash.size() / 2 : whole) << at << ' ' << byte;
    }
  }
}

TEST(Record, WhatTheFormatDoesNotAllowIsRefused) {
  Entry entry;
  entry.subject = {"a/b", 1, 1};
  entry.sequence = 1;
  entry.record.kind = Kind::end;
  entry.record.time_ns = 5;
  const std::string content = content_of(entry);
  const auto refusal = [&](std::size_t at, char byte) {
    std::string changed = content;
    changed[at] = byte;
    const auto read = decode_content(changed, 1);
    return read.has_error() ? read.error().message : std::string();
  };
  EXPECT_EQ(refusal(0, 0), "the kind 0 is unknown at byte 1");
  EXPECT_EQ(refusal(0, 9), "the kind 9 is unknown at byte 1");
  EXPECT_EQ(refusal(1, 8), "the flags 8 are not those of a delete at byte 2");
  EXPECT_EQ(refusal(2, 0), "the address is empty or too long at byte 3");
  EXPECT_EQ(refusal(6, 0), "the number is 0 at byte 7");
  EXPECT_NE(decode_content(content + '\0', 1).error().message.find("left over"), std::string::npos);
}

}  // namespace
}  // namespace troupe::journal
