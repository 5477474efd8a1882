#include "server/local_call.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/task.h"
#include "guest/engine.h"
#include "guest/module_cache.h"
#include "guest/vars.h"
#include "guests/js/builder/build.h"
#include "server/plugin_loader.h"
#include "server/source.h"
#include "server/suggest.h"
#include "shard/shard.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>
#include <unistd.h>
#include <utility>
#include <vector>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

// Says what an actor's host functions would do. There is no actor, so nothing comes of it.
class LocalHost final : public guest::Host {
 public:
  LocalHost(const LocalCall& call, std::string name) : call_(call), name_(std::move(name)) {}

  Result<std::string> call(std::string_view function, std::string_view input) override {
    if (function == "self") {
      std::string self = R"({"address":)";
      json::quote(self, name_ + "/local");
      return self + R"(,"version":"local"})";
    }
    log(guest::LogLevel::info, fmt::format("{} {}", function, input));
    return std::string();
  }

  void log(guest::LogLevel level, std::string_view text) override {
    if (call_.log) call_.log(level, text);
  }

 private:
  const LocalCall& call_;
  const std::string name_;  // the plugin's
};

guest::TurnInputs inputs_now() {
  guest::TurnInputs inputs{.time_ns = SystemClock().now_ns()};
  Random random;
  random.fill(inputs.seed);
  random.fill(inputs.idempotency);
  return inputs;
}

Task<LocalOutcome> run(const LocalCall& call,
                       shard::Shard& shard,
                       shard::RunQueue::Lane& lane,
                       std::shared_ptr<const guest::Module> module,
                       guest::Host& host) {
  const auto take = [](const guest::Outcome& outcome) {
    return LocalOutcome{.ending = outcome.ending,
                        .output = std::string(outcome.output),
                        .message = outcome.message,
                        .detail = outcome.detail};
  };
  auto [instance, started] = co_await guest::Instance::create(
      shard, lane, std::move(module), call.environment, inputs_now(), host);
  if (!instance) co_return take(started);
  guest::Vars vars;
  const std::array<std::string_view, 1> input = {call.input};
  const guest::Outcome outcome =
      co_await instance->call(call.function, input, inputs_now(), vars, host);
  co_return take(outcome);
}

guest::LogLevel level_of(js::BuildLog::Level level) {
  switch (level) {
    case js::BuildLog::Level::trace:
      return guest::LogLevel::trace;
    case js::BuildLog::Level::debug:
      return guest::LogLevel::debug;
    case js::BuildLog::Level::info:
      return guest::LogLevel::info;
    case js::BuildLog::Level::warn:
      return guest::LogLevel::warn;
    case js::BuildLog::Level::error:
      return guest::LogLevel::error;
  }
  return guest::LogLevel::info;
}

}  // namespace

bool is_module(const fs::path& file) {
  return file.extension() == ".wasm";
}

fs::path user_cache_folder() {
  const fs::path folder = js::default_cache_folder();
  if (!folder.empty()) return folder;
  return fs::temp_directory_path() / fmt::format("troupe-{}", ::getuid());
}

Result<std::vector<std::string>> functions_of(std::span<const std::uint8_t> wasm,
                                              const fs::path& cache_folder) {
  TRY(const std::unique_ptr<guest::Engine> engine,
      guest::Engine::create({.compiler = guest::Compiler::optimising, .instances_max = 1}));
  TRY(const std::unique_ptr<guest::ModuleCache> cache,
      guest::ModuleCache::open(cache_folder / "modules", {}));
  TRY(const std::shared_ptr<const guest::Module> module,
      cache->load(*engine, {reinterpret_cast<const char*>(wasm.data()), wasm.size()}));
  return std::vector<std::string>(module->functions().begin(), module->functions().end());
}

Result<LocalOutcome> call_locally(const LocalCall& call) {
  PluginConfig plugin;
  plugin.behaviour = actor::Behaviour::call;
  plugin.environment = call.environment;
  if (is_module(call.file)) {
    plugin.wasm = call.file;
  } else {
    TRY(plugin.source, find_source(call.file));
  }
  plugin.name = name_of_source(plugin.file());

  CodeResult code = read_code(plugin, call.cache_folder);
  if (!code) return Error{code.error().message};
  if (call.log) {
    for (const std::string& warning : code->warnings) call.log(guest::LogLevel::warn, warning);
    for (const js::BuildLog& line : code->log) call.log(level_of(line.level), line.text);
  }

  // One call of JavaScript that may have just changed is worth a quick compilation; a module is
  // compiled once.
  TRY(const std::unique_ptr<guest::Engine> engine,
      guest::Engine::create({.compiler = is_module(call.file) || is_project(plugin.source)
                                             ? guest::Compiler::optimising
                                             : guest::Compiler::fast,
                             .instances_max = 1,
                             .memory_pages_max = call.environment.limits.memory_pages_max}));
  TRY(const std::unique_ptr<guest::ModuleCache> cache,
      guest::ModuleCache::open(call.cache_folder / "modules", {}));
  TRY(const std::shared_ptr<const actor::PluginVersion> version,
      make_version(plugin, *code, *cache, *engine));
  if (!version->module->has_function(call.function)) {
    const std::vector<std::string> functions(version->module->functions().begin(),
                                             version->module->functions().end());
    return Error{fmt::format("{} does not export \"{}\"{}",
                             call.file.string(),
                             call.function,
                             suggestion(call.function, functions))};
  }

  shard::Shard shard(0);
  shard::RunQueue::Lane lane;
  LocalHost host(call, plugin.name);
  Task<LocalOutcome> task = run(call, shard, lane, version->module, host);
  task.start();
  while (!task.done()) shard.io().run_one();
  return task.take();
}

}  // namespace troupe::server
