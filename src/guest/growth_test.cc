// Modules come out of the rewriting valid, and do what they did but for a refused growth.
#include "guest/growth.h"

#include "guest/complaint.h"
#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::guest {
namespace {

using test::complaint_about;
using test::wasm_of;

// Every kind of operand that an instruction can have, around two memory.grow.
constexpr std::string_view everything = R"((module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (type $binary (func (param i32 i32) (result i32)))
  (memory 1)
  (table $t 10 funcref)
  (global $g (mut i64) (i64.const -5))
  (elem $e func $f $g)
  (data $d "abc")
  (func $f (param i32 i32) (result i32) (local f32 f64 v128 funcref externref)
    (block (result i32)
      (loop $again (br_if $again (i32.const 0)))
      (if (result i32) (local.get 0) (then (i32.const -1)) (else (i32.const 1000000)))
      (drop (f32.const 1.5))
      (drop (f64.const 2.5))
      (global.set $g (i64.const 0x7fffffffffffffff))
      (i32.store16 offset=70000 (i32.const 8) (i32.load8_s align=1 (i32.const 4)))
      (drop (memory.grow (i32.const 1)))
      (block $a (block $b (block $c (br_table $a $b $c (i32.const 1)))))
      (drop (call_indirect $t (type $binary) (i32.const 0) (i32.const 0) (i32.const 1)))
      (drop (select (result i64) (i64.const 1) (i64.const 2) (i32.const 0)))
      (drop (select (i64.const 1) (i64.const 2) (i32.const 0)))
      (local.set 5 (ref.func $f))
      (local.set 6 (ref.null extern))
      (drop (ref.is_null (local.get 6)))
      (table.set $t (i32.const 0) (local.get 5))
      (drop (table.get $t (i32.const 0)))
      (drop (table.grow $t (ref.null func) (i32.const 1)))
      (drop (table.size $t))
      (table.fill $t (i32.const 0) (ref.null func) (i32.const 1))
      (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))
      (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))
      (elem.drop $e)
      (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))
      (data.drop $d)
      (memory.copy (i32.const 0) (i32.const 1) (i32.const 1))
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 1))
      (drop (i32.trunc_sat_f64_u (f64.const 1)))
      (drop (i64.extend8_s (i64.const 1)))
      (local.set 4 (v128.const i8x16 64 0 64 0 64 0 64 0 64 0 64 0 64 0 64 0))
      (local.set 4 (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (local.get 4) (local.get 4)))
      (local.set 4 (i8x16.replace_lane 3 (local.get 4) (i32.const 64)))
      (drop (f64x2.extract_lane 1 (local.get 4)))
      (local.set 4 (v128.load64_lane offset=64 1 (i32.const 0) (local.get 4)))
      (v128.store offset=64 (i32.const 0) (v128.load32_zero (i32.const 0)))
      (drop (i32x4.add (local.get 4) (local.get 4)))
      (drop (i8x16.relaxed_swizzle (local.get 4) (local.get 4)))
      (i32.add (memory.grow (i32.const 64)))
      (i32.add (memory.size))
      return))
  (func $g (export "g") (result i32) (return_call $f (i32.const 0) (i32.const 0))))
)";

TEST(Growth, LeavesAModuleValid) {
  const std::string wasm = wasm_of(everything);
  ASSERT_EQ(complaint_about(wasm), "");
  const auto rewritten = with_noted_growth(wasm);
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(complaint_about(*rewritten), "");
  EXPECT_GT(rewritten->size(), wasm.size());
}

TEST(Growth, ReplacesEveryGrowthButItsOwn) {
  const auto once = with_noted_growth(wasm_of(everything));
  ASSERT_TRUE(once);
  // A module that has been rewritten exports the name already.
  EXPECT_FALSE(with_noted_growth(*once));
}

TEST(Growth, AddsTheSectionsThatAreMissing) {
  const auto rewritten =
      with_noted_growth(wasm_of("(module (memory 1) (func (drop (memory.grow (i32.const 1)))))"));
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(complaint_about(*rewritten), "");
  EXPECT_NE(rewritten->find(growth_left_export), std::string::npos);
}

TEST(Growth, LeavesAloneWhatNeverGrows) {
  EXPECT_FALSE(with_noted_growth(wasm_of("(module)")));
  EXPECT_FALSE(with_noted_growth(wasm_of("(module (memory 1) (func (drop (i32.const 0x40))))")));
}

TEST(Growth, LeavesAloneWhatItDoesNotRead) {
  constexpr std::string_view grow = "(drop (memory.grow (i32.const 1)))";
  for (const std::string_view rest : {"(type (struct (field i32)))",
                                      "(func (local (ref func)))",
                                      "(memory 1)",
                                      "(tag) (func (throw 0))"}) {
    EXPECT_FALSE(with_noted_growth(
        wasm_of("(module (memory 1) (func " + std::string(grow) + ")" + std::string(rest) + ")")))
        << rest;
  }
  EXPECT_FALSE(with_noted_growth(
      wasm_of("(module (memory i64 1) (func (drop (memory.grow (i64.const 1)))))")));
}

TEST(Growth, ReadsNothingBeyondAModulesEnd) {
  const std::string wasm = wasm_of(everything);
  for (std::size_t size = 0; size < wasm.size(); ++size) with_noted_growth(wasm.substr(0, size));
  // Every byte changed in turn: what comes out may be no module, but comes out.
  for (std::size_t at = 0; at < wasm.size(); ++at) {
    std::string changed = wasm;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    with_noted_growth(changed);
  }
}

TEST(Growth, DropsSectionsThatPointIntoTheCode) {
  const std::string wasm = wasm_of(R"((module (memory 1) (func (drop (memory.grow (i32.const 1))))
    (@custom ".debug_line" "offsets of old") (@custom "producers" "somebody")))");
  const auto rewritten = with_noted_growth(wasm);
  ASSERT_TRUE(rewritten);
  EXPECT_EQ(rewritten->find("offsets of old"), std::string::npos);
  EXPECT_NE(rewritten->find("somebody"), std::string::npos);
}

}  // namespace
}  // namespace troupe::guest
