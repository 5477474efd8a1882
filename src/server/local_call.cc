#include "server/local_call.h"

#include "base/json.h"
#include "guest/module.h"
#include "guests/js/builder/build.h"
#include "server/local_plugin.h"
#include "server/plugin_loader.h"
#include "server/source.h"
#include "server/suggest.h"

#include <fmt/format.h>

#include <memory>
#include <unistd.h>
#include <utility>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

bool is_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
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

Manifest::Module module_at(const std::string& name, const std::string& file) {
  Manifest::Module module;
  module.place = file;
  module.name = name;
  if (is_url(file)) {
    module.url = file;
  } else {
    module.path = file;
  }
  return module;
}

Result<Manifest::Module> built(const LocalCall& call) {
  PluginConfig plugin;
  TRY(plugin.source, find_source(call.file));
  CodeResult code = read_code(plugin, call.cache_folder);
  if (!code) return Error{code.error().message};
  if (call.log) {
    for (const std::string& warning : code->warnings) call.log(guest::LogLevel::warn, warning);
    for (const js::BuildLog& line : code->log) call.log(level_of(line.level), line.text);
  }
  Manifest::Module module;
  module.data.assign(code->wasm.begin(), code->wasm.end());
  return module;
}

Result<Manifest> manifest_of(const LocalCall& call) {
  if (call.is_manifest) return load_manifest(call.file);
  Manifest manifest;
  if (is_url(call.file) || is_module(call.file)) {
    manifest.modules.push_back(module_at("main", call.file));
  } else {
    TRY(Manifest::Module module, built(call));
    module.name = "main";
    manifest.modules.push_back(std::move(module));
  }
  return manifest;
}

// What an actor's host functions would do. There is no actor, so nothing comes of it.
Result<std::string> answer(const LocalCall& call,
                           std::string_view function,
                           std::string_view input) {
  if (function == "self") {
    std::string self = R"({"address":)";
    json::quote(self, name_of_source(call.file) + "/local");
    return self + R"(,"version":"local"})";
  }
  if (call.log) call.log(guest::LogLevel::info, fmt::format("{} {}", function, input));
  return std::string();
}

}  // namespace

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
      cache->load(*engine,
                  std::string_view(reinterpret_cast<const char*>(wasm.data()), wasm.size())));
  return std::vector<std::string>(module->functions().begin(), module->functions().end());
}

Result<void> call_locally(
    const LocalCall& call,
    const std::function<bool(const guest::Outcome&, std::chrono::nanoseconds)>& take) {
  TRY(Manifest manifest, manifest_of(call));
  std::vector<Manifest::Module> links;
  for (const LocalCall::Link& link : call.links) links.push_back(module_at(link.name, link.file));
  manifest.modules.insert(manifest.modules.begin(), links.begin(), links.end());
  if (call.override_manifest) call.override_manifest(manifest);
  TRY(const LoadedModules modules, load_modules(manifest, {}));

  LocalPlugin::Options options{.environment = call.environment, .log = call.log};
  manifest.apply(options.environment, {});
  options.ask = [&call](std::string_view function, std::string_view input) {
    return answer(call, function, input);
  };
  options.wrote = call.wrote;
  options.traced = call.traced;

  // One call of JavaScript that may have just changed is worth a quick compilation; a module is
  // compiled once.
  bool is_script = !call.is_manifest && !is_module(call.file) && !is_url(call.file);
  if (is_script) {
    TRY(const fs::path source, find_source(call.file));
    is_script = !is_project(source);
  }
  TRY(std::shared_ptr<LocalRuntime> runtime,
      LocalRuntime::create(
          {.compiler = is_script ? guest::Compiler::fast : guest::Compiler::optimising,
           .fuel = call.environment.limits.fuel_max.has_value(),
           .trace = static_cast<bool>(call.traced),
           .cache_folder = call.cache_folder}));
  auto plugin = LocalPlugin::create(
      std::move(runtime), {.parts = modules.program(), .functions = {}}, std::move(options));
  if (!plugin) return Error{fmt::format("{}: {}", call.file, plugin.error().message)};
  const guest::Module& module = (*plugin)->module();
  if (!module.has_function(call.function)) {
    const std::vector<std::string> functions(module.functions().begin(), module.functions().end());
    return Error{fmt::format("{} does not export \"{}\"{}",
                             call.file,
                             call.function,
                             suggestion(call.function, functions))};
  }
  for (std::size_t i = 0; i < call.times; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const guest::Outcome& outcome = (*plugin)->call(call.function, call.input);
    if (!take(outcome, std::chrono::steady_clock::now() - begin)) break;
  }
  return {};
}

}  // namespace troupe::server
