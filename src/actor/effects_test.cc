#include "actor/effects.h"

#include <gtest/gtest.h>

namespace troupe::actor {
namespace {

TEST(Effects, KeepsPushesInTheOrderOfTheCalls) {
  Effects effects(10, 1000);
  ASSERT_TRUE(effects.add("reply", R"({"name":"one","detail":{"a":1}})"));
  ASSERT_TRUE(effects.add("broadcast", R"({"detail":{},"name":"two"})"));
  ASSERT_EQ(effects.pushes().size(), 2U);
  EXPECT_EQ(effects.pushes()[0].name, "one");
  EXPECT_EQ(effects.pushes()[0].detail, R"({"a":1})");
  EXPECT_FALSE(effects.pushes()[0].to_all);
  EXPECT_TRUE(effects.pushes()[1].to_all);
}

TEST(Effects, ADetailLeftOutIsAnEmptyObject) {
  Effects effects(10, 1000);
  ASSERT_TRUE(effects.add("reply", R"({"name":"n"})"));
  ASSERT_TRUE(effects.add("reply", R"({"name":"n","detail":null})"));
  EXPECT_EQ(effects.pushes()[0].detail, "{}");
  EXPECT_EQ(effects.pushes()[1].detail, "{}");
}

TEST(Effects, RefusesTheNamesOfTheProtocol) {
  Effects effects(10, 1000);
  for (const char* name :
       {"state:change", "state:patch", "error", "phx_close", "livestate-change"}) {
    const auto refused =
        effects.add("broadcast", std::string(R"({"name":")") + name + R"(","detail":{}})");
    ASSERT_TRUE(refused.has_error()) << name;
    EXPECT_NE(refused.error().message.find(name), std::string::npos);
  }
  EXPECT_TRUE(effects.pushes().empty());
}

TEST(Effects, RefusesWhatIsNoPush) {
  Effects effects(10, 1000);
  for (const char* input : {"",
                            "[]",
                            "{",
                            R"({"detail":{}})",
                            R"({"name":""})",
                            R"({"name":1})",
                            R"({"name":"n","detail":[1]})",
                            R"({"name":"n","detail":"text"})"}) {
    EXPECT_TRUE(effects.add("reply", input).has_error()) << input;
  }
}

TEST(Effects, StopsAtItsBounds) {
  Effects count(1, 1000);
  ASSERT_TRUE(count.add("reply", R"({"name":"n"})"));
  EXPECT_TRUE(count.add("reply", R"({"name":"n"})").has_error());
  Effects bytes(10, 4);
  ASSERT_TRUE(bytes.add("reply", R"({"name":"n"})"));
  EXPECT_TRUE(bytes.add("reply", R"({"name":"n"})").has_error());
}

TEST(Effects, DoesNotEvenReadWhatIsFarTooLarge) {
  Effects effects(10, 1000);
  const auto refused = effects.add("reply", std::string(6000, ' '));
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().message,
            "troupe_reply: the effects of one turn are larger than 1000 bytes");
  EXPECT_TRUE(effects.is_full());
}

TEST(Effects, TakesEveryDeedInTheOrderOfTheCalls) {
  Effects effects(10, 1000);
  ASSERT_TRUE(effects.add("subscribe", R"({"topic":"t"})"));
  ASSERT_TRUE(effects.add("publish", R"({"topic":"t","event":"e","payload":[1]})"));
  ASSERT_TRUE(effects.add("send", R"({"to":"p/k","event":"e"})"));
  ASSERT_TRUE(effects.add("send", R"({"to":"p/k","function":"f","payload":"text"})"));
  ASSERT_TRUE(effects.add("timer", R"({"name":"n","after_ms":10,"event":"e","payload":{"a":1}})"));
  ASSERT_TRUE(effects.add("cancel", R"({"name":"n"})"));
  const auto& deeds = effects.deeds();
  ASSERT_EQ(deeds.size(), 6U);
  EXPECT_EQ(deeds[0].kind, Deed::Kind::subscribe);
  EXPECT_EQ(deeds[1].payload, "[1]");
  EXPECT_EQ(deeds[2].kind, Deed::Kind::send);
  EXPECT_EQ(deeds[2].payload, "{}");
  EXPECT_EQ(deeds[3].kind, Deed::Kind::call);
  EXPECT_EQ(deeds[3].payload, "text");
  EXPECT_EQ(deeds[4].after, std::chrono::milliseconds(10));
  EXPECT_EQ(deeds[5].target, "n");
}

TEST(Effects, SaysWhatIsWrongWithADeed) {
  struct Case {
    const char* function;
    const char* input;
    const char* said;
  };
  for (const Case& one :
       {Case{"send", R"({"to":"nowhere","event":"e"})", "is no address"},
        Case{"send", R"({"to":"p/k"})", "event must be a text"},
        Case{"timer", R"({"name":"n","after_ms":9,"event":"e"})", "after_ms must be"},
        Case{"timer", R"({"name":"n","after_ms":1.5,"event":"e"})", "after_ms must be"},
        Case{"publish", R"({"event":"e"})", "topic must be a text"},
        Case{"subscribe", "[]", "must be an object"},
        Case{"explode", "{}", "there is no host function troupe_explode"}}) {
    Effects effects(10, 1000);
    const auto refused = effects.add(one.function, one.input);
    ASSERT_TRUE(refused.has_error()) << one.input;
    EXPECT_NE(refused.error().message.find(one.said), std::string::npos) << refused.error().message;
    EXPECT_TRUE(effects.empty());
  }
}

}  // namespace
}  // namespace troupe::actor
