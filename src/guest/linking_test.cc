// Plugins of several modules, and functions of the program's own.
#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace troupe::guest {
namespace {

using test::load_program;
using test::module_text;
using test::number_in;
using test::Plugin;

using Parts = std::vector<std::pair<std::string, std::string>>;

std::string refusal_of(const Parts& parts) {
  const auto module = load_program(parts);
  return module.has_error() ? module.error().message : "it was not refused";
}

#define EXPECT_SAYS(text, part) EXPECT_NE(std::string(text).find(part), std::string::npos) << (text)

// Counts in its own memory.
std::string counter(std::string_view exports) {
  return R"((module (global $n (mut i64) (i64.const 0))
    (func (export "inc") (result i64)
      (global.set $n (i64.add (global.get $n) (i64.const 1))) (global.get $n)) )" +
         std::string(exports) + ")";
}

// module_text with imports of its own first.
std::string importing(std::string_view imports, std::string_view body) {
  std::string text = module_text(body);
  return text.replace(0, std::string_view("(module").size(), "(module " + std::string(imports));
}

const std::string user_of_counter =
    importing(R"((import "counter" "inc" (func $inc (result i64))))",
              R"((func (export "twice") (drop (call $inc)) (call $say_number (call $inc))))");

TEST(Linking, ALinkedModuleKeepsItsState) {
  Plugin plugin(load_program({{"counter", counter("")}, {"main", user_of_counter}}).value());
  EXPECT_EQ(number_in(plugin.output("twice")), 2U);
  EXPECT_EQ(number_in(plugin.output("twice")), 4U);
  plugin.instance.reset();
  EXPECT_EQ(number_in(plugin.output("twice")), 2U);
}

TEST(Linking, EveryCallOfACommandIsOnAFreshInstance) {
  Plugin plugin(
      load_program({{"counter", counter(R"((func (export "_start")))")}, {"main", user_of_counter}})
          .value());
  EXPECT_EQ(number_in(plugin.output("twice")), 1U);
  EXPECT_EQ(number_in(plugin.output("twice")), 1U);
}

TEST(Linking, AReactorIsInitialisedOnce) {
  Plugin plugin(load_program({{"counter", counter(R"((func (export "_initialize")
                                 (global.set $n (i64.add (global.get $n) (i64.const 40)))))")},
                              {"main", user_of_counter}})
                    .value());
  EXPECT_EQ(number_in(plugin.output("twice")), 42U);
  EXPECT_EQ(number_in(plugin.output("twice")), 44U);
}

TEST(Linking, MainIsTheModuleOfThatNameOrTheLast) {
  const std::string a = R"((module (func (export "a"))))";
  const std::string b = R"((module (func (export "b"))))";
  EXPECT_TRUE(load_program({{"main", a}, {"x", b}}).value()->has_function("a"));
  EXPECT_FALSE(load_program({{"main", a}, {"x", b}}).value()->has_function("b"));
  EXPECT_TRUE(load_program({{"x", a}, {"y", b}}).value()->has_function("b"));
  EXPECT_TRUE(load_program({{"whatever", a}}).value()->has_function("a"));
}

TEST(Linking, GoesThroughSeveralModulesInAnyOrder) {
  const std::string outer = R"((module (import "counter" "inc" (func $inc (result i64)))
    (func (export "inc10") (result i64) (i64.mul (call $inc) (i64.const 10)))))";
  const std::string user = importing(R"((import "outer" "inc10" (func $inc10 (result i64)))
                   (import "counter" "inc" (func $inc (result i64))))",
                                     R"((func (export "f") (drop (call $inc10)) (drop (call $inc))
                     (call $say_number (call $inc10))))");
  Plugin plugin(load_program({{"main", user}, {"outer", outer}, {"counter", counter("")}}).value());
  EXPECT_EQ(number_in(plugin.output("f")), 30U);
}

TEST(Linking, MemoriesAreShared) {
  const std::string store = R"((module (memory (export "memory") 1)
    (data (i32.const 8) "shared")))";
  const std::string user = R"((module
    (import "store" "memory" (memory 1))
    (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
    (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
    (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
    (func (export "f") (local $block i64)
      (local.set $block (call $alloc (i64.const 8)))
      (call $store_u64 (local.get $block) (i64.load (i32.const 8)))
      (call $output_set (local.get $block) (i64.const 6)))))";
  Plugin plugin(load_program({{"store", store}, {"main", user}}).value());
  EXPECT_EQ(plugin.output("f"), "shared");
}

TEST(Linking, LinkedModulesUseTheKernelOfTheSameCall) {
  const std::string teller = R"((module
    (import "extism:host/env" "input_length" (func $input_length (result i64)))
    (func (export "length") (result i64) (call $input_length))
    (func (export "_start"))))";
  const std::string user = importing(R"((import "teller" "length" (func $told (result i64))))",
                                     R"((func (export "f") (call $say_number (call $told))))");
  Plugin plugin(load_program({{"teller", teller}, {"main", user}}).value());
  EXPECT_EQ(number_in(plugin.output("f", "12345")), 5U);
}

TEST(Linking, ATrapInACommandEndsTheCall) {
  const std::string command = R"((module (func (export "go") (result i64) unreachable)
    (func (export "_start"))))";
  const std::string user = importing(R"((import "c" "go" (func $go (result i64))))",
                                     R"((func (export "f") (call $say_number (call $go)))
                                        (func (export "g") (call $say_number (i64.const 1))))");
  Plugin plugin(load_program({{"c", command}, {"main", user}}).value());
  EXPECT_EQ(plugin.call("f").ending, Ending::trap);
  plugin.instance.reset();
  EXPECT_EQ(number_in(plugin.output("g")), 1U);
}

TEST(Linking, ACommandGivesWayAndRunsIntoTheTimeLimit) {
  const std::string command = R"((module (func (export "go") (result i64) (loop (br 0)) unreachable)
    (func (export "_start"))))";
  const std::string user = importing(R"((import "c" "go" (func $go (result i64))))",
                                     R"((func (export "f") (call $say_number (call $go))))");
  Plugin plugin(load_program({{"c", command}, {"main", user}}).value());
  plugin.environment.limits.timeout = std::chrono::milliseconds(20);
  EXPECT_EQ(plugin.call("f").ending, Ending::timeout);
}

TEST(Linking, AllMemoriesGrowOutOfOneBudget) {
  const std::string grower = R"((module (memory 1)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))))";
  const std::string user = importing(R"((import "g" "grow" (func $grow (param i32) (result i32))))",
                                     R"((func (export "theirs") (drop (call $grow (i32.const 3))))
                   (func (export "ours") (drop (memory.grow (i32.const 3)))))");
  Plugin plugin(load_program({{"g", grower}, {"main", user}}).value());
  plugin.environment.limits.memory_pages_max = 4;
  EXPECT_EQ(plugin.call("theirs").ending, Ending::done);
  EXPECT_EQ(plugin.call("ours").ending, Ending::out_of_memory);
}

TEST(Linking, RefusesWhatCannotBeLinked) {
  const std::string plain = "(module)";
  EXPECT_EQ(refusal_of({}), "No wasm files specified in Extism manifest");
  EXPECT_EQ(refusal_of({{"a", plain}, {"a", plain}}),
            "Duplicate module name found in Extism manifest: a");
  EXPECT_SAYS(
      refusal_of({{"a", R"((module (func (export "_start")) (func (export "_initialize"))))"}}),
      "Program cannot be both a Command and a Reactor");
  const std::string loop_a = R"((module (import "b" "f" (func)) (func (export "f"))))";
  const std::string loop_b = R"((module (import "a" "f" (func)) (func (export "f"))))";
  EXPECT_SAYS(refusal_of({{"a", loop_a}, {"b", loop_b}, {"main", plain}}), "from each other");
  EXPECT_SAYS(refusal_of({{"a", R"((module (import "main" "f" (func))))"},
                          {"main", R"((module (func (export "f"))))"}}),
              "is linked last");
  EXPECT_SAYS(refusal_of({{"a", plain}, {"main", R"((module (import "a" "g" (func))))"}}),
              R"("a" "g")");
  EXPECT_SAYS(refusal_of({{"extism:host/env", plain}, {"main", plain}}), "no module may be called");
  EXPECT_SAYS(refusal_of(Parts(17, {"", plain})), "there may be 16");
  EXPECT_SAYS(refusal_of({{"main", "(module"}}), "expected");
}

TEST(Linking, ACommandMayNotImportFromWhatIsNone) {
  const std::string command = R"((module (import "counter" "inc" (func (result i64)))
    (func (export "_start")) (func (export "go"))))";
  EXPECT_SAYS(refusal_of({{"counter", counter("")}, {"c", command}, {"main", "(module)"}}),
              "a command may import from host functions and other commands only");
}

TEST(Linking, WithoutWasiItsImportsAreRefused) {
  const Parts parts = {
      {"main", R"((module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))))"}};
  EXPECT_TRUE(load_program(parts).has_value());
  const auto refused = load_program(parts, {}, false);
  ASSERT_TRUE(refused.has_error());
  EXPECT_SAYS(refused.error().message, "WASI is switched off");
}

// Functions of the program's own.

std::shared_ptr<const HostFunctionSpec> function(HostFunctionSpec spec) {
  return std::make_shared<const HostFunctionSpec>(std::move(spec));
}

TEST(HostFunctions, TakeAndGiveNumbersOfAllKinds) {
  using enum NumberType;
  const auto sum = function({.name = "sum",
                             .parameters = {i32, i64, f32, f64, v128},
                             .results = {f64, i32},
                             .body = [](HostCall&, auto in, auto out) -> Result<void> {
                               out[0].set(in[0].i32() + static_cast<double>(in[1].i64()) +
                                          in[2].f32() + in[3].f64());
                               out[1].set(std::int32_t{in[4].v128()[15]});
                               return {};
                             },
                             .module = "numbers"});
  Plugin plugin(load_program({{"main",
                               importing(R"((import "numbers" "sum"
          (func $sum (param i32 i64 f32 f64 v128) (result f64 i32))))",
                                         R"((func (export "f") (local $n i32)
          (call $sum (i32.const -1) (i64.const 10) (f32.const 0.5) (f64.const 0.25)
                     (v128.const i8x16 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 7))
          (local.set $n)
          (call $say_number (i64.add (i64.trunc_f64_s (f64.mul (f64.const 100)))
                                     (i64.extend_i32_u (local.get $n))))))")}},
                             {sum})
                    .value());
  EXPECT_EQ(number_in(plugin.output("f")), 975U + 7);
}

TEST(HostFunctions, ReadAndMakeBlocks) {
  const auto shout = function({.name = "shout",
                               .parameters = {NumberType::i64},
                               .results = {NumberType::i64},
                               .body = [](HostCall& call, auto in, auto out) -> Result<void> {
                                 std::string text(call.read(in[0].handle()));
                                 for (char& c : text) c = static_cast<char>(std::toupper(c));
                                 out[0].set(call.put(text + "!"));
                                 return {};
                               }});
  Plugin plugin(load_program({{"main",
                               importing(R"((import "extism:host/user" "shout"
          (func $shout (param i64) (result i64))))",
                                         R"((func (export "f")
            (call $say_block (call $shout (call $put (i32.const 0) (i32.const 5)))))
          (func (export "stale") (call $say_block (call $shout (i64.const 4711))))
          (data (i32.const 0) "hello"))")}},
                             {shout})
                    .value());
  EXPECT_EQ(plugin.output("f"), "HELLO!");
  EXPECT_EQ(plugin.output("stale"), "!");
}

TEST(HostFunctions, AnErrorEndsTheCallWithItsText) {
  const auto fail = function({.name = "fail", .body = [](HostCall&, auto, auto) -> Result<void> {
                                return Error{"not today"};
                              }});
  const auto complain =
      function({.name = "complain", .body = [](HostCall& call, auto, auto) -> Result<void> {
                  call.set_error("too loud");
                  return {};
                }});
  Plugin plugin(load_program({{"main", R"((module
      (import "extism:host/user" "fail" (func $fail))
      (import "extism:host/user" "complain" (func $complain))
      (func (export "fail") (call $fail))
      (func (export "complain") (call $complain))))"}},
                             {fail, complain})
                    .value());
  const Outcome failed = plugin.call("fail");
  EXPECT_EQ(failed.ending, Ending::error);
  EXPECT_EQ(failed.message, "not today");
  EXPECT_EQ(failed.code, -1);
  plugin.instance.reset();
  const Outcome complained = plugin.call("complain");
  EXPECT_EQ(complained.ending, Ending::error);
  EXPECT_EQ(complained.message, "too loud");
}

TEST(HostFunctions, WinOverTroupesOwnAndNoOtherIsOffered) {
  const auto self = function({.name = "troupe_self",
                              .results = {NumberType::i64},
                              .body = [](HostCall& call, auto, auto out) -> Result<void> {
                                out[0].set(call.put("mine"));
                                return {};
                              }});
  Plugin plugin(
      load_program({{"main", module_text(R"((func (export "f") (call $say_block (call $self))))")}},
                   {self})
          .value());
  EXPECT_EQ(plugin.output("f"), "mine");
  EXPECT_SAYS(refusal_of({{"main", R"((module (import "extism:host/user" "fail" (func))))"}}),
              "nobody provides");
}

TEST(HostFunctions, OfAnotherTypeAreRefusedWithBoth) {
  const auto f = function({.name = "f", .parameters = {NumberType::v128}, .body = nullptr});
  const auto module = load_program(
      {{"main", R"((module (import "extism:host/user" "f" (func (param f32)))))"}}, {f});
  ASSERT_TRUE(module.has_error());
  EXPECT_SAYS(module.error().message, "(f32) -> ()");
  EXPECT_SAYS(module.error().message, "(v128) -> ()");
}

}  // namespace
}  // namespace troupe::guest
