#include "cli/templates.h"

#include <gtest/gtest.h>

namespace troupe::cli {
namespace {

TEST(Templates, FillInNameAndCrate) {
  EXPECT_EQ(fill_in("{{NAME}}/{{CRATE}}.wasm {{{}} {{", "my-todo"),
            "my-todo/my_todo.wasm {{{}} {{");
}

TEST(Templates, EveryLanguageHasEveryBehaviour) {
  for (const std::string language : {"js", "ts", "rust", "go", "as", "c", "cpp"}) {
    for (const std::string behaviour : {"live_state", "call"}) {
      int found = 0;
      for (const Template& each : templates()) {
        found += each.language == language && each.behaviour == behaviour ? 1 : 0;
      }
      EXPECT_EQ(found, 1) << language << ' ' << behaviour;
    }
  }
}

TEST(Templates, HaveNoMarkLeftWhenFilledIn) {
  for (const Template& each : templates()) {
    for (const TemplateFile& file : each.files) {
      EXPECT_FALSE(file.text.empty()) << file.path;
      EXPECT_EQ(fill_in(file.text, "x").find("{{NAME"), std::string::npos) << file.path;
      EXPECT_EQ(fill_in(file.text, "x").find("{{CRATE"), std::string::npos) << file.path;
    }
  }
}

}  // namespace
}  // namespace troupe::cli
