// One call of a plugin's function without a server: what `troupe call` does.
//
// Blocks until the function has returned. From any thread.
#pragma once

#include "base/result.h"
#include "guest/instance.h"
#include "guest/outcome.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

struct LocalCall {
  std::filesystem::path file;  // a .wasm module, or a source or folder that is built first
  std::string function;
  std::string input;
  guest::Environment environment;
  std::filesystem::path cache_folder;  // of compiled code
  // What the plugin and its build say, line by line, and what host functions would do. On the
  // calling thread.
  std::function<void(guest::LogLevel level, std::string_view text)> log;
};

struct LocalOutcome {
  guest::Ending ending = guest::Ending::done;
  std::string output;
  std::string message;  // when not done
  std::string detail;   // for whoever looks for the mistake: a backtrace; may be empty
};

// An Error when there is no such file or function, or the file cannot be built or compiled.
Result<LocalOutcome> call_locally(const LocalCall& call);

// The functions of a module that can be called, by name. Compiles it; an Error says why it cannot
// run here.
Result<std::vector<std::string>> functions_of(std::span<const std::uint8_t> wasm,
                                              const std::filesystem::path& cache_folder);

// Whether a file is a module, by its name; everything else is a source.
bool is_module(const std::filesystem::path& file);

// Where compiled code is kept for commands that have no data folder: $XDG_CACHE_HOME/troupe, else
// ~/.cache/troupe, else a folder for this user in the one for temporary files.
std::filesystem::path user_cache_folder();

}  // namespace troupe::server
