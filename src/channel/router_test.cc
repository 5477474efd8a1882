#include "channel/router.h"

#include <gtest/gtest.h>

namespace troupe::channel {
namespace {

std::string key(std::string_view text,
                std::string_view topic,
                std::string_view rest = "",
                std::string_view params = "{}",
                std::string_view session = "sessionsession22") {
  auto parsed = KeyTemplate::parse(text);
  if (parsed.has_error()) return "template: " + parsed.error().message;
  json::Tape tape;
  if (json::parse(params, tape).has_error()) return "params";
  auto made = parsed->key({topic, rest, "joinjoinjoinjoin", session, tape.root()});
  return made.has_error() ? "refused: " + made.error().message : *made;
}

TEST(KeyTemplate, PutsInTheTopicAndWhatTheStarMatched) {
  EXPECT_EQ(key("{topic}", "todo:all"), "todo:all");
  EXPECT_EQ(key("list/{rest}", "todo:all", "all"), "list/all");
  EXPECT_EQ(key("{topic}/{join}", "todo:all"), "todo:all/joinjoinjoinjoin");
  EXPECT_EQ(key("{topic}/{session}", "todo:all"), "todo:all/sessionsession22");
}

TEST(KeyTemplate, EncodesEachPartSoThatSlashesOnlySeparate) {
  EXPECT_EQ(key("{topic}", "a/b c"), "a%2Fb%20c");
  EXPECT_EQ(key("{topic}", "100%"), "100%25");
  EXPECT_EQ(key("{topic}", "caf\xc3\xa9"), "caf%C3%A9");
}

TEST(KeyTemplate, TakesStringsAndIntegersOfTheJoinAsParameters) {
  EXPECT_EQ(key("p/{param.room}", "t", "", R"({"room":"kitchen/1"})"), "p/kitchen%2F1");
  EXPECT_EQ(key("p/{param.room}", "t", "", R"({"room":17})"), "p/17");
  EXPECT_EQ(key("p/{topic}/{param.a}/{param.b}", "t", "", R"({"a":"x","b":"y"})"), "p/t/x/y");
}

TEST(KeyTemplate, RefusesParametersOfAnotherKindByName) {
  for (const std::string& params :
       std::vector<std::string>{"{}",
                                R"({"room":""})",
                                R"({"room":1.5})",
                                R"({"room":null})",
                                R"({"room":["a"]})",
                                R"("room")",
                                R"({"room":")" + std::string(129, 'x') + "\"}"}) {
    EXPECT_EQ(key("p/{param.room}", "t", "", params), "refused: invalid parameter room") << params;
  }
}

TEST(KeyTemplate, RefusesAJoinWithoutTheSessionItNeeds) {
  EXPECT_EQ(key("{topic}/{session}", "t", "", "{}", "").substr(0, 8), "refused:");
}

TEST(KeyTemplate, RefusesKeysThatAreTooLong) {
  EXPECT_EQ(key("{topic}", std::string(600, 'x')), "refused: topic too long");
}

TEST(KeyTemplate, NamesWhatIsWrongWithATemplate) {
  for (const char* text : {"",
                           "{topi}",
                           "{topic",
                           "topic}",
                           "{}",
                           "{param.}",
                           "{param.x}",
                           "a b",
                           "p/{topic}",
                           "x/{param.room}"}) {
    EXPECT_TRUE(KeyTemplate::parse(text).has_error()) << text;
  }
  EXPECT_NE(KeyTemplate::parse("{topi}").error().message.find("{topi}"), std::string::npos);
}

TopicRule rule(std::string match) {
  return {std::move(match), "p", *KeyTemplate::parse("{topic}"), std::nullopt, {}, 1000};
}

TEST(TopicRule, MatchesExactlyOrByItsPrefix) {
  EXPECT_EQ(rule("todo:*").rest_of("todo:all"), "all");
  EXPECT_EQ(rule("todo:*").rest_of("todo:"), "");
  EXPECT_EQ(rule("todo:*").rest_of("tod:all"), std::nullopt);
  EXPECT_EQ(rule("todo:all").rest_of("todo:all"), "");
  EXPECT_EQ(rule("todo:all").rest_of("todo:all2"), std::nullopt);
  EXPECT_EQ(rule("comments:*").rest_of("comments:https://a/b:c"), "https://a/b:c");
}

TEST(TopicRule, TheFirstThatMatchesWins) {
  const std::vector<TopicRule> rules = {rule("a:1"), rule("a:*"), rule("*")};
  EXPECT_EQ(find_rule(rules, "a:1"), &rules[0]);
  EXPECT_EQ(find_rule(rules, "a:2"), &rules[1]);
  EXPECT_EQ(find_rule(rules, "b"), &rules[2]);
  EXPECT_EQ(find_rule({rule("a:1")}, "b"), nullptr);
}

}  // namespace
}  // namespace troupe::channel
