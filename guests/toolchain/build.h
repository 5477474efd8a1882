// Plugins in Rust, Go, AssemblyScript, C and C++: finds out what language a folder is in and has
// the author's own tool chain make a module of it.
//
// The tools run as child processes without a shell, in the project's folder, with a limit on their
// time. They are the author's, and so is what they run (build.rs, npm's transforms): a project is
// trusted as much as who builds it, unlike the module that comes of it.
//
// Thread-safe. Blocks for as long as the tools take; never on a shard.
#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::toolchain {

enum class Language : std::uint8_t { rust, go, assemblyscript, c, cpp };

struct Project {
  Language language;
  std::filesystem::path folder;  // absolute; where the tools run
  std::string name;              // of the folder, or of the one file that is the project
  // In C and C++ what is compiled; in the other languages their tools know.
  std::vector<std::filesystem::path> units;
};

// The project that a path means: a folder with a Cargo.toml, a go.mod, an asconfig.json or sources
// in C or C++; or a file of such a project. A C or C++ file is a project of its own. Nothing for
// all else, such as JavaScript.
std::optional<Project> find_project(const std::filesystem::path& path);

struct BuildOptions {
  // The first build of a Rust project compiles its crates, and downloads them.
  std::chrono::milliseconds time_max{std::chrono::minutes(15)};
  // When given, gets what the tools print as they print it. On the calling thread.
  std::function<void(std::string_view)> printed = {};
};

struct BuildOutput {
  std::vector<std::uint8_t> wasm;
  std::string printed;                         // what the tools said: warnings, when there are any
  std::vector<std::filesystem::path> sources;  // for whoever watches them
};

struct BuildError {
  std::string message;  // what failed, or what to install
  std::string printed;  // what the tools said
  std::vector<std::filesystem::path> sources;
};

using BuildResult = boost::system::result<BuildOutput, BuildError>;

BuildResult build(const Project& project, const BuildOptions& options);

}  // namespace troupe::toolchain
