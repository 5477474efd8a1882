#include "base/printable.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(Printable, ControlCharactersAreEscapedAndAllElseStays) {
  EXPECT_EQ(printable("milk \xc3\xa9 \xe2\x82\xac \xf0\x9f\xa5\x9b \\ \""),
            "milk \xc3\xa9 \xe2\x82\xac \xf0\x9f\xa5\x9b \\ \"");
  EXPECT_EQ(printable("\x1b]0;mine\x07"), "\\u001b]0;mine\\u0007");
  EXPECT_EQ(printable("one\ntwo\r\tthree"), "one\\ntwo\\r\\tthree");
  EXPECT_EQ(printable(std::string_view("\0\x7f", 2)), "\\u0000\\u007f");
}

TEST(Printable, ControlCharactersOfTheUpperHalfAreOnesToo) {
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m \xc2\x80 \xc2\x9f \xc2\xa0"),
            "\\u009b31m \\u0080 \\u009f \xc2\xa0");
}

TEST(Printable, BytesThatAreNoUtf8AreEscaped) {
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(printable("\xc0\x8a\xff"), "\\xc0\\x8a\\xff");
}

TEST(Printable, LinesStayLinesBehindTheirIndent) {
  EXPECT_EQ(printable_lines("one\n\ttwo\x1b[2J\r\n", "  "), "one\n  \ttwo\\u001b[2J\\r\n  ");
}

TEST(Printable, ATextIsCutBetweenCharacters) {
  EXPECT_EQ(cut("milk", 4), "milk");
  EXPECT_EQ(cut("milk", 3), "mil");
  EXPECT_EQ(cut("a\xe2\x82\xac", 4), "a\xe2\x82\xac");
  EXPECT_EQ(cut("a\xe2\x82\xac", 3), "a");
  EXPECT_EQ(columns_of("a\xe2\x82\xac"), 2U);
}

}  // namespace
}  // namespace troupe
