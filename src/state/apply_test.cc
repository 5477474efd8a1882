#include "state/apply.h"

#include "state/canonical.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace troupe::state {
namespace {

std::string apply_to(std::string_view document, std::string_view patch) {
  auto result = apply_patch(Canonical::read(document).value(), patch);
  return result ? result->text() : "error: " + result.error().message;
}

TEST(Apply, AddsToObjectsAndArrays) {
  EXPECT_EQ(apply_to(R"({"b":1})", R"([{"op":"add","path":"/a","value":{"y":1,"x":2}}])"),
            R"({"a":{"x":2,"y":1},"b":1})");
  EXPECT_EQ(apply_to(R"({"a":1})", R"([{"op":"add","path":"/a","value":2}])"), R"({"a":2})");
  EXPECT_EQ(apply_to("[1,3]", R"([{"op":"add","path":"/1","value":2}])"), "[1,2,3]");
  EXPECT_EQ(apply_to("[1]", R"([{"op":"add","path":"/1","value":2}])"), "[1,2]");
  EXPECT_EQ(apply_to("[1]", R"([{"op":"add","path":"/-","value":2}])"), "[1,2]");
  EXPECT_EQ(apply_to("[1]", R"([{"op":"add","path":"","value":null}])"), "null");
}

TEST(Apply, RemovesAndReplacesWhatIsThere) {
  EXPECT_EQ(apply_to(R"({"a":1,"b":[1,2]})", R"([{"op":"remove","path":"/b/0"}])"),
            R"({"a":1,"b":[2]})");
  EXPECT_EQ(apply_to(R"({"a":1})", R"([{"op":"remove","path":"/a"}])"), "{}");
  EXPECT_EQ(apply_to("[1,2,3]", R"([{"op":"replace","path":"/1","value":[]}])"), "[1,[],3]");
  EXPECT_EQ(apply_to(R"({"a":1})", R"([{"op":"replace","path":"/a","value":null}])"),
            R"({"a":null})");
  EXPECT_EQ(apply_to(R"({"a":1})", R"([{"op":"replace","path":"","value":[1]}])"), "[1]");
}

TEST(Apply, MovesByTheIndexAfterTaking) {
  EXPECT_EQ(apply_to("[0,1,2,3]", R"([{"op":"move","from":"/0","path":"/2"}])"), "[1,2,0,3]");
  EXPECT_EQ(apply_to("[0,1,2,3]", R"([{"op":"move","from":"/3","path":"/0"}])"), "[3,0,1,2]");
  EXPECT_EQ(apply_to("[0,1]", R"([{"op":"move","from":"/0","path":"/-"}])"), "[1,0]");
  EXPECT_EQ(apply_to(R"({"a":{"b":1},"c":2})", R"([{"op":"move","from":"/a/b","path":"/c"}])"),
            R"({"a":{},"c":1})");
  EXPECT_EQ(apply_to(R"({"a":[1]})", R"([{"op":"move","from":"/a","path":""}])"), "[1]");
  EXPECT_EQ(apply_to("[1]", R"([{"op":"move","from":"/0","path":"/0"}])"), "[1]");
  EXPECT_EQ(apply_to("[1]", R"([{"op":"move","from":"","path":""}])"), "[1]");
}

TEST(Apply, CopiesAlsoIntoItself) {
  EXPECT_EQ(apply_to(R"({"a":[1]})", R"([{"op":"copy","from":"/a","path":"/b"}])"),
            R"({"a":[1],"b":[1]})");
  EXPECT_EQ(apply_to(R"({"a":1})", R"([{"op":"copy","from":"","path":"/b"}])"),
            R"({"a":1,"b":{"a":1}})");
  EXPECT_EQ(apply_to("[1,2]", R"([{"op":"copy","from":"/1","path":"/0"}])"), "[2,1,2]");
}

TEST(Apply, TestsByCanonicalText) {
  EXPECT_EQ(apply_to(R"({"a":{"x":1,"y":"A"}})",
                     R"([{"op":"test","path":"/a","value":{"y":"\u0041","x":1}}])"),
            R"({"a":{"x":1,"y":"A"}})");
  EXPECT_EQ(apply_to("[1]", R"([{"op":"test","path":"/0","value":1.0}])"),
            "error: patch operation 0: test \"/0\": the value there is another");
  EXPECT_EQ(apply_to("[1]", R"([{"op":"test","path":"","value":[1]}])"), "[1]");
  EXPECT_EQ(apply_to("{}", R"([{"op":"test","path":"/a","value":null}])"),
            "error: patch operation 0: test \"/a\": there is no 'a'");
}

TEST(Apply, ReadsPointersWithTheirEscapes) {
  EXPECT_EQ(apply_to(R"({"a/b":1,"m~n":2,"~1":3,"":4,"\"":5})",
                     R"([{"op":"remove","path":"/a~1b"},{"op":"remove","path":"/m~0n"},)"
                     R"({"op":"remove","path":"/~01"},{"op":"remove","path":"/"},)"
                     R"({"op":"remove","path":"/\""}])"),
            "{}");
  EXPECT_EQ(apply_to(R"({"0":1,"-":2,"01":3})",
                     R"([{"op":"remove","path":"/0"},{"op":"remove","path":"/-"},)"
                     R"({"op":"remove","path":"/01"}])"),
            "{}");
  EXPECT_EQ(apply_to(R"({"":{"":1}})", R"([{"op":"replace","path":"//","value":2}])"),
            R"({"":{"":2}})");
}

TEST(Apply, AppliesOperationsInTheirOrder) {
  EXPECT_EQ(
      apply_to("{}",
               R"([{"op":"add","path":"/a","value":[]},{"op":"add","path":"/a/0","value":1},)"
               R"({"op":"test","path":"/a","value":[1]},{"op":"move","from":"/a/0","path":"/b"}])"),
      R"({"a":[],"b":1})");
  EXPECT_EQ(apply_to("{}", "[]"), "{}");
}

TEST(Apply, IgnoresMembersItDoesNotKnowAndTakesTheLastOfEqualOnes) {
  EXPECT_EQ(apply_to("[]", R"([{"note":1,"op":"remove","op":"add","path":"/0","value":1}])"),
            "[1]");
}

TEST(Apply, RefusesWhatHasNoPlace) {
  auto error = [](std::string_view operation) {
    std::string text = apply_to(R"({"a":[1,2],"s":"x"})", "[" + std::string(operation) + "]");
    constexpr std::string_view prefix = "error: patch operation 0: ";
    return text.substr(0, prefix.size()) == prefix ? text.substr(prefix.size()) : text;
  };
  EXPECT_EQ(error(R"({"op":"add","path":"/a/3","value":0})"),
            "add \"/a/3\": index 3 is beyond an array of 2");
  EXPECT_EQ(error(R"({"op":"remove","path":"/a/2"})"), "remove \"/a/2\": there is no '2'");
  EXPECT_EQ(error(R"({"op":"remove","path":"/a/-"})"), "remove \"/a/-\": there is no '-'");
  EXPECT_EQ(error(R"({"op":"replace","path":"/b","value":0})"), "replace \"/b\": there is no 'b'");
  EXPECT_EQ(error(R"({"op":"replace","path":"/a/-","value":0})"),
            "replace \"/a/-\": there is no '-'");
  EXPECT_EQ(error(R"({"op":"add","path":"/b/c","value":0})"), "add \"/b/c\": there is no 'b'");
  EXPECT_EQ(error(R"({"op":"add","path":"/s/c","value":0})"),
            "add \"/s/c\": 'c' is looked for in a string");
  for (std::string_view index : {"01", "+1", "-1", "1.0", "x", "", " 1", "4294967296", "1e0"}) {
    EXPECT_EQ(error(R"({"op":"add","path":"/a/)" + std::string(index) + R"(","value":0})"),
              "add \"/a/" + std::string(index) + "\": '" + std::string(index) +
                  "' is no index of an array");
  }
  EXPECT_EQ(error(R"({"op":"remove","path":""})"),
            "remove \"\": the whole document cannot be removed");
  EXPECT_EQ(error(R"({"op":"move","from":"/a","path":"/a/0"})"),
            "move \"/a/0\": a value cannot be moved into itself");
  EXPECT_EQ(error(R"({"op":"move","from":"/b","path":"/b"})"), "move \"/b\": there is no 'b'");
  EXPECT_EQ(error(R"({"op":"copy","from":"/a/2","path":"/b"})"), "copy \"/b\": there is no '2'");
}

TEST(Apply, RefusesMalformedOperations) {
  auto error = [](std::string_view patch) { return apply_to("{}", patch); };
  EXPECT_EQ(error("{}"), "error: a patch is an array of operations, not an object");
  EXPECT_EQ(error("[1]"), "error: patch operation 0: an operation is an object, not a number");
  EXPECT_EQ(error("[{}]"), "error: patch operation 0: it has no 'op'");
  EXPECT_EQ(error(R"([{"op":"add","value":1}])"), "error: patch operation 0: it has no 'path'");
  EXPECT_EQ(error(R"([{"op":"add","path":1,"value":1}])"),
            "error: patch operation 0: its 'path' is no string");
  EXPECT_EQ(error(R"([{"op":"add","path":"/a"}])"),
            "error: patch operation 0: add \"/a\": it has no 'value'");
  EXPECT_EQ(error(R"([{"op":"move","path":"/a"}])"),
            "error: patch operation 0: move \"/a\": it has no 'from'");
  EXPECT_EQ(error(R"([{"op":"add","path":"a","value":1}])"),
            "error: patch operation 0: add \"a\": a path is empty or begins with '/'");
  EXPECT_EQ(error(R"([{"op":"add","path":"/~2","value":1}])"),
            "error: patch operation 0: add \"/~2\": '~' in a path is followed by 0 or 1");
  EXPECT_EQ(error(R"([{"op":"add","path":"/~","value":1}])"),
            "error: patch operation 0: add \"/~\": '~' in a path is followed by 0 or 1");
  EXPECT_EQ(error(R"([{"op":"add","path":"/a","value":1},{"op":"inc","path":"/a"}])"),
            "error: patch operation 1: inc \"/a\": there is no such operation");
  EXPECT_EQ(error("[").substr(0, 11), "error: JSON");
}

TEST(Apply, BoundsTheSizeOfTheDocument) {
  std::string patch = "[";
  for (int i = 0; i < 40; ++i) {
    patch += R"({"op":"copy","from":"","path":"/)" + std::to_string(i) + "\"},";
  }
  patch.back() = ']';
  std::string error = apply_to(R"({"text":"twelve bytes"})", patch);
  EXPECT_NE(error.find("the document would have more than 8388608 bytes"), std::string::npos)
      << error.substr(0, 200);
  EXPECT_TRUE(
      apply_patch(Canonical::read("[]").value(), R"([{"op":"add","path":"/0","value":123}])", 5));
  EXPECT_FALSE(
      apply_patch(Canonical::read("[]").value(), R"([{"op":"add","path":"/0","value":1234}])", 5));
}

TEST(Apply, BoundsTheDepthOfTheDocument) {
  std::string deep = std::string(127, '[') + std::string(127, ']');
  EXPECT_NE(apply_to("[]", R"([{"op":"add","path":"/0","value":)" + deep + "}]").substr(0, 5),
            "error");
  EXPECT_EQ(
      apply_to("[[]]", R"([{"op":"add","path":"/0/0","value":)" + deep + "}]"),
      "error: patch operation 0: add \"/0/0\": arrays and objects would be nested too deeply");
  // Each copy of the whole into its deepest array doubles the depth.
  std::string patch = "[";
  std::string deepest = "/0";
  for (int doubled = 0; doubled < 8; ++doubled) {
    if (doubled > 0) deepest += deepest;
    patch += R"({"op":"copy","from":"","path":")" + deepest + R"("},)";
  }
  patch.back() = ']';
  EXPECT_EQ(apply_to("[]", patch),
            "error: patch operation 7: copy \"" + deepest +
                "\": arrays and objects would be nested too deeply");
}

}  // namespace
}  // namespace troupe::state
