#include "guest/instance.h"

#include "guest/test_support.h"

#include <gtest/gtest.h>

namespace troupe::guest {
namespace {

using test::Plugin;

// Counts its calls in its own memory and gives the count as one digit.
constexpr std::string_view counter = R"((module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func (export "increment") (result i32) (local $block i64)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (i32.add (global.get $count) (i32.const 48)))
    (call $output_set (local.get $block) (i64.const 1))
    (i32.const 0))))";

TEST(Instance, KeepsItsMemoryBetweenCalls) {
  Plugin plugin(counter);
  EXPECT_EQ(plugin.output("increment"), "1");
  EXPECT_EQ(plugin.output("increment"), "2");
}

}  // namespace
}  // namespace troupe::guest
