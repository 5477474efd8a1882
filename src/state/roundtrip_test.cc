// apply_patch(before, diff(before, after)) is `after`, for any two documents, by us and by others.
#include "state/apply.h"
#include "state/canonical.h"
#include "state/diff.h"
#include "state/testing.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::state {
namespace {

// nlohmann's own text tells 1 from 1.0, where its == does not.
std::string as_others_see(std::string_view text) {
  return nlohmann::json::parse(text).dump();
}

class Roundtrip : public ::testing::Test {
 protected:
  // What `after` is read to, when everything holds.
  void check(const Canonical& before, const Canonical& after) {
    std::string patch(differ_.diff(before, after));
    auto applied = apply_patch(before, patch);
    ASSERT_TRUE(applied) << applied.error().message << explain(before, after, patch);
    ASSERT_EQ(applied->text(), after.text()) << explain(before, after, patch);
    ASSERT_EQ(patch == "[]", before == after) << explain(before, after, patch);
    const std::size_t whole = after.text().size() + 37;
    ASSERT_LE(patch.size(), whole) << explain(before, after, patch);

    auto others = nlohmann::json::parse(before.text()).patch(nlohmann::json::parse(patch));
    ASSERT_EQ(others.dump(), as_others_see(after.text())) << explain(before, after, patch);
  }

  void check_their_patch(const Canonical& before, const Canonical& after) {
    auto from = nlohmann::json::parse(before.text());
    auto to = nlohmann::json::parse(after.text());
    std::string patch = nlohmann::json::diff(from, to).dump();
    auto applied = apply_patch(before, patch);
    ASSERT_TRUE(applied) << applied.error().message << explain(before, after, patch);
    ASSERT_EQ(nlohmann::json::parse(applied->text()), to) << explain(before, after, patch);
  }

  std::string explain(const Canonical& before, const Canonical& after, std::string_view patch) {
    return "\nbefore " + before.text() + "\nafter  " + after.text() + "\npatch  " +
           std::string(patch) + "\n" + random_.seed();
  }

  Canonical read(const Sketch& sketch) { return Canonical::read(writer_.write(sketch)).value(); }

  Random random_;
  Writer writer_{random_};
  Differ differ_;
};

TEST_F(Roundtrip, CanonicalTextMeansTheSameToOthers) {
  for (int round = 0; round < 800; ++round) {
    Sketch sketch = random_sketch(random_, 4);
    std::string text = writer_.write(sketch);
    auto value = Canonical::read(text);
    ASSERT_TRUE(value) << text << value.error().message << random_.seed();
    ASSERT_EQ(as_others_see(value->text()), as_others_see(text)) << random_.seed();
    // However it is written, it is read to the same bytes.
    ASSERT_EQ(read(sketch).text(), value->text()) << text << random_.seed();
    auto again = Canonical::read(value->text());
    ASSERT_TRUE(again) << random_.seed();
    ASSERT_EQ(again->text(), value->text()) << random_.seed();
  }
}

TEST_F(Roundtrip, HoldsForDocumentsThatHaveNothingInCommon) {
  for (int round = 0; round < 400; ++round) {
    Canonical before = read(random_sketch(random_, 4));
    Canonical after = read(random_sketch(random_, 4));
    ASSERT_NO_FATAL_FAILURE(check(before, after));
    ASSERT_NO_FATAL_FAILURE(check_their_patch(before, after));
  }
}

TEST_F(Roundtrip, HoldsForDocumentsThatChangeStepByStep) {
  for (int document = 0; document < 40; ++document) {
    Sketch sketch = random_sketch(random_, 5);
    for (int round = 0; round < 20; ++round) {
      Canonical before = read(sketch);
      for (std::size_t n = random_.below(4); n > 0; --n) mutate(random_, sketch);
      Canonical after = read(sketch);
      ASSERT_NO_FATAL_FAILURE(check(before, after));
      ASSERT_NO_FATAL_FAILURE(check(after, before));
      ASSERT_NO_FATAL_FAILURE(check_their_patch(before, after));
    }
  }
}

TEST_F(Roundtrip, HoldsForLongArraysOfWhichLittleChanges) {
  for (int round = 0; round < 20; ++round) {
    Sketch list{.kind = json::Kind::array};
    for (std::size_t n = 100 + random_.below(200); n > 0; --n) {
      list.children.push_back(random_sketch(random_, 2));
    }
    Canonical before = read(list);
    // From a few changes to more than an alignment may find.
    for (std::size_t n = random_.below(200); n > 0; --n) {
      Sketch& target =
          random_.one_in(2) ? list : list.children[random_.below(list.children.size())];
      if (&target != &list) {
        mutate(random_, target);
      } else if (random_.one_in(2)) {
        give_child(random_, list, random_.below(list.children.size()), random_sketch(random_, 2));
      } else {
        std::swap(list.children[random_.below(list.children.size())],
                  list.children[random_.below(list.children.size())]);
      }
    }
    ASSERT_NO_FATAL_FAILURE(check(before, read(list)));
  }
}

TEST_F(Roundtrip, HoldsForArraysOfFewDifferentElements) {
  for (int round = 0; round < 500; ++round) {
    auto board = [&] {
      Sketch list{.kind = json::Kind::array};
      for (std::size_t n = random_.below(40); n > 0; --n) {
        Sketch cell{.kind = json::Kind::number};
        cell.token = std::to_string(random_.below(3));
        if (random_.one_in(4)) cell.token = "\"a longer piece on the board\"";
        list.children.push_back(cell);
      }
      return list;
    };
    ASSERT_NO_FATAL_FAILURE(check(read(board()), read(board())));
  }
}

}  // namespace
}  // namespace troupe::state
