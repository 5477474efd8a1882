// npm packages and JSX: the project's own esbuild makes one module of everything.
#pragma once

#include "guests/js/builder/build.h"
#include "guests/js/builder/project.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace troupe::js {

struct Bundle {
  std::string text;
  std::string source_map;  // as the core wants it: see CoreFiles::source_map
  std::vector<std::filesystem::path> sources;
};

// node_modules/.bin/esbuild in the folder or in one above it.
std::optional<std::filesystem::path> find_esbuild(const std::filesystem::path& folder);

boost::system::result<Bundle, BuildError> bundle(const std::filesystem::path& esbuild,
                                                 const Project& project,
                                                 const std::filesystem::path& entry,
                                                 std::chrono::milliseconds time_max);

// The first error of what esbuild printed, with its place.
BuildError parse_esbuild_error(std::string_view printed);

}  // namespace troupe::js
