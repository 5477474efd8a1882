// From the bytes of a plugin to a module: what is refused and why, and what is compiled only once.
#include "guest/module_cache.h"

#include "base/sanitized.h"
#include "guest/test_support.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>

namespace troupe::guest {
namespace {

using test::finish;
using test::module_text;
using test::Plugin;
using test::Shared;
using test::wasm_of;

std::string refusal_of(std::string_view wasm) {
  const auto module = Shared::get().cache->load(*Shared::get().engine, wasm);
  return module ? "it was not refused" : module.error().message;
}

#define EXPECT_SAYS(text, part) EXPECT_NE(std::string(text).find(part), std::string::npos) << (text)

TEST(BadModules, AreRefusedWhenTheyAreNotWebAssembly) {
  EXPECT_SAYS(refusal_of(""), "empty file");
  EXPECT_SAYS(refusal_of("#!/bin/sh\n"), "not WebAssembly");
  EXPECT_SAYS(refusal_of("[module]"), "not WebAssembly");
  EXPECT_SAYS(refusal_of(std::string_view("\0asm\2\0\0\0", 8)), "another version");
}

TEST(BadModules, AreRefusedWhenTheyAreBroken) {
  const std::string wasm = wasm_of(module_text(""));
  EXPECT_SAYS(refusal_of(wasm.substr(0, wasm.size() / 2)), "unexpected end");
}

TEST(BadModules, AreRefusedForAFunctionNobodyProvides) {
  const std::string message = refusal_of(wasm_of(
      R"((module (import "extism:host/user" "troupe_fly" (func (param i64 f64) (result i32)))))"));
  EXPECT_SAYS(message, R"("extism:host/user" "troupe_fly")");
  EXPECT_SAYS(message, "(i64, f64) -> (i32)");
  EXPECT_SAYS(message, "troupe_self");
  EXPECT_SAYS(refusal_of(wasm_of(R"((module (import "extism:host/env" "fly" (func))))")),
              "Extism PDK");
  EXPECT_SAYS(refusal_of(wasm_of(R"((module (import "env" "puts" (func))))")), "linker");
  EXPECT_SAYS(refusal_of(wasm_of(R"((module (import "mine" "f" (func))))")),
              "extism:host/env, extism:host/user");
}

TEST(BadModules, AreRefusedForAFunctionOfAnotherType) {
  const std::string message = refusal_of(
      wasm_of(R"((module (import "extism:host/env" "alloc" (func (param i32) (result i32)))))"));
  EXPECT_SAYS(message, "(i32) -> (i32)");
  EXPECT_SAYS(message, "(i64) -> (i64)");
}

TEST(BadModules, AreRefusedForImportsThatAreNoFunctions) {
  EXPECT_SAYS(refusal_of(wasm_of(R"((module (import "extism:host/env" "memory" (memory 1))))")),
              "memory");
  EXPECT_SAYS(refusal_of(wasm_of(R"((module (import "a" "b" (global i32))))")), "global");
  EXPECT_SAYS(refusal_of(wasm_of(R"((module (import "a" "b" (table 1 funcref))))")), "table");
}

TEST(BadModules, AreRefusedWhenTheyDoNotFitASlot) {
  EXPECT_SAYS(refusal_of(wasm_of("(module (memory 2000))")), "does not fit");
  EXPECT_SAYS(refusal_of(wasm_of("(module (memory 1) (memory 1))")), "has 2 memories");
  EXPECT_SAYS(refusal_of(wasm_of("(module (table 1 funcref) (table 1 funcref) (table 1 funcref) "
                                 "(table 1 funcref) (table 1 funcref))")),
              "does not fit");
  EXPECT_SAYS(refusal_of(wasm_of("(module (table 1000000 funcref))")), "does not fit");
}

TEST(BadModules, AreRefusedWhenTheyNeedThreads) {
  EXPECT_SAYS(refusal_of(wasm_of("(module (memory 1 2 shared))")), "threads");
}

// A cache of its own, whose log can be read.
struct Cache {
  explicit Cache(ModuleCacheOptions options = {}, CompileLimits limits = {}) {
    options.log = &log;
    opened = ModuleCache::open(folder.path() / "modules", limits, options).value();
  }

  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "modules")) {
      found.push_back(entry.path());
    }
    return found;
  }
  Result<std::shared_ptr<const Module>> load(std::string_view wasm) {
    return opened->load(*Shared::get().engine, wasm);
  }

  test::TemporaryFolder folder;
  std::ostringstream lines;
  Log log{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(lines)};
  std::unique_ptr<ModuleCache> opened;
};

TEST(ModuleCache, CompilesTheSameContentOnce) {
  Cache cache;
  const std::string wasm = wasm_of(module_text(""));
  auto first = cache.load(wasm).value();
  EXPECT_EQ(cache.load(wasm).value(), first);
  EXPECT_EQ(cache.opened->compilations(), 1U);
  first.reset();
  // Nobody holds it any more: this one comes from the folder.
  ASSERT_TRUE(cache.load(wasm));
  EXPECT_EQ(cache.opened->compilations(), 1U);
  ASSERT_TRUE(cache.load(wasm_of(module_text("(func)"))));
  EXPECT_EQ(cache.opened->compilations(), 2U);
  EXPECT_EQ(cache.lines.str(), "");
}

TEST(ModuleCache, KnowsAModuleByItsContent) {
  Cache cache;
  // echo -n | sha256sum of the eight bytes of an empty module
  EXPECT_EQ(cache.load(wasm_of("(module)")).value()->content_hash(),
            "93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476");
}

TEST(ModuleCache, SurvivesTheProcessThatFilledIt) {
  Cache cache;
  const std::string wasm = wasm_of(module_text(""));
  cache.load(wasm).value();
  const auto again = ModuleCache::open(cache.folder.path() / "modules", {}).value();
  again->load(*Shared::get().engine, wasm).value();
  EXPECT_EQ(again->compilations(), 0U);
}

TEST(ModuleCache, MakesADamagedFileAgainAndSaysSo) {
  Cache cache;
  const std::string wasm = wasm_of(module_text(""));
  cache.load(wasm).value();
  const auto files = cache.files();
  ASSERT_EQ(files.size(), 1U);
  const auto damage = [&](auto change) {
    std::string bytes;
    {
      std::ifstream in(files[0], std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    change(bytes);
    std::filesystem::remove(files[0]);
    std::ofstream(files[0], std::ios::binary) << bytes;
  };
  damage([](std::string& bytes) { bytes[bytes.size() / 2] ^= 1; });
  ASSERT_TRUE(cache.load(wasm));
  EXPECT_EQ(cache.opened->compilations(), 2U);
  EXPECT_SAYS(cache.lines.str(), "checksum");
  damage([](std::string& bytes) { bytes.resize(bytes.size() / 2); });
  ASSERT_TRUE(cache.load(wasm));
  damage([](std::string& bytes) { bytes.clear(); });
  ASSERT_TRUE(cache.load(wasm));
  EXPECT_EQ(cache.opened->compilations(), 4U);
}

TEST(ModuleCache, LeavesNothingBehindWhenItRefuses) {
  Cache cache;
  ASSERT_FALSE(cache.load(wasm_of("(module (memory 2000))")));
  ASSERT_FALSE(cache.load(wasm_of(module_text("")).substr(0, 100)));
  EXPECT_TRUE(cache.files().empty());
}

TEST(ModuleCache, KeepsItsFolderBelowItsBound) {
  ModuleCacheOptions options;
  options.folder_bytes_max = 100'000;
  Cache cache(options);
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(cache.load(wasm_of(module_text("(data \"" + std::to_string(i) + "\")"))));
  }
  std::uintmax_t bytes = 0;
  for (const auto& file : cache.files()) bytes += std::filesystem::file_size(file);
  EXPECT_LE(bytes, 100'000U);
  EXPECT_FALSE(cache.files().empty());
}

TEST(ModuleCache, MakesAFolderThatOthersCannotReach) {
  Cache cache;
  struct stat status{};
  ASSERT_EQ(::stat((cache.folder.path() / "modules").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST(ModuleCache, RefusesAFolderThatOthersMayWrite) {
  const test::TemporaryFolder folder;
  ASSERT_EQ(::mkdir((folder.path() / "open").c_str(), 0700), 0);
  ASSERT_EQ(::chmod((folder.path() / "open").c_str(), 0777), 0);
  EXPECT_SAYS(ModuleCache::open(folder.path() / "open", {}).error().message, "written by others");
  std::ofstream(folder.path() / "file") << "x";
  EXPECT_SAYS(ModuleCache::open(folder.path() / "file", {}).error().message, "not a folder");
}

TEST(ModuleCache, ReportsACompilerThatIsNotThere) {
  ModuleCacheOptions options;
  options.compiler = {"/nonexistent/troupe", "compile-module"};
  Cache cache(options);
  EXPECT_SAYS(cache.load(wasm_of("(module)")).error().message, "/nonexistent/troupe");
}

TEST(ModuleCache, ReportsACompilerThatFails) {
  ModuleCacheOptions options;
  options.compiler = {"/bin/false"};
  Cache cache(options);
  EXPECT_SAYS(cache.load(wasm_of("(module)")).error().message, "the compiler ended by exit code 1");
}

// Many functions of many branches: ten seconds of work for an optimising compiler, on any machine.
std::string laborious_wasm() {
  std::string body;
  for (int i = 0; i < 300; ++i) {
    body +=
        "(if (local.get 0) (then (local.set 1 (i32.add (local.get 1) (i32.load (local.get 0))))))";
  }
  std::string text = "(module (memory 1)";
  for (int i = 0; i < 2500; ++i) text += "(func (param i32) (local i32) " + body + ")";
  return wasm_of(text + ")");
}

TEST(ModuleCache, EndsACompilationThatTakesTooLong) {
  CompileLimits limits;
  limits.cpu_time_max = std::chrono::seconds(1);
  Cache cache({}, limits);
  EXPECT_SAYS(cache.load(laborious_wasm()).error().message, "more than 1 s of CPU time");
  EXPECT_EQ(cache.opened->bounds().count(Bound::compile_cpu), 1U);
}

#ifndef TROUPE_SANITIZED
TEST(ModuleCache, EndsACompilationThatNeedsTooMuchMemory) {
  CompileLimits limits;
  limits.memory_bytes_max = std::size_t{12} << 20;
  Cache cache({}, limits);
  EXPECT_SAYS(cache.load(laborious_wasm()).error().message, "more than 12 MiB");
  EXPECT_EQ(cache.opened->bounds().count(Bound::compile_memory), 1U);
}
#endif

TEST(ModuleCache, TheFastCompilersCodeRunsTheSame) {
  EngineOptions options;
  options.compiler = Compiler::fast;
  options.instances_max = 2;
  const auto engine = Engine::create(options).value();
  Plugin plugin("(module)");
  Cache cache;
  plugin.module = cache.opened
                      ->load(*engine, wasm_of(module_text(R"(
    (func (export "echo") (call $output_set (call $input_offset) (call $input_length)))
    (func (export "nan") (call $say_number
      (i64.extend_i32_u (i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0))))))
    (func (export "spin") (loop $next (br $next))))")))
                      .value();
  EXPECT_EQ(plugin.output("echo", "hello"), "hello");
  EXPECT_EQ(test::number_in(plugin.output("nan")), 0x7fc00000U);
  plugin.environment.limits.timeout = std::chrono::milliseconds(5);
  EXPECT_EQ(plugin.call("spin").ending, Ending::timeout);
  plugin.instance.reset();
  plugin.module.reset();
}

}  // namespace
}  // namespace troupe::guest
