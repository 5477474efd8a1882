// The folders that a plugin may see, and nothing beside them.
#include "guest/test_support.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace troupe::guest {
namespace {

namespace fs = std::filesystem;
using test::module_text;
using test::number_in;
using test::Plugin;

constexpr int success = 0;
constexpr int exists = 20;
constexpr int invalid = 28;
constexpr int not_a_directory = 54;
constexpr int no_entry = 44;
constexpr int not_supported = 58;
constexpr int not_permitted = 63;

// The input is a path, or two with a zero byte between; descriptor 3 is the allowed folder.
std::string file_text() {
  std::string text = module_text(R"(
    (global $length (mut i32) (i32.const 0))
    ;; The input to address 100.
    (func $take (local $i i32)
      (global.set $length (i32.wrap_i64 (call $input_length)))
      (block $end (loop $next
        (br_if $end (i32.ge_u (local.get $i) (global.get $length)))
        (i32.store8 (i32.add (i32.const 100) (local.get $i))
                    (call $input_load_u8 (i64.extend_i32_u (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))
    (func $first (result i32) (local $i i32)
      (loop $next
        (if (i32.and (i32.lt_u (local.get $i) (global.get $length))
                     (i32.ne (i32.load8_u (i32.add (i32.const 100) (local.get $i))) (i32.const 0)))
          (then (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $next))))
      (local.get $i))
    (func $second_at (result i32) (i32.add (i32.const 101) (call $first)))
    (func $second (result i32) (i32.sub (i32.sub (global.get $length) (call $first)) (i32.const 1)))
    (func $say_code (param $code i32) (call $say_number (i64.extend_i32_u (local.get $code))))
    ;; Opens the first path; its descriptor is at address 40.
    (func $open (param $how i32) (param $rights i64) (result i32)
      (call $path_open (i32.const 3) (i32.const 1) (i32.const 100) (call $first) (local.get $how)
                       (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 40)))
    (func (export "folder")
      (if (call $fd_prestat_get (i32.const 3) (i32.const 60)) (then unreachable))
      (if (call $prestat_name (i32.const 3) (i32.const 100) (i32.load (i32.const 64))) (then unreachable))
      (call $say (i32.const 100) (i32.load (i32.const 64))))
    (func (export "has_folder")
      (call $say_code (call $fd_prestat_get (i32.const 3) (i32.const 60))))
    ;; Either the bytes of the file, or the number of what went wrong.
    (func (export "read") (local $code i32)
      (call $take)
      (local.set $code (call $open (i32.const 0) (i64.const 2)))
      (if (local.get $code) (then (call $say_code (local.get $code)) return))
      (i32.store (i32.const 0) (i32.const 1000))
      (i32.store (i32.const 4) (i32.const 4))
      (i32.store (i32.const 8) (i32.const 2000))
      (i32.store (i32.const 12) (i32.const 500))
      (if (call $fd_read (i32.load (i32.const 40)) (i32.const 0) (i32.const 2) (i32.const 44)) (then unreachable))
      (if (call $close (i32.load (i32.const 40))) (then unreachable))
      (if (i32.ne (call $close (i32.load (i32.const 40))) (i32.const 8)) (then unreachable))
      (memory.copy (i32.const 1004) (i32.const 2000) (i32.const 500))
      (call $say (i32.const 1000) (i32.load (i32.const 44))))
    ;; Makes a file with the second part of the input in it.
    (func (export "write") (local $code i32)
      (call $take)
      (local.set $code (call $open (i32.const 9) (i64.const 64)))
      (if (local.get $code) (then (call $say_code (local.get $code)) return))
      (i32.store (i32.const 0) (call $second_at))
      (i32.store (i32.const 4) (call $second))
      (local.set $code (call $fd_write (i32.load (i32.const 40)) (i32.const 0) (i32.const 1) (i32.const 44)))
      (drop (call $close (i32.load (i32.const 40))))
      (call $say_code (local.get $code)))
    (func (export "size")
      (call $take)
      (if (call $path_filestat_get (i32.const 3) (i32.const 1) (i32.const 100) (call $first) (i32.const 2000))
        (then unreachable))
      (call $say_number (i64.load (i32.const 2032))))
    (func (export "stat")
      (call $take)
      (call $say_code (call $path_filestat_get (i32.const 3) (i32.const 1) (i32.const 100) (call $first) (i32.const 2000))))
    (func (export "mkdir") (call $take)
      (call $say_code (call $path_create_directory (i32.const 3) (i32.const 100) (call $first))))
    (func (export "rmdir") (call $take)
      (call $say_code (call $path_remove_directory (i32.const 3) (i32.const 100) (call $first))))
    (func (export "unlink") (call $take)
      (call $say_code (call $path_unlink_file (i32.const 3) (i32.const 100) (call $first))))
    (func (export "rename") (call $take)
      (call $say_code (call $path_rename (i32.const 3) (i32.const 100) (call $first)
                                         (i32.const 3) (call $second_at) (call $second))))
    (func (export "link") (call $take)
      (call $say_code (call $path_link (i32.const 3) (i32.const 0) (i32.const 100) (call $first)
                                       (i32.const 3) (call $second_at) (call $second))))
    (func (export "symlink") (call $take)
      (call $say_code (call $path_symlink (i32.const 100) (call $first)
                                          (i32.const 3) (call $second_at) (call $second))))
    ;; The raw entries of a folder.
    (func (export "list") (local $code i32)
      (call $take)
      (local.set $code (call $open (i32.const 2) (i64.const 0x4000)))
      (if (local.get $code) (then (call $say_code (local.get $code)) return))
      (if (call $readdir (i32.load (i32.const 40)) (i32.const 2000) (i32.const 1000) (i64.const 0) (i32.const 44))
        (then unreachable))
      (call $say (i32.const 2000) (i32.load (i32.const 44))))
    ;; Opens a file again and again: how often it could.
    (func (export "exhaust") (local $count i64)
      (call $take)
      (loop $next
        (if (i32.eqz (call $open (i32.const 0) (i64.const 2)))
          (then (local.set $count (i64.add (local.get $count) (i64.const 1))) (br $next))))
      (call $say_number (local.get $count)))
    (func (export "print")
      (i32.store (i32.const 0) (i32.const 100))
      (i32.store (i32.const 4) (i32.const 3))
      (i32.store (i32.const 100) (i32.const 0x0a6968))
      (call $say_code (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 44))))
  )");
  constexpr std::string_view first = "(memory (export \"memory\") 2)";
  text.insert(text.find(first), R"(
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $prestat_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_remove_directory" (func $path_remove_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $path_link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  )");
  return text;
}

class WasiFiles : public testing::Test {
 protected:
  WasiFiles() : plugin(file_text()) {
    fs::create_directories(folder / "sub");
    write(folder / "a.txt", "hello");
    write(folder / "sub/b.txt", "below");
    write(outside / "secret.txt", "secret");
    plugin.environment.allowed_paths = {{.host = folder, .guest = "/data"}};
  }

  static void write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
  static std::string text_of(const fs::path& path) {
    std::ifstream stream(path);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }
  int code(std::string_view function, std::string_view input) {
    return static_cast<int>(number_in(plugin.output(function, input)));
  }
  static std::string both(std::string_view a, std::string_view b) {
    return std::string(a) + '\0' + std::string(b);
  }

  test::TemporaryFolder temporary;
  const fs::path outside = temporary.path();
  const fs::path folder = temporary.path() / "allowed";
  Plugin plugin;
};

TEST_F(WasiFiles, ThereAreNoneWithoutAllowedPaths) {
  plugin.environment.allowed_paths.clear();
  EXPECT_EQ(number_in(plugin.output("has_folder")), 8U);
  EXPECT_EQ(number_in(plugin.output("print")), 0U);
}

TEST_F(WasiFiles, AFolderHasItsNameAndItsFiles) {
  EXPECT_EQ(plugin.output("folder"), "/data");
  EXPECT_EQ(plugin.output("read", "a.txt"), "hello");
  EXPECT_EQ(plugin.output("read", "sub/b.txt"), "below");
  EXPECT_EQ(plugin.output("read", "./sub/../a.txt"), "hello");
  EXPECT_EQ(number_in(plugin.output("size", "a.txt")), 5U);
  EXPECT_EQ(code("read", "none.txt"), no_entry);
  EXPECT_EQ(number_in(plugin.output("print")), 0U);
  EXPECT_EQ(plugin.host.lines.at(0).second, "hi");
}

TEST_F(WasiFiles, FilesAreWrittenAndMovedAbout) {
  EXPECT_EQ(code("write", both("new.txt", "some words")), success);
  EXPECT_EQ(text_of(folder / "new.txt"), "some words");
  EXPECT_EQ(code("write", both("new.txt", "less")), success);
  EXPECT_EQ(text_of(folder / "new.txt"), "less");
  EXPECT_EQ(code("rename", both("new.txt", "sub/moved.txt")), success);
  EXPECT_EQ(text_of(folder / "sub/moved.txt"), "less");
  EXPECT_EQ(code("link", both("sub/moved.txt", "linked.txt")), success);
  EXPECT_EQ(text_of(folder / "linked.txt"), "less");
  EXPECT_EQ(code("unlink", "sub/moved.txt"), success);
  EXPECT_EQ(code("mkdir", "fresh"), success);
  EXPECT_EQ(code("mkdir", "fresh"), exists);
  EXPECT_EQ(code("rmdir", "fresh/"), success);
  EXPECT_EQ(code("rmdir", "a.txt"), not_a_directory);
  EXPECT_EQ(code("mkdir", ".."), invalid);
  EXPECT_FALSE(fs::exists(folder / "fresh"));
}

TEST_F(WasiFiles, AFolderIsListed) {
  const std::string entries = plugin.output("list", ".");
  for (const char* name : {"a.txt", "sub", "..", "."}) {
    EXPECT_NE(entries.find(name), std::string::npos) << name;
  }
  // Head, then name: four of them.
  EXPECT_EQ(entries.size(), 4 * 24 + 5 + 3 + 2 + 1U);
}

TEST_F(WasiFiles, NoPathLeadsOut) {
  fs::create_symlink(outside / "secret.txt", folder / "absolute");
  fs::create_symlink("../secret.txt", folder / "relative");
  fs::create_symlink("..", folder / "up");
  fs::create_symlink("sub/b.txt", folder / "inside");
  EXPECT_EQ(plugin.output("read", "inside"), "below");
  for (const std::string path : {"../secret.txt",
                                 "sub/../../secret.txt",
                                 "absolute",
                                 "relative",
                                 "up/secret.txt",
                                 "up/allowed/a.txt",
                                 "/etc/passwd",
                                 "/"}) {
    EXPECT_EQ(code("read", path), not_permitted) << path;
    EXPECT_EQ(code("stat", path), not_permitted) << path;
    EXPECT_EQ(code("write", both(path, "overwritten")), not_permitted) << path;
  }
  EXPECT_EQ(code("mkdir", "../made"), not_permitted);
  EXPECT_EQ(code("unlink", "up/secret.txt"), not_permitted);
  EXPECT_EQ(code("rename", both("a.txt", "up/a.txt")), not_permitted);
  EXPECT_EQ(code("link", both("up/secret.txt", "taken")), not_permitted);
  EXPECT_EQ(code("symlink", both("/etc/passwd", "link")), not_permitted);
  EXPECT_EQ(code("symlink", both("../secret.txt", "link")), success);
  EXPECT_EQ(code("read", "link"), not_permitted);
  EXPECT_EQ(text_of(outside / "secret.txt"), "secret");
  EXPECT_FALSE(fs::exists(outside / "made"));
}

TEST_F(WasiFiles, AReadOnlyFolderStaysAsItIs) {
  plugin.environment.allowed_paths[0].read_only = true;
  EXPECT_EQ(plugin.output("read", "a.txt"), "hello");
  EXPECT_EQ(code("write", both("a.txt", "x")), not_supported);
  EXPECT_EQ(code("mkdir", "d"), not_supported);
  EXPECT_EQ(code("rmdir", "sub"), not_supported);
  EXPECT_EQ(code("unlink", "a.txt"), not_supported);
  EXPECT_EQ(code("rename", both("a.txt", "b.txt")), not_supported);
  EXPECT_EQ(code("link", both("a.txt", "b.txt")), not_supported);
  EXPECT_EQ(code("symlink", both("a.txt", "b.txt")), not_supported);
  EXPECT_EQ(text_of(folder / "a.txt"), "hello");
}

TEST_F(WasiFiles, OnlyPlainFilesAreOpened) {
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(code("read", "pipe"), not_permitted);
}

TEST_F(WasiFiles, DescriptorsHaveABound) {
  EXPECT_EQ(number_in(plugin.output("exhaust", "a.txt")), 255U);
}

TEST_F(WasiFiles, AFolderThatIsNotThereIsSaid) {
  plugin.environment.allowed_paths[0].host = folder / "none";
  const Outcome outcome = plugin.wake();
  EXPECT_EQ(outcome.ending, Ending::error);
  EXPECT_TRUE(outcome.message.starts_with("the allowed path " + (folder / "none").string() +
                                          " cannot be opened: "))
      << outcome.message;
}

TEST_F(WasiFiles, OthersRunWhileAGuestWaitsForItsFile) {
  plugin.wake();
  const std::string_view input[] = {"a.txt"};
  Task<Outcome> reading =
      plugin.instance->call("read", input, plugin.inputs, plugin.vars, plugin.host);
  reading.start();
  // The thread is free before the file has been opened.
  ASSERT_FALSE(reading.done());
  while (!reading.done()) plugin.shard.io().run_one();
  EXPECT_EQ(reading.take().output, "hello");
}

TEST_F(WasiFiles, DroppingTheTaskLeavesTheWorkToItself) {
  plugin.wake();
  const std::string_view input[] = {"a.txt"};
  {
    Task<Outcome> reading =
        plugin.instance->call("read", input, plugin.inputs, plugin.vars, plugin.host);
    reading.start();
    ASSERT_FALSE(reading.done());
  }
  plugin.instance.reset();
  EXPECT_EQ(plugin.output("read", "a.txt"), "hello");
}

}  // namespace
}  // namespace troupe::guest
