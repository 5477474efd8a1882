// From a JavaScript source to a plugin: a WebAssembly module with the Extism ABI, without Node.
//
// The source is evaluated once, at build, in the JavaScript core (../core) inside a sandbox with
// limits on time and memory; the plugin is that core with the memory it had then, and an export for
// each function of the source (docs/formats/js-plugin.md). ES modules, CommonJS, TypeScript and
// JSON files that import each other by relative names need no other tool; npm packages and JSX go
// through the project's own esbuild.
//
// Thread-safe. Blocks: for some 50 ms, or as long as esbuild takes; never on a shard.
#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::js {

struct BuildOptions {
  std::filesystem::path entry;
  // A declaration file of extism-js that names exports and host functions, with their types
  // (interface.h); empty for none: all functions of the source are exports then.
  std::filesystem::path interface;
  // Where the core's compiled code is kept between builds; empty for default_cache_folder().
  std::filesystem::path cache_folder;
  // How long the top level of the source may run, and what it may use.
  std::chrono::milliseconds evaluation_time_max{10'000};
  std::uint64_t evaluation_memory_max = std::uint64_t{128} << 20;  // bytes
  std::chrono::milliseconds esbuild_time_max{60'000};
};

// One line from console.* while the source was evaluated.
struct BuildLog {
  enum class Level { trace, debug, info, warn, error };
  Level level = Level::info;
  std::string text;
};

struct BuildOutput {
  std::vector<std::uint8_t> wasm;
  std::vector<std::string> exports;  // the functions a host can call, in the order of the source
  std::vector<std::string> host_functions;  // imported from extism:host/user, by full name
  std::vector<std::string> warnings;        // each one sentence or more
  std::vector<BuildLog> log;
  // All files that were read, for whoever watches them.
  std::vector<std::filesystem::path> sources;
};

struct BuildError {
  std::string message;  // what is wrong and, where it is not plain, what to do
  // Where: the file as the user would name it (relative to the project), line and column from 1, in
  // characters; empty and 0 when unknown.
  std::string file;
  int line = 0;
  int column = 0;
  std::string excerpt;  // the text of that line
  std::string stack;    // of an exception, in the user's files; one frame a line
  std::vector<BuildLog> log;
  std::vector<std::filesystem::path> sources;
};

using BuildResult = boost::system::result<BuildOutput, BuildError>;

BuildResult build(const BuildOptions& options);

// An error for people: place and message, the line with a caret below it, the stack. Ends with a
// newline.
std::string render(const BuildError& error);

// $XDG_CACHE_HOME/troupe, else ~/.cache/troupe; empty when there is neither.
std::filesystem::path default_cache_folder();

// The text of troupe.d.ts: the types of the module "troupe" and of the globals, to be put beside a
// project.
std::string_view type_declarations();

}  // namespace troupe::js
