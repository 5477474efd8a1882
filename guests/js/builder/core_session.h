// Evaluates a source in the JavaScript core, inside a sandbox, and answers what the core asks for.
#pragma once

#include "base/result.h"
#include "guest/outcome.h"
#include "guests/js/builder/build.h"
#include "guests/js/builder/project.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::js {

// core.wasm, which is part of this library.
std::span<const std::uint8_t> core_module();

// What the core asks. Called during evaluate(), on its thread.
class CoreFiles {
 public:
  virtual ~CoreFiles() = default;

  struct Text {
    SourceKind kind = SourceKind::either;
    std::string_view text;
  };

  // The key of what `specifier` means in the module `importer`; both are empty for the entry. An
  // Error is thrown as an exception at the import, with its text.
  virtual Result<std::string> resolve(std::string_view importer, std::string_view specifier) = 0;
  virtual Result<Text> read(std::string_view key) = 0;
  // Source names, one a line, an empty line, and the mappings, for a text that was made of others;
  // else empty.
  virtual std::string source_map(std::string_view key) = 0;
  // "NAME TYPES" by line, of declared host functions, an empty line, and of exports with types;
  // TYPES are those of the parameters, a colon and that of the result: i, I, f and F.
  virtual std::string interface() { return ""; }
  // True when the evaluation has to stop because it cannot succeed this way.
  virtual bool must_stop() const = 0;
};

struct CoreError {
  std::string name;  // "SyntaxError"
  std::string message;
  std::string stack;  // "    at f (todo.js:3:5)\n..."
  // An import whose module does not export that name, when this was the reason.
  std::string importer;
  std::string imported_name;
};

struct Evaluation {
  guest::Ending ending = guest::Ending::done;
  std::string trap;                // when not done
  std::optional<CoreError> error;  // an exception that nobody caught
  std::vector<std::string> exports;
  std::uint32_t uses = 0;
  std::uint32_t cells = 0;  // address of the cells for typed exports
  std::vector<BuildLog> log;
  bool read_clock = false;
  std::vector<std::uint8_t> memory;  // when done without an error
};

// A program of ours in a core of its own, which turns texts into texts. Not thread-safe.
class Tool {
 public:
  // The program must live as long as the tool. Its time and memory are those of an evaluation.
  static Result<std::unique_ptr<Tool>> create(std::string_view program,
                                              const BuildOptions& options);
  virtual ~Tool() = default;
  // The JSON of what the program's function `tool` returns for the text.
  virtual Result<std::string> run(std::string_view input) = 0;
};

// An Error means that the core itself could not be started.
Result<Evaluation> evaluate(CoreFiles& files, const BuildOptions& options);

}  // namespace troupe::js
