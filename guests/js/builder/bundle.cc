#include "guests/js/builder/bundle.h"

#include "base/child_process.h"
#include "base/temporary_folder.h"

#include <simdjson.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace troupe::js {

namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// "sources" are relative to the folder of the map.
std::string source_map_of(const std::string& json, const fs::path& folder, const Project& project) {
  simdjson::dom::parser parser;
  simdjson::dom::element map;
  simdjson::dom::array sources;
  std::string_view mappings;
  if (parser.parse(json).get(map) || map["sources"].get(sources) || map["mappings"].get(mappings))
    return "";
  std::string text;
  for (const auto source : sources) {
    std::string_view name;
    if (source.get(name)) return "";
    text += project.key_of((folder / name).lexically_normal());
    text += '\n';
  }
  return text + '\n' + std::string(mappings);
}

std::vector<fs::path> sources_of(const std::string& metafile, const Project& project) {
  simdjson::dom::parser parser;
  simdjson::dom::element meta;
  simdjson::dom::object inputs;
  std::vector<fs::path> sources;
  if (parser.parse(metafile).get(meta) || meta["inputs"].get(inputs)) return sources;
  for (const auto input : inputs)
    sources.push_back((project.root() / input.key).lexically_normal());
  return sources;
}

BuildError error_of(std::string message) {
  BuildError error;
  error.message = std::move(message);
  return error;
}

}  // namespace

std::optional<fs::path> find_esbuild(const fs::path& folder) {
  for (fs::path above = folder;; above = above.parent_path()) {
    fs::path candidate = above / "node_modules" / ".bin" / "esbuild";
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    if (above == above.parent_path()) return std::nullopt;
  }
}

boost::system::result<Bundle, BuildError> bundle(const fs::path& esbuild,
                                                 const Project& project,
                                                 const fs::path& entry,
                                                 std::chrono::milliseconds time_max) {
  const TemporaryFolder out;
  if (out.path().empty()) return error_of("cannot make a temporary folder for esbuild");
  const fs::path file = out.path() / "bundle.js";
  const fs::path metafile = out.path() / "meta.json";
  const Finished finished = run({.words =
                                     {
                                         esbuild.string(),
                                         entry.string(),
                                         "--bundle",
                                         "--format=esm",
                                         "--platform=neutral",
                                         "--main-fields=module,main",
                                         "--target=es2023",
                                         "--external:troupe",
                                         "--define:process.env.NODE_ENV=\"production\"",
                                         "--legal-comments=none",
                                         "--sourcemap=external",
                                         "--sources-content=false",
                                         "--log-level=error",
                                         "--log-limit=1",
                                         "--color=false",
                                         "--outfile=" + file.string(),
                                         "--metafile=" + metafile.string(),
                                     },
                                 .folder = project.root(),
                                 .time_max = time_max});
  if (!finished.started) return error_of("cannot run " + esbuild.string());
  if (finished.timed_out) {
    return error_of("esbuild ran longer than " + std::to_string(time_max.count()) +
                    " ms and was ended");
  }
  if (!finished.succeeded()) return parse_esbuild_error(finished.errors);

  Bundle result;
  result.text = read_file(file);
  result.source_map = source_map_of(read_file(file.string() + ".map"), out.path(), project);
  result.sources = sources_of(read_file(metafile), project);
  if (result.text.empty() || result.source_map.empty()) {
    return error_of("esbuild ended well but wrote nothing usable; " + esbuild.string() +
                    " may be too old (0.17 or newer is needed)");
  }
  return result;
}

// What it prints begins like this, with columns from 0:
//
//   ✘ [ERROR] Could not resolve "left-pad"
//
//       src/todo.js:1:20:
BuildError parse_esbuild_error(std::string_view printed) {
  constexpr std::string_view mark = "[ERROR] ";
  BuildError error;
  const std::size_t start = printed.find(mark);
  if (start == std::string_view::npos) {
    error.message = "esbuild failed: " +
                    (printed.empty() ? std::string("it printed nothing") : std::string(printed));
    return error;
  }
  std::string_view rest = printed.substr(start + mark.size());
  error.message = rest.substr(0, rest.find('\n'));
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (!line.starts_with("    ") || !line.ends_with(':')) continue;
    line.remove_prefix(4);
    line.remove_suffix(1);
    const std::size_t column = line.rfind(':');
    const std::size_t number =
        column == 0 || column == std::string_view::npos ? column : line.rfind(':', column - 1);
    if (number == std::string_view::npos || number == 0) continue;
    error.file = line.substr(0, number);
    error.line = std::atoi(std::string(line.substr(number + 1, column - number - 1)).c_str());
    error.column = std::atoi(std::string(line.substr(column + 1)).c_str()) + 1;
    break;
  }
  return error;
}

}  // namespace troupe::js
