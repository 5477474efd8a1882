#include "server/plugin_loader.h"

#include "guests/toolchain/build.h"
#include "server/source.h"
#include "server/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

namespace troupe::server {
namespace {

namespace fs = std::filesystem;

CodeResult read_module(const PluginConfig& plugin) {
  std::ifstream stream(plugin.wasm, std::ios::binary);
  Code code;
  code.wasm.assign(std::istreambuf_iterator<char>(stream), {});
  code.sources = {plugin.wasm};
  if (stream) return code;
  return CodeError{
      .message = fmt::format("cannot read {}: {}",
                             plugin.wasm.string(),
                             std::error_code(errno, std::generic_category()).message()),
      .sources = {plugin.wasm}};
}

CodeResult build_project(const toolchain::Project& project) {
  toolchain::BuildResult built = toolchain::build(project, {});
  if (!built) {
    toolchain::BuildError error = std::move(built).error();
    return CodeError{.message = error.printed + error.message, .sources = std::move(error.sources)};
  }
  return Code{.wasm = std::move(built->wasm), .sources = std::move(built->sources)};
}

CodeResult read_manifest(const PluginConfig& plugin) {
  CodeError error{.sources = {plugin.manifest}};
  Result<Manifest> manifest = load_manifest(plugin.manifest);
  if (!manifest) {
    error.message = std::move(manifest.error().message);
    return error;
  }
  Result<LoadedModules> modules = load_modules(*manifest, plugin.folder);
  if (!modules) {
    error.message = fmt::format("{}: {}", plugin.manifest.string(), modules.error().message);
    return error;
  }
  Code code;
  code.sources = modules->files;
  code.sources.push_back(plugin.manifest);
  code.manifest_text = self_contained(*manifest, *modules);
  code.manifest = *std::move(manifest);
  code.modules = *std::move(modules);
  return code;
}

// Who uploads has nothing to do with this machine's files and network.
Result<void> check_upload(const Manifest& manifest) {
  for (const Manifest::Module& module : manifest.modules) {
    if (module.path.empty() && module.url.empty()) continue;
    return Error{
        fmt::format("{}, which the server does not {} for an upload; send the module in "
                    "`data`, as troupe deploy does",
                    module.path.empty() ? module.place + ".url names an address"
                                        : module.place + ".path names a file",
                    module.path.empty() ? "fetch" : "read")};
  }
  if (manifest.allowed_paths.empty()) return {};
  return Error{
      "allowed_paths opens folders of the server, which its configuration alone may do: name them "
      "in the plugin's table"};
}

std::string_view as_text(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The first thing a live_state plugin needs, in the words of its language.
std::string missing_init(const PluginConfig& plugin, const guest::Module& module) {
  const std::string file = plugin.file().filename().string();
  const std::string found =
      module.functions().empty()
          ? fmt::format("{} exports no function", file)
          : fmt::format("{} exports {}", file, fmt::join(module.functions(), ", "));
  const std::string how =
      module.is_component() ? "in WIT: export init: func() -> STATE"
      : plugin.source.empty() || is_project(plugin.source)
          ? "in Rust: handler!(init); in Go: //go:wasmexport init; in C: HANDLER(init) { ... }"
          : "import { handler } from \"troupe\"; export const init = handler(() => ({ ... }));";
  return fmt::format(
      "{}, but not init, which gives a live_state plugin its first state; add it ({})", found, how);
}

}  // namespace

std::string_view Code::kept() const {
  return manifest ? std::string_view(manifest_text) : as_text(wasm);
}

Result<Code> code_of(std::string bytes, From from) {
  Code code;
  if (!is_json_manifest(bytes)) {
    code.wasm.assign(bytes.begin(), bytes.end());
    return code;
  }
  TRY(Manifest manifest, parse_manifest(bytes, "the manifest"));
  if (from == From::upload) TRY_VOID(check_upload(manifest));
  TRY(code.modules, load_modules(manifest, {}));
  // What is equal has the same hash, however it was written.
  code.manifest_text =
      from == From::upload ? self_contained(manifest, code.modules) : std::move(bytes);
  code.manifest = std::move(manifest);
  return code;
}

CodeResult read_code(const PluginConfig& plugin, const fs::path& cache_folder) {
  if (!plugin.manifest.empty()) return read_manifest(plugin);
  if (plugin.source.empty()) return read_module(plugin);
  if (const auto project = toolchain::find_project(plugin.source)) return build_project(*project);
  js::BuildResult built = js::build({.entry = plugin.source, .cache_folder = cache_folder});
  if (!built) {
    js::BuildError error = std::move(built).error();
    std::string message = js::render(error);
    while (message.ends_with('\n')) message.pop_back();
    std::vector<fs::path> sources = error.sources;
    return CodeError{
        .message = std::move(message), .build = std::move(error), .sources = std::move(sources)};
  }
  return Code{.wasm = std::move(built->wasm),
              .exports = std::move(built->exports),
              .sources = std::move(built->sources),
              .warnings = std::move(built->warnings),
              .log = std::move(built->log)};
}

Result<std::shared_ptr<const actor::PluginVersion>> make_version(const PluginConfig& plugin,
                                                                 const Code& code,
                                                                 guest::ModuleCache& cache,
                                                                 guest::Engine& engine) {
  guest::Program program{.parts = code.modules.program(), .wasi = plugin.wasi, .functions = {}};
  if (program.parts.empty()) program.parts.push_back({"", as_text(code.wasm)});
  auto module = cache.load(engine, program);
  if (!module) {
    return Error{fmt::format("{}: {}", plugin.file().string(), module.error().message)};
  }
  if (plugin.behaviour == actor::Behaviour::live_state && !(*module)->has_function("init")) {
    return Error{missing_init(plugin, **module)};
  }
  if (plugin.behaviour == actor::Behaviour::live_state && !(*module)->state_problem().empty()) {
    return Error{fmt::format("{}: {}", plugin.file().string(), (*module)->state_problem())};
  }
  auto version = std::make_shared<actor::PluginVersion>();
  version->name = plugin.name;
  version->hash = guest::content_hash(code.kept());
  version->module = std::move(*module);
  version->behaviour = plugin.behaviour;
  version->init_payload = plugin.init_payload;
  version->durability = plugin.durability;
  version->environment = plugin.environment(code.manifest ? &*code.manifest : nullptr);
  version->bounds = plugin.bounds;
  version->supervision = plugin.supervision;
  return std::shared_ptr<const actor::PluginVersion>(std::move(version));
}

void log_build(Log& log, std::string_view plugin, const Code& code) {
  for (const js::BuildLog& line : code.log) log.info("[{} build] {}", plugin, line.text);
  for (const std::string& warning : code.warnings) log.warn("[{} build] {}", plugin, warning);
}

Checked check_code(const PluginConfig& plugin,
                   const Code& code,
                   std::span<const TopicConfig> topics,
                   const LoaderParts& parts) {
  auto version = make_version(plugin, code, parts.cache, parts.engine);
  if (!version) return std::vector<std::string>{std::move(version).error().message};
  std::vector<std::string> reasons;
  if (plugin.behaviour == actor::Behaviour::call && events_of(**version, code).empty()) {
    reasons.push_back(
        fmt::format("{} exports no function that can be called: () -> () or () -> i32, with a name "
                    "that is not of the life cycle and has no _ in front",
                    plugin.file().filename().string()));
  }
  const LoadedPlugin loaded{plugin, {.exports = code.exports}, *version};
  if (const Result<void> events = check_events(topics, {&loaded, 1}); !events) {
    reasons.push_back(events.error().message);
  }
  if (!reasons.empty()) return reasons;
  return std::move(*version);
}

namespace {

// The code that is to run: the file's when it is news, else what was deployed last. Nothing: the
// plugin waits for a deploy.
Result<std::optional<Code>> choose_code(const PluginConfig& plugin,
                                        const LoaderParts& parts,
                                        bool& is_news) {
  std::optional<Code> code;
  if (plugin.has_file()) {
    CodeResult read = read_code(plugin, parts.build_cache_folder);
    if (!read) return Error{read.error().message};
    code = std::move(*read);
    log_build(parts.log, plugin.name, *code);
  }
  if (parts.deployments == nullptr) return code;
  const std::string hash = code ? guest::content_hash(code->kept()) : "";
  if (code && parts.deployments->is_news(plugin.name, hash)) {
    is_news = true;
    return code;
  }
  const DeployedPlugin* deployed = parts.deployments->find(plugin.name);
  if (deployed == nullptr || deployed->current.empty()) return std::optional<Code>();
  if (deployed->current == hash) return code;
  TRY(std::string bytes, parts.deployments->read(plugin.name, deployed->current));
  TRY(Code kept, code_of(std::move(bytes), From::deployment));
  return std::optional<Code>(std::move(kept));
}

}  // namespace

Result<std::vector<LoadedPlugin>> load_plugins(const Config& config, const LoaderParts& parts) {
  std::vector<LoadedPlugin> plugins;
  std::string mistakes;
  const auto note = [&](const PluginConfig& plugin, std::string_view message) {
    if (!mistakes.empty()) mistakes += '\n';
    mistakes += fmt::format("{}: {}", plugin.place, message);
  };
  for (const PluginConfig& plugin : config.plugins) {
    const auto begun = std::chrono::steady_clock::now();
    LoadedPlugin loaded{.config = plugin};
    auto code = choose_code(plugin, parts, loaded.is_news);
    if (!code) {
      note(plugin, code.error().message);
      continue;
    }
    if (*code) {
      auto version = make_version(plugin, **code, parts.cache, parts.engine);
      if (!version) {
        note(plugin, version.error().message);
        continue;
      }
      loaded.version = std::move(*version);
      loaded.code = std::move(**code);
      const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::steady_clock::now() - begun);
      parts.log.info("plugin {}: {} ready in {} ms",
                     plugin.name,
                     plugin.has_file() ? plugin.file().filename().string() : "what was uploaded",
                     time.count());
      if (const std::string& reason = loaded.version->module->not_capturable(); !reason.empty()) {
        parts.log.warn("plugin {}: the memory of its actors is not kept while they sleep: {}",
                       plugin.name,
                       reason);
      }
    } else {
      parts.log.warn("{}", no_code_yet(plugin.name));
    }
    plugins.push_back(std::move(loaded));
  }
  if (const Result<void> events = check_events(config.topics, plugins); !events) {
    if (!mistakes.empty()) mistakes += '\n';
    mistakes += events.error().message;
  }
  if (!mistakes.empty()) return Error{std::move(mistakes)};
  return plugins;
}

Result<void> check_events(std::span<const TopicConfig> topics,
                          std::span<const LoadedPlugin> plugins) {
  std::string mistakes;
  const auto add = [&](std::string mistake) {
    if (!mistakes.empty()) mistakes += '\n';
    mistakes += mistake;
  };
  for (const TopicConfig& topic : topics) {
    const auto plugin = std::find_if(plugins.begin(), plugins.end(), [&](const auto& each) {
      return each.config.name == topic.rule.plugin;
    });
    if (plugin == plugins.end() || !plugin->version) continue;
    const actor::PluginVersion& version = *plugin->version;
    const auto check = [&](std::string_view key, const std::string& name) {
      if (version.is_event(name)) return;
      std::string why = "is none: names of the life cycle and those with _ in front never are";
      if (!version.module->has_function(name)) {
        why = fmt::format("is not exported by the plugin \"{}\"{}",
                          version.name,
                          suggestion(name, events_of(version, plugin->code)));
      }
      add(fmt::format("{}.{}: \"{}\" {}", topic.place, key, name, why));
    };
    const bool is_call = version.behaviour == actor::Behaviour::call;
    if (is_call && topic.rule.events) {
      add(
          fmt::format("{}.events: the plugin \"{}\" has behaviour \"call\"; name what clients may "
                      "call in functions",
                      topic.place,
                      version.name));
    } else if (!is_call && !topic.rule.functions.empty()) {
      add(
          fmt::format("{}.functions: the plugin \"{}\" has behaviour \"live_state\"; name what "
                      "clients may send in events",
                      topic.place,
                      version.name));
    } else {
      for (const std::string& name : topic.rule.events.value_or(std::vector<std::string>())) {
        check("events", name);
      }
      for (const std::string& name : topic.rule.functions) check("functions", name);
    }
  }
  if (!mistakes.empty()) return Error{std::move(mistakes)};
  return {};
}

std::string no_code_yet(std::string_view plugin) {
  return fmt::format("plugin {}: has no code yet; troupe deploy {} FILE", plugin, plugin);
}

std::vector<std::string> events_of(const actor::PluginVersion& version, const Code& code) {
  std::vector<std::string> events;
  const auto add = [&](const std::string& name) {
    if (version.is_event(name)) events.push_back(name);
  };
  if (code.exports.empty()) {
    std::for_each(version.module->functions().begin(), version.module->functions().end(), add);
  } else {
    std::for_each(code.exports.begin(), code.exports.end(), add);
  }
  return events;
}

}  // namespace troupe::server
