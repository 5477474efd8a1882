// Calls of a plugin's function without a server: what `troupe call` does.
//
// Blocks until the function has returned. From any thread.
#pragma once

#include "base/result.h"
#include "guest/host.h"
#include "guest/instance.h"
#include "guest/outcome.h"
#include "server/manifest.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

struct LocalCall {
  // A module (.wasm, .wat) that others import from.
  struct Link {
    std::string name;
    std::string file;
  };
  std::string file;          // a module, or a source or folder that is built first
  bool is_manifest = false;  // `file` is one instead, JSON or TOML
  std::vector<Link> links;   // modules that it may import from, besides those of the manifest

  std::string function;
  std::string input;
  std::size_t times = 1;

  // What holds where a manifest says nothing, and what holds whatever it says.
  guest::Environment environment;
  std::function<void(Manifest&)> override_manifest;

  std::filesystem::path cache_folder;  // of compiled code
  // What the plugin and its build say, line by line, and what host functions would do. All on the
  // calling thread.
  std::function<void(guest::LogLevel level, std::string_view text)> log;
  // What it writes to standard output (info) and error (warn), as it is; without this as lines of
  // the log.
  std::function<void(guest::LogLevel stream, std::string_view bytes)> wrote;
  // Each call of a host function.
  std::function<void(const guest::TracedCall& call)> traced;
};

// An Error when there is no such file or function, or the file cannot be built or compiled. Else
// `take` gets each outcome and how long the call took, until it is false.
Result<void> call_locally(
    const LocalCall& call,
    const std::function<bool(const guest::Outcome&, std::chrono::nanoseconds)>& take);

// The functions of a module that can be called, by name. Compiles it; an Error says why it cannot
// run here.
Result<std::vector<std::string>> functions_of(std::span<const std::uint8_t> wasm,
                                              const std::filesystem::path& cache_folder);

// Where compiled code is kept for commands that have no data folder: $XDG_CACHE_HOME/troupe, else
// ~/.cache/troupe, else a folder for this user in the one for temporary files.
std::filesystem::path user_cache_folder();

}  // namespace troupe::server
