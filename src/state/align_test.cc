#include "state/align.h"

#include "state/testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::state {
namespace {

using Texts = std::vector<std::string>;

struct Answer {
  bool found;
  std::vector<Step> steps;
};

Answer align(const Texts& before, const Texts& after) {
  std::vector<std::string_view> x(before.begin(), before.end());
  std::vector<std::string_view> y(after.begin(), after.end());
  Aligner aligner;
  Answer answer;
  std::uint32_t allowance = 1 << 16;
  answer.found = aligner.align(x, y, answer.steps, allowance);
  if (!answer.found) {
    EXPECT_TRUE(answer.steps.empty());
  }
  return answer;
}

// Takes the steps on a copy of `before`.
Texts take(const Texts& before, const Texts& after, const std::vector<Step>& steps) {
  Texts now = before;
  for (const Step& step : steps) {
    auto at = now.begin() + step.index;
    switch (step.kind) {
      case Step::Kind::remove:
        EXPECT_EQ(now.at(step.index), before.at(step.before));
        now.erase(at);
        break;
      case Step::Kind::add:
        now.insert(at, after.at(step.after));
        break;
      case Step::Kind::change:
        EXPECT_EQ(now.at(step.index), before.at(step.before));
        EXPECT_NE(before.at(step.before), after.at(step.after));
        *at = after.at(step.after);
        break;
      case Step::Kind::move: {
        std::string moved = now.at(step.index);
        EXPECT_EQ(moved, before.at(step.before));
        EXPECT_EQ(moved, after.at(step.after));
        now.erase(at);
        EXPECT_LE(step.to, now.size());
        now.insert(now.begin() + step.to, moved);
      }
    }
  }
  return now;
}

// "-2" removes at 2, "+2" adds, "~2" changes, "2>5" moves.
std::string shown(const std::vector<Step>& steps) {
  std::string out;
  for (const Step& step : steps) {
    if (!out.empty()) out += ' ';
    std::string index = std::to_string(step.index);
    switch (step.kind) {
      case Step::Kind::remove:
        out += "-" + index;
        break;
      case Step::Kind::add:
        out += "+" + index;
        break;
      case Step::Kind::change:
        out += "~" + index;
        break;
      case Step::Kind::move:
        out += index + ">" + std::to_string(step.to);
        break;
    }
  }
  return out;
}

Texts letters(std::string_view word) {
  Texts texts;
  for (char c : word) texts.emplace_back(1, c);
  return texts;
}

// Elements long enough to be moved.
Texts rows(std::string_view word) {
  Texts texts;
  for (char c : word) texts.push_back("{\"a row named\":\"" + std::string(1, c) + "\"}");
  return texts;
}

std::string steps_of(const Texts& before, const Texts& after) {
  Answer answer = align(before, after);
  EXPECT_TRUE(answer.found);
  EXPECT_EQ(take(before, after, answer.steps), after);
  return shown(answer.steps);
}

TEST(Align, RemovesAndAddsWhereElementsDiffer) {
  EXPECT_EQ(steps_of(letters("abcdef"), letters("acdef")), "-1");
  EXPECT_EQ(steps_of(letters("abcdef"), letters("abxcdef")), "+2");
  EXPECT_EQ(steps_of(letters("abcdef"), letters("bcdexf")), "-0 +4");
  EXPECT_EQ(steps_of(letters("abc"), letters("")), "-0 -0 -0");
  EXPECT_EQ(steps_of(letters(""), letters("ab")), "+0 +1");
  EXPECT_EQ(steps_of(letters("abc"), letters("abc")), "");
}

TEST(Align, ChangesWhatStoodBetweenTheSameNeighbours) {
  EXPECT_EQ(steps_of(letters("abcde"), letters("aXcYe")), "~1 ~3");
  EXPECT_EQ(steps_of(letters("ab"), letters("xy")), "~0 ~1");
}

TEST(Align, MovesLongElementsInEitherDirection) {
  EXPECT_EQ(steps_of(rows("abcdef"), rows("bcdefa")), "0>5");
  EXPECT_EQ(steps_of(rows("abcdef"), rows("fabcde")), "5>0");
  EXPECT_EQ(steps_of(rows("abcdef"), rows("acdbef")), "1>3");
  EXPECT_EQ(steps_of(rows("abcdef"), rows("ebcdaf")), "0>4 3>0");
}

TEST(Align, MovesShortElementsOnlyWhenThatSavesAStep) {
  EXPECT_EQ(steps_of(letters("abcdef"), letters("bcdefa")), "0>5");
  EXPECT_EQ(steps_of(letters("abcdef"), letters("ebcdaf")), "~0 ~4");
}

TEST(Align, MovesBesideRemovalsAdditionsAndChanges) {
  EXPECT_EQ(
      take(rows("abcdefgh"), rows("bXcgdaeZ"), align(rows("abcdefgh"), rows("bXcgdaeZ")).steps),
      rows("bXcgdaeZ"));
}

TEST(Align, PairsTheMostSimilar) {
  Texts before = {"first", "{\"done\":false,\"id\":7}", "last"};
  Texts after = {"first", "{\"done\":true,\"id\":8,\"new\":1}", "{\"done\":true,\"id\":7}", "last"};
  Answer answer = align(before, after);
  ASSERT_EQ(shown(answer.steps), "+1 ~2");
  EXPECT_EQ(answer.steps[1].after, 2u);

  // All four have changed, and the second has gone.
  before = {"[1,10,a]", "[2,20,b]", "[3,30,c]", "[4,40,d]"};
  after = {"[1,11,a]", "[3,31,c]", "[4,41,d]"};
  EXPECT_EQ(steps_of(before, after), "~0 -1 ~1 ~2");
}

TEST(Align, GivesUpBeyondItsBounds) {
  Texts before;
  Texts after;
  for (std::uint32_t i = 0; i < aligned_edits_max / 2; ++i) {
    before.push_back("old " + std::to_string(i));
    after.push_back("new " + std::to_string(i));
  }
  EXPECT_TRUE(align(before, after).found);
  before.push_back("one");
  after.push_back("more");
  EXPECT_FALSE(align(before, after).found);
  EXPECT_FALSE(align(Texts(1), Texts(aligned_edits_max + 2)).found);

  // Long and repetitive: every diagonal has far to go.
  Texts ab;
  Texts ba;
  for (int i = 0; i < 4000; ++i) {
    ab.push_back(i % 7 == 0 ? "a" : "b");
    ba.push_back(i % 5 == 0 ? "a" : "b");
  }
  EXPECT_FALSE(align(ab, ba).found);
}

TEST(Align, SharesAnAllowanceAmongManyArrays) {
  Aligner aligner;
  const std::vector<std::string_view> before = {"a", "b", "c", "d"};
  const std::vector<std::string_view> after = {"b", "x", "d", "e"};
  std::vector<Step> steps;
  std::uint32_t allowance = 100;
  int answers = 0;
  while (aligner.align(before, after, steps, allowance)) ++answers;
  EXPECT_GT(answers, 1);
  EXPECT_LT(answers, 25);
  EXPECT_EQ(allowance, 0u);
  EXPECT_EQ(steps.size() % static_cast<std::size_t>(answers), 0u);

  // Without an allowance for similarity, elements pair in order.
  Texts from = {"first", "[1,2,3,4,5]", "last"};
  Texts to = {"first", "new", "[1,2,3,4,6]", "last"};
  EXPECT_EQ(steps_of(from, to), "+1 ~2");
  const std::vector<std::string_view> x(from.begin(), from.end());
  const std::vector<std::string_view> y(to.begin(), to.end());
  steps.clear();
  allowance = 20;
  EXPECT_TRUE(aligner.align(x, y, steps, allowance));
  EXPECT_EQ(shown(steps), "~1 +2");
}

TEST(Align, DoesNotTakeEqualHashesForEqualElements) {
  Aligner aligner([](std::string_view text) -> std::uint64_t { return text.size(); });
  std::vector<Step> steps;
  std::uint32_t allowance = 1000;
  const std::vector<std::string_view> before = {"aa", "b", "cc"};
  EXPECT_FALSE(aligner.align(before, std::vector<std::string_view>{"xx", "b"}, steps, allowance));
  EXPECT_TRUE(steps.empty());

  // What seems to have moved has not.
  const std::vector<std::string_view> after = {"b", "cc", "a row of sixteen"};
  const std::vector<std::string_view> other = {"a row of 16 or so", "b", "cc"};
  Aligner one_hash_for_rows(
      [](std::string_view text) -> std::uint64_t { return text.size() > 2 ? 0 : text[0]; });
  ASSERT_TRUE(one_hash_for_rows.align(other, after, steps, allowance));
  EXPECT_EQ(shown(steps), "-0 +2");
}

TEST(Align, PairsInOrderWhatIsTooManyToCompare) {
  Texts before;
  Texts after;
  for (int i = 0; i < 20; ++i) before.push_back("old " + std::to_string(i));
  for (int i = 0; i < 30; ++i) after.push_back("new " + std::to_string(i));
  Answer answer = align(before, after);
  ASSERT_TRUE(answer.found);
  EXPECT_EQ(take(before, after, answer.steps), after);
  EXPECT_EQ(answer.steps.size(), 30u);
}

TEST(Align, StepsLeadFromAnySequenceToAnyOther) {
  Random random;
  Aligner aligner;
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t alphabet = 1 + random.below(12);
    auto sequence = [&](std::size_t length) {
      std::string word;
      for (std::size_t i = 0; i < length; ++i)
        word += static_cast<char>('a' + random.below(alphabet));
      return word;
    };
    std::string from = sequence(random.below(14));
    std::string to = sequence(random.below(14));
    if (random.below(2) == 0) {
      to = from;
      std::shuffle(to.begin(), to.end(), random);
    }
    const bool long_elements = random.below(2) == 0;
    Texts before = long_elements ? rows(from) : letters(from);
    Texts after = long_elements ? rows(to) : letters(to);
    std::vector<std::string_view> x(before.begin(), before.end());
    std::vector<std::string_view> y(after.begin(), after.end());
    std::vector<Step> steps;
    std::uint32_t allowance = 1 << 16;
    ASSERT_TRUE(aligner.align(x, y, steps, allowance)) << random.seed();
    ASSERT_EQ(take(before, after, steps), after) << from << " " << to << random.seed();
    ASSERT_LE(steps.size(), before.size() + after.size()) << random.seed();
  }
}

}  // namespace
}  // namespace troupe::state
