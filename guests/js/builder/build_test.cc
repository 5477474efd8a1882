#include "guests/js/builder/build.h"

#include "guest/sandbox.h"
#include "guests/js/builder/binary.h"
#include "guests/js/builder/bundle.h"
#include "guests/js/builder/fake_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <unistd.h>

namespace troupe::js {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

// A folder of sources, gone at the end, and a cache of compiled code for all tests of this process.
class JsBuild : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string name = (fs::temp_directory_path() / "troupe-js-cache-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    cache_ = name;
  }
  static void TearDownTestSuite() { fs::remove_all(cache_); }

  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "troupe-js-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  BuildOptions options(const std::string& entry) {
    BuildOptions options;
    options.entry = folder_ / entry;
    options.cache_folder = cache_;
    return options;
  }

  BuildOutput built(const std::string& entry) {
    auto result = build(options(entry));
    if (!result) {
      ADD_FAILURE() << render(result.error());
      return {};
    }
    return std::move(*result);
  }

  BuildError refused(const std::string& entry) {
    auto result = build(options(entry));
    if (result) {
      ADD_FAILURE() << "the build was expected to fail";
      return {};
    }
    return std::move(result.error());
  }

  // A plugin of one file.
  FakeHost plugin(std::string_view source) {
    write("plugin.js", source);
    return FakeHost(built("plugin.js").wasm);
  }

  static std::string place(const BuildError& error) {
    return error.file + ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
  }

  fs::path folder_;
  static fs::path cache_;
};

fs::path JsBuild::cache_;

// ---- What a plugin can be made of

constexpr std::string_view wrap_js = R"(export function wrap(f) {
  return function () {
    const input = Host.inputString();
    const result = input === "" ? f() : f(...JSON.parse(input));
    Host.outputString(JSON.stringify(result));
  };
}
)";

TEST_F(JsBuild, TheEssaysTodoListRunsUnmodified) {
  write("wrap.js", wrap_js);
  write("todo.js", R"(import { wrap } from "./wrap";

export const init = wrap(() => ({ todos: ["Hello", "WASM"] }));

export const addTodo = wrap(({ todo }, { todos }) => ({ todos: [`${todo} from WASM!`, ...todos] }));
)");
  const auto output = built("todo.js");
  EXPECT_EQ(output.exports, (Strings{"addTodo", "init"}));
  EXPECT_EQ(output.host_functions, Strings{});
  FakeHost host(output.wasm, false);
  EXPECT_EQ(host.output_of("init"), R"({"todos":["Hello","WASM"]})");
  EXPECT_EQ(host.output_of("addTodo", R"([{"todo":"milk"},{"todos":["Hello","WASM"]}])"),
            R"({"todos":["milk from WASM!","Hello","WASM"]})");
}

TEST_F(JsBuild, CommonJsNeedsNoOtherTool) {
  write(
      "wrap.js",
      R"(module.exports = (f) => () => Host.outputString(JSON.stringify(f(Host.inputString()))) && undefined;)");
  write("lib/index.js",
        R"(exports.greeting = "hello"; exports.again = () => require("../plugin.js");)");
  write("data.json", R"({"list": [1, 2, 3]})");
  write("plugin.js", R"(const wrap = require("./wrap");
const { greeting } = require("./lib");
const { list } = require("./data.json");
function init() { return { greeting, list }; }
module.exports = { init: wrap(init), version: 3 };
)");
  const auto output = built("plugin.js");
  EXPECT_EQ(output.exports, Strings{"init"});
  EXPECT_EQ(FakeHost(output.wasm).output_of("init"), R"({"greeting":"hello","list":[1,2,3]})");
  EXPECT_EQ(output.sources,
            (std::vector<fs::path>{folder_ / "plugin.js",
                                   folder_ / "wrap.js",
                                   folder_ / "lib/index.js",
                                   folder_ / "data.json"}));
}

TEST_F(JsBuild, ModulesOfBothKindsImportEachOther) {
  write("old.js", R"(exports.add = (a, b) => a + b; exports.name = "old";)");
  write("new.mjs", R"(export const twice = (x) => 2 * x; export default "new";)");
  write("mixed.cjs",
        R"(const m = require("./new.mjs"); exports.four = m.twice(2); exports.name = m.default;)");
  write("plugin.js", R"(import old, { add } from "./old";
import { four, name } from "./mixed.cjs";
import data from "./data.json";
export function f() { Host.outputString(`${old.name} ${add(1, 2)} ${four} ${name} ${data.x}`); }
)");
  write("data.json", R"({"x": 1})");
  EXPECT_EQ(FakeHost(built("plugin.js").wasm).output_of("f"), "old 3 4 new 1");
}

TEST_F(JsBuild, CircularImportsWorkAsInNode) {
  write(
      "a.js",
      R"(import { b } from "./b.js"; export const a = () => "a" + b(); export function f() { Host.outputString(a()); })");
  write("b.js", R"(import { a } from "./a.js"; export const b = () => typeof a;)");
  EXPECT_EQ(FakeHost(built("a.js").wasm).output_of("f"), "afunction");
  write(
      "c.js",
      R"(exports.early = 1; const d = require("./d.js"); exports.f = () => { Host.outputString(d.seen); };)");
  write("d.js", R"(exports.seen = Object.keys(require("./c.js")).join();)");
  EXPECT_EQ(FakeHost(built("c.js").wasm).output_of("f"), "early");
}

TEST_F(JsBuild, ADefaultExportedObjectLendsItsFunctions) {
  write("plugin.js",
        R"(export default { init() { Host.outputString("i"); }, note: "not a function" };
export function other() {}
export class Thing {}
)");
  EXPECT_EQ(built("plugin.js").exports, (Strings{"init", "other"}));
}

TEST_F(JsBuild, TopLevelAwaitIsWaitedFor) {
  auto host = plugin(R"(const x = await Promise.resolve(7);
export function f() { Host.outputString(String(x)); }
)");
  EXPECT_EQ(host.output_of("f"), "7");
}

TEST_F(JsBuild, TheSameSourceGivesTheSameBytes) {
  write("plugin.js", R"(const born = Date.now(); const luck = Math.random();
export function f() { Host.outputString(JSON.stringify([born, luck])); })");
  const auto first = built("plugin.js");
  const auto second = built("plugin.js");
  EXPECT_EQ(first.wasm, second.wasm);
  ASSERT_EQ(first.warnings.size(), 1u);
  EXPECT_NE(first.warnings[0].find("asks for the time"), std::string::npos);
  ASSERT_EQ(first.log.size(), 1u);
  EXPECT_NE(first.log[0].text.find("random numbers"), std::string::npos);
}

TEST_F(JsBuild, APluginIsAValidModuleThatSaysWhatItWasMadeOf) {
  write("plugin.js", "export function f() {}\n");
  const auto output = built("plugin.js");
  const auto valid = guest::Sandbox::validate(output.wasm);
  EXPECT_TRUE(valid.has_value()) << valid.error().message;
  const auto sections = read_sections(output.wasm);
  ASSERT_TRUE(sections.has_value());
  const auto& last = sections->back();
  EXPECT_EQ(last.id, Section::custom);
  BinaryReader reader(last.content);
  EXPECT_EQ(reader.name(), "troupe");
  const auto rest = reader.rest();
  const std::string json(rest.begin(), rest.end());
  EXPECT_NE(json.find(R"("entry":"plugin.js","sources":["plugin.js"])"), std::string::npos) << json;
}

TEST_F(JsBuild, OnlyTheHostFunctionsInUseAreImported) {
  write("none.js", "export function f() {}\n");
  EXPECT_EQ(built("none.js").host_functions, Strings{});
  write("two.js", R"(import { handler, reply as answer, self } from "troupe";
export const f = handler(() => { answer("x", self()); });
)");
  const auto two = built("two.js");
  EXPECT_EQ(two.host_functions, (Strings{"troupe_self", "troupe_reply"}));
  EXPECT_NE(FakeHost(two.wasm, false).call("f").error.find("troupe_self"), std::string::npos);
  write("again.js", R"(export { send } from "troupe";)");
  EXPECT_EQ(built("again.js").host_functions, Strings{"troupe_send"});
  write("all.js",
        R"(import * as troupe from "troupe"; export const f = () => troupe.cancel("x");)");
  EXPECT_EQ(built("all.js").host_functions.size(), 8u);
  write("required.js", R"(const { cancel } = require("troupe"); exports.f = () => cancel("x");)");
  EXPECT_EQ(built("required.js").host_functions.size(), 8u);
  write("raw.js", R"(export function f() {
  const { troupe_broadcast, troupe_timer } = Host.getFunctions();
  troupe_broadcast(Memory.fromString('{"name":"x"}').offset);
  return troupe_timer === undefined ? 1 : 0;
})");
  const auto raw = built("raw.js");
  EXPECT_EQ(raw.host_functions, (Strings{"troupe_broadcast", "troupe_timer"}));
  FakeHost host(raw.wasm);
  EXPECT_EQ(host.output_of("f"), "");
  EXPECT_EQ(host.effects,
            (std::vector<std::pair<std::string, std::string>>{{"broadcast", R"({"name":"x"})"}}));
}

// ---- The module "troupe"

TEST_F(JsBuild, HandlersTakeAndGiveValues) {
  auto host = plugin(R"(import { handler } from "troupe";
export const none = handler((...values) => values.length);
export const two = handler((a, b) => [b, a]);
export const one = handler((value) => value.x);
export const silent = handler(() => undefined);
export const later = handler(async (x) => { await null; return { x }; });
export const late_error = handler(async () => { await null; throw new Error("too late"); });
export const number = handler(() => 5);
)");
  EXPECT_EQ(host.output_of("none"), "0");
  EXPECT_EQ(host.output_of("two", R"([1,"zwei"])"), R"(["zwei",1])");
  EXPECT_EQ(host.output_of("one", R"({"x":"größe"})"), R"("größe")");
  EXPECT_EQ(host.output_of("silent"), "");
  EXPECT_EQ(host.output_of("later", "[3]"), R"({"x":3})");
  EXPECT_EQ(host.output_of("number"), "5");
  EXPECT_EQ(host.call("late_error").error, "too late");
  EXPECT_NE(host.call("one", "{nonsense").error.find("JSON"), std::string::npos)
      << host.call("one", "{nonsense").error;
}

TEST_F(JsBuild, EffectsReachTheHostAsJson) {
  auto host = plugin(
      R"(import { handler, self, reply, broadcast, publish, subscribe, send, timer, cancel } from "troupe";
export const f = handler(() => {
  reply("done", { n: 1 });
  broadcast("all");
  publish("news", "extra", [1]);
  subscribe("news");
  send("todo/1", "add", null);
  timer("t", 1500, "tick", { a: 1 });
  cancel("t");
  return self().address;
});
export const wrong = handler(() => reply());
)");
  host.self = R"({"address":"todo/all","version":3})";
  EXPECT_EQ(host.output_of("f"), R"("todo/all")");
  EXPECT_EQ(host.effects,
            (std::vector<std::pair<std::string, std::string>>{
                {"reply", R"({"name":"done","detail":{"n":1}})"},
                {"broadcast", R"({"name":"all"})"},
                {"publish", R"({"topic":"news","event":"extra","payload":[1]})"},
                {"subscribe", R"({"topic":"news"})"},
                {"send", R"({"to":"todo/1","event":"add","payload":null})"},
                {"timer", R"({"name":"t","after_ms":1500,"event":"tick","payload":{"a":1}})"},
                {"cancel", R"({"name":"t"})"},
            }));
  EXPECT_EQ(host.call("wrong").error, "the name of a reply must be a text that is not empty");
}

// ---- Extism's API

TEST_F(JsBuild, InputAndOutputKeepEveryByte) {
  auto host = plugin(R"(export function text() { Host.outputString(Host.inputString()); }
export function bytes() { Host.outputBytes(Host.inputBytes()); }
export function view() { Host.outputBytes(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)); }
)");
  for (std::size_t size : {0u, 1u, 7u, 8u, 9u, 1000u, 70'000u}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; i++) bytes[i] = static_cast<char>(i * 7);
    EXPECT_EQ(host.output_of("bytes", bytes), bytes);
    std::string text;
    while (text.size() < size) text += "aé漢😀";
    EXPECT_EQ(host.output_of("text", text), text);
  }
  EXPECT_EQ(host.output_of("view"), "\x02\x03");
}

TEST_F(JsBuild, VarsConfigurationAndLogAreTheHosts) {
  auto host = plugin(R"(export function f() {
  Var.set("n", String(Number(Var.get("n") ?? "0") + 1));
  Var.set("gone", "x"); Var.set("gone", null);
  Var.set("bytes", new Uint8Array([104, 105]));
  console.log("count", { n: 1 }, [2], null, 3n);
  console.error(new RangeError("far"));
  Host.outputString(`${Var.getString("n")} ${Config.get("greeting")} ${Config.get("none")} ${Var.getBytes("bytes").byteLength}`);
})");
  host.config["greeting"] = "hello";
  EXPECT_EQ(host.output_of("f"), "1 hello null 2");
  EXPECT_EQ(host.output_of("f"), "2 hello null 2");
  EXPECT_EQ(host.vars, (std::map<std::string, std::string>{{"n", "2"}, {"bytes", "hi"}}));
  EXPECT_EQ(host.log[0], R"(info: count {"n":1} [2] null 3n)");
  EXPECT_EQ(host.log[1], "error: RangeError: far\n    at f (plugin.js:6:21)");
}

TEST_F(JsBuild, HttpAndMemoryWorkByHandles) {
  auto host = plugin(R"(export function f() {
  const { status, body, headers } = Http.request({ url: "http://x/", method: "POST", headers: { a: "b" } }, "ping");
  const block = Memory.fromString("größe");
  const found = Memory.find(block.offset);
  const number = Memory.allocUInt64(12345678901234n).readUInt64();
  Host.outputString([status, body, headers["content-type"], found.len, found.readString(), number].join());
})");
  EXPECT_EQ(host.output_of("f"), "201,pong,text/plain,7,größe,12345678901234");
  EXPECT_EQ(host.http_request, R"({"url":"http://x/","method":"POST","headers":{"a":"b"}} ping)");
}

TEST_F(JsBuild, TextIsCodedAsOnTheWeb) {
  auto host = plugin(R"(export function f() {
  const bytes = new TextEncoder().encode("aé😀");
  const into = new TextEncoder().encodeInto("aé😀", new Uint8Array(4));
  let fatal = "";
  try { new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff])); } catch (e) { fatal = e.name; }
  Host.outputString(JSON.stringify([[...bytes], new TextDecoder().decode(bytes), into, fatal,
    new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 65])), new TextDecoder().decode(new Uint8Array([65, 0xff]))]));
})");
  EXPECT_EQ(host.output_of("f"),
            "[[97,195,169,240,159,152,128],\"aé😀\",{\"read\":2,\"written\":3},\"TypeError\",\"A\","
            "\"A\uFFFD\"]");
}

TEST_F(JsBuild, TheHostDecidesTimeAndChanceInEveryCall) {
  auto host = plugin(R"(export function f() {
  Host.outputString([Math.random(), Math.random(), Date.now(), crypto.getRandomValues(new Uint8Array(4))].join());
})");
  host.time_ns = 1'700'000'000'123'000'000;
  host.seed = 42;
  const auto first = host.output_of("f");
  EXPECT_NE(first.find(",1700000000123,"), std::string::npos) << first;
  EXPECT_NE(host.output_of("f"), first);
  host.seed = 42;
  EXPECT_EQ(host.output_of("f"), first);
}

TEST_F(JsBuild, StateInTheModuleLivesFromCallToCall) {
  auto host = plugin("let n = 40; export function f() { n++; Host.outputString(String(n)); }");
  EXPECT_EQ(host.output_of("f"), "41");
  EXPECT_EQ(host.output_of("f"), "42");
}

TEST_F(JsBuild, ANumberReturnedIsTheReturnCode) {
  auto host = plugin(
      "export const f = () => 3; export const g = () => true; export const h = async () => 4;");
  EXPECT_EQ(host.call("f").code, 3u);
  EXPECT_EQ(host.call("g").code, 0u);
  EXPECT_EQ(host.call("h").code, 4u);
}

// ---- Errors while running

TEST_F(JsBuild, TheErrorIsTheMessageAloneAndTheLogHasTheStack) {
  write("lib/deep.js", R"(
export function deep() {
  throw new Error("You suck");
}
)");
  write("plugin.js", R"(import { deep } from "./lib/deep";
export function init() {
  deep();
}
)");
  FakeHost host(built("plugin.js").wasm);
  const auto result = host.call("init");
  EXPECT_EQ(result.ending, guest::Ending::done);
  EXPECT_EQ(result.code, 1u);
  EXPECT_EQ(result.error, "You suck");
  ASSERT_EQ(host.log.size(), 1u);
  EXPECT_EQ(host.log[0],
            "error: Error: You suck\n    at deep (lib/deep.js:3:13)\n    at init (plugin.js:3:3)");
}

TEST_F(JsBuild, StackFramesPointAtTheNameThatWasCalled) {
  write(
      "plugin.js",
      R"(const a = { b: { fail(...x) { throw new RangeError("no"); } } }; const go = () => a.b.fail(
  1,
  2);
function top(g) {
  const r = 1 + g(function () {
    return 1;
  });
}
export function f() { top(go); }
)");
  FakeHost host(built("plugin.js").wasm);
  host.call("f");
  ASSERT_EQ(host.log.size(), 1u);
  EXPECT_EQ(host.log[0],
            "error: RangeError: no\n    at fail (plugin.js:1:41)\n    at go (plugin.js:1:87)\n"
            "    at top (plugin.js:5:17)\n    at f (plugin.js:9:23)");
}

TEST_F(JsBuild, CommonJsErrorsPointAtTheUsersLinesToo) {
  write("plugin.js", "exports.f = function f() { throw new TypeError('x'); };");
  FakeHost host(built("plugin.js").wasm);
  host.call("f");
  ASSERT_EQ(host.log.size(), 1u);
  EXPECT_EQ(host.log[0], "error: TypeError: x\n    at f (plugin.js:1:38)");
}

TEST_F(JsBuild, AnythingCanBeThrown) {
  auto host = plugin(R"(export const text = () => { throw "plain"; };
export const object = () => { throw { message: "from an object" }; };
export const json = () => { throw { code: 7 }; };
export const number = () => { throw 7; };
export const nothing = () => { throw undefined; };
export const empty = () => { throw new RangeError(); };
export const hostile = () => { throw { get message() { throw 1; }, toJSON() { throw 2; }, toString() { throw 3; } }; };
export const caused = () => { throw new Error("outer", { cause: new TypeError("inner") }); };
export const rejected = () => { Promise.reject(new Error("nobody")); };
export const handled = () => { const p = Promise.reject(new Error("somebody")); p.catch(() => {}); };
export const never = () => new Promise(() => {});
)");
  EXPECT_EQ(host.call("text").error, "plain");
  EXPECT_EQ(host.call("object").error, "from an object");
  EXPECT_EQ(host.call("json").error, R"({"code":7})");
  EXPECT_EQ(host.call("number").error, "7");
  EXPECT_EQ(host.call("nothing").error, "undefined");
  EXPECT_EQ(host.call("empty").error, "RangeError");
  EXPECT_EQ(host.call("hostile").error, "an error without a message");
  host.log.clear();
  EXPECT_EQ(host.call("caused").error, "outer");
  EXPECT_NE(host.log.at(0).find("caused by: TypeError: inner"), std::string::npos);
  host.log.clear();
  EXPECT_EQ(host.output_of("rejected"), "");
  EXPECT_NE(host.log.at(0).find("nobody handles it: Error: nobody"), std::string::npos);
  host.log.clear();
  EXPECT_EQ(host.output_of("handled"), "");
  EXPECT_EQ(host.log, Strings{});
  EXPECT_EQ(host.call("never").error,
            "the promise of this function waits for something that never happens");
}

TEST_F(JsBuild, RunawayRecursionIsARangeErrorAndLeavesThePluginUsable) {
  auto host = plugin(R"js(function down(n) { return down(n + 1) + 1; }
export const f = () => { down(0); };
export const g = () => { Host.outputString("fine"); };
export const caught = () => { try { down(0); } catch (e) { Host.outputString(e.name); } };
export const nested = () => { let a = []; for (let i = 0; i < 100000; i++) a = [a]; JSON.stringify(a); };
export const parsed = () => { JSON.parse("[".repeat(100000)); };
export const spread = () => { const g = (...a) => g(...a, 1); g(); };
export const mapped = () => { const g = (x) => [1].map(g); g(1); };
export const compiled = () => { (0, eval)("(".repeat(20000)); };
export const assigned = () => { (0, eval)("a=".repeat(20000)); };
export const blocks = () => { (0, eval)("{".repeat(20000)); };
export const functions = () => { (0, eval)("()=>".repeat(20000)); };
export const patterns = () => { new RegExp("(?:".repeat(20000)); };
export const flat = () => { let a = []; for (let i = 0; i < 100000; i++) a = [a]; a.flat(Infinity); };
export const sorted = () => { const x = { toString() { return String(x); } }; String(x); };
)js");
  for (const char* name : {"f",
                           "nested",
                           "parsed",
                           "spread",
                           "mapped",
                           "compiled",
                           "assigned",
                           "blocks",
                           "functions",
                           "patterns",
                           "flat",
                           "sorted"}) {
    const auto result = host.call(name);
    EXPECT_EQ(result.ending, guest::Ending::done) << name << ": " << result.error;
    EXPECT_NE(result.error.find("stack"), std::string::npos) << name << ": " << result.error;
    EXPECT_EQ(host.output_of("g"), "fine");
  }
  EXPECT_EQ(host.output_of("caught"), "RangeError");
}

TEST_F(JsBuild, MemoryThatRunsOutIsATrapAndNoAnswer) {
  write("plugin.js", R"(const all = [];
export const objects = () => { for (;;) all.push({ x: [1, 2, 3] }); };
export const block = () => { new ArrayBuffer(1 << 30); };
export const text = () => { let s = "x".repeat(1000); for (;;) { s += s; all.push(s.toUpperCase()); } };
export const caught = () => { try { new ArrayBuffer(1 << 30); } catch (e) { Host.outputString(e.message); } };
)");
  const auto output = built("plugin.js");
  guest::SandboxLimits limits;
  limits.memory_bytes_max = std::uint64_t{8} << 20;
  for (const char* name : {"objects", "block", "text"}) {
    FakeHost host(output.wasm, true, limits);
    const auto result = host.call(name);
    EXPECT_EQ(result.ending, guest::Ending::trap) << name << ": " << result.error;
  }
  EXPECT_EQ(FakeHost(output.wasm, true, limits).output_of("caught"), "out of memory");
}

// ---- Errors while building

TEST_F(JsBuild, SyntaxErrorsNameFileLineAndColumn) {
  write("plugin.js", R"(import { x } from "./broken";
export function f() { return x; }
)");
  write("broken.js", "export const x = 1;\n\nexport const y = = 2;\n");
  const auto error = refused("plugin.js");
  EXPECT_EQ(place(error), "broken.js:3:18");
  EXPECT_EQ(error.excerpt, "export const y = = 2;");
  EXPECT_NE(error.message.find("SyntaxError"), std::string::npos) << error.message;
  const auto text = render(error);
  EXPECT_NE(text.find("  3 | export const y = = 2;\n    |                  ^\n"), std::string::npos)
      << text;
}

TEST_F(JsBuild, ColumnsCountCharacters) {
  write("plugin.js", "\tconst größe = '漢字😀'; const y = = 2;\nexport function f() {}\n");
  const auto error = refused("plugin.js");
  EXPECT_EQ(place(error), "plugin.js:1:33");
  EXPECT_NE(render(error).find("\n    | \t                               ^\n"), std::string::npos)
      << render(error);
}

TEST_F(JsBuild, SyntaxErrorsAreThoseOfTheLanguageThatWasMeant) {
  write("module.js", "import { x } from './x';\nexport const f = () => {\n  return 1 +;\n};\n");
  write("x.js", "export const x = 1;\n");
  EXPECT_EQ(place(refused("module.js")), "module.js:3:13");
  write("common.js", "exports.f = () => {\n  return 1 +;\n};\n");
  EXPECT_EQ(place(refused("common.js")), "common.js:2:13");
}

TEST_F(JsBuild, MissingFilesNameTheImporterAndItsLine) {
  write("plugin.js", "// './nowhere' is missing\nimport { a } from './a';\nexport const f = a;\n");
  write("a.js", "export { a } from\n  './nowhere';\n");
  const auto error = refused("plugin.js");
  EXPECT_EQ(place(error), "a.js:2:3");
  EXPECT_NE(error.message.find("cannot find \"./nowhere\""), std::string::npos) << error.message;
  EXPECT_EQ(error.sources, (std::vector<fs::path>{folder_ / "plugin.js", folder_ / "a.js"}));
  write("c.js", "const x = 1;\nexports.f = require('./gone');\n");
  EXPECT_EQ(place(refused("c.js")), "c.js:2:21");
  write("optional.js",
        "let x = 1;\ntry { x = require('./gone'); } catch {}\nexports.f = () => x;\n");
  EXPECT_EQ(built("optional.js").exports, Strings{"f"});
}

TEST_F(JsBuild, MissingExportsNameTheImport) {
  write("plugin.js", "import { rap } from './wrap';\nexport const f = rap;\n");
  write("wrap.js", wrap_js);
  const auto error = refused("plugin.js");
  EXPECT_EQ(place(error), "plugin.js:1:10");
  EXPECT_NE(error.message.find("'rap'"), std::string::npos) << error.message;
}

TEST_F(JsBuild, ExceptionsAtTheTopLevelHaveTheirStack) {
  write("plugin.js", "function boom() {\n  null.x;\n}\nboom();\nexport function f() {}\n");
  const auto error = refused("plugin.js");
  EXPECT_EQ(error.file, "plugin.js");
  EXPECT_EQ(error.line, 2);
  EXPECT_EQ(error.excerpt, "  null.x;");
  EXPECT_NE(error.stack.find("at boom (plugin.js:2:"), std::string::npos) << error.stack;
  EXPECT_NE(error.message.find("TypeError: "), std::string::npos);
}

TEST_F(JsBuild, TheHostCannotBeAskedAtTheTopLevel) {
  write("plugin.js", "const x = Config.get('x');\nexport function f() {}\n");
  const auto error = refused("plugin.js");
  EXPECT_EQ(error.line, 1);
  EXPECT_NE(error.message.find("call it inside an exported function"), std::string::npos)
      << error.message;
  write("reply.js", "import { reply } from 'troupe';\nreply('x');\nexport function f() {}\n");
  EXPECT_EQ(place(refused("reply.js")).substr(0, 10), "reply.js:2");
}

TEST_F(JsBuild, EndlessLoopsAndGreedEndAtTheirLimits) {
  write("plugin.js", "while (true) {}\nexport function f() {}\n");
  auto small = options("plugin.js");
  small.evaluation_time_max = std::chrono::milliseconds(200);
  const auto endless = build(small);
  ASSERT_TRUE(endless.has_error());
  EXPECT_EQ(endless.error().file, "plugin.js");
  EXPECT_NE(endless.error().message.find("plugin.js ran longer than 200 ms"), std::string::npos)
      << endless.error().message;
  write("plugin.js",
        "const all = []; for (;;) all.push(new Array(100000).fill(1));\nexport function f() {}\n");
  small.evaluation_time_max = std::chrono::milliseconds(20'000);
  small.evaluation_memory_max = std::uint64_t{16} << 20;
  const auto greedy = build(small);
  ASSERT_TRUE(greedy.has_error());
  EXPECT_NE(greedy.error().message.find("more memory than the 16 MiB"), std::string::npos)
      << greedy.error().message;
  write("plugin.js", "await new Promise(() => {});\nexport function f() {}\n");
  EXPECT_NE(refused("plugin.js").message.find("never happens"), std::string::npos);
}

TEST_F(JsBuild, WhatIsNoPluginIsSaidSo) {
  write("plugin.js", "export const x = 1;\n");
  EXPECT_NE(refused("plugin.js").message.find("exports no function"), std::string::npos);
  write("plugin.js", "export function memory() {}\n");
  EXPECT_NE(refused("plugin.js").message.find("cannot be named \"memory\""), std::string::npos);
  EXPECT_NE(refused("absent.js").message.find("there is no file"), std::string::npos);
  write("plugin.js", "export function f() {} // \xff\n");
  EXPECT_NE(refused("plugin.js").message.find("not UTF-8"), std::string::npos);
  write("plugin.js", "import fs from 'node:fs';\nexport function f() {}\n");
  const auto node = refused("plugin.js");
  EXPECT_EQ(place(node), "plugin.js:1:16");
  EXPECT_NE(node.message.find("module of Node"), std::string::npos);
}

// ---- Timers and what a plugin finds of the web

TEST_F(JsBuild, TimersRunToTheirEndInsideTheCall) {
  auto host = plugin(R"(const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export async function f() {
  const before = Date.now();
  await sleep(200);
  await sleep(300);
  Host.outputString(String(Date.now() - before));
}
export function late() { setTimeout(() => Host.outputString("late"), 50); Host.outputString("early"); }
export function failing() { setTimeout(() => { throw new Error("in a timer"); }, 5); setTimeout(() => { throw new Error("not reached"); }, 6); }
export function microtask() { queueMicrotask(() => { throw new Error("in a microtask"); }); }
export async function rejected() { setTimeout(() => Host.outputString("not reached"), 5); throw new Error("at once"); }
export function many() { for (let i = 0; i < 1001; i++) setTimeout(() => {}, 1); }
export function after() { Host.outputString("fine"); }
export const stuck = () => new Promise((resolve) => { setTimeout(() => {}, 5); });
)");
  host.time_ns = 1'700'000'000'000'000'000;
  EXPECT_EQ(host.output_of("f"), "500");
  EXPECT_EQ(host.waits_ns, (std::vector<std::uint64_t>{200'000'000, 300'000'000}));
  EXPECT_EQ(host.output_of("late"), "late");
  EXPECT_EQ(host.call("failing").error, "in a timer");
  EXPECT_EQ(host.output_of("after"), "fine");
  EXPECT_EQ(host.call("microtask").error, "in a microtask");
  host.waits_ns.clear();
  EXPECT_EQ(host.call("rejected").error, "at once");
  EXPECT_EQ(host.call("many").error, "1000 timers are pending, and more are not allowed");
  EXPECT_EQ(host.output_of("after"), "fine");
  EXPECT_EQ(host.waits_ns, std::vector<std::uint64_t>{}) << "what a failed call left behind ran";
  EXPECT_EQ(host.call("stuck").error,
            "the promise of this function waits for something that never happens");
  write("top.js", "setTimeout(() => {}, 1);\nexport function f() {}\n");
  EXPECT_NE(refused("top.js").message.find("call it inside an exported function"),
            std::string::npos);
}

TEST_F(JsBuild, FetchIsTheHostsHttp) {
  auto host = plugin(R"(export async function f() {
  const response = await fetch("http://x/y?z#w", { method: "post", headers: { A: "1" }, body: new Uint8Array([104, 105]) });
  Host.outputString([response.status, response.ok, response.headers.get("Content-Type"), response.url, await response.text()].join());
}
export async function bytes() { Host.outputBytes(await (await fetch(new URL("http://x/"))).arrayBuffer()); }
)");
  EXPECT_EQ(host.output_of("f"), "201,true,text/plain,http://x/y?z#w,pong");
  EXPECT_EQ(host.http_request,
            R"({"url":"http://x/y?z#w","method":"POST","headers":{"a":"1"}} hi)");
  EXPECT_EQ(host.output_of("bytes"), "pong");
}

TEST_F(JsBuild, GlobalsThatNoSourceNamesComeAtTheirFirstUse) {
  auto host = plugin(R"(const named = (name) => globalThis[name];
export function f() {
  const url = new (named("U" + "RL"))("http://a/../b");
  Host.outputString(`${url} ${typeof named("structured" + "Clone")} ${named("Text" + "Decoder").name}`);
}
export function own() {
  globalThis["Head" + "ers"] = 7;
  Host.outputString(String([named("Head" + "ers"), typeof named("fet" + "ch"), named("Head" + "ers")]));
}
export function consoles() { console["ta" + "ble"]([{ a: 1 }]); console["cou" + "nt"](); }
)");
  EXPECT_EQ(host.output_of("f"), "http://a/b function TextDecoder");
  EXPECT_EQ(host.output_of("own"), "7,function,7") << "what a plugin sets itself stays";
  host.log.clear();
  host.output_of("consoles");
  EXPECT_EQ(host.log, (Strings{"info: (index) | a\n0       | 1", "info: default: 1"}));
}

// ---- The interface of extism-js

TEST_F(JsBuild, AnInterfaceNamesExportsAndHostFunctions) {
  write("plugin.js", R"(const { scale, note, nothing } = Host.getFunctions();
function greet() {
  const answer = Memory.find(note(Memory.fromString("hello").offset)).readString();
  Host.outputString(`${answer} ${scale(3, 2.5, 1.5, 1e10)} ${nothing()} ${Object.keys(Host.getFunctions())}`);
}
function add(a, b) { return a + b; }
function helper() {}
async function half(x) { await null; return x / 2; }
function wide(x) { return typeof x === "bigint" ? x + 1n : x; }
function broken(x) { throw new Error("broken"); }
module.exports = { greet, add, helper, half, wide, broken };
)");
  write("plugin.d.ts", R"(// What the plugin is to its host.
declare module "main" {
  export function greet(): I32;
  export function add(a: I32, b: I32): I32;
  export function half(x: F64): F64; /* with a comment */
  export function wide(x: I64): I64;
  export function broken(x: I32): void;
}
declare module 'extism:host' {
  interface user {
    scale(a: I32, b: F32, c: F64, d: I64): F64;
    note(ptr: PTR): I64;
    nothing(): void
  }
}
)");
  auto with_interface = options("plugin.js");
  with_interface.interface = folder_ / "plugin.d.ts";
  const auto output = build(with_interface);
  ASSERT_TRUE(output.has_value()) << render(output.error());
  EXPECT_EQ(output->exports, (Strings{"greet", "add", "half", "wide", "broken"}));
  EXPECT_EQ(output->host_functions, (Strings{"scale", "note", "nothing"}));
  ASSERT_EQ(output->warnings.size(), 1u);
  EXPECT_NE(output->warnings[0].find("exports \"helper\", which plugin.d.ts does not declare"),
            std::string::npos)
      << output->warnings[0];
  const auto valid = guest::Sandbox::validate(output->wasm);
  EXPECT_TRUE(valid.has_value()) << valid.error().message;
}

TEST_F(JsBuild, DeclaredFunctionsAreCalledWithTheirTypes) {
  write("plugin.js", R"(const { note, mix } = Host.getFunctions();
exports.greet = () => {
  const answer = Memory.find(note(Memory.fromString("hello").offset)).readString();
  Host.outputString(`${answer} ${mix(-1, 2n ** 40n, undefined)} ${mix(7, "8")}`);
};
exports.add = (a, b) => a + b;
exports.wide = async (x) => { await null; return typeof x === "bigint" ? x + 1n : x * 2; };
exports.broken = (x) => { throw new Error("broken"); };
)");
  write("plugin.d.ts", R"(declare module "main" {
  export function greet(): I32;
  export function add(a: I32, b: I32): I32;
  export function wide(x: I64): I64;
  export function broken(x: I32): void;
}
declare module "extism:host/user" {
  interface user { note(ptr: I64): I64; mix(a: I32, b: I64, c: I32): I32; }
})");
  auto with_interface = options("plugin.js");
  with_interface.interface = folder_ / "plugin.d.ts";
  const auto output = build(with_interface);
  ASSERT_TRUE(output.has_value()) << render(output.error());
  FakeHost* self = nullptr;
  std::vector<std::vector<std::uint64_t>> mixed;
  guest::Sandbox::HostFunctions functions;
  using Words = std::span<const std::uint64_t>;
  functions["extism:host/user.note"] = [&](Words w) -> Result<std::uint64_t> {
    return self->alloc("noted " + self->block(w[0]));
  };
  functions["extism:host/user.mix"] = [&](Words w) -> Result<std::uint64_t> {
    mixed.emplace_back(w.begin(), w.end());
    return 0xffffffff;
  };
  FakeHost host(output->wasm, true, {}, std::move(functions));
  self = &host;
  EXPECT_EQ(host.output_of("greet"), "noted hello -1 -1");
  EXPECT_EQ(mixed,
            (std::vector<std::vector<std::uint64_t>>{{0xffffffff, std::uint64_t{1} << 40, 0},
                                                     {7, 8, 0}}));
  const std::vector<std::uint64_t> two{40, 2};
  EXPECT_EQ(host.call("add", "", two).code, 42u);
  const std::vector<std::uint64_t> small{21};
  EXPECT_EQ(host.call("wide", "", small).code, 42u);
  const std::vector<std::uint64_t> large{std::uint64_t{1} << 60};
  EXPECT_EQ(host.call("wide", "", large).code, (std::uint64_t{1} << 60) + 1);
  const auto broken = host.call("broken", "", small);
  EXPECT_EQ(broken.ending, guest::Ending::trap);
}

TEST_F(JsBuild, ErrorsOfAnInterfaceNameTheirPlace) {
  write("plugin.js", "exports.f = () => {};\n");
  const std::vector<std::pair<std::string, std::string>> mistakes{
      {"declare module \"main\" {\n  export function g(): I32;\n}\n",
       "plugin.d.ts:2:19 plugin.js exports no function \"g\""},
      {"declare module \"main\" {\n  export function f(): string;\n}\n",
       "plugin.d.ts:2:24 `string` is not a type of WebAssembly"},
      {"declare module \"main\" {\n  const x: I32;\n}\n",
       "plugin.d.ts:2:3 expected `export function`"},
      {"interface A {}\n", "plugin.d.ts:1:1 expected `declare module"},
      {"declare module \"main\" { export function f(): I32; export function f(): I32; }\n",
       "plugin.d.ts:1:67 `f` is declared twice"},
      {"declare module \"extism:host\" {\n  interface user { f(a: I64 }\n}\n",
       "plugin.d.ts:2:29 expected `,` and found `}`"},
      {"declare module \"main\" {\n  export function f(): I32;\n",
       "plugin.d.ts:3:1 expected `export function`"}};
  for (const auto& [text, expected] : mistakes) {
    write("plugin.d.ts", text);
    auto with_interface = options("plugin.js");
    with_interface.interface = folder_ / "plugin.d.ts";
    const auto output = build(with_interface);
    ASSERT_TRUE(output.has_error()) << expected;
    const std::size_t blank = expected.find(' ');
    EXPECT_EQ(place(output.error()), expected.substr(0, blank)) << render(output.error());
    EXPECT_NE(output.error().message.find(expected.substr(blank + 1)), std::string::npos)
        << output.error().message;
  }
  auto missing = options("plugin.js");
  missing.interface = folder_ / "none.d.ts";
  EXPECT_NE(build(missing).error().message.find("cannot read none.d.ts"), std::string::npos);
}

// ---- TypeScript

TEST_F(JsBuild, TypeScriptNeedsNoOtherTool) {
  write("package.json", "{}");
  write("src/plugin.ts", R"(import { handler } from "troupe";
import type { State } from "./types";
import { Other, twice } from "./lib";
import { three } from "./old.js";
import config from "./config.cjs";
enum Color { Red, Green = "g", Blue = 5, Next }
const enum Bit { One = 1 << 0, Two = One << 1 }
abstract class Shape<T extends object = {}> {
  declare note: string;
  constructor(protected readonly name: string, public size?: number) {}
  abstract area(): number;
  describe(this: Shape<T>): string { return `${this.name} ${this.size!}`; }
}
class Square extends Shape {
  override area(): number { return (this.size as number) ** 2; }
}
function over(x: string): string;
function over(x: number): number;
function over(x: any) { return x; }
declare namespace Types { const x: number }
declare const unknown_here: unique symbol;
type Pair<A, B = A> = readonly [A, B?];
export const f = handler((state: State & { more?: Other }): unknown => {
  const square = new Square("square", 3);
  const pair = [1, 2] satisfies Pair<number>;
  const generic = <T,>(x: T): T => x;
  return [Color.Red, Color.Green, Color[5], Color.Next, Bit.Two, square.area(), square.describe(), over(1), pair, generic<string>("g"),
    twice(three), config.x, state?.todos ?? null];
});
)");
  write("src/types.ts", "export interface State { todos: string[] }\n");
  write("src/lib/index.mts",
        "export interface Other {}\nexport const twice = (x: number) => 2 * x;\n");
  write("src/old.ts", "export const three: number = 3;\n");
  write("src/config.cts", "const config: { x: string } = { x: 'cts' };\nexport = config;\n");
  const auto output = built("src/plugin.ts");
  EXPECT_EQ(output.exports, Strings{"f"});
  FakeHost host(output.wasm);
  EXPECT_EQ(host.output_of("f", R"({"todos":["milk"]})"),
            R"([0,"g","Blue",6,2,9,"square 3",1,[1,2],"g",6,"cts",["milk"]])");
  EXPECT_EQ(output.sources.size(), 4u);  // types.ts is not among them: nothing of it is left
}

TEST_F(JsBuild, PositionsAreThoseOfTheTypeScript) {
  // What is stripped before the throw would move its column, in a text that is not all ASCII.
  write("plugin.ts",
        "interface A { x: number }\n"
        "import { boom } from './boom';\n"
        "export function f(): void {\n"
        "  const größe: Array<number> = [1] as number[]; boom<string>(größe as any, () => "
        "undefined!);\n"
        "}\n");
  write("boom.ts",
        "export function boom<T>(größe: T, other: () => T): never { throw new Error('é' as "
        "string); }\n");
  FakeHost host(built("plugin.ts").wasm);
  EXPECT_EQ(host.call("f").error, "é");
  ASSERT_EQ(host.log.size(), 1u);
  EXPECT_EQ(host.log[0], "error: Error: é\n    at boom (boom.ts:1:72)\n    at f (plugin.ts:4:51)");

  write("plugin.ts",
        "export const f = (größe: number): number => { return größe as number +; };\n");
  auto error = refused("plugin.ts");
  EXPECT_EQ(place(error), "plugin.ts:1:71") << render(error);
  EXPECT_NE(error.message.find("SyntaxError: Unexpected token"), std::string::npos)
      << error.message;
  // Only the engine sees this one.
  write("plugin.ts", "const größe: number = 1; const a: Array<number> = []; let größe: string;\n");
  error = refused("plugin.ts");
  EXPECT_EQ(error.line, 1);
  EXPECT_NE(error.message.find("SyntaxError"), std::string::npos) << error.message;
  write("plugin.ts",
        "const x: number = 1;\nconst y: string = 'a'; throw new Error(y as string);\n");
  error = refused("plugin.ts");
  EXPECT_EQ(place(error), "plugin.ts:2:34") << render(error);
}

TEST_F(JsBuild, WhatTypesCannotBeStrippedFromIsNamed) {
  write("plugin.ts", "import { x } from './lib';\nexport const f = () => x;\n");
  const std::vector<std::pair<std::string, std::string>> refusals{
      {"export namespace N { export const x = 1; }\n", "lib.ts:1:8 a namespace"},
      {"const a = 1;\nmodule M {}\n", "lib.ts:2:1 a namespace"},
      {"class A {\n  @logged m() {}\n}\n", "lib.ts:2:3 decorators"},
      {"@sealed\nexport class A {}\n", "lib.ts:1:1 decorators"},
      {"const a = 1 +;\n", "lib.ts:1:14 SyntaxError: Unexpected token"}};
  for (const auto& [text, expected] : refusals) {
    write("lib.ts", text);
    const auto error = refused("plugin.ts");
    const std::size_t blank = expected.find(' ');
    EXPECT_EQ(place(error), expected.substr(0, blank)) << render(error);
    EXPECT_NE(error.message.find(expected.substr(blank + 1)), std::string::npos) << error.message;
    EXPECT_FALSE(error.excerpt.empty());
  }
  write("lib.ts", "export interface x {}\n");
  write("plugin.ts", "export { x } from './lib';\n");
  const auto error = refused("plugin.ts");
  EXPECT_EQ(place(error), "plugin.ts:1:10");
  EXPECT_NE(error.message.find("write `import type` or `export type`"), std::string::npos)
      << error.message;
}

TEST_F(JsBuild, DeepTypeScriptIsStripped) {
  std::string text = "export const f = () => ";
  constexpr int depth = 5;  // of four levels each
  for (int i = 0; i < depth; i++) text += "[{ a: (x: number) => { if (x) { return ";
  text += "1";
  for (int i = 0; i < depth; i++) text += "; } } }]";
  write("plugin.ts", text + ";\n");
  EXPECT_EQ(built("plugin.ts").exports, Strings{"f"});
}

// ---- esbuild

TEST_F(JsBuild, WithoutEsbuildTheErrorSaysHowToGetIt) {
  write("package.json", "{}");
  write("src/plugin.js", "import { x } from './lib';\nexport const f = () => x;\n");
  write("src/lib.js", "import pad from 'left-pad';\nexport const x = pad;\n");
  const auto error = refused("src/plugin.js");
  EXPECT_EQ(place(error), "src/lib.js:1:17");
  EXPECT_NE(error.message.find("cd " + folder_.string() + " && npm install --save-dev esbuild"),
            std::string::npos)
      << error.message;
  write("plugin.tsx", "export const f = () => <b>x</b>;\n");
  const auto jsx = refused("plugin.tsx");
  EXPECT_NE(jsx.message.find("plugin.tsx has JSX"), std::string::npos) << jsx.message;
  EXPECT_NE(jsx.message.find("npm install --save-dev esbuild"), std::string::npos) << jsx.message;
}

// Stands in for esbuild: notes how it was called, and writes what was prepared.
constexpr std::string_view esbuild_script = R"(#!/bin/sh
for word in "$@"; do
  echo "$word" >> called
  case "$word" in
    --outfile=*) out="${word#--outfile=}" ;;
    --metafile=*) meta="${word#--metafile=}" ;;
  esac
done
cp prepared.js "$out"
sed "s|FOLDER|$PWD|g" prepared.map > "$out.map"
cp prepared.meta "$meta"
)";

TEST_F(JsBuild, BundledCodeFailsAtTheUsersOwnLines) {
  write("package.json", "{}");
  write("node_modules/.bin/esbuild", esbuild_script);
  fs::permissions(folder_ / "node_modules/.bin/esbuild", fs::perms::owner_all);
  write("src/plugin.ts",
        "import pad from 'left-pad';\n\nexport function f(): void {\n  throw new "
        "Error(pad('x'));\n}\n");
  // Line 1 comes from the package; line 2 is the user's line 3 and line 3 the user's line 4, moved
  // 2 to the left.
  write("prepared.js",
        "var pad = (x) => { return x.padStart(3); };\nexport function f() {\nthrow new "
        "Error(pad('x'));\n}\n");
  write(
      "prepared.map",
      R"({"version":3,"sources":["FOLDER/node_modules/left-pad/index.js","FOLDER/src/plugin.ts"],"mappings":"AAAA;ACEA;AACE;"})");
  write("prepared.meta", R"({"inputs":{"node_modules/left-pad/index.js":{},"src/plugin.ts":{}}})");
  const auto output = built("src/plugin.ts");
  EXPECT_EQ(output.sources,
            (std::vector<fs::path>{folder_ / "node_modules/left-pad/index.js",
                                   folder_ / "src/plugin.ts"}));
  FakeHost host(output.wasm);
  EXPECT_EQ(host.call("f").error, "  x");
  ASSERT_EQ(host.log.size(), 1u);
  EXPECT_EQ(host.log[0], "error: Error:   x\n    at f (src/plugin.ts:4:3)");

  write("prepared.js", "\n\nnull.x; export function f() {}\n");
  const auto error = refused("src/plugin.ts");
  EXPECT_EQ(place(error), "src/plugin.ts:4:3");
  EXPECT_EQ(error.excerpt, "  throw new Error(pad('x'));");

  write("node_modules/.bin/esbuild",
        "#!/bin/sh\nexec >&2\necho '[ERROR] No loader'\necho\necho '    src/plugin.ts:1:16:'\nexit "
        "1\n");
  EXPECT_EQ(place(refused("src/plugin.ts")), "src/plugin.ts:1:17");
  write("node_modules/.bin/esbuild", "#!/bin/sh\nwhile :; do :; done\n");
  auto hasty = options("src/plugin.ts");
  hasty.esbuild_time_max = std::chrono::milliseconds(50);
  const auto late = build(hasty);
  ASSERT_TRUE(late.has_error());
  EXPECT_NE(late.error().message.find("esbuild ran longer than 50 ms"), std::string::npos)
      << late.error().message;
}

TEST_F(JsBuild, EsbuildsOwnErrorsKeepTheirPlace) {
  const auto error = parse_esbuild_error(
      "\xe2\x9c\x98 [ERROR] Could not resolve \"left-pad\"\n\n    src/lib.js:1:16:\n      1 "
      "\xe2\x94\x82 import pad from 'left-pad';\n");
  EXPECT_EQ(error.message, "Could not resolve \"left-pad\"");
  EXPECT_EQ(place(error), "src/lib.js:1:17");
}

// Pages of 4 KiB that differ between two states of a memory; pages that only one of them has count
// too.
std::size_t pages_changed(std::span<const std::uint8_t> before,
                          std::span<const std::uint8_t> after) {
  constexpr std::size_t page = 4096;
  std::size_t changed = (after.size() - before.size()) / page;
  for (std::size_t at = 0; at < before.size(); at += page) {
    if (!std::ranges::equal(before.subspan(at, page), after.subspan(at, page))) changed++;
  }
  return changed;
}

TEST_F(JsBuild, ABuildIsFastAndAnActorSmall) {
  write("todo.js", R"(import { handler } from "troupe";
export const init = handler(() => ({ todos: ["Hello", "WASM"] }));
export const addTodo = handler(({ todo }, { todos }) => ({ todos: [`${todo} from WASM!`, ...todos] }));
)");
  auto output = built("todo.js");
  constexpr int rounds = 5;
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < rounds; i++) {
    const auto start = std::chrono::steady_clock::now();
    output = built("todo.js");
    best = std::min(best, std::chrono::steady_clock::now() - start);
  }
  FakeHost host(output.wasm);
  const std::vector<std::uint8_t> before(host.memory().begin(), host.memory().end());
  host.output_of("init");
  const std::size_t after_init = pages_changed(before, host.memory());
  for (int i = 0; i < 100; i++) host.output_of("addTodo", R"([{"todo":"x"},{"todos":["a","b"]}])");
  const std::size_t after_events = pages_changed(before, host.memory());
  std::printf(
      "a build takes %.1f ms; the plugin has %zu bytes and %zu pages of 64 KiB; init changes %zu "
      "KiB of them, "
      "100 events %zu KiB\n",
      std::chrono::duration<double, std::milli>(best).count(),
      output.wasm.size(),
      before.size() / 65536,
      after_init * 4,
      after_events * 4);
  EXPECT_LT(output.wasm.size(), 1'500'000u);
  EXPECT_LT(after_events * 4, 256u);
}

}  // namespace
}  // namespace troupe::js
