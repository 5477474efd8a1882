#include "wire/uri.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace troupe::wire {
namespace {

using namespace std::literals;

std::string path_of(std::string_view target) {
  auto parsed = parse_target(target);
  return parsed ? parsed->path : "error: " + parsed.error().message;
}

TEST(Uri, PercentEscapesAreDecodedToBytes) {
  EXPECT_EQ(percent_decode("a%20b%2Fc%c3%a9"), "a b/c\u00e9"s);
  EXPECT_EQ(percent_decode("+"), "+"s);
  EXPECT_EQ(percent_decode(""), ""s);
}

TEST(Uri, BrokenEscapesAndBytesThatAreNotUtf8AreRefused) {
  for (const auto* broken : {"%", "%2", "a%zz", "%2g", "%ff", "%c3", "%ed%a0%80"}) {
    EXPECT_EQ(percent_decode(broken), std::nullopt) << broken;
  }
}

TEST(Uri, AKeyPartKeepsOnlyLettersDigitsAndAFewSigns) {
  EXPECT_EQ(percent_encode_key_part("todo:all"), "todo:all");
  EXPECT_EQ(percent_encode_key_part("A9._:@~-"), "A9._:@~-");
  EXPECT_EQ(percent_encode_key_part("a/b%c d\u00e9\n"), "a%2Fb%25c%20d%C3%A9%0A");
  EXPECT_EQ(percent_encode_key_part("\0"sv), "%00");
}

TEST(Uri, EncodedKeyPartsReadBackAsTheyWere) {
  std::string every_ascii;
  for (char c = 0; c < 127; ++c) every_ascii += c;
  EXPECT_EQ(percent_decode(percent_encode_key_part(every_ascii)), every_ascii);
}

TEST(Uri, QueriesOfPhoenixJsWithEmptySegmentsAreRead) {
  auto query = parse_query("a=1&&vsn=2.0.0&");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query, (Parameters{{"a", "1"}, {"vsn", "2.0.0"}}));
  query = parse_query("&user%5Bname%5D=J%C3%B6+x&flag&=v&eq=a=b");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query,
            (Parameters{{"user[name]", "J\u00f6 x"}, {"flag", ""}, {"", "v"}, {"eq", "a=b"}}));
  EXPECT_TRUE(parse_query("")->empty());
  EXPECT_FALSE(parse_query("a=%f"));
}

TEST(Uri, TheFirstParameterOfANameIsFound) {
  const Parameters parameters{{"a", "1"}, {"b", "2"}, {"a", "3"}};
  ASSERT_NE(find_parameter(parameters, "a"), nullptr);
  EXPECT_EQ(*find_parameter(parameters, "a"), "1");
  EXPECT_EQ(find_parameter(parameters, "c"), nullptr);
}

TEST(Uri, PathsComeOutDecodedAndWithoutDotSegments) {
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/a/b.txt"), "/a/b.txt");
  EXPECT_EQ(path_of("/a/"), "/a/");
  EXPECT_EQ(path_of("/a/./b/../c"), "/a/c");
  EXPECT_EQ(path_of("/a/b/.."), "/a/");
  EXPECT_EQ(path_of("/a/."), "/a/");
  EXPECT_EQ(path_of("//evil.example//x"), "/evil.example/x");
  EXPECT_EQ(path_of("/%61%20b"), "/a b");
  EXPECT_EQ(path_of("/...x"), "/...x");
}

TEST(Uri, NoSpellingOfDotsLeavesTheRoot) {
  for (const auto* target :
       {"/..", "/../x", "/a/../../x", "/%2e%2e/x", "/a/%2E./../../x", "/./.."}) {
    EXPECT_TRUE(path_of(target).starts_with("error: ")) << target << " became " << path_of(target);
  }
}

TEST(Uri, AnEncodedSlashBelongsToItsSegment) {
  EXPECT_EQ(path_of("/call/..%2Fstop"), "/call/../stop");
  EXPECT_EQ(path_of("/a/b%2F..%2Fc/d"), "/a/b/../c/d");
  EXPECT_EQ(path_of("/a/b%2Fc/../d"), "/a/d");
  EXPECT_EQ(path_of("/a%2F%2Fb"), "/a//b");
}

TEST(Uri, TargetsThatAreNoPathAreRefused) {
  for (const auto* target : {"", "*", "a/b", "/%00", "/a%", "/?a=%", "host:443"}) {
    EXPECT_TRUE(path_of(target).starts_with("error: ")) << target;
  }
}

TEST(Uri, AbsoluteTargetsAreTakenByTheirPath) {
  EXPECT_EQ(path_of("http://host:80/a/b?c=d"), "/a/b");
  EXPECT_EQ(path_of("http://host"), "/");
  EXPECT_EQ(path_of("http://host?c=d"), "/");
}

TEST(Uri, AQueryMayHoldWhatAPathMayNot) {
  auto target = parse_target("/socket/websocket?next=/../x&to=http://h/#frag");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->query, (Parameters{{"next", "/../x"}, {"to", "http://h/"}}));
}

TEST(Uri, APathForALocationReadsBackAsTheSamePath) {
  EXPECT_EQ(path_of(percent_encode_path("/a b/?#%\u00e9/")), "/a b/?#%\u00e9/");
}

}  // namespace
}  // namespace troupe::wire
