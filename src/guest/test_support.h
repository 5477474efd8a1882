// For the tests of this folder: modules from WebAssembly text, a shard to run them on, a host that
// takes notes.
#pragma once

#include "guest/engine.h"
#include "guest/instance.h"
#include "guest/module_cache.h"
#include "guest/wasmtime.h"
#include "shard/shard.h"

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
  explicit Plugin(std::string_view text) : module(load(text)) {}
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

  shard::Shard shard{0};
  shard::RunQueue::Lane lane;
  Environment environment;
  TurnInputs inputs{.time_ns = 1'700'000'000'000'000'000, .seed = {1, 2, 3}};
  Vars vars;
  NotingHost host;
  std::shared_ptr<const Module> module;
  std::unique_ptr<Instance> instance;
};

}  // namespace troupe::guest::test
