#include "guests/js/builder/build.h"

#include "guests/js/builder/bundle.h"
#include "guests/js/builder/core_session.h"
#include "guests/js/builder/interface.h"
#include "guests/js/builder/project.h"
#include "guests/js/builder/snapshot.h"
#include "guests/js/builder/typescript.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

asm(R"(
  .section .rodata
  .global troupe_js_types_begin
  .global troupe_js_types_end
troupe_js_types_begin:
  .incbin ")" TROUPE_JS_TYPES R"("
troupe_js_types_end:
  .byte 0
  .previous
)");

extern "C" {
extern const char troupe_js_types_begin[];
extern const char troupe_js_types_end[];
}

namespace troupe::js {

namespace {

namespace fs = std::filesystem;

// The name under which a bundle is evaluated. Frames without an origin in its map, which are
// esbuild's own helpers, are left out of stacks like all whose file begins with '<'.
constexpr std::string_view bundle_key = "<bundle>";

// Names that mean something to hosts, and that a function must therefore not have.
constexpr std::array reserved_exports{
    "memory", "_initialize", "_start", "__wasm_call_ctors", "hs_init"};

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

// ---- The interface that is declared

bool returns_its_code(const FunctionType& type) {
  return type == FunctionType{{}, {ValueType::i32}};
}

// As CoreFiles::interface() says.
std::string signatures_of(const Interface& interface) {
  const auto letter = [](ValueType type) {
    return type == ValueType::i32   ? 'i'
           : type == ValueType::i64 ? 'I'
           : type == ValueType::f32 ? 'f'
                                    : 'F';
  };
  std::string text;
  const auto add = [&](const DeclaredFunction& function) {
    text += function.name + ' ';
    for (const ValueType type : function.type.parameters) text += letter(type);
    text += ':';
    for (const ValueType type : function.type.results) text += letter(type);
    text += '\n';
  };
  for (const DeclaredFunction& function : interface.host_functions) add(function);
  text += '\n';
  for (const DeclaredFunction& function : interface.exports) {
    if (!returns_its_code(function.type)) add(function);
  }
  return text;
}

// ---- The two ways to answer the core

// The project's files as they are, but for the types of TypeScript.
class PlainFiles : public CoreFiles {
 public:
  PlainFiles(Project& project,
             fs::path entry,
             const std::optional<Interface>& interface,
             const BuildOptions& options)
      : project_(project), entry_(std::move(entry)), interface_(interface), typescript_(options) {}

  struct Failure {
    ResolveFailure kind;
    std::string importer;
    std::string specifier;
    std::string message;
  };
  // The last import that led nowhere, or the one that esbuild has to resolve.
  const std::optional<Failure>& failure() const { return failure_; }
  bool needs_esbuild() const {
    return failure_ &&
           (failure_->kind == ResolveFailure::package || failure_->kind == ResolveFailure::jsx);
  }
  // Why a file is no TypeScript, with its place.
  const std::optional<BuildError>& broken() const { return broken_; }

  Result<std::string> resolve(std::string_view importer, std::string_view specifier) override {
    fs::path path = entry_;
    if (!importer.empty()) {
      const Resolution resolution = project_.resolve(importer, specifier);
      if (resolution.failure) {
        failure_ = Failure{*resolution.failure, std::string(importer), std::string(specifier), ""};
        failure_->message = message_of(*failure_, resolution);
        return Error{failure_->message};
      }
      path = resolution.path;
    }
    TRY(const SourceFile* file, project_.read(path));
    return file->key;
  }

  Result<Text> read(std::string_view key) override {
    const SourceFile* file = project_.find(key);
    if (!file) return Error{"the file " + std::string(key) + " was not resolved"};
    if (!is_typescript(file->path)) return Text{file->kind, file->text};
    auto stripped = typescript_.strip(key, file->text);
    if (!stripped) {
      broken_ = std::move(stripped.error());
      return Error{broken_->message};
    }
    const Stripped& kept = stripped_[file->key] = std::move(*stripped);
    return Text{file->kind, kept.code};
  }

  std::string source_map(std::string_view key) override {
    const auto found = stripped_.find(key);
    if (found == stripped_.end() || found->second.mappings.empty()) return "";
    return found->first + "\n\n" + found->second.mappings;
  }
  std::string interface() override { return interface_ ? signatures_of(*interface_) : ""; }
  bool must_stop() const override { return needs_esbuild() || broken_; }

 private:
  static std::string message_of(const Failure& failure, const Resolution& resolution) {
    const std::string what = in_quotes(failure.specifier);
    switch (failure.kind) {
      case ResolveFailure::node:
        return what +
               " is a module of Node, which a plugin does not run in: use the globals of the web "
               "and of Extism "
               "instead (console, crypto, TextEncoder, Http, Var, Config)";
      case ResolveFailure::package:
        return what + " is an npm package";
      case ResolveFailure::jsx:
        return what + " has JSX";
      case ResolveFailure::not_found:
        break;
    }
    return "cannot find " + what + ": there is no " + resolution.path.string() +
           " and none with .js, .mjs, .cjs, .json, .ts, .mts, .cts or /index behind it";
  }

  Project& project_;
  fs::path entry_;
  const std::optional<Interface>& interface_;
  TypeScript typescript_;
  std::map<std::string, Stripped, std::less<>> stripped_;  // by key
  std::optional<Failure> failure_;
  std::optional<BuildError> broken_;
};

// One text that esbuild made of all.
class BundleFiles : public CoreFiles {
 public:
  BundleFiles(const Bundle& bundle, const std::optional<Interface>& interface)
      : bundle_(bundle), interface_(interface) {}

  Result<std::string> resolve(std::string_view importer, std::string_view specifier) override {
    if (importer.empty()) return std::string(bundle_key);
    return Error{"cannot find " + in_quotes(specifier) +
                 ": esbuild left this import as it was, because it is computed"};
  }
  Result<Text> read(std::string_view) override { return Text{SourceKind::module, bundle_.text}; }
  std::string source_map(std::string_view) override { return bundle_.source_map; }
  std::string interface() override { return interface_ ? signatures_of(*interface_) : ""; }
  bool must_stop() const override { return false; }

 private:
  const Bundle& bundle_;
  const std::optional<Interface>& interface_;
};

// ---- Errors

// "    at name (file:line:column)" or "    at file:line:column", the first of a stack.
void place_at_first_frame(std::string_view stack, BuildError& error) {
  std::string_view frame = stack.substr(0, stack.find('\n'));
  if (frame.ends_with(')')) frame.remove_suffix(1);
  const std::size_t column = frame.rfind(':');
  if (column == std::string_view::npos || column == 0) return;
  const std::size_t line = frame.rfind(':', column - 1);
  if (line == std::string_view::npos) return;
  std::size_t file = frame.rfind('(', line);
  file = file == std::string_view::npos ? std::string_view("    at ").size() : file + 1;
  if (file >= line) return;
  error.file = frame.substr(file, line - file);
  error.line = std::atoi(std::string(frame.substr(line + 1, column - line - 1)).c_str());
  error.column = std::atoi(std::string(frame.substr(column + 1)).c_str());
}

void place_at_import(const Project& project,
                     std::string_view importer,
                     std::string_view specifier,
                     BuildError& error) {
  error.file = importer;
  const SourceFile* file = project.find(importer);
  const SourcePosition position = file ? find_import(file->text, specifier) : SourcePosition{};
  error.line = position.line;
  error.column = position.column;
}

void add_excerpt(Project& project, BuildError& error) {
  if (error.file.empty() || error.line == 0) return;
  const auto file = project.read((project.root() / error.file).lexically_normal());
  if (file) error.excerpt = line_of((*file)->text, error.line);
}

// From a column in bytes to one in characters, which is what people and editors count. Needs the
// excerpt.
void count_characters(BuildError& error) {
  const auto before = std::string_view(error.excerpt).substr(0, std::max(0, error.column - 1));
  const auto rest_of_a_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
  };
  error.column -= static_cast<int>(std::ranges::count_if(before, rest_of_a_character));
}

std::string megabytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

// Why the evaluation gave no plugin. The failed import, when it is the reason, has its place in the
// text; an exception has it in its stack.
BuildError error_of(const Evaluation& evaluation,
                    const BuildOptions& options,
                    const Project& project,
                    const std::string& entry_key,
                    const std::optional<PlainFiles::Failure>& failed_import) {
  BuildError error;
  error.file = entry_key;
  if (evaluation.ending == guest::Ending::timeout) {
    error.message =
        "the top level of " + entry_key + " ran longer than " +
        std::to_string(options.evaluation_time_max.count()) +
        " ms while the plugin was built; what takes long belongs inside an exported function";
  } else if (evaluation.ending != guest::Ending::done) {
    error.message = "the evaluation of " + entry_key + " was ended: " + evaluation.trap;
  } else if (evaluation.error) {
    const CoreError& thrown = *evaluation.error;
    error.message = thrown.name.empty() ? thrown.message : thrown.name + ": " + thrown.message;
    error.stack = thrown.stack;
    if (failed_import && thrown.message == failed_import->message) {
      error.message = failed_import->message;
      error.stack.clear();
      place_at_import(project, failed_import->importer, failed_import->specifier, error);
    } else if (thrown.name == "InternalError" && thrown.message == "out of memory") {
      error.message = "the top level of " + entry_key + " needs more memory than the " +
                      megabytes(options.evaluation_memory_max) +
                      " it may have while the plugin is built";
      error.stack.clear();
    } else if (!thrown.importer.empty()) {
      error.file = thrown.importer;
      const SourceFile* importer = project.find(thrown.importer);
      const SourcePosition position =
          importer ? find_word(importer->text, thrown.imported_name) : SourcePosition{};
      error.line = position.line;
      error.column = position.column;
      if (is_typescript(thrown.importer))
        error.message += "; where it is a type, write `import type` or `export type`";
    } else {
      place_at_first_frame(thrown.stack, error);
    }
  }
  return error;
}

BuildError error_from(const Error& failure) {
  BuildError error;
  error.message = failure.message;
  return error;
}

BuildError esbuild_missing(const std::optional<PlainFiles::Failure>& failure,
                           const Project& project,
                           const std::string& entry_key) {
  BuildError error;
  error.file = entry_key;
  const std::string what = failure ? failure->message : entry_key + " has JSX";
  const bool has_jsx = !failure || failure->kind == ResolveFailure::jsx;
  error.message =
      what +
      (has_jsx ? ", which esbuild turns into JavaScript" : ", which esbuild puts into the plugin") +
      ", and this project has no esbuild. To get it: cd " + project.root().string() +
      " && npm install --save-dev esbuild";
  if (failure) place_at_import(project, failure->importer, failure->specifier, error);
  return error;
}

// ---- The plugin

std::string json_text(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') json += '\\';
    if (byte < 0x20) {
      json += "\\u00";
      json += digits[byte >> 4];
      json += digits[byte & 15];
    } else {
      json += c;
    }
  }
  return json + '"';
}

std::string description_of(const std::string& entry_key,
                           const Project& project,
                           const std::vector<fs::path>& sources) {
  std::string names;
  for (const auto& source : sources)
    names += (names.empty() ? "" : ",") + json_text(project.key_of(source));
  return R"({"builder":"troupe )" TROUPE_VERSION R"(","language":")" +
         std::string(is_typescript(entry_key) ? "typescript" : "javascript") + R"(","entry":)" +
         json_text(entry_key) + R"(,"sources":[)" + names + "]}";
}

std::vector<std::string> warnings_of(const Evaluation& evaluation, const std::string& entry_key) {
  std::vector<std::string> warnings;
  if (evaluation.read_clock) {
    warnings.push_back("the top level of " + entry_key +
                       " asks for the time, which stands at 1970 while the plugin is built: ask "
                       "inside a function");
  }
  return warnings;
}

// The functions of the source that become exports; an error when the interface names another. What
// it leaves out is left out, with a warning.
boost::system::result<std::vector<ExportedFunction>, BuildError> exports_of(
    const Evaluation& evaluation,
    const std::optional<Interface>& interface,
    const std::string& interface_key,
    const std::string& entry_key,
    std::vector<std::string>& warnings) {
  std::vector<ExportedFunction> exports;
  std::vector<std::string> undeclared = evaluation.exports;
  if (!interface) {
    for (std::uint32_t i = 0; i < evaluation.exports.size(); i++)
      exports.push_back({.name = evaluation.exports[i], .index = i});
    return exports;
  }
  std::uint32_t typed = 0;
  for (const DeclaredFunction& declared : interface->exports) {
    const auto found = std::ranges::find(evaluation.exports, declared.name);
    if (found == evaluation.exports.end()) {
      BuildError error;
      error.file = interface_key;
      error.line = declared.line;
      error.column = declared.column;
      error.message = entry_key + " exports no function " + in_quotes(declared.name);
      return error;
    }
    ExportedFunction function{declared.name,
                              static_cast<std::uint32_t>(found - evaluation.exports.begin()),
                              declared.type,
                              {}};
    if (!returns_its_code(declared.type)) function.typed = typed++;
    exports.push_back(std::move(function));
    std::erase(undeclared, declared.name);
  }
  for (const std::string& name : undeclared) {
    warnings.push_back(entry_key + " exports " + in_quotes(name) + ", which " + interface_key +
                       " does not declare: it is left out");
  }
  return exports;
}

BuildResult finish(const Evaluation& evaluation,
                   const BuildOptions& options,
                   const Project& project,
                   const std::string& entry_key,
                   std::vector<fs::path> sources,
                   const std::optional<Interface>& interface,
                   const std::optional<PlainFiles::Failure>& failed_import) {
  if (evaluation.ending != guest::Ending::done || evaluation.error) {
    return error_of(evaluation, options, project, entry_key, failed_import);
  }
  BuildError error;
  error.file = entry_key;
  std::vector<std::string> warnings = warnings_of(evaluation, entry_key);
  const auto exports =
      exports_of(evaluation, interface, project.key_of(options.interface), entry_key, warnings);
  if (exports.has_error()) return exports.error();
  if (exports->empty()) {
    error.message = entry_key +
                    " exports no function, and a plugin is made of the functions it exports: "
                    "write `export function NAME() {...}` or `module.exports = { NAME }`";
    return error;
  }
  for (const ExportedFunction& function : *exports) {
    if (std::ranges::find(reserved_exports, function.name) == reserved_exports.end()) continue;
    error.message = "a plugin's function cannot be named " + in_quotes(function.name) +
                    ", because hosts mean something else by it";
    return error;
  }

  const std::string description = description_of(entry_key, project, sources);
  SnapshotInput input{.core = core_module(),
                      .memory = evaluation.memory,
                      .exports = *exports,
                      .cells = evaluation.cells,
                      .uses = evaluation.uses,
                      .description = description};
  if (interface) input.host_functions = interface->host_functions;
  auto snapshot = make_snapshot(input);
  if (snapshot.has_error()) {
    error.message = snapshot.error().message;
    return error;
  }
  BuildOutput output;
  output.wasm = std::move(snapshot->wasm);
  output.host_functions = std::move(snapshot->host_functions);
  for (const ExportedFunction& function : *exports) output.exports.push_back(function.name);
  output.warnings = std::move(warnings);
  output.log = evaluation.log;
  output.sources = std::move(sources);
  return output;
}

}  // namespace

BuildResult build(const BuildOptions& options) {
  std::error_code failed;
  const fs::path entry = fs::absolute(options.entry, failed).lexically_normal();
  Project project(entry);
  const std::string entry_key = project.key_of(entry);

  // Completes an error by what is known at any place where one can arise.
  const auto refuse = [&](BuildError error,
                          std::vector<BuildLog> log = {},
                          const std::vector<fs::path>& sources = {}) {
    error.log = std::move(log);
    error.sources = sources.empty() ? project.sources() : sources;
    if (error.sources.empty()) error.sources.push_back(entry);
    add_excerpt(project, error);
    count_characters(error);
    return error;
  };
  if (!fs::is_regular_file(entry, failed)) {
    BuildError error;
    error.file = options.entry.string();
    error.message = "there is no file " + entry.string();
    return refuse(std::move(error));
  }

  std::optional<Interface> interface;
  BuildOptions resolved = options;
  if (!options.interface.empty()) {
    resolved.interface = fs::absolute(options.interface, failed).lexically_normal();
    const auto file = project.read(resolved.interface);
    if (!file) return refuse(error_from(file.error()));
    auto parsed = parse_interface((*file)->key, (*file)->text);
    if (!parsed) return refuse(parsed.error());
    interface = std::move(*parsed);
  }

  std::optional<PlainFiles::Failure> needs_esbuild;
  if (!is_jsx(entry)) {
    PlainFiles files(project, entry, interface, options);
    auto evaluation = evaluate(files, options);
    if (evaluation.has_error()) return refuse(error_from(evaluation.error()));
    if (files.broken()) return refuse(*files.broken());
    if (!files.needs_esbuild()) {
      auto result = finish(
          *evaluation, resolved, project, entry_key, project.sources(), interface, files.failure());
      if (result.has_error()) return refuse(result.error(), std::move(evaluation->log));
      return result;
    }
    needs_esbuild = files.failure();
  }

  const auto esbuild = find_esbuild(project.root());
  if (!esbuild) return refuse(esbuild_missing(needs_esbuild, project, entry_key));
  auto bundled = bundle(*esbuild, project, entry, options.esbuild_time_max);
  if (bundled.has_error()) return refuse(bundled.error());
  BundleFiles files(*bundled, interface);
  auto evaluation = evaluate(files, options);
  if (evaluation.has_error()) return refuse(error_from(evaluation.error()));
  std::vector<fs::path> sources = bundled->sources;
  if (interface) sources.push_back(resolved.interface);
  auto result = finish(*evaluation, resolved, project, entry_key, sources, interface, std::nullopt);
  if (result.has_error()) return refuse(result.error(), std::move(evaluation->log), sources);
  return result;
}

std::string render(const BuildError& error) {
  std::string text = "error: ";
  if (!error.file.empty()) {
    text += error.file;
    if (error.line > 0)
      text += ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
    text += ": ";
  }
  text += error.message + "\n";
  if (!error.excerpt.empty()) {
    const std::string number = std::to_string(error.line);
    text += "  " + number + " | " + error.excerpt + "\n";
    text += "  " + std::string(number.size(), ' ') + " | ";
    // As wide as the text before the column: one place for each character, tabs as they are.
    int column = 1;
    for (std::size_t i = 0; i < error.excerpt.size() && column < error.column; i++) {
      const auto byte = static_cast<unsigned char>(error.excerpt[i]);
      if ((byte & 0xc0) == 0x80) continue;  // the rest of a character
      text += byte == '\t' ? '\t' : ' ';
      column++;
    }
    text += "^\n";
  }
  text += error.stack;
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

fs::path default_cache_folder() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment.
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache == '/') return fs::path(cache) / "troupe";
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* home = std::getenv("HOME");
  if (home && *home == '/') return fs::path(home) / ".cache" / "troupe";
  return {};
}

std::string_view type_declarations() {
  return {troupe_js_types_begin, troupe_js_types_end};
}

}  // namespace troupe::js
