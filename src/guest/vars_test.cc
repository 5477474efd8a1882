#include "guest/vars.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::guest {
namespace {

constexpr std::size_t plenty = 1 << 20;

TEST(Vars, KeepWhatWasSet) {
  Vars vars;
  EXPECT_EQ(vars.find("a"), nullptr);
  EXPECT_TRUE(vars.set("a", "1", plenty));
  ASSERT_NE(vars.find("a"), nullptr);
  EXPECT_EQ(*vars.find("a"), "1");
  vars.erase("a");
  EXPECT_EQ(vars.find("a"), nullptr);
  EXPECT_EQ(vars.bytes(), 0U);
}

// The figures were measured with libextism: with a limit of 100, a key of 1 byte and a value of 51
// fit.
TEST(Vars, CountTheirBytesAsExtismDoes) {
  Vars vars;
  EXPECT_FALSE(vars.set("k", std::string(52, 'x'), 100));
  EXPECT_TRUE(vars.set("k", std::string(51, 'x'), 100));
  EXPECT_EQ(vars.bytes(), 100U);
  // The value to be replaced still counts.
  EXPECT_FALSE(vars.set("k", std::string(10, 'x'), 100));
  EXPECT_EQ(vars.find("k")->size(), 51U);
}

TEST(Vars, GoBackToTheLastCommit) {
  Vars vars;
  vars.set("changed", "old", plenty);
  vars.set("erased", "there", plenty);
  vars.set("untouched", "same", plenty);
  vars.commit();
  const auto before = vars.entries();
  const std::size_t bytes = vars.bytes();

  vars.set("changed", "new", plenty);
  vars.set("changed", "newer", plenty);
  vars.erase("erased");
  vars.set("added", "x", plenty);
  vars.set("passing", "x", plenty);
  vars.erase("passing");
  vars.rollback();
  EXPECT_EQ(vars.entries(), before);
  EXPECT_EQ(vars.bytes(), bytes);
}

TEST(Vars, GoBackOverErasingAndSettingAgain) {
  Vars vars;
  vars.set("a", "old", plenty);
  vars.commit();
  vars.erase("a");
  vars.set("a", "new", plenty);
  vars.erase("a");
  vars.rollback();
  EXPECT_EQ(*vars.find("a"), "old");
  EXPECT_EQ(vars.bytes(), 1 + 3 + 48U);
}

TEST(Vars, KeepWhatWasCommitted) {
  Vars vars;
  vars.set("a", "1", plenty);
  vars.commit();
  vars.rollback();
  EXPECT_EQ(*vars.find("a"), "1");
}

}  // namespace
}  // namespace troupe::guest
