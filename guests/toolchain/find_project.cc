#include "guests/toolchain/build.h"

#include <algorithm>
#include <array>
#include <system_error>

namespace troupe::toolchain {
namespace {

namespace fs = std::filesystem;

struct Mark {
  std::string_view file;  // in the folder of a project
  Language language;
};
constexpr std::array marks = {Mark{"Cargo.toml", Language::rust},
                              Mark{"go.mod", Language::go},
                              Mark{"asconfig.json", Language::assemblyscript}};

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

std::optional<Language> language_of_file(const fs::path& file) {
  const std::string extension = file.extension().string();
  if (extension == ".rs") return Language::rust;
  if (extension == ".go") return Language::go;
  if (extension == ".ts") return Language::assemblyscript;  // or TypeScript
  if (extension == ".c") return Language::c;
  if (extension == ".cpp" || extension == ".cc" || extension == ".cxx") return Language::cpp;
  return std::nullopt;
}

bool is_unit(const fs::path& path) {
  const auto language = language_of_file(path);
  return is_file(path) && (language == Language::c || language == Language::cpp);
}

// The folder's own sources in C and C++, and those in its src/.
std::vector<fs::path> units_in(const fs::path& folder) {
  std::vector<fs::path> units;
  for (const fs::path& place : {folder, folder / "src"}) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(place, error)) {
      if (is_unit(entry.path())) units.push_back(entry.path());
    }
  }
  std::sort(units.begin(), units.end());
  return units;
}

Language language_of(const std::vector<fs::path>& units) {
  const bool has_cpp = std::any_of(units.begin(), units.end(), [](const fs::path& unit) {
    return language_of_file(unit) == Language::cpp;
  });
  return has_cpp ? Language::cpp : Language::c;
}

std::optional<Project> project_in(const fs::path& folder) {
  const std::string name = folder.filename().string();
  for (const Mark& mark : marks) {
    if (is_file(folder / mark.file)) return Project{mark.language, folder, name, {}};
  }
  std::vector<fs::path> units = units_in(folder);
  if (units.empty()) return std::nullopt;
  return Project{language_of(units), folder, name, std::move(units)};
}

// The nearest folder above a file that is a project in the file's language.
std::optional<Project> project_of(const fs::path& file, Language language) {
  const auto mark = std::find_if(
      marks.begin(), marks.end(), [&](const Mark& each) { return each.language == language; });
  for (fs::path above = file.parent_path();; above = above.parent_path()) {
    if (is_file(above / mark->file)) {
      return Project{language, above, above.filename().string(), {}};
    }
    if (above == above.parent_path()) return std::nullopt;
  }
}

}  // namespace

std::optional<Project> find_project(const fs::path& path) {
  std::error_code error;
  fs::path whole = fs::absolute(path, error).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  if (fs::is_directory(whole, error)) return project_in(whole);
  const std::optional<Language> language = language_of_file(whole);
  if (!language || !is_file(whole)) return std::nullopt;
  if (is_unit(whole)) {
    return Project{*language, whole.parent_path(), whole.stem().string(), {whole}};
  }
  // AssemblyScript has TypeScript's extension; its sources are in assembly/.
  if (*language == Language::assemblyscript && whole.parent_path().filename() != "assembly") {
    return std::nullopt;
  }
  return project_of(whole, *language);
}

}  // namespace troupe::toolchain
