// From a plugin's configuration to a version that actors can run: built, compiled, checked.
//
// Both steps block, for some 50 ms to seconds; never on a shard. Thread-safe.
#pragma once

#include "actor/plugin.h"
#include "base/log.h"
#include "base/result.h"
#include "guest/engine.h"
#include "guest/module_cache.h"
#include "guests/js/builder/build.h"
#include "server/config.h"
#include "server/deployments.h"
#include "server/manifest.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::server {

// A plugin's bytes, and the files they were made from.
struct Code {
  std::vector<std::uint8_t> wasm;              // of a source or a module
  std::optional<Manifest> manifest;            // or what it may do besides,
  LoadedModules modules;                       // its modules,
  std::string manifest_text;                   // and both, self-contained
  std::vector<std::string> exports;            // in the order of the source; empty for a module
  std::vector<std::filesystem::path> sources;  // for whoever watches them
  std::vector<std::string> warnings;           // of the build, a sentence or more each
  std::vector<js::BuildLog> log;               // what the source said while it was evaluated

  // What a deployment keeps: the module, or the self-contained manifest.
  std::string_view kept() const;
};

// Why there is no code. `build` is set when a source was wrong, and has the place.
struct CodeError {
  std::string message;
  std::optional<js::BuildError> build;
  std::vector<std::filesystem::path> sources;
};

using CodeResult = boost::system::result<Code, CodeError>;

// Builds the source, or reads the module or those of the manifest. `cache_folder` is the JavaScript
// builder's own (js::BuildOptions).
CodeResult read_code(const PluginConfig& plugin, const std::filesystem::path& cache_folder);

// The code in bytes that were uploaded, or kept of a deployment: a module, or a manifest in JSON.
enum class From { upload, deployment };
Result<Code> code_of(std::string bytes, From from);

// Compiles the code. An error says why it is no plugin, or that init is missing and how to export
// it.
Result<std::shared_ptr<const actor::PluginVersion>> make_version(const PluginConfig& plugin,
                                                                 const Code& code,
                                                                 guest::ModuleCache& cache,
                                                                 guest::Engine& engine);

// One plugin, ready to be installed.
struct LoadedPlugin {
  PluginConfig config;
  Code code;
  std::shared_ptr<const actor::PluginVersion> version;  // null: it waits for a deploy
  bool is_news = false;  // the file's content, which is to be recorded as a deployment
};

// Where compiled code comes from and goes to.
struct LoaderParts {
  guest::ModuleCache& cache;
  guest::Engine& engine;
  std::filesystem::path build_cache_folder;
  Log& log;  // what builds say, and how long they took
  // Which version is current; null: the file's is. Read only.
  const Deployments* deployments = nullptr;
};

// Whether the code can be what its plugin is meant to be: compiled, with the exports that behaviour
// and topics want. Else every reason.
using Checked =
    boost::system::result<std::shared_ptr<const actor::PluginVersion>, std::vector<std::string>>;
Checked check_code(const PluginConfig& plugin,
                   const Code& code,
                   std::span<const TopicConfig> topics,
                   const LoaderParts& parts);

// Every plugin of a configuration, with its events checked against the topics. An error lists what
// is wrong with each.
Result<std::vector<LoadedPlugin>> load_plugins(const Config& config, const LoaderParts& parts);

// Puts into the log what the source said while it was evaluated, and the builder's warnings.
void log_build(Log& log, std::string_view plugin, const Code& code);

// The events that the rules name and the plugins do not have; an error lists them all.
Result<void> check_events(std::span<const TopicConfig> topics,
                          std::span<const LoadedPlugin> plugins);

// What is said of a plugin that has none.
std::string no_code_yet(std::string_view plugin);

// What clients may send to a plugin as events, in the order of the source where it is known.
std::vector<std::string> events_of(const actor::PluginVersion& version, const Code& code);

}  // namespace troupe::server
