#include "server/describe.h"

#include <gtest/gtest.h>

namespace troupe::server {
namespace {

Config config_of(const std::vector<std::string>& actors) {
  Config config;
  config.plugins.push_back({.name = "todo"});
  for (const std::string& actor : actors) {
    TopicConfig topic;
    topic.rule.match = "todo:*";
    topic.rule.plugin = "todo";
    topic.rule.actor = channel::KeyTemplate::parse(actor).value();
    config.topics.push_back(std::move(topic));
  }
  return config;
}

TEST(Describe, SaysWhoSharesAnActor) {
  const std::vector<TopicRow> rows = describe(config_of({"{topic}",
                                                         "{rest}",
                                                         "{topic}/{join}",
                                                         "{topic}/{session}",
                                                         "p/{param.room}/{param.side}",
                                                         "lobby"}));
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows[0].shared, "all viewers of the topic");
  EXPECT_EQ(rows[1].shared, "all viewers of the topic");
  EXPECT_EQ(rows[2].shared, "nobody: one for each join");
  EXPECT_EQ(rows[3].shared, "the tabs of one browser");
  EXPECT_EQ(rows[4].shared, "all viewers with the same room and side");
  EXPECT_EQ(rows[5].shared, "all viewers");
}

TEST(Describe, MakesATableInColumns) {
  EXPECT_EQ(as_table(describe(config_of({"{topic}", "{topic}/{join}"}))),
            "topic   plugin  behaviour   actor           shared by                  durability\n"
            "todo:*  todo    live_state  {topic}         all viewers of the topic   none\n"
            "todo:*  todo    live_state  {topic}/{join}  nobody: one for each join  none\n");
}

TEST(Describe, MakesJson) {
  EXPECT_EQ(as_json(describe(config_of({"{topic}"}))),
            R"([{"topic":"todo:*","plugin":"todo","behaviour":"live_state","actor":"{topic}",)"
            R"("shared_by":"all viewers of the topic","durability":"none"}])"
            "\n");
}

}  // namespace
}  // namespace troupe::server
