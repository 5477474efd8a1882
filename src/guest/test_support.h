// For the tests of this folder: modules from WebAssembly text, a shard to run them on, a host that
// takes notes.
#pragma once

#include "guest/engine.h"
#include "guest/instance.h"
#include "guest/module_cache.h"
#include "guest/wasmtime.h"
#include "shard/shard.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace troupe::guest::test {

inline std::string wasm_of(std::string_view text) {
  ByteVector wasm;
  if (wasmtime_error_t* error = wasmtime_wat2wasm(text.data(), text.size(), &wasm)) {
    throw std::runtime_error(message_of(error));
  }
  return std::string(wasm.view());
}

// A folder of its own for each test process, gone at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "troupe-guest-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Notes what a guest asks, and answers as told.
struct NotingHost : Host {
  Result<std::string> call(std::string_view function, std::string_view input) override {
    calls.emplace_back(function, input);
    return answer;
  }
  void log(LogLevel level, std::string_view text) override { lines.emplace_back(level, text); }

  std::vector<std::pair<std::string, std::string>> calls;
  std::vector<std::pair<LogLevel, std::string>> lines;
  Result<std::string> answer = std::string();
};

// What all tests of a process share: an engine and a cache, which are slow to make.
struct Shared {
  Shared() {
    EngineOptions options;
    options.instances_max = 20;
    engine = Engine::create(options).value();
    cache = ModuleCache::open(folder.path() / "modules", {}).value();
  }
  static Shared& get() {
    static Shared shared;
    return shared;
  }

  TemporaryFolder folder;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<ModuleCache> cache;
};

// A module with every import and a memory; `body` adds functions and data. $put makes a block of
// bytes of the memory, $say gives them as output.
inline std::string module_text(std::string_view body) {
  return R"((module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "length_unsafe" (func $length_unsafe (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "extism:host/env" "input_set" (func $input_set (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "output_offset" (func $output_offset (result i64)))
  (import "extism:host/env" "output_length" (func $output_length (result i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "error_get" (func $error_get (result i64)))
  (import "extism:host/env" "reset" (func $reset))
  (import "extism:host/env" "memory_bytes" (func $memory_bytes (result i64)))
  (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))
  (import "extism:host/env" "http_status_code" (func $http_status_code (result i32)))
  (import "extism:host/env" "http_headers" (func $http_headers (result i64)))
  (import "extism:host/env" "log_debug" (func $log_debug (param i64)))
  (import "extism:host/env" "log_info" (func $log_info (param i64)))
  (import "extism:host/env" "log_error" (func $log_error (param i64)))
  (import "extism:host/env" "get_log_level" (func $get_log_level (result i32)))
  (import "extism:host/user" "troupe_self" (func $self (result i64)))
  (import "extism:host/user" "troupe_reply" (func $reply (param i64)))
  (import "extism:host/user" "troupe_timer" (func $timer (param i64)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func $put (param $at i32) (param $length i32) (result i64) (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $length))))
    (block $end (loop $next
      (br_if $end (i32.ge_u (local.get $i) (local.get $length)))
      (call $store_u8 (i64.add (local.get $block) (i64.extend_i32_u (local.get $i)))
                      (i32.load8_u (i32.add (local.get $at) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (local.get $block))
  (func $say (param $at i32) (param $length i32)
    (call $output_set (call $put (local.get $at) (local.get $length))
                      (i64.extend_i32_u (local.get $length))))
  (func $say_block (param $block i64)
    (call $output_set (local.get $block) (call $length (local.get $block))))
  ;; The number as eight bytes.
  (func $say_number (param $number i64)
    (i64.store (i32.const 65536) (local.get $number))
    (call $say (i32.const 65536) (i32.const 8)))
)" + std::string(body) +
         ")";
}

// A plugin of several modules, by name and text.
inline Result<std::shared_ptr<const Module>> load_program(
    const std::vector<std::pair<std::string, std::string>>& parts,
    std::vector<std::shared_ptr<const HostFunctionSpec>> functions = {},
    bool wasi = true) {
  Shared& shared = Shared::get();
  Program program{.parts = {}, .wasi = wasi, .functions = std::move(functions)};
  for (const auto& [name, text] : parts) program.parts.push_back({name, text});
  return shared.cache->load(*shared.engine, program);
}

inline std::uint64_t number_in(std::string_view output) {
  std::uint64_t number = 0;
  if (output.size() != sizeof number) throw std::runtime_error("the output is not a number");
  std::memcpy(&number, output.data(), sizeof number);
  return number;
}

// Runs the shard's loop until the task has ended.
template <class T>
T finish(shard::Shard& shard, Task<T> task) {
  task.start();
  while (!task.done()) shard.io().run_one();
  return task.take();
}

// One plugin on a shard.
class Plugin {
 public:
  explicit Plugin(std::string_view text, std::size_t shard_index = 0)
      : shard(shard_index), module(load(text)) {}
  explicit Plugin(std::shared_ptr<const Module> m) : shard(0), module(std::move(m)) {}
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  static std::shared_ptr<const Module> load(std::string_view text) {
    Shared& shared = Shared::get();
    return shared.cache->load(*shared.engine, wasm_of(text)).value();
  }

  // Starts an instance, unless there is one already.
  Outcome wake() {
    auto [made, outcome] =
        finish(shard, Instance::create(shard, lane, module, environment, inputs, host));
    instance = std::move(made);
    return std::move(outcome);
  }

  Outcome call(std::string_view function, std::string_view input = {}) {
    if (!instance) {
      Outcome outcome = wake();
      if (!instance) return outcome;
    }
    const std::string_view piece[] = {input};
    return finish(shard, instance->call(function, piece, inputs, vars, host));
  }

  // The output of a call that must be done.
  std::string output(std::string_view function, std::string_view input = {}) {
    const Outcome outcome = call(function, input);
    if (outcome.ending != Ending::done) {
      throw std::runtime_error(std::string(name_of(outcome.ending)) + ": " + outcome.message);
    }
    return std::string(outcome.output);
  }

  shard::Shard shard;
  shard::RunQueue::Lane lane;
  Environment environment;
  TurnInputs inputs{.time_ns = 1'700'000'000'000'000'000, .seed = {1, 2, 3}};
  Vars vars;
  NotingHost host;
  std::shared_ptr<const Module> module;
  std::unique_ptr<Instance> instance;
};

}  // namespace troupe::guest::test
