#include "state/canonical.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::state {
namespace {

std::string canonical(std::string_view text) {
  auto result = Canonical::read(text);
  if (result.has_error()) return "error: " + result.error().message;
  return result->text();
}

// The tape of a Canonical must be the one json::parse() makes of its text.
void expect_its_own_tape(const Canonical& value) {
  json::Tape tape;
  ASSERT_TRUE(json::parse(value.text(), tape));
  EXPECT_EQ(value.tape().text.data(), value.text().data());
  EXPECT_EQ(value.tape().text.size(), value.text().size());
  EXPECT_FALSE(value.tape().spaced);
  ASSERT_EQ(value.tape().nodes.size(), tape.nodes.size()) << value.text();
  for (std::size_t i = 0; i < tape.nodes.size(); ++i) {
    const json::Node& is = value.tape().nodes[i];
    const json::Node& should = tape.nodes[i];
    EXPECT_EQ(is.start, should.start);
    EXPECT_EQ(is.end, should.end);
    EXPECT_EQ(is.next, should.next);
    EXPECT_EQ(is.children, should.children);
    EXPECT_EQ(is.kind, should.kind);
    EXPECT_EQ(is.escaped, should.escaped);
  }
}

TEST(Canonical, LeavesCanonicalTextAlone) {
  for (std::string_view text : {R"({})",
                                R"([])",
                                R"(null)",
                                R"({"":0,"A":1.0,"a":[{"x":-0},1e5,1E5],"b":{"c":"/"}})",
                                R"({"\u0000":1,"\n":2,"\u001F":3," ":4,"\"":5,"A":6,"\\":7,"a":8})",
                                "{\"\x7F\":1,\"\xC3\xA9\":2,\"\xE2\x80\xA8\":3}"}) {
    EXPECT_EQ(canonical(text), text);
  }
}

TEST(Canonical, DropsWhiteSpace) {
  EXPECT_EQ(canonical(" { \"a\" :\t[ 1 ,\n2 ] , \"b c\":{ } } \r\n"), R"({"a":[1,2],"b c":{}})");
}

TEST(Canonical, SortsMembersByTheBytesOfTheirUnescapedNames) {
  EXPECT_EQ(canonical(R"({"b":1,"a":{"d":1,"c":2},"B":3})"), R"({"B":3,"a":{"c":2,"d":1},"b":1})");
  EXPECT_EQ(canonical(R"({"ab":1,"a":2,"":3})"), R"({"":3,"a":2,"ab":1})");
  // The escaped line feed begins with a backslash, but sorts as the byte it stands for.
  EXPECT_EQ(canonical(R"({"A":1,"\n":2})"), R"({"\n":2,"A":1})");
  // UTF-8 order, where UTF-16 would put the emoji before U+FFFF.
  EXPECT_EQ(canonical("{\"\xF0\x9F\x98\x80\":1,\"\xEF\xBF\xBF\":2}"),
            "{\"\xEF\xBF\xBF\":2,\"\xF0\x9F\x98\x80\":1}");
}

TEST(Canonical, KeepsTheLastOfEqualNames) {
  EXPECT_EQ(canonical(R"({"a":1,"b":2,"a":[3]})"), R"({"a":[3],"b":2})");
  EXPECT_EQ(canonical(R"({"a":1,"a":2,"a":3})"), R"({"a":3})");
  EXPECT_EQ(canonical(R"({"a":1,"\u0061":2})"), R"({"a":2})");
  EXPECT_EQ(canonical(R"({"a":{"x":1},"a":{}})"), R"({"a":{}})");
}

TEST(Canonical, WritesStringsInOneWay) {
  EXPECT_EQ(canonical(R"("\/\u002f\u0041\u00e9\ud83d\ude00")"), "\"//A\xC3\xA9\xF0\x9F\x98\x80\"");
  EXPECT_EQ(canonical(R"("\u0008\u000c\u000a\u000d\u0009\u0022\u005c")"), R"("\b\f\n\r\t\"\\")");
  EXPECT_EQ(canonical(R"("\u0000\u001f\u000b\u000e\u007f")"),
            "\"\\u0000\\u001F\\u000B\\u000E\x7F\"");
  EXPECT_EQ(canonical(R"({"\u0061\u000a":1})"), R"({"a\n":1})");
}

TEST(Canonical, RecognisesEveryEscapeThatIsNotItsOwn) {
  for (std::string_view text : {R"("\/")",
                                R"("\u0008")",
                                R"("\u0009")",
                                R"("\u000A")",
                                R"("\u000C")",
                                R"("\u000D")",
                                R"("\u000b")",
                                R"("\u001f")",
                                R"("\u0020")",
                                R"("\u0022")",
                                R"("\u005C")",
                                R"("\u007F")",
                                R"("\u0100")",
                                R"("\u1000")",
                                R"("\\\/")",
                                R"("\u0000\u0041")"}) {
    EXPECT_NE(canonical(text), text);
  }
}

TEST(Canonical, KeepsNumbersByteForByte) {
  EXPECT_EQ(canonical("[1,1.0,1e0,1E0,-0,0.0,-0.0,1e-400,123456789012345678901234567890]"),
            "[1,1.0,1e0,1E0,-0,0.0,-0.0,1e-400,123456789012345678901234567890]");
  EXPECT_EQ(canonical(" 10.00 "), "10.00");
}

TEST(Canonical, RefusesWhatIsNoJson) {
  EXPECT_EQ(canonical("{"),
            "error: JSON, byte 1 (line 1, column 2): expected '\"' to begin a member's name, found "
            "the end of the text");
  EXPECT_EQ(canonical(std::string(129, '[') + std::string(129, ']')).substr(0, 5), "error");
}

TEST(Canonical, HasTheTapeOfItsText) {
  for (std::string_view text : {R"({"b":[1,{"z":"\u0041","y":"\u000a"}],"a":{},"b":[[],{"":""}]})",
                                R"({"a":[1,2]})",
                                R"( "\u0041" )",
                                R"( "\u000a" )",
                                " 1"}) {
    auto value = Canonical::read(text);
    ASSERT_TRUE(value);
    expect_its_own_tape(*value);
    // Short texts live inside the string object, long ones behind it: both must survive a move.
    Canonical moved = std::move(*value);
    expect_its_own_tape(moved);
    auto other = Canonical::read("[1]");
    *other = std::move(moved);
    expect_its_own_tape(*other);
  }
}

TEST(Canonical, IsReadToItself) {
  std::string once = canonical(R"({"b":[ {"d":"\/","c":1.50} ],"a":"\u0001","a":"\u001f"})");
  EXPECT_EQ(once, R"({"a":"\u001F","b":[{"c":1.50,"d":"/"}]})");
  EXPECT_EQ(canonical(once), once);
}

}  // namespace
}  // namespace troupe::state
