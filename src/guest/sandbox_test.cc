#include "guest/sandbox.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <wasmtime.hh>

#include <array>
#include <filesystem>
#include <fstream>

namespace troupe::guest {
namespace {

namespace fs = std::filesystem;

std::vector<std::uint8_t> module_of(std::string_view text) {
  auto wasm = wasmtime::wat2wasm(text);
  EXPECT_TRUE(bool(wasm));
  return wasm.ok();
}

std::unique_ptr<Sandbox> sandbox_of(std::string_view text,
                                    Sandbox::HostFunctions functions = {},
                                    const SandboxLimits& limits = {}) {
  auto sandbox = Sandbox::create(module_of(text), {}, std::move(functions), limits);
  EXPECT_TRUE(sandbox.has_value()) << sandbox.error().message;
  return std::move(*sandbox);
}

TEST(Sandbox, HostFunctionsGetAndGiveIntegersOfBothWidths) {
  Sandbox::HostFunctions functions;
  std::vector<std::uint64_t> seen;
  functions["host.f"] = [&](std::span<const std::uint64_t> words) -> Result<std::uint64_t> {
    seen.assign(words.begin(), words.end());
    return ~std::uint64_t{0};
  };
  functions["host.g"] = [](std::span<const std::uint64_t>) -> Result<std::uint64_t> { return 7; };
  auto sandbox = sandbox_of(R"((module
    (import "host" "f" (func $f (param i32 i64) (result i64)))
    (import "host" "g" (func $g (result i32)))
    (func (export "f") (param i32 i64) (result i64) (call $f (local.get 0) (local.get 1)))
    (func (export "g") (result i32) (call $g))))",
                            functions);
  const std::array<std::uint64_t, 2> arguments{0xffffffff, 0x123456789abcdef0};
  EXPECT_EQ(sandbox->call("f", arguments).value, ~std::uint64_t{0});
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0xffffffff, 0x123456789abcdef0}));
  EXPECT_EQ(sandbox->call("g").value, 7u);
}

TEST(Sandbox, CallsEndForTheirReason) {
  Sandbox::HostFunctions functions;
  functions["host.refuse"] = [](std::span<const std::uint64_t>) -> Result<std::uint64_t> {
    return Error{"no"};
  };
  SandboxLimits limits;
  limits.time_max = std::chrono::milliseconds(20);
  auto sandbox = sandbox_of(R"((module
    (import "host" "refuse" (func $refuse))
    (import "host" "absent" (func $absent))
    (func (export "refused") (call $refuse))
    (func (export "absent") (call $absent))
    (func (export "trap") unreachable)
    (func (export "endless") (loop br 0))
    (func (export "fine"))
    (func (export "float") (param f64))))",
                            functions,
                            limits);
  EXPECT_EQ(sandbox->call("refused").ending, Ending::error);
  EXPECT_EQ(sandbox->call("refused").message, "no");
  EXPECT_EQ(sandbox->call("absent").ending, Ending::error);
  EXPECT_NE(sandbox->call("absent").message.find("host.absent"), std::string::npos);
  EXPECT_EQ(sandbox->call("trap").ending, Ending::trap);
  EXPECT_EQ(sandbox->call("endless").ending, Ending::timeout);
  EXPECT_EQ(sandbox->call("endless").message, "ran longer than 20 ms");
  EXPECT_EQ(sandbox->call("none").ending, Ending::missing);
  EXPECT_EQ(sandbox->call("float", std::array<std::uint64_t, 1>{0}).ending, Ending::missing);
  EXPECT_EQ(sandbox->call("fine").ending, Ending::done);
}

TEST(Sandbox, MemoryStopsGrowingAtItsLimit) {
  SandboxLimits limits;
  limits.memory_bytes_max = 4 * 65536;
  auto sandbox = sandbox_of(R"((module
    (memory (export "memory") 1)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))))",
                            {},
                            limits);
  const auto grow = [&](std::uint64_t pages) {
    return static_cast<std::int32_t>(sandbox->call("grow", std::array{pages}).value);
  };
  EXPECT_EQ(grow(3), 1);
  EXPECT_EQ(grow(1), -1);
  EXPECT_EQ(sandbox->memory().size(), 4u * 65536);
}

TEST(Sandbox, WhatIsNoModuleIsRefused) {
  const std::array<std::uint8_t, 4> nonsense{1, 2, 3, 4};
  EXPECT_TRUE(Sandbox::create(nonsense, {}, {}, {}).has_error());
  EXPECT_TRUE(Sandbox::validate(nonsense).has_error());
  EXPECT_TRUE(Sandbox::validate(module_of("(module)")).has_value());
  const auto floats =
      Sandbox::create(module_of(R"((module (import "a" "b" (func (param f32)))))"), {}, {}, {});
  ASSERT_TRUE(floats.has_error());
  EXPECT_NE(floats.error().message.find("a.b"), std::string::npos);
}

class SandboxCache : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "troupe-sandbox-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::uint64_t answer() {
    auto sandbox =
        Sandbox::create(module_of(R"((module (func (export "f") (result i32) (i32.const 42))))"),
                        folder_ / "cache",
                        {},
                        {});
    EXPECT_TRUE(sandbox.has_value());
    return sandbox ? (*sandbox)->call("f").value : 0;
  }
  std::vector<fs::path> files() {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_ / "cache"))
      files.push_back(entry.path());
    return files;
  }

  fs::path folder_;
};

TEST_F(SandboxCache, KeepsCompiledCodeInAFolderOfItsOwn) {
  EXPECT_EQ(answer(), 42u);
  ASSERT_EQ(files().size(), 1u);
  struct stat status{};
  ASSERT_EQ(::stat((folder_ / "cache").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  const auto written = fs::last_write_time(files()[0]);
  EXPECT_EQ(answer(), 42u);
  EXPECT_EQ(fs::last_write_time(files()[0]), written);
}

TEST_F(SandboxCache, CompilesAgainWhatIsNoCompiledCode) {
  EXPECT_EQ(answer(), 42u);
  std::ofstream(files()[0], std::ios::trunc) << "nonsense";
  EXPECT_EQ(answer(), 42u);
  EXPECT_GT(fs::file_size(files()[0]), 100u);
}

TEST_F(SandboxCache, AFolderThatOthersMayWriteIsNotUsed) {
  fs::create_directory(folder_ / "cache");
  fs::permissions(folder_ / "cache", fs::perms::all);
  EXPECT_EQ(answer(), 42u);
  EXPECT_EQ(files().size(), 0u);
}

}  // namespace
}  // namespace troupe::guest
