#include "base/json.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::json {
namespace {

std::string error_of(std::string_view text) {
  Tape tape;
  auto result = parse(text, tape);
  EXPECT_EQ(result.has_value(), !tape.nodes.empty()) << text;
  return result.has_value() ? "" : result.error().message;
}

bool accepts(std::string_view text) {
  return error_of(text).empty();
}

std::string nested(unsigned levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(JsonParse, GivesSpansKindsCountsAndSiblings) {
  Tape tape;
  ASSERT_TRUE(parse(R"( {"a" : [1, true,"x"],"b":null} )", tape));
  EXPECT_TRUE(tape.spaced);
  std::vector<std::string_view> raw;
  for (const Node& node : tape.nodes) raw.push_back(tape.raw(node));
  EXPECT_EQ(raw,
            (std::vector<std::string_view>{R"({"a" : [1, true,"x"],"b":null})",
                                           R"("a")",
                                           R"([1, true,"x"])",
                                           "1",
                                           "true",
                                           R"("x")",
                                           R"("b")",
                                           "null"}));
  EXPECT_EQ(tape.nodes[0].children, 2u);
  EXPECT_EQ(tape.nodes[0].next, 8u);
  EXPECT_EQ(tape.nodes[2].children, 3u);
  EXPECT_EQ(tape.nodes[2].next, 6u);
  EXPECT_EQ(tape.nodes[4].next, 5u);
  EXPECT_EQ(tape.nodes[4].kind, Kind::boolean);
}

TEST(JsonParse, LeavesTheFiveSlicesOfAPhoenixFrame) {
  Tape tape;
  ASSERT_TRUE(parse(R"(["4",null,"todo:all","lvs_evt:add",{"todo":[1,{"x":2}]}])", tape));
  std::vector<std::string_view> slices;
  for (Value element : tape.root().elements()) slices.push_back(element.raw());
  EXPECT_EQ(slices,
            (std::vector<std::string_view>{
                R"("4")", "null", R"("todo:all")", R"("lvs_evt:add")", R"({"todo":[1,{"x":2}]})"}));
  EXPECT_FALSE(tape.spaced);
}

TEST(JsonParse, AcceptsWhatRfc8259Allows) {
  for (std::string_view text :
       {"0",
        "-0",
        "-0.0",
        "1e5",
        "1E+5",
        "1.5e-7",
        "123456789012345678901234567890",
        "null",
        "true",
        "false",
        "\"\"",
        "[]",
        "{}",
        "[[],{},[]]",
        " \t\r\n1 \n",
        R"({"":0})",
        R"({"a":1,"a":2})",
        R"("\"\\\/\b\f\n\r\t\u0000\uD83D\uDE00\uFFFF")",
        "\"\x7F \xE2\x80\xA8 \xC3\xA9 \xF0\x9F\x98\x80 long enough for a word\""}) {
    EXPECT_EQ(error_of(text), "") << text;
  }
}

TEST(JsonParse, RefusesWhatRfc8259DoesNotAllow) {
  for (std::string_view text : {"",
                                " ",
                                "[",
                                "]",
                                "{",
                                "}",
                                "[1",
                                "[1,]",
                                "[,1]",
                                "[1 2]",
                                "{\"a\"}",
                                "{\"a\":}",
                                "{\"a\":1,}",
                                "{,}",
                                "{a:1}",
                                "{1:1}",
                                "{\"a\" 1}",
                                "{\"a\":1",
                                "{\"a\":1]",
                                "[1}",
                                "[1]]",
                                "1 2",
                                "01",
                                "-01",
                                "-",
                                "+1",
                                ".5",
                                "5.",
                                "1e",
                                "1e+",
                                "1.e5",
                                "0x10",
                                "NaN",
                                "Infinity",
                                "nul",
                                "nulll",
                                "tru",
                                "True",
                                "'a'",
                                "\"a",
                                "\"a\\",
                                "\"\\",
                                "\"\\x\"",
                                "\"\\u12\"",
                                "\"\\u12g4\"",
                                "\"\n\"",
                                "\"\t\"",
                                "[1]//",
                                "\xEF\xBB\xBF{}",
                                "\v1",
                                "\"\\u\"",
                                "--1",
                                "1-",
                                "[\"a\":1]",
                                "\f[]",
                                "\xC2\xA0[]"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
  EXPECT_FALSE(accepts(std::string_view("\0", 1)));
  EXPECT_FALSE(accepts(std::string_view("1\0", 2)));
  EXPECT_FALSE(accepts(std::string_view("\"a\0b\"", 5)));
}

TEST(JsonParse, SeesEveryControlCharacterAtEveryPlaceOfAString) {
  for (int control = 0; control < 0x20; ++control) {
    for (std::size_t place = 0; place < 20; ++place) {
      std::string text = "\"" + std::string(20, 'x') + "\"";
      text[1 + place] = static_cast<char>(control);
      EXPECT_FALSE(accepts(text)) << control << " at " << place;
    }
  }
}

TEST(JsonParse, FindsTheEndOfStringsOfEveryLength) {
  for (std::size_t length = 0; length < 40; ++length) {
    for (std::string_view filler : {"x", "\xC3\xA9", "!", "#", "]", "\x7F"}) {
      std::string inside;
      while (inside.size() < length) inside += filler;
      Tape tape;
      std::string text = "[\"" + inside + "\",\"" + inside + "\"]";
      ASSERT_TRUE(parse(text, tape)) << text;
      EXPECT_EQ(tape.inside(tape.nodes[1]), inside);
      EXPECT_EQ(tape.inside(tape.nodes[2]), inside);
    }
  }
}

TEST(JsonParse, RefusesNumbersThatADoubleCannotHold) {
  EXPECT_TRUE(accepts("1.7976931348623157e308"));
  EXPECT_TRUE(accepts("1.7976931348623158e308"));
  EXPECT_FALSE(accepts("1.7976931348623159e308"));
  EXPECT_FALSE(accepts("1e400"));
  EXPECT_FALSE(accepts("-1e400"));
  EXPECT_FALSE(accepts("[1e309]"));
  EXPECT_FALSE(accepts("1e99999999999999999999999"));
  EXPECT_FALSE(accepts("123456.789e305"));
  EXPECT_FALSE(accepts("1" + std::string(309, '0')));
  EXPECT_TRUE(accepts("1" + std::string(308, '0')));
  EXPECT_FALSE(accepts("1" + std::string(400, '0') + ".5"));
  EXPECT_TRUE(accepts("1" + std::string(400, '0') + "e-400"));
}

TEST(JsonParse, AcceptsNumbersTooSmallForADouble) {
  EXPECT_TRUE(accepts("1e-400"));
  EXPECT_TRUE(accepts("0e400"));
  EXPECT_TRUE(accepts("0.000e999999999999999999999"));
  EXPECT_TRUE(accepts("123e-99999999999999999999999"));
  EXPECT_TRUE(accepts("0." + std::string(400, '0') + "1"));
  EXPECT_TRUE(accepts("0." + std::string(400, '0') + "1e400"));
}

TEST(JsonParse, RefusesLoneSurrogates) {
  EXPECT_TRUE(accepts(R"("\ud83d\ude00")"));
  for (std::string_view text : {R"("\ud83d")",
                                R"("\ude00")",
                                R"("\ud83dx\ude00")",
                                R"("\ud83d\ud83d")",
                                R"("\ud83d\u0041")",
                                R"("\ud83d\n12345")",
                                R"("\ude00\ud83d")",
                                R"("\ud83d\u)",
                                R"("\ud83d\ude0)"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
}

TEST(JsonParse, RefusesBytesThatAreNotUtf8) {
  for (std::string_view bytes : {"\x80",
                                 "\xC3",
                                 "\xC0\xAF",
                                 "\xC1\xBF",
                                 "\xE0\x80\xAF",
                                 "\xE2\x80",
                                 "\xED\xA0\x80",
                                 "\xF0\x80\x80\xAF",
                                 "\xF4\x90\x80\x80",
                                 "\xF8\x88\x80\x80\x80",
                                 "\xFF"}) {
    for (std::size_t before = 0; before < 18; ++before) {
      std::string text = "[\"" + std::string(before, 'x') + std::string(bytes) + "\"]";
      EXPECT_EQ(error_of(text),
                "JSON, byte " + std::to_string(before + 2) + " (line 1, column " +
                    std::to_string(before + 3) + "): the text is not UTF-8");
    }
  }
}

TEST(JsonParse, BoundsNesting) {
  EXPECT_TRUE(accepts(nested(depth_max)));
  EXPECT_EQ(error_of(nested(depth_max + 1)),
            "JSON, byte 128 (line 1, column 129): arrays and objects are nested too deeply");
  EXPECT_FALSE(accepts(std::string(100'000, '[')));
  Tape tape;
  EXPECT_TRUE(parse(nested(5), tape, 5));
  EXPECT_FALSE(parse(nested(6), tape, 5));
  EXPECT_TRUE(parse("1", tape, 0));
}

TEST(JsonParse, SaysWhereAndWhatWasExpected) {
  EXPECT_EQ(error_of(""),
            "JSON, byte 0 (line 1, column 1): expected a value, found the end of the text");
  EXPECT_EQ(error_of("{\"a\":1,\n \"b\" 2}"),
            "JSON, byte 13 (line 2, column 6): expected ':' behind a member's name, found '2'");
  EXPECT_EQ(error_of("[1 x]"),
            "JSON, byte 3 (line 1, column 4): expected ',' or ']' behind an element, found 'x'");
  EXPECT_EQ(error_of("[1,\x01]"),
            "JSON, byte 3 (line 1, column 4): expected a value, found byte 0x01");
  EXPECT_EQ(error_of("{,}"),
            "JSON, byte 1 (line 1, column 2): expected '\"' to begin a member's name, found ','");
  EXPECT_EQ(error_of("[007]"), "JSON, byte 1 (line 1, column 2): a number may not begin with 0");
  EXPECT_EQ(error_of("[1e400]"),
            "JSON, byte 1 (line 1, column 2): the number is too large for a double");
}

TEST(JsonParse, ReusesATapeAfterAnError) {
  Tape tape;
  ASSERT_TRUE(parse(" [1,2,3]", tape));
  ASSERT_FALSE(parse("[1,2", tape));
  EXPECT_TRUE(tape.nodes.empty());
  ASSERT_TRUE(parse("[]", tape));
  EXPECT_EQ(tape.nodes.size(), 1u);
  EXPECT_FALSE(tape.spaced);
}

TEST(JsonParse, DoesNotAllocateOnceTheTapeHasGrown) {
  Tape tape;
  ASSERT_TRUE(parse("[1,2,3,4,5,6,7,8]", tape));
  const Node* nodes = tape.nodes.data();
  ASSERT_TRUE(parse("{\"a\":[1,2,3]}", tape));
  EXPECT_EQ(tape.nodes.data(), nodes);
}

TEST(JsonValue, ReadsScalarsOfTheRightKindOnly) {
  Tape tape;
  ASSERT_TRUE(
      parse(R"([9223372036854775807,9223372036854775808,-5,1.0,1e2,true,false,"7",null])", tape));
  std::vector<Value> values;
  for (Value value : tape.root().elements()) values.push_back(value);
  EXPECT_EQ(values[0].integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(values[1].integer(), std::nullopt);
  EXPECT_EQ(values[2].integer(), -5);
  EXPECT_EQ(values[3].integer(), std::nullopt);
  EXPECT_EQ(values[4].integer(), std::nullopt);
  EXPECT_EQ(values[5].boolean(), true);
  EXPECT_EQ(values[6].boolean(), false);
  EXPECT_EQ(values[7].integer(), std::nullopt);
  EXPECT_EQ(values[8].boolean(), std::nullopt);
  EXPECT_TRUE(values[8].is_null());
  EXPECT_TRUE(values[7].is("7"));
  EXPECT_FALSE(values[2].is("-5"));
}

TEST(JsonValue, FindsMembersByTheirUnescapedNameAndTakesTheLastOfEqualOnes) {
  Tape tape;
  ASSERT_TRUE(parse(R"({"a":1,"\u0061":{"a":9},"b\n":3,"":4})", tape));
  EXPECT_EQ(tape.root().size(), 4u);
  EXPECT_EQ(tape.root().find("a")->raw(), R"({"a":9})");
  EXPECT_EQ(tape.root().find("b\n")->raw(), "3");
  EXPECT_EQ(tape.root().find("")->raw(), "4");
  EXPECT_FALSE(tape.root().find("b"));
  EXPECT_FALSE(tape.root().find("b\nc"));
  EXPECT_FALSE(tape.root().find("a")->find("a")->find("a"));
}

TEST(JsonValue, GivesStringsWithoutACopyWhenNothingIsEscaped) {
  Tape tape;
  std::string text = R"(["plain","a\u00e9\ud83d\ude00\/"])";
  ASSERT_TRUE(parse(text, tape));
  std::string buffer;
  Value plain(tape, 1);
  EXPECT_EQ(plain.string(buffer).data(), text.data() + 2);
  Value escaped(tape, 2);
  EXPECT_EQ(escaped.string(buffer), "a\xC3\xA9\xF0\x9F\x98\x80/");
  EXPECT_EQ(escaped.string(), "a\xC3\xA9\xF0\x9F\x98\x80/");
}

TEST(JsonStrings, CompareByTheirUnescapedBytes) {
  // In ascending order, each in two ways to write it.
  std::vector<std::array<std::string, 2>> ordered = {{R"("")", R"("")"},
                                                     {R"("\u0000")", R"("\u0000")"},
                                                     {R"("\n")", R"("\u000A")"},
                                                     {R"("\"")", R"("\u0022")"},
                                                     {R"("A")", R"("\u0041")"},
                                                     {R"("AA")", R"("A\u0041")"},
                                                     {R"("A\\")", R"("A\u005c")"},
                                                     {R"("a")", R"("\u0061")"},
                                                     {"\"\xC3\xA9\"", R"("\u00e9")"},
                                                     {"\"\xEF\xBF\xBF\"", R"("\uffff")"},
                                                     {"\"\xF0\x9F\x98\x80\"", R"("\uD83D\uDE00")"}};
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    for (std::size_t j = 0; j < ordered.size(); ++j) {
      for (const std::string& x : ordered[i]) {
        for (const std::string& y : ordered[j]) {
          Tape a;
          Tape b;
          ASSERT_TRUE(parse(x, a) && parse(y, b));
          EXPECT_EQ(compare_strings(a, a.nodes[0], b, b.nodes[0]), i <=> j) << x << " " << y;
        }
      }
    }
  }
}

TEST(JsonQuote, EscapesQuoteBackslashAndControlsOnly) {
  std::string out = "x";
  quote(out, std::string_view("\"\\/\b\f\n\r\t\0\x1F\x7F \xE2\x80\xA8", 15));
  EXPECT_EQ(out, "x\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001F\x7F \xE2\x80\xA8\"");
}

TEST(JsonQuote, ReplacesWhatIsNotUtf8) {
  std::string out;
  quote(out, "a\xFF\xC3\n\xC3\xA9\xE2\x80");
  EXPECT_EQ(out, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\\n\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_TRUE(accepts(out));
}

TEST(JsonQuote, IsUndoneByUnescape) {
  std::string all;
  for (int repeat = 0; repeat < 3; ++repeat) {
    for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
    all += "\xC3\xA9\xF0\x9F\x98\x80";
  }
  std::string quoted;
  quote(quoted, all);
  Tape tape;
  ASSERT_TRUE(parse(quoted, tape));
  EXPECT_EQ(tape.root().string(), all);
}

TEST(JsonQuote, WritesArraysAndObjectsOfStringsInTheirOrder) {
  const std::vector<std::string> none;
  const std::vector<std::pair<std::string, std::string>> pairs = {{"b", "1"}, {"a\"", "[{"}};
  std::string text = "[";
  quote_array(text, none);
  text += ',';
  quote_array(text, std::vector<std::string_view>{"x", "[", "z\n"});
  text += ',';
  quote_object(text, std::map<std::string, std::string>{});
  text += ',';
  quote_object(text, pairs);
  EXPECT_EQ(text, R"([[],["x","[","z\n"],{},{"b":"1","a\"":"[{"})");
}

TEST(JsonPosition, CountsLinesAndColumnsFromOne) {
  auto [line, column] = position_of("ab\ncd", 4);
  EXPECT_EQ(line, 2u);
  EXPECT_EQ(column, 2u);
  EXPECT_EQ(position_of("", 0).line, 1u);
}

}  // namespace
}  // namespace troupe::json
