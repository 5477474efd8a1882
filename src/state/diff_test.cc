#include "state/diff.h"

#include "state/apply.h"
#include "state/canonical.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::state {
namespace {

Canonical read(std::string_view text) {
  return Canonical::read(text).value();
}

std::string diff(std::string_view before, std::string_view after) {
  Differ differ;
  Canonical from = read(before);
  Canonical to = read(after);
  std::string patch(differ.diff(from, to));
  auto applied = apply_patch(from, patch);
  EXPECT_TRUE(applied) << patch << "\n" << (applied ? "" : applied.error().message);
  if (applied) {
    EXPECT_EQ(applied->text(), to.text()) << patch;
  }
  return patch;
}

std::size_t operations(std::string_view patch) {
  json::Tape tape;
  EXPECT_TRUE(json::parse(patch, tape));
  return tape.root().size();
}

TEST(Diff, IsEmptyForEqualStates) {
  EXPECT_EQ(diff("{}", "{}"), "[]");
  EXPECT_EQ(diff(R"({"b":[1,null],"a":"x"})", R"({ "a":"\u0078", "b":[1,null] })"), "[]");
}

TEST(Diff, ReplacesAScalarWhereItStands) {
  EXPECT_EQ(diff(R"({"count":123})", R"({"count":124})"),
            R"([{"op":"replace","path":"/count","value":124}])");
  EXPECT_EQ(diff(R"({"a":{"b":[1,2,3]},"c":0})", R"({"a":{"b":[1,"x",3]},"c":0})"),
            R"([{"op":"replace","path":"/a/b/1","value":"x"}])");
}

TEST(Diff, AddsAndRemovesMembersInTheOrderOfTheirNames) {
  const std::string rest = R"(,"rest":")" + std::string(200, '.') + "\"}";
  EXPECT_EQ(diff(R"({"a":1,"c":2)" + rest, R"({"b":3,"c":4)" + rest),
            R"([{"op":"remove","path":"/a"},{"op":"add","path":"/b","value":3},)"
            R"({"op":"replace","path":"/c","value":4}])");
}

TEST(Diff, TellsNumbersApartByTheirText) {
  EXPECT_EQ(diff(R"({"n":1})", R"({"n":1.0})"), R"([{"op":"replace","path":"/n","value":1.0}])");
}

TEST(Diff, ReplacesTheWholeWhenTheKindChanges) {
  EXPECT_EQ(diff("{}", "[]"), R"([{"op":"replace","path":"","value":[]}])");
  EXPECT_EQ(diff("[]", "{}"), R"([{"op":"replace","path":"","value":{}}])");
  EXPECT_EQ(diff("1", "\"1\""), R"([{"op":"replace","path":"","value":"1"}])");
  EXPECT_EQ(diff(R"({"x":[]})", R"({"x":{}})"), R"([{"op":"replace","path":"/x","value":{}}])");
  EXPECT_EQ(diff(R"({"x":[1]})", R"({"x":{"a":1}})"),
            R"([{"op":"replace","path":"/x","value":{"a":1}}])");
  EXPECT_EQ(diff(R"({"x":{"a":1}})", R"({"x":[1]})"),
            R"([{"op":"replace","path":"/x","value":[1]}])");
}

TEST(Diff, TreatsNullInAnArrayAsAnElement) {
  EXPECT_EQ(diff(R"({"l":[null]})", R"({"l":[null]})"), "[]");
  EXPECT_EQ(diff(R"({"l":[null,1]})", R"({"l":[1]})"), R"([{"op":"remove","path":"/l/0"}])");
  EXPECT_EQ(diff(R"({"l":[1]})", R"({"l":[null,1]})"),
            R"([{"op":"add","path":"/l/0","value":null}])");
}

TEST(Diff, AddsAtTheEndByIndex) {
  EXPECT_EQ(diff(R"({"todos":[]})", R"({"todos":["milk"]})"),
            R"([{"op":"add","path":"/todos/0","value":"milk"}])");
  EXPECT_EQ(diff(R"({"todos":["milk"]})", R"({"todos":["milk","eggs"]})"),
            R"([{"op":"add","path":"/todos/1","value":"eggs"}])");
}

TEST(Diff, AddsInFrontWithOneOperation) {
  EXPECT_EQ(diff(R"({"todos":["milk","eggs"]})", R"({"todos":["first","milk","eggs"]})"),
            R"([{"op":"add","path":"/todos/0","value":"first"}])");
}

TEST(Diff, EscapesPathsAsPointersAndAsJson) {
  EXPECT_EQ(diff(R"({"a/b~c":{"":{"\"\n\\":1}}})", R"({"a/b~c":{"":{"\"\n\\":2}}})"),
            R"([{"op":"replace","path":"/a~1b~0c//\"\n\\","value":2}])");
  EXPECT_EQ(diff("{\"\xC3\xA9~1\":1}", "{\"\xC3\xA9~1\":2}"),
            "[{\"op\":\"replace\",\"path\":\"/\xC3\xA9~01\",\"value\":2}]");
}

TEST(Diff, WalksObjectsByUnescapedNames) {
  // "\n" sorts before "A", though its text does not.
  EXPECT_EQ(diff(R"({"A":1,"keep":"what is long enough"})",
                 R"({"\n":0,"A":1,"keep":"what is long enough"})"),
            R"([{"op":"add","path":"/\n","value":0}])");
  EXPECT_EQ(diff(R"({"\n":0,"A":1,"keep":"what is long enough"})",
                 R"({"A":1,"keep":"what is long enough"})"),
            R"([{"op":"remove","path":"/\n"}])");
}

TEST(Diff, ReplacesASubtreeWhenItsOperationsWouldBeLonger) {
  EXPECT_EQ(diff(R"({"l":[1,2,3,4],"m":0})", R"({"l":[5,6,7,8],"m":0})"),
            R"([{"op":"replace","path":"/l","value":[5,6,7,8]}])");
  EXPECT_EQ(diff(R"({"l":["a","b","c","d"]})", R"({"l":[]})"),
            R"([{"op":"replace","path":"/l","value":[]}])");
  EXPECT_EQ(diff(R"({"a":1,"b":2,"c":3})", R"({"d":1,"e":2,"f":3})"),
            R"([{"op":"replace","path":"","value":{"d":1,"e":2,"f":3}}])");
}

// Documents with one array of `count` objects, as states are.
class List {
 public:
  explicit List(int count) {
    for (int i = 0; i < count; ++i) items_.push_back(item(i));
  }
  static std::string item(int i, bool done = false) {
    return std::string(R"({"done":)") + (done ? "true" : "false") + R"(,"id":)" +
           std::to_string(i) + R"(,"text":"what to do on the day )" + std::to_string(i) +
           R"( of the year"})";
  }
  std::vector<std::string>& items() { return items_; }
  std::string text() const {
    std::string out = R"({"filter":"all","todos":[)";
    for (const std::string& item : items_) out += (&item == items_.data() ? "" : ",") + item;
    return out + "]}";
  }

 private:
  std::vector<std::string> items_;
};

TEST(DiffOfAList, InsertsInTheMiddleWithOneOperation) {
  List before(200);
  List after(200);
  after.items().insert(after.items().begin() + 4, List::item(1000));
  EXPECT_EQ(diff(before.text(), after.text()),
            R"([{"op":"add","path":"/todos/4","value":)" + List::item(1000) + "}]");
}

TEST(DiffOfAList, RemovesFromTheMiddleWithOneOperation) {
  List before(200);
  List after(200);
  after.items().erase(after.items().begin() + 77);
  EXPECT_EQ(diff(before.text(), after.text()), R"([{"op":"remove","path":"/todos/77"}])");
}

TEST(DiffOfAList, MovesWithOneOperation) {
  List before(200);
  List after(200);
  after.items().erase(after.items().begin() + 30);
  after.items().insert(after.items().begin() + 150, List::item(30));
  EXPECT_EQ(diff(before.text(), after.text()),
            R"([{"op":"move","from":"/todos/30","path":"/todos/150"}])");
  EXPECT_EQ(diff(after.text(), before.text()),
            R"([{"op":"move","from":"/todos/150","path":"/todos/30"}])");
}

TEST(DiffOfAList, SwapsWithTwoOperations) {
  List before(200);
  List after(200);
  std::swap(after.items()[20], after.items()[120]);
  EXPECT_EQ(operations(diff(before.text(), after.text())), 2u);
}

TEST(DiffOfAList, ChangesOneElementFromWithin) {
  List before(200);
  List after(200);
  after.items()[42] = List::item(42, true);
  EXPECT_EQ(diff(before.text(), after.text()),
            R"([{"op":"replace","path":"/todos/42/done","value":true}])");
}

TEST(DiffOfAList, ChangesOneElementBesideAnInsertion) {
  List before(200);
  List after(200);
  after.items()[42] = List::item(42, true);
  after.items().insert(after.items().begin() + 42, List::item(1000));
  EXPECT_EQ(diff(before.text(), after.text()),
            R"([{"op":"add","path":"/todos/42","value":)" + List::item(1000) +
                R"(},{"op":"replace","path":"/todos/43/done","value":true}])");
}

TEST(DiffOfAList, KeepsAWindowOfTheLastMessagesCheap) {
  List before(50);
  List after(51);
  after.items().erase(after.items().begin());
  EXPECT_EQ(diff(before.text(), after.text()),
            R"([{"op":"remove","path":"/todos/0"},{"op":"add","path":"/todos/49","value":)" +
                List::item(50) + "}]");
}

TEST(DiffOfAList, SeparateEditsCostOneOperationEach) {
  List before(200);
  List after(200);
  after.items()[190] = List::item(190, true);
  after.items().erase(after.items().begin() + 100);
  after.items()[50] = List::item(50, true);
  after.items().insert(after.items().begin() + 10, List::item(1000));
  EXPECT_EQ(operations(diff(before.text(), after.text())), 4u);
}

TEST(DiffOfAList, ManyElementsChangedFromWithinAreComparedByPosition) {
  List before(200);
  List after(200);
  for (int i = 0; i < 200; ++i) after.items()[static_cast<std::size_t>(i)] = List::item(i, true);
  std::string patch = diff(before.text(), after.text());
  EXPECT_EQ(operations(patch), 200u);
  EXPECT_NE(patch.find(R"({"op":"replace","path":"/todos/199/done","value":true})"),
            std::string::npos);
}

TEST(DiffOfAList, IsNeverLongerThanTheStateReplaced) {
  List before(200);
  List after(200);
  std::reverse(after.items().begin(), after.items().end());
  std::string patch = diff(before.text(), after.text());
  EXPECT_LE(patch.size(), (R"([{"op":"replace","path":"","value":)" + after.text() + "}]").size());
}

TEST(DiffOfABoard, ReplacesTheCellsThatChanged) {
  std::string middle = ",1";
  for (int i = 0; i < 60; ++i) middle += ",0";
  EXPECT_EQ(diff(R"({"board":[0)" + middle + ",1]}", R"({"board":[2)" + middle + ",3]}"),
            R"([{"op":"replace","path":"/board/0","value":2},)"
            R"({"op":"replace","path":"/board/62","value":3}])");
}

TEST(DiffOfABoard, MovesARowThatWasCleared) {
  std::string empty = "[0,0,0,0,0,0,0,0,0,0]";
  std::string a = "[1,0,1,1,1,0,1,1,0,1]";
  std::string b = "[1,1,1,0,1,1,1,0,1,1]";
  std::string full = "[1,1,1,1,1,1,1,1,1,1]";
  auto board = [](const std::vector<std::string>& rows) {
    std::string out = R"({"rows":[)";
    for (const std::string& row : rows) out += (&row == rows.data() ? "" : ",") + row;
    return out + "]}";
  };
  EXPECT_EQ(diff(board({empty, empty, empty, a, b, full, a}),
                 board({empty, empty, empty, empty, a, b, a})),
            R"([{"op":"add","path":"/rows/3","value":[0,0,0,0,0,0,0,0,0,0]},)"
            R"({"op":"remove","path":"/rows/6"}])");
}

TEST(Differ, KeepsNothingOfTheLastComparison) {
  Differ differ;
  Canonical a = read(R"({"l":[[1,2,3,4,5,6],[7,8,9]],"m":{"x":1}})");
  Canonical b = read(R"({"l":[[7,8,9],[1,2,4,5,6]],"m":{"x":2}})");
  std::string there(differ.diff(a, b));
  std::string back(differ.diff(b, a));
  EXPECT_EQ(differ.diff(a, a), "[]");
  EXPECT_EQ(differ.diff(a, b), there);
  EXPECT_EQ(Differ().diff(a, b), there);
  EXPECT_EQ(Differ().diff(b, a), back);
}

TEST(Differ, GoesAsDeepAsADocumentMay) {
  auto deep = [](std::string_view core) {
    std::string text;
    for (unsigned i = 0; i < json::depth_max; ++i) text += i % 2 == 0 ? "[1,2," : "{\"a\":0,\"b\":";
    text += core;
    for (unsigned i = json::depth_max; i > 0; --i) text += i % 2 == 1 ? ",3]" : "}";
    return text;
  };
  std::string patch = diff(deep("1"), deep("2"));
  EXPECT_EQ(operations(patch), 1u);
  EXPECT_NE(patch.find(R"(/2/b/2/b)"), std::string::npos);
}

TEST(Differ, ReplacesWhatItWouldHaveToLookAtTooOften) {
  // Each of 1000 nests is looked at again on each of its levels.
  auto nests = [](std::string_view core) {
    std::string text = "[";
    for (int i = 0; i < 1000; ++i) {
      text += i == 0 ? "" : ",";
      text += std::string(120, '[') + std::string(core) + std::string(120, ']');
    }
    return text + "]";
  };
  std::string patch = diff(nests("1"), nests("2"));
  EXPECT_EQ(patch.size(), nests("2").size() + 37);
}

TEST(Differ, ComparesByPositionWhatItCannotAfford) {
  // Each row has a new element in front and another at the end.
  auto matrix = [](bool after) {
    std::string text = "[";
    for (int row = 0; row < 6000; ++row) {
      text += row == 0 ? "[" : ",[";
      if (after) text += "\"new\",";
      for (int i = 0; i < 50; ++i) {
        text += (i == 0 ? "\"" : ",\"") + std::to_string(row) + " and " + std::to_string(i) + "\"";
      }
      text += after ? ",1]" : ",0]";
    }
    return text + "]";
  };
  std::string patch = diff(matrix(false), matrix(true));
  EXPECT_EQ(patch.find(R"([{"op":"add","path":"/0/0","value":"new"},)"), 0u);
  EXPECT_NE(patch.find(R"({"op":"replace","path":"/5999","value":["new",)"), std::string::npos);
}

}  // namespace
}  // namespace troupe::state
