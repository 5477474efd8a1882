#include "server/source.h"

#include "guests/toolchain/build.h"

#include <fmt/format.h>

#include <system_error>

namespace troupe::server {

namespace fs = std::filesystem;

Result<fs::path> find_source(const fs::path& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return path;
  if (!fs::is_directory(path, error)) {
    return Error{fmt::format("there is no file {}", path.string())};
  }
  if (const auto project = toolchain::find_project(path)) return project->folder;
  fs::path folder = fs::absolute(path, error).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  const std::string name = folder.filename().string();
  for (const fs::path& place : {folder, folder / "src"}) {
    for (const std::string& stem : {name, std::string("index")}) {
      for (const auto* extension : {".js", ".mjs", ".ts"}) {
        fs::path file = place / (stem + extension);
        if (fs::is_regular_file(file, error)) return file;
      }
    }
  }
  return Error{fmt::format(
      "{} is no plugin's folder: it has no Cargo.toml, go.mod, asconfig.json, no source in C or "
      "C++, and no {}.js, {}.ts, index.js or index.ts",
      folder.string(),
      name,
      name)};
}

bool is_module(const fs::path& file) {
  return file.extension() == ".wasm" || file.extension() == ".wat";
}

bool is_project(const fs::path& source) {
  return toolchain::find_project(source).has_value();
}

std::string name_of_source(const fs::path& source) {
  if (const auto project = toolchain::find_project(source)) return project->name;
  return source.stem().string();
}

}  // namespace troupe::server
