#include "actor/effects.h"

#include <gtest/gtest.h>

namespace troupe::actor {
namespace {

TEST(Effects, KeepsPushesInTheOrderOfTheCalls) {
  Effects effects(10, 1000);
  ASSERT_TRUE(effects.push(false, R"({"name":"one","detail":{"a":1}})"));
  ASSERT_TRUE(effects.push(true, R"({"detail":{},"name":"two"})"));
  ASSERT_EQ(effects.pushes().size(), 2U);
  EXPECT_EQ(effects.pushes()[0].name, "one");
  EXPECT_EQ(effects.pushes()[0].detail, R"({"a":1})");
  EXPECT_FALSE(effects.pushes()[0].to_all);
  EXPECT_TRUE(effects.pushes()[1].to_all);
}

TEST(Effects, ADetailLeftOutIsAnEmptyObject) {
  Effects effects(10, 1000);
  ASSERT_TRUE(effects.push(false, R"({"name":"n"})"));
  ASSERT_TRUE(effects.push(false, R"({"name":"n","detail":null})"));
  EXPECT_EQ(effects.pushes()[0].detail, "{}");
  EXPECT_EQ(effects.pushes()[1].detail, "{}");
}

TEST(Effects, RefusesTheNamesOfTheProtocol) {
  Effects effects(10, 1000);
  for (const char* name :
       {"state:change", "state:patch", "error", "phx_close", "livestate-change"}) {
    const auto refused =
        effects.push(true, std::string(R"({"name":")") + name + R"(","detail":{}})");
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
    EXPECT_TRUE(effects.push(false, input).has_error()) << input;
  }
}

TEST(Effects, StopsAtItsBounds) {
  Effects count(1, 1000);
  ASSERT_TRUE(count.push(false, R"({"name":"n"})"));
  EXPECT_TRUE(count.push(false, R"({"name":"n"})").has_error());
  Effects bytes(10, 4);
  ASSERT_TRUE(bytes.push(false, R"({"name":"n"})"));
  EXPECT_TRUE(bytes.push(false, R"({"name":"n"})").has_error());
}

}  // namespace
}  // namespace troupe::actor
