// What Extism's own kernel does with blocks, input, output and errors, function by function.
#include "guest/arena.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace troupe::guest {
namespace {

constexpr std::size_t page = 65536;

class ArenaOfAPage : public testing::Test {
 protected:
  ArenaOfAPage() { arena.clear(page); }
  void write(Arena::Handle at, std::string_view text) {
    for (const char c : text) arena.store_u8(at++, static_cast<std::uint8_t>(c));
  }
  bool give_input(std::string_view text) {
    const std::array pieces{text};
    return arena.set_input(pieces);
  }

  Arena arena;
};

TEST_F(ArenaOfAPage, GivesNoBlockOfNoBytes) {
  EXPECT_EQ(arena.alloc(0), 0U);
}

TEST_F(ArenaOfAPage, GivesBlocksThatLieApart) {
  const auto first = arena.alloc(16);
  const auto second = arena.alloc(1);
  EXPECT_NE(first, 0U);
  EXPECT_GT(second, first + 16);
}

TEST_F(ArenaOfAPage, GivesNoBlockBeyondItsBound) {
  EXPECT_EQ(arena.alloc(page), 0U);
  EXPECT_EQ(arena.alloc(~std::uint64_t{0}), 0U);
  EXPECT_NE(arena.alloc(page / 2), 0U);
  EXPECT_EQ(arena.alloc(page / 2), 0U);
}

TEST_F(ArenaOfAPage, GrowsUpToItsBound) {
  arena.clear(3 * page);
  const auto before = arena.memory_bytes();
  const auto block = arena.alloc(2 * page);
  ASSERT_NE(block, 0U);
  EXPECT_EQ(arena.memory_bytes(), before + 2 * page);
  arena.store_u8(block + 2 * page - 1, 7);
  EXPECT_EQ(arena.load_u8(block + 2 * page - 1), 7);
}

TEST_F(ArenaOfAPage, KnowsTheLengthOfActiveBlocksAlone) {
  const auto first = arena.alloc(10);
  const auto second = arena.alloc(20);
  EXPECT_EQ(arena.length(first), 10U);
  EXPECT_EQ(arena.length(second), 20U);
  EXPECT_EQ(arena.length(first + 1), 0U);
  EXPECT_EQ(arena.length(0), 0U);
  EXPECT_EQ(arena.length(~std::uint64_t{0}), 0U);
  arena.free(first);
  EXPECT_EQ(arena.length(first), 0U);
  arena.free(second);
  EXPECT_EQ(arena.length(second), 0U);
}

TEST_F(ArenaOfAPage, IgnoresFreeingWhatIsNoBlock) {
  const auto block = arena.alloc(10);
  arena.free(0);
  arena.free(block + 1);
  arena.free(12345678);
  EXPECT_EQ(arena.length(block), 10U);
  arena.free(block);
  arena.free(block);
  EXPECT_EQ(arena.length(block), 0U);
}

TEST_F(ArenaOfAPage, UsesFreedBlocksAgainWhenThereIsNoOtherRoom) {
  const auto large = arena.alloc(40'000);
  const auto small = arena.alloc(20'000);
  ASSERT_NE(small, 0U);
  arena.free(large);
  const auto again = arena.alloc(30'000);
  EXPECT_EQ(again, large);
  EXPECT_EQ(arena.length(again), 30'000U);
  // What was left over of it is a block of its own.
  const auto rest = arena.alloc(9'000);
  EXPECT_GE(rest, again + 30'000);
  EXPECT_LE(rest + 9'000, small);
  EXPECT_EQ(arena.length(small), 20'000U);
}

TEST_F(ArenaOfAPage, KeepsASmallExcessWithTheBlockUsedAgain) {
  const auto block = arena.alloc(60'000);
  arena.free(block);
  EXPECT_EQ(arena.alloc(59'950), block);
  EXPECT_EQ(arena.length(block), 59'950U);
}

TEST_F(ArenaOfAPage, ReadsAndWritesAtAnyAlignment) {
  const auto block = arena.alloc(32);
  arena.store_u64(block + 3, 0x0102030405060708);
  EXPECT_EQ(arena.load_u64(block + 3), 0x0102030405060708U);
  EXPECT_EQ(arena.load_u8(block + 3), 8);
  EXPECT_EQ(arena.load_u8(block + 10), 1);
}

TEST_F(ArenaOfAPage, ReadsZeroesAndDropsWritesOutOfBounds) {
  for (const std::uint64_t at : {std::uint64_t{0},
                                 std::uint64_t{63},
                                 std::uint64_t{page},
                                 std::uint64_t{page - 7},
                                 ~std::uint64_t{0},
                                 ~std::uint64_t{7}}) {
    arena.store_u64(at, ~std::uint64_t{0});
    EXPECT_EQ(arena.load_u64(at), 0U) << at;
  }
  for (const std::uint64_t at :
       {std::uint64_t{0}, std::uint64_t{63}, std::uint64_t{page}, ~std::uint64_t{0}}) {
    arena.store_u8(at, 1);
    EXPECT_EQ(arena.load_u8(at), 0U) << at;
  }
}

TEST_F(ArenaOfAPage, JoinsThePiecesOfTheInput) {
  const std::array<std::string_view, 4> pieces{"[", "", "1,2", "]"};
  ASSERT_TRUE(arena.set_input(pieces));
  EXPECT_EQ(arena.input_length(), 5U);
  EXPECT_EQ(arena.block(arena.input_offset()), "[1,2]");
}

TEST_F(ArenaOfAPage, HasNoBlockForAnEmptyInput) {
  ASSERT_TRUE(give_input(""));
  EXPECT_EQ(arena.input_offset(), 0U);
  EXPECT_EQ(arena.input_length(), 0U);
  EXPECT_EQ(arena.input_load_u8(0), 0);
  EXPECT_EQ(arena.input_load_u64(0), 0U);
}

TEST_F(ArenaOfAPage, RefusesAnInputBeyondItsBound) {
  EXPECT_FALSE(give_input(std::string(page, 'x')));
}

TEST_F(ArenaOfAPage, ReadsTheInputByItsOwnOffsets) {
  ASSERT_TRUE(give_input("0123456789"));
  EXPECT_EQ(arena.input_load_u8(0), '0');
  EXPECT_EQ(arena.input_load_u8(9), '9');
  EXPECT_EQ(arena.input_load_u8(10), 0);
  EXPECT_EQ(arena.input_load_u64(2) >> 56, '9');
  EXPECT_EQ(arena.input_load_u64(3), 0U);
  EXPECT_EQ(arena.input_load_u64(~std::uint64_t{0} - 3), 0U);
}

TEST_F(ArenaOfAPage, ForgetsTheInputWhenItsBlockIsFreed) {
  ASSERT_TRUE(give_input("hello"));
  arena.free(arena.input_offset());
  EXPECT_EQ(arena.input_length(), 0U);
  EXPECT_EQ(arena.input_load_u8(0), 0);
}

TEST_F(ArenaOfAPage, TakesAnyRangeWithinItsMemoryAsOutput) {
  const auto block = arena.alloc(10);
  write(block, "0123456789");
  arena.output_set(block + 2, 3);
  EXPECT_EQ(arena.output(), "234");
  arena.output_set(block, 100);
  EXPECT_EQ(arena.output().size(), 100U);
}

TEST_F(ArenaOfAPage, IgnoresOutputOutOfBounds) {
  const auto block = arena.alloc(2);
  write(block, "ok");
  arena.output_set(block, 2);
  arena.output_set(0, 0);
  arena.output_set(0, 10);
  arena.output_set(block, page);
  arena.output_set(block, ~std::uint64_t{0});
  arena.output_set(~std::uint64_t{0}, 2);
  EXPECT_EQ(arena.output(), "ok");
  EXPECT_EQ(arena.output_offset(), block);
  EXPECT_EQ(arena.output_length(), 2U);
}

TEST_F(ArenaOfAPage, TakesTheWholeBlockAsErrorText) {
  const auto block = arena.alloc(3);
  write(block, "bad");
  arena.error_set(block);
  EXPECT_EQ(arena.error(), "bad");
  arena.error_set(page + 1);
  EXPECT_EQ(arena.error_get(), block);
  arena.error_set(block + 1);
  EXPECT_EQ(arena.error(), "");
  arena.error_set(0);
  EXPECT_EQ(arena.error_get(), 0U);
}

TEST_F(ArenaOfAPage, ResetsToZeroes) {
  ASSERT_TRUE(give_input("secret"));
  const auto block = arena.alloc(8);
  arena.store_u64(block, ~std::uint64_t{0});
  arena.store_u64(page - 8, ~std::uint64_t{0});
  arena.output_set(block, 8);
  arena.error_set(block);
  arena.reset();
  EXPECT_EQ(arena.input_length() + arena.output_length() + arena.error_get(), 0U);
  EXPECT_EQ(arena.length(block), 0U);
  for (std::uint64_t at = 64; at < page; ++at) ASSERT_EQ(arena.load_u8(at), 0) << at;
}

TEST_F(ArenaOfAPage, ShowsNothingOfTheCallBefore) {
  arena.clear(10 * page);
  const auto block = arena.alloc(5 * page);
  for (std::uint64_t at = block; at < block + 5 * page; at += 512) arena.store_u8(at, 1);
  arena.clear(10 * page);
  EXPECT_EQ(arena.memory_bytes(), page - 64);
  EXPECT_EQ(arena.load_u8(2 * page), 0);
  const auto again = arena.alloc(9 * page);
  for (std::uint64_t at = again; at < again + 9 * page; at += 512) ASSERT_EQ(arena.load_u8(at), 0);
}

TEST_F(ArenaOfAPage, PutsBytesIntoABlock) {
  const auto block = arena.put("value");
  EXPECT_EQ(arena.block(block), "value");
  EXPECT_EQ(arena.put(""), 0U);
  EXPECT_EQ(arena.put(std::string(page, 'x')), 0U);
}

}  // namespace
}  // namespace troupe::guest
