// How the elements of one array become those of another in few steps.
//
// Elements that both have in the same order stay (a longest common subsequence, Myers' O(ND)
// search). Of the others, one that left one place and came to another is moved; those that stood
// between the same two staying elements are changed into each other, the most similar pairs; the
// rest is removed or added.
//
//   a b c d   ->   b c a x      move 0 to 2, change 3
//
// The work is bounded, also over many arrays: a caller gives an allowance that they share. Where a
// bound is reached there is no answer, and the caller compares position by position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace troupe::state {

// Removed and added elements together. Time and memory of the search grow with its square.
inline constexpr std::uint32_t aligned_edits_max = 128;
// Pairs compared for similarity between two staying elements; when there are more, they pair in
// order.
inline constexpr std::size_t similar_pairs_max = 256;
// What such a comparison looks at, from the beginning and from the end.
inline constexpr std::size_t similar_bytes_max = 128;
// Shorter elements are moved only when that saves a step: to write them anew is as short.
inline constexpr std::size_t moved_bytes_min = 16;

struct Step {
  enum class Kind : std::uint8_t { remove, add, change, move };

  Kind kind;
  // In the array as the steps before have left it; of a move, where it is taken.
  std::uint32_t index;
  std::uint32_t to;      // of a move: where it is put, once it is taken
  std::uint32_t before;  // which element of the old array, except for add
  std::uint32_t after;   // which element of the new array, except for remove
};

// Keeps its buffers between uses. Not thread-safe.
class Aligner {
 public:
  using Elements = std::span<const std::string_view>;
  using Hash = std::uint64_t (*)(std::string_view);

  // Elements of equal hash are compared before they count as equal; two that differ cost the
  // answer.
  explicit Aligner(Hash hash = standard_hash) : hash_(hash) {}

  // Elements are their texts; equal texts are equal elements. Appends the steps in the order in
  // which they are to be taken and returns true, or leaves `steps` alone and returns false. The
  // work done, in pairs of elements looked at, is taken from `allowance`.
  bool align(Elements before, Elements after, std::vector<Step>& steps, std::uint32_t& allowance);

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  // An element that does not stay.
  struct Lone {
    std::uint32_t position = 0;
    std::uint32_t gap = none;
    std::uint32_t partner = none;  // of the other side, that it is moved to or changed into
    std::uint32_t slot = none;
    bool moved = false;
  };

  // The lone elements between two staying ones.
  struct Gap {
    std::uint32_t staying_before;
    std::uint32_t removed_first;
    std::uint32_t removed_end;
    std::uint32_t added_first;
    std::uint32_t added_end;
    int surplus;  // of removed over added ones, the moved not counted
  };

  // Where something happens, in the merged order of both arrays.
  struct Slot {
    Step::Kind kind;
    bool arrives;  // of a move: where it is put
    bool present;  // the array has an element here now
    std::uint32_t staying_before;
    std::uint32_t partner;  // of a move: the other slot
    std::uint32_t before;
    std::uint32_t after;
  };

  bool search(Elements before, Elements after, std::uint32_t& allowance);
  bool gather_gaps(Elements before, Elements after);
  void find_moves(Elements before, Elements after);
  void find_changes(Elements before, Elements after, const Gap& gap, std::uint32_t& allowance);
  void place(const Gap& gap);
  void write(std::vector<Step>& steps);

  static std::uint64_t standard_hash(std::string_view text) {
    return std::hash<std::string_view>{}(text);
  }

  Hash hash_;
  std::vector<std::uint64_t> hashes_;  // of the old elements, then of the new
  std::vector<std::int32_t> reach_;    // of the search, row by row
  std::vector<Lone> removed_;
  std::vector<Lone> added_;
  std::vector<Gap> gaps_;
  std::vector<std::uint32_t> free_removed_;
  std::vector<std::uint32_t> free_added_;
  std::vector<std::uint32_t> score_;
  std::vector<Slot> slots_;
};

}  // namespace troupe::state
