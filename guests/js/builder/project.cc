#include "guests/js/builder/project.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <system_error>

namespace troupe::js {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t source_bytes_max = std::size_t{16} << 20;
constexpr std::size_t sources_max = 10'000;  // of one plugin

// In the order in which a name without an extension is tried.
constexpr std::array extensions{
    ".js", ".mjs", ".cjs", ".json", ".ts", ".mts", ".cts", ".tsx", ".jsx"};

constexpr std::array node_modules_of_its_own{"assert",
                                             "async_hooks",
                                             "buffer",
                                             "child_process",
                                             "cluster",
                                             "console",
                                             "crypto",
                                             "dgram",
                                             "dns",
                                             "events",
                                             "fs",
                                             "http",
                                             "http2",
                                             "https",
                                             "inspector",
                                             "module",
                                             "net",
                                             "os",
                                             "path",
                                             "perf_hooks",
                                             "process",
                                             "punycode",
                                             "querystring",
                                             "readline",
                                             "repl",
                                             "stream",
                                             "string_decoder",
                                             "timers",
                                             "tls",
                                             "tty",
                                             "url",
                                             "util",
                                             "v8",
                                             "vm",
                                             "worker_threads",
                                             "zlib"};

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

fs::path with(const fs::path& path, std::string_view extension) {
  fs::path longer = path;
  longer += extension;
  return longer;
}

// A file of that name, or with an extension added to it.
std::optional<fs::path> find_file(const fs::path& path) {
  if (is_file(path)) return path;
  for (const auto* extension : extensions) {
    if (is_file(with(path, extension))) return with(path, extension);
  }
  return std::nullopt;
}

// TypeScript's own habit: a file is imported by the name it will have once compiled.
std::optional<fs::path> find_typescript_of(fs::path path) {
  const fs::path extension_given = path.extension();
  if (extension_given != ".js" && extension_given != ".mjs" && extension_given != ".cjs")
    return std::nullopt;
  for (const auto* extension : {".ts", ".tsx", ".mts", ".cts"}) {
    if (is_file(path.replace_extension(extension))) return path;
  }
  return std::nullopt;
}

bool is_relative_or_absolute(std::string_view specifier) {
  return specifier.starts_with("./") || specifier.starts_with("../") ||
         specifier.starts_with('/') || specifier == "." || specifier == "..";
}

bool is_of_node(std::string_view specifier) {
  if (specifier.starts_with("node:")) return true;
  const std::string_view first = specifier.substr(0, specifier.find('/'));
  return std::ranges::find(node_modules_of_its_own, first) != node_modules_of_its_own.end();
}

SourceKind kind_of(const fs::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".mjs" || extension == ".mts") return SourceKind::module;
  if (extension == ".cjs" || extension == ".cts") return SourceKind::commonjs;
  if (extension == ".json") return SourceKind::json;
  return SourceKind::either;
}

SourcePosition position_of(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(at - line_start) + 1};
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
}

}  // namespace

bool is_typescript(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".ts" || extension == ".mts" || extension == ".cts";
}

bool is_jsx(const fs::path& path) {
  return path.extension() == ".tsx" || path.extension() == ".jsx";
}

Project::Project(const fs::path& entry) {
  const fs::path folder = fs::absolute(entry).lexically_normal().parent_path();
  root_ = folder;
  for (fs::path above = folder;; above = above.parent_path()) {
    if (is_file(above / "package.json")) {
      root_ = above;
      return;
    }
    if (above == above.parent_path()) return;
  }
}

std::string Project::key_of(const fs::path& path) const {
  const fs::path relative = path.lexically_relative(root_);
  return relative.empty() ? path.generic_string() : relative.generic_string();
}

Resolution Project::resolve(std::string_view importer_key, std::string_view specifier) const {
  if (!is_relative_or_absolute(specifier)) {
    return {is_of_node(specifier) ? ResolveFailure::node : ResolveFailure::package, {}};
  }
  const SourceFile* importer = find(importer_key);
  const fs::path folder = importer ? importer->path.parent_path() : root_;
  const fs::path path = (folder / specifier).lexically_normal();
  const bool names_folder = specifier.ends_with('/') || specifier.ends_with('.');
  auto found = names_folder ? std::nullopt : find_file(path);
  if (!found && is_folder(path)) found = find_file(path / "index");
  if (!found) found = find_typescript_of(path);
  if (!found) return {ResolveFailure::not_found, path};
  if (is_jsx(*found)) return {ResolveFailure::jsx, *found};
  return {std::nullopt, *found};
}

Result<const SourceFile*> Project::read(const fs::path& path) {
  std::string key = key_of(path);
  if (const auto known = files_.find(key); known != files_.end()) return &known->second;
  if (sources_.size() == sources_max) {
    return Error{"a plugin may be made of " + std::to_string(sources_max) +
                 " files, and this one needs more"};
  }
  sources_.push_back(path);

  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return Error{"cannot read " + key + ": " + error.message()};
  if (size > source_bytes_max) {
    return Error{key + " has " + std::to_string(size) + " bytes; a source may have " +
                 std::to_string(source_bytes_max)};
  }
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad() || !in.is_open()) return Error{"cannot read " + key};
  if (!simdjson::validate_utf8(text)) return Error{key + " is not UTF-8 text"};
  if (text.find('\0') != std::string::npos) return Error{key + " is not a text: it has a byte 0"};
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  // "#!/usr/bin/env node", which only a whole program may begin with.
  if (text.starts_with("#!")) text.replace(0, 2, "//");
  SourceFile file{key, path, kind_of(path), std::move(text)};
  return &files_.emplace(std::move(key), std::move(file)).first->second;
}

const SourceFile* Project::find(std::string_view key) const {
  const auto found = files_.find(key);
  return found == files_.end() ? nullptr : &found->second;
}

SourcePosition find_import(std::string_view text, std::string_view specifier) {
  // Not a parser: the first quoted specifier behind one of the words that import, else the first at
  // all.
  std::size_t best = std::string_view::npos;
  for (const char quote : {'"', '\'', '`'}) {
    const std::string quoted = quote + std::string(specifier) + quote;
    for (std::size_t at = text.find(quoted); at != std::string_view::npos;
         at = text.find(quoted, at + 1)) {
      std::string_view before = text.substr(0, at);
      while (!before.empty() && (std::isspace(static_cast<unsigned char>(before.back())) != 0 ||
                                 before.back() == '(')) {
        before.remove_suffix(1);
      }
      const bool imports =
          before.ends_with("from") || before.ends_with("import") || before.ends_with("require");
      if (imports || best == std::string_view::npos) best = at;
      if (imports) break;
    }
    if (best != std::string_view::npos) break;
  }
  if (best == std::string_view::npos) return {};
  return position_of(text, best);
}

SourcePosition find_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || !is_name_character(text[at - 1]);
    const bool ends = end == text.size() || !is_name_character(text[end]);
    if (begins && ends) return position_of(text, at);
  }
  return {};
}

std::string line_of(std::string_view text, int line) {
  std::size_t at = 0;
  for (int i = 1; i < line; i++) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return "";
    at++;
  }
  std::string_view found = text.substr(at, text.find('\n', at) - at);
  if (found.ends_with('\r')) found.remove_suffix(1);
  return std::string(found);
}

}  // namespace troupe::js
