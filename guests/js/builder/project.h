// The user's files: finds what an import means, reads it, and knows each file by the name people
// see.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::js {

// How a text is read. The numbers are the core's (../core/core.h, AnswerKind).
enum class SourceKind : std::uint8_t { module = 1, commonjs = 2, json = 3, either = 4 };

struct SourceFile {
  std::string
      key;  // its path relative to the project, or as it is outside of it; names it in errors
  std::filesystem::path path;
  SourceKind kind = SourceKind::either;
  std::string text;
};

struct SourcePosition {
  int line = 0;
  int column = 0;
};

enum class ResolveFailure {
  not_found,
  package,  // an npm package: esbuild's work
  jsx,      // likewise
  node,     // a module of Node itself, which a plugin does not have
};

struct Resolution {
  std::optional<ResolveFailure> failure;
  std::filesystem::path path;  // when found; or the file with JSX
};

class Project {
 public:
  // The project of a file is the folder of the nearest package.json above it, else the file's own
  // folder.
  explicit Project(const std::filesystem::path& entry);

  const std::filesystem::path& root() const { return root_; }
  std::string key_of(const std::filesystem::path& path) const;

  // What `specifier` means in the file with that key.
  Resolution resolve(std::string_view importer_key, std::string_view specifier) const;
  // Reads a file, or gives it again. Errors: not readable, too large, not UTF-8.
  Result<const SourceFile*> read(const std::filesystem::path& path);
  const SourceFile* find(std::string_view key) const;

  // All files that were read or looked for by read(), in that order.
  const std::vector<std::filesystem::path>& sources() const { return sources_; }

 private:
  std::filesystem::path root_;
  std::map<std::string, SourceFile, std::less<>> files_;  // by key
  std::vector<std::filesystem::path> sources_;
};

// Where a text imports `specifier`: the position of its quotation mark, zeros when there is none.
SourcePosition find_import(std::string_view text, std::string_view specifier);
// Where a text has `word` as a name of its own, zeros when it has not.
SourcePosition find_word(std::string_view text, std::string_view word);
// By its extension: .ts, .mts, .cts.
bool is_typescript(const std::filesystem::path& path);
// .tsx, .jsx
bool is_jsx(const std::filesystem::path& path);
// Line `line` (from 1) of a text, without its end.
std::string line_of(std::string_view text, int line);

}  // namespace troupe::js
