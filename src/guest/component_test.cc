// Components: what JSON becomes in each type and back, where arguments and the state come from, and
// what is refused.
#include "guest/component.h"

#include "guest/test_support.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::guest {
namespace {

using test::finish;
using test::Plugin;
using test::Shared;
using test::wasm_of;

// A module with memory, an allocator, and the functions of `code`, in a component with `rest`.
std::string component_text(std::string_view code, std::string_view rest) {
  return R"((component
    (core module $m
      (memory (export "memory") 1)
      (global $top (mut i32) (i32.const 4096))
      (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
        (global.set $top (i32.add (local.get $at) (local.get 3)))
        (block $fits
          (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
          (br_if $fits (i32.ne (memory.grow (i32.add (i32.shr_u (local.get 3) (i32.const 16)) (i32.const 1)))
                               (i32.const -1)))
          unreachable)
        (local.get $at))
      (func $pair (param i32 i32) (result i32)
        (i32.store (i32.const 16) (local.get 0))
        (i32.store (i32.const 20) (local.get 1))
        (i32.const 16))
      )" +
         std::string(code) + R"()
    (core instance $i (instantiate $m))
    )" + std::string(rest) +
         ")";
}

std::string lifted(std::string_view name, std::string_view type) {
  return "(func (export \"" + std::string(name) + "\") " + std::string(type) +
         " (canon lift (core func $i \"" + std::string(name) +
         "\") (memory (core memory $i \"memory\")) (realloc (core func $i \"realloc\"))))";
}

// echo: func(x: list<T>) -> list<T>. `types` come before.
std::string echo_text(std::string_view type, std::string_view types = {}) {
  const std::string list = "(list " + std::string(type) + ")";
  return component_text(
      R"((func (export "echo") (param i32 i32) (result i32) (call $pair (local.get 0) (local.get 1))))",
      std::string(types) + lifted("echo", "(param \"x\" " + list + ") (result " + list + ")"));
}

struct Echo : Plugin {
  explicit Echo(std::string_view type, std::string_view types = {})
      : Plugin(echo_text(type, types)) {}

  // What one value of the type comes back as.
  std::string one(std::string_view json) {
    const std::string out = output("echo", "[[" + std::string(json) + "]]");
    return out.substr(1, out.size() - 2);
  }
  // Why one value is refused.
  std::string refusal(std::string_view json) {
    const Outcome outcome = call("echo", "[[" + std::string(json) + "]]");
    return outcome.ending == Ending::error ? outcome.message : std::string(name_of(outcome.ending));
  }
};

TEST(ComponentValues, ABoolIsABool) {
  Echo echo("bool");
  EXPECT_EQ(echo.one("true"), "true");
  EXPECT_EQ(echo.one("false"), "false");
  EXPECT_EQ(echo.refusal("1"), "input[0][0]: expected bool, got number");
  EXPECT_EQ(echo.refusal("null"), "input[0][0]: expected bool, got null");
}

TEST(ComponentValues, SmallIntegersAreNumbersInTheirRange) {
  const std::vector<std::tuple<std::string, std::string, std::string, std::string, std::string>>
      types = {{"s8", "-128", "127", "-129", "128"},
               {"u8", "0", "255", "-1", "256"},
               {"s16", "-32768", "32767", "-32769", "32768"},
               {"u16", "0", "65535", "-1", "65536"},
               {"s32", "-2147483648", "2147483647", "-2147483649", "2147483648"},
               {"u32", "0", "4294967295", "-1", "4294967296"}};
  for (const auto& [type, least, most, below, above] : types) {
    Echo echo(type);
    EXPECT_EQ(echo.one(least), least);
    EXPECT_EQ(echo.one(most), most);
    for (const std::string& wrong : {below, above, std::string("1.0"), std::string("1e2")}) {
      EXPECT_EQ(echo.refusal(wrong), "input[0][0]: expected " + type + ", got " + wrong);
    }
    EXPECT_EQ(echo.refusal(R"("7")"), "input[0][0]: expected " + type + ", got \"7\"");
  }
}

TEST(ComponentValues, LargeIntegersBecomeStringsWhereJavaScriptWouldRoundThem) {
  Echo s64("s64");
  for (const std::string exact : {"0", "-1", "9007199254740991", "-9007199254740991"}) {
    EXPECT_EQ(s64.one(exact), exact);
    EXPECT_EQ(s64.one('"' + exact + '"'), exact);
  }
  for (const std::string large :
       {"9007199254740992", "9223372036854775807", "-9007199254740992", "-9223372036854775808"}) {
    EXPECT_EQ(s64.one(large), '"' + large + '"');
    EXPECT_EQ(s64.one('"' + large + '"'), '"' + large + '"');
  }
  EXPECT_EQ(s64.refusal("9223372036854775808"),
            "input[0][0]: expected s64, got 9223372036854775808");
  EXPECT_EQ(s64.refusal(R"("12a")"), R"(input[0][0]: expected s64, got "12a")");

  Echo u64("u64");
  EXPECT_EQ(u64.one("18446744073709551615"), R"("18446744073709551615")");
  EXPECT_EQ(u64.refusal("18446744073709551616"),
            "input[0][0]: expected u64, got 18446744073709551616");
  EXPECT_EQ(u64.refusal("-1"), "input[0][0]: expected u64, got -1");
}

TEST(ComponentValues, FloatsAreNumbersAndThreeWords) {
  Echo f64("f64");
  for (const std::string same : {"0", "-0", "0.1", "-2.5", "1e+300", "5e-324"}) {
    EXPECT_EQ(f64.one(same), same);
  }
  EXPECT_EQ(f64.one("1.0"), "1");
  EXPECT_EQ(f64.one("1E-400"), "0");
  EXPECT_EQ(f64.one("-1E-400"), "-0");
  for (const std::string word : {R"("NaN")", R"("Infinity")", R"("-Infinity")"}) {
    EXPECT_EQ(f64.one(word), word);
  }
  EXPECT_EQ(f64.refusal(R"("1")"), R"(input[0][0]: expected f64, got "1")");

  Echo f32("f32");
  EXPECT_EQ(f32.one("0.1"), "0.1");
  EXPECT_EQ(f32.one("16777217"), "16777216");
  EXPECT_EQ(f32.one("1e-60"), "0");
  EXPECT_EQ(f32.one(R"("NaN")"), R"("NaN")");
  EXPECT_EQ(f32.refusal("1e39"), "input[0][0]: expected f32, got 1e39");
}

TEST(ComponentValues, ACharIsAStringOfOne) {
  Echo echo("char");
  for (const std::string same : {R"("a")", R"("\n")", R"("ß")", R"("€")", R"("😀")"}) {
    EXPECT_EQ(echo.one(same), same);
  }
  EXPECT_EQ(echo.one(R"("\ud83d\ude00")"), R"("😀")");
  EXPECT_EQ(echo.refusal(R"("")"),
            R"(input[0][0]: expected char (a string of one character), got "")");
  EXPECT_EQ(echo.refusal(R"("ab")"),
            R"(input[0][0]: expected char (a string of one character), got "ab")");
}

TEST(ComponentValues, AStringKeepsEachCharacter) {
  Echo echo("string");
  for (const std::string same : {R"("")", R"("milk")", R"("a\"b\\c\u0000d")", R"("Grüße 😀")"}) {
    EXPECT_EQ(echo.one(same), same);
  }
  EXPECT_EQ(echo.refusal("12"), "input[0][0]: expected string, got number");
}

TEST(ComponentValues, ListsAndTuplesAreArrays) {
  Echo lists("(list u8)");
  EXPECT_EQ(lists.one("[]"), "[]");
  EXPECT_EQ(lists.one("[1,2,3]"), "[1,2,3]");
  EXPECT_EQ(lists.refusal("[1,300]"), "input[0][0][1]: expected u8, got 300");
  EXPECT_EQ(lists.refusal("{}"), "input[0][0]: expected list<u8>, got object");

  Echo tuples("(tuple string u32)");
  EXPECT_EQ(tuples.one(R"(["a",1])"), R"(["a",1])");
  EXPECT_EQ(tuples.refusal(R"(["a"])"),
            "input[0][0]: expected tuple<string, u32> as an array of 2, got an array of 1");
  EXPECT_EQ(tuples.refusal(R"(["a","b"])"), R"(input[0][0][1]: expected u32, got "b")");
}

TEST(ComponentValues, ARecordIsAnObjectWithItsNamesInAnySpelling) {
  Echo echo("$t",
            R"((type $r (record (field "first-name" string) (field "age" (option u8))))
               (export $t "t" (type $r)))");
  EXPECT_EQ(echo.one(R"({"firstName":"Ann","age":7})"), R"({"firstName":"Ann","age":7})");
  EXPECT_EQ(echo.one(R"({"first_name":"Ann","age":null})"), R"({"firstName":"Ann","age":null})");
  EXPECT_EQ(echo.one(R"({"other":[{}],"first-name":"Ann"})"), R"({"firstName":"Ann","age":null})");
  EXPECT_EQ(echo.one(R"({"firstName":1,"first_name":"last"})"),
            R"({"firstName":"last","age":null})");
  EXPECT_EQ(echo.refusal(R"({"age":7})"), "input[0][0].firstName: expected string, got nothing");
  EXPECT_EQ(echo.refusal(R"({"firstName":"Ann","age":"old"})"),
            R"(input[0][0].age: expected u8, got "old")");
  EXPECT_EQ(echo.refusal("[]"), "input[0][0]: expected record, got array");
}

TEST(ComponentValues, FlagsAreAnObjectOfBools) {
  Echo echo("$t", R"((type $r (flags "can-read" "write")) (export $t "t" (type $r)))");
  EXPECT_EQ(echo.one("{}"), R"({"canRead":false,"write":false})");
  EXPECT_EQ(echo.one(R"({"can_read":true})"), R"({"canRead":true,"write":false})");
  EXPECT_EQ(echo.one(R"({"write":true,"canRead":true})"), R"({"canRead":true,"write":true})");
  EXPECT_EQ(echo.refusal(R"({"write":1})"), "input[0][0].write: expected bool, got number");
}

TEST(ComponentValues, AnEnumIsItsCase) {
  Echo echo("$t", R"((type $r (enum "open" "not-found")) (export $t "t" (type $r)))");
  EXPECT_EQ(echo.one(R"("open")"), R"("open")");
  EXPECT_EQ(echo.one(R"("notFound")"), R"("not-found")");
  EXPECT_EQ(echo.refusal(R"("closed")"),
            R"(input[0][0]: expected one of "open", "not-found", got "closed")");
  EXPECT_EQ(echo.refusal("1"), R"(input[0][0]: expected one of "open", "not-found", got number)");
}

TEST(ComponentValues, AVariantHasATagAndPerhapsAValue) {
  Echo echo("$t",
            R"((type $r (variant (case "none-yet") (case "text" string) (case "at" (tuple u8 u8))))
               (export $t "t" (type $r)))");
  EXPECT_EQ(echo.one(R"({"tag":"none-yet"})"), R"({"tag":"none-yet"})");
  EXPECT_EQ(echo.one(R"({"tag":"noneYet","val":5})"), R"({"tag":"none-yet"})");
  EXPECT_EQ(echo.one(R"({"val":"a","tag":"text"})"), R"({"tag":"text","val":"a"})");
  EXPECT_EQ(echo.one(R"({"tag":"at","val":[1,2]})"), R"({"tag":"at","val":[1,2]})");
  EXPECT_EQ(echo.refusal(R"({"tag":"text"})"), "input[0][0].val: expected string, got nothing");
  EXPECT_EQ(
      echo.refusal(R"({"tag":"other"})"),
      "input[0][0]: expected {\"tag\", \"val\"} with a tag of \"none-yet\", \"text\", \"at\", "
      "got the tag \"other\"");
  EXPECT_NE(echo.refusal("{}").find("an object without \"tag\""), std::string::npos);
  EXPECT_NE(echo.refusal(R"({"tag":1})").find("a tag that is no string"), std::string::npos);
}

TEST(ComponentValues, OptionsAndResults) {
  Echo option("(option string)");
  EXPECT_EQ(option.one("null"), "null");
  EXPECT_EQ(option.one(R"("a")"), R"("a")");
  EXPECT_EQ(option.refusal("1"), "input[0][0]: expected string, got number");

  Echo nested("(option (option u8))");
  for (const std::string same :
       {R"({"tag":"none"})", R"({"tag":"some","val":null})", R"({"tag":"some","val":3})"}) {
    EXPECT_EQ(nested.one(same), same);
  }
  EXPECT_EQ(nested.one("null"), R"({"tag":"none"})");
  EXPECT_EQ(nested.one(R"({"tag":"some"})"), R"({"tag":"some","val":null})");
  EXPECT_NE(nested.refusal("3").find("neither null nor"), std::string::npos);

  Echo result("(result string (error u8))");
  EXPECT_EQ(result.one(R"({"tag":"ok","val":"a"})"), R"({"tag":"ok","val":"a"})");
  EXPECT_EQ(result.one(R"({"tag":"err","val":4})"), R"({"tag":"err","val":4})");
  Echo empty("(result)");
  EXPECT_EQ(empty.one(R"({"tag":"err"})"), R"({"tag":"err"})");
}

TEST(ComponentValues, TooManyOfThemAreRefusedBeforeTheyAreMade) {
  Echo echo("(option u8)");
  std::string json = "[[0";
  for (std::size_t i = 0; i < ValueReader::values_max / 2 + 1; ++i) json += ",0";
  const Outcome outcome = echo.call("echo", json + "]]");
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_NE(outcome.message.find("more than 262144 values"), std::string::npos) << outcome.message;
}

// ---- Where arguments and the state come from

// The world of the todo list: `init` gives ["Hello"], `add-todo` puts one in front.
constexpr std::string_view todo_code = R"(
  (data (i32.const 32) "\30\00\00\00\05\00\00\00")
  (data (i32.const 48) "Hello")
  (func (export "init") (result i32) (call $pair (i32.const 32) (i32.const 1)))
  (func (export "add-todo") (param i32 i32 i32 i32) (result i32) (local $to i32)
    (local.set $to (call $realloc (i32.const 0) (i32.const 0) (i32.const 4)
                                  (i32.mul (i32.add (local.get 3) (i32.const 1)) (i32.const 8))))
    (i32.store (local.get $to) (local.get 0))
    (i32.store offset=4 (local.get $to) (local.get 1))
    (memory.copy (i32.add (local.get $to) (i32.const 8)) (local.get 2)
                 (i32.mul (local.get 3) (i32.const 8)))
    (call $pair (local.get $to) (i32.add (local.get 3) (i32.const 1)))))";

std::string todo_text(std::string_view code = {}, std::string_view rest = {}) {
  return component_text(
      std::string(todo_code) + std::string(code),
      lifted("init", "(result (list string))") +
          lifted("add-todo",
                 "(param \"todo\" string) (param \"todos\" (list string)) (result (list string))") +
          std::string(rest));
}

TEST(ComponentState, AStateThatIsNoRecordIsKeptUnderTheNameOfItsParameter) {
  Plugin todo(todo_text());
  EXPECT_TRUE(todo.module->is_component());
  EXPECT_EQ(todo.output("init"), R"({"todos":["Hello"]})");
  const std::string next =
      todo.output("addTodo", R"([{"todo":"milk"},{"todos":["Hello","World"]}])");
  EXPECT_EQ(next, R"({"todos":["milk","Hello","World"]})");
  EXPECT_EQ(todo.output("add_todo", R"([{"todo":"eggs"},)" + next + "]"),
            R"({"todos":["eggs","milk","Hello","World"]})");
}

TEST(ComponentState, APayloadThatDoesNotFitNamesThePlaceAndTheType) {
  Plugin todo(todo_text());
  const auto refusal = [&](std::string_view input) {
    const Outcome outcome = todo.call("add-todo", input);
    EXPECT_EQ(outcome.ending, Ending::error);
    EXPECT_FALSE(todo.instance->spent());
    EXPECT_FALSE(outcome.guest_ran);
    return outcome.message;
  };
  EXPECT_EQ(refusal(R"([{"todo":12},{"todos":[]}])"), "payload.todo: expected string, got number");
  EXPECT_EQ(refusal(R"([{"text":"a"},{"todos":[]}])"),
            "payload.todo: expected string, got nothing");
  EXPECT_EQ(refusal(R"([{"todo":"a"},{"todos":["b",null]}])"),
            "state.todos[1]: expected string, got null");
  EXPECT_EQ(refusal(R"([{"todo":"a"},{}])"), "state.todos: expected list<string>, got nothing");
  EXPECT_EQ(refusal(R"([{"todo":"a"}])"),
            "the input of \"addTodo\" is [payload, state], but it has 1 elements");
  EXPECT_EQ(refusal("7"),
            "the input of a component's function is an array or an object, but it is a number");
  EXPECT_EQ(refusal("{").substr(0, 21), "the input is no JSON:");
  EXPECT_EQ(todo.output("init"), R"({"todos":["Hello"]})");
}

TEST(ComponentState, ArgumentsMayComeByNameAndASinglePayloadAsItself) {
  Plugin todo(todo_text());
  EXPECT_EQ(todo.output("addTodo", R"({"todo":"a","todos":["b"]})"), R"({"todos":["a","b"]})");
  EXPECT_EQ(todo.output("addTodo", R"({"todo":"a","state":{"todos":["b"]}})"),
            R"({"todos":["a","b"]})");
  EXPECT_EQ(todo.output("addTodo", R"(["a",{"todos":["b"]}])"), R"({"todos":["a","b"]})");
}

TEST(ComponentState, HandlersAreWhatTakesEvents) {
  Plugin todo(todo_text(R"((func (export "count") (param i32 i32) (result i32) (local.get 1)))",
                        lifted("count", "(param \"todos\" (list string)) (result u32)")));
  EXPECT_TRUE(todo.module->takes_events("addTodo"));
  EXPECT_TRUE(todo.module->takes_events("add-todo"));
  EXPECT_FALSE(todo.module->takes_events("init"));
  EXPECT_FALSE(todo.module->takes_events("count"));
  EXPECT_FALSE(todo.module->takes_events("remove"));
  EXPECT_EQ(
      std::vector<std::string>(todo.module->functions().begin(), todo.module->functions().end()),
      (std::vector<std::string>{"addTodo", "count", "init"}));
  // Not about the state: an array is its parameters.
  EXPECT_EQ(todo.output("count", R"([["a","b"]])"), "2");
  EXPECT_EQ(todo.call("count", R"([["a"],2])").message,
            "\"count\" has 1 parameters, but the input has 2 elements");
  EXPECT_EQ(todo.call("remove").ending, Ending::missing);
}

TEST(ComponentState, HandlersMustAgreeOnTheNameOfTheState) {
  const auto module = Plugin::load(todo_text(
      R"((func (export "clear") (param i32 i32) (result i32) (call $pair (i32.const 0) (i32.const 0))))",
      lifted("clear", "(param \"items\" (list string)) (result (list string))")));
  EXPECT_EQ(module->state_problem().substr(0, 75),
            R"(the state is called "todos" in "add-todo" and "items" in "clear". It is kep)");
}

constexpr std::string_view record_types = R"(
  (type $c (record (field "first-name" string)))
  (export $customer "customer" (type $c))
  (type $s (record (field "count" u32) (field "last-name" string)))
  (export $state "state" (type $s)))";

// add-customer: func(customer: customer, state: state) -> result<state, string>
Plugin make_records() {
  return Plugin(component_text(
      R"((func (export "init") (result i32)
           (i32.store (i32.const 64) (i32.const 0))
           (i32.store offset=4 (i32.const 64) (i32.const 0))
           (i32.store offset=8 (i32.const 64) (i32.const 0))
           (i32.const 64))
         (func (export "add-customer") (param $name i32) (param $length i32) (param $count i32) (param i32 i32)
             (result i32)
           (i32.store offset=4 (i32.const 64) (local.get $name))
           (i32.store offset=8 (i32.const 64) (local.get $length))
           (i32.store (i32.const 64) (i32.eqz (local.get $length)))
           (if (local.get $length) (then
             (i32.store offset=4 (i32.const 64) (i32.add (local.get $count) (i32.const 1)))
             (i32.store offset=8 (i32.const 64) (local.get $name))
             (i32.store offset=12 (i32.const 64) (local.get $length))))
           (i32.const 64)))",
      std::string(record_types) + lifted("init", "(result $state)") +
          lifted("add-customer",
                 "(param \"customer\" $customer) (param \"state\" $state) (result (result $state "
                 "(error string)))")));
}

TEST(ComponentState, ARecordIsTheStateItself) {
  Plugin plugin = make_records();
  const std::string state = plugin.output("init");
  EXPECT_EQ(state, R"({"count":0,"lastName":""})");
  EXPECT_EQ(plugin.output("addCustomer", R"([{"customer":{"firstName":"Ann"}},)" + state + "]"),
            R"({"count":1,"lastName":"Ann"})");
  EXPECT_EQ(plugin.output("addCustomer", R"([{"first_name":"Ben"},{"count":7,"lastName":""}])"),
            R"({"count":8,"lastName":"Ben"})");
  EXPECT_EQ(plugin.call("addCustomer", "[{}," + state + "]").message,
            "payload.firstName: expected string, got nothing");
  EXPECT_EQ(
      plugin.call("addCustomer", R"([{"firstName":"Ann"},{"count":-1,"lastName":""}])").message,
      "state.count: expected u32, got -1");
}

TEST(ComponentState, AnErrorThatAHandlerReturnsIsAnErrorOfTheGuest) {
  Plugin plugin(component_text(
      R"((data (i32.const 48) "You suck")
         (func (export "init") (result i32)
           (i32.store (i32.const 64) (i32.const 1))
           (i32.store offset=4 (i32.const 64) (i32.const 48))
           (i32.store offset=8 (i32.const 64) (i32.const 8))
           (i32.const 64))
         (func (export "check") (param i32) (result i32) (local.get 0)))",
      R"((type $r (enum "missing" "too-late")) (export $why "why" (type $r)))" +
          lifted("init", "(result (result (list string) (error string)))") +
          lifted("check", "(param \"x\" bool) (result (result))")));
  const Outcome outcome = plugin.call("init");
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_EQ(outcome.message, "You suck");
  EXPECT_EQ(plugin.output("check", "[false]"), "");
  EXPECT_EQ(plugin.call("check", "[true]").message, "err");
}

// ---- What is refused, and how a component ends

std::string refusal_of(std::string_view text) {
  Shared& shared = Shared::get();
  const auto module = shared.cache->load(*shared.engine, wasm_of(text));
  return module ? "" : module.error().message;
}

TEST(Components, WithResourcesAreRefusedByName) {
  EXPECT_EQ(
      refusal_of(R"((component
              (type $r (resource (rep i32)))
              (export $file "file" (type $r))
              (core module $m (func (export "open") (result i32) i32.const 0))
              (core instance $i (instantiate $m))
              (func (export "open") (result (own $file)) (canon lift (core func $i "open")))))"),
      "the component's function \"open\" cannot be called with JSON: it has a resource (own)");
}

TEST(Components, ThatAreNoneAreRefused) {
  Shared& shared = Shared::get();
  std::string broken = wasm_of("(component)");
  broken += '\x7F';
  EXPECT_FALSE(shared.cache->load(*shared.engine, broken).has_value());
}

TEST(Components, TypesThatGrowBeyondAllMeasureAreRefused) {
  std::string types = "(type $t0 (tuple u8 u8))";
  for (int i = 1; i < 16; ++i) {
    const std::string last = " $t" + std::to_string(i - 1);
    types += "(type $t" + std::to_string(i) + " (tuple" + last + last + "))";
  }
  const std::string message = refusal_of(component_text(
      R"((func (export "f") (param i32 i32)))", types + lifted("f", "(param \"x\" (list $t15))")));
  EXPECT_NE(message.find("more than 10000 types"), std::string::npos) << message;
}

constexpr std::string_view endings_code = R"(
  (func (export "spin") (loop (br 0)))
  (func $deep (export "trap") (unreachable))
  (func (export "grow") (result i32) (memory.grow (i32.const 100000)))
  (func (export "many") (result i32) (call $pair (i32.const 0) (i32.const 65536))))";

std::string endings_text() {
  return component_text(endings_code,
                        lifted("spin", "") + lifted("trap", "") + lifted("grow", "(result u32)") +
                            lifted("many", "(result (list u8))"));
}

TEST(Components, ThatNeverReturnAreEndedAndLetOthersRun) {
  Plugin plugin(endings_text());
  plugin.environment.limits.timeout = std::chrono::milliseconds(30);
  const Outcome outcome = plugin.call("spin");
  EXPECT_EQ(outcome.ending, Ending::timeout);
  EXPECT_EQ(outcome.message, "the handler ran longer than 30 ms");
  EXPECT_TRUE(plugin.instance->spent());
}

TEST(Components, ATrapHasItsReasonAndABacktrace) {
  Plugin plugin(endings_text());
  const Outcome outcome = plugin.call("trap");
  EXPECT_EQ(outcome.ending, Ending::trap);
  EXPECT_EQ(outcome.message, "the handler trapped: wasm `unreachable` instruction executed");
  EXPECT_NE(outcome.detail.find("at deep"), std::string::npos) << outcome.detail;
  EXPECT_TRUE(plugin.instance->spent());
}

TEST(Components, MemoryBeyondTheLimitEndsTheCall) {
  Plugin plugin(endings_text());
  const Outcome outcome = plugin.call("grow");
  EXPECT_EQ(outcome.ending, Ending::out_of_memory);
  EXPECT_EQ(outcome.message, "the plugin needs more memory than its limit of 256 pages of 64 KiB");
  EXPECT_EQ(outcome.detail.find("at troupe:memory-refused (offset "), 0U) << outcome.detail;
}

TEST(Components, OutputBeyondTheLimitFailsTheCall) {
  Plugin plugin(endings_text());
  plugin.environment.limits.output_bytes_max = 1000;
  const Outcome outcome = plugin.call("many");
  EXPECT_EQ(outcome.ending, Ending::output);
  EXPECT_EQ(outcome.message, "the output is larger than the limit of 1000 bytes");
}

// Lists that all lie in the same memory: what a guest returns can be far more than it has.
TEST(Components, AnswersThatFoldUpWhatTheyHoldAreRefused) {
  Plugin plugin(component_text(
      R"((func (export "bomb") (result i32) (local $i i32)
           (loop $next
             (i32.store (i32.add (i32.const 4096) (i32.mul (local.get $i) (i32.const 8))) (i32.const 0))
             (i32.store (i32.add (i32.const 4100) (i32.mul (local.get $i) (i32.const 8))) (i32.const 65536))
             (local.set $i (i32.add (local.get $i) (i32.const 1)))
             (br_if $next (i32.lt_u (local.get $i) (i32.const 7000))))
           (call $pair (i32.const 4096) (i32.const 7000))))",
      lifted("bomb", "(result (list (list u8)))")));
  const Outcome outcome = plugin.call("bomb");
  EXPECT_EQ(outcome.ending, Ending::trap);
  EXPECT_NE(outcome.message.find("too much data"), std::string::npos) << outcome.message;
}

}  // namespace
}  // namespace troupe::guest
