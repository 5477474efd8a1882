// Extism manifests: what a plugin is made of and what it may do, as JSON or TOML.
//
// docs/formats/manifest.md describes each field. Plain values; from any thread. load_modules reads
// files and may fetch over the network: never on a shard.
#pragma once

#include "base/result.h"
#include "guest/instance.h"
#include "guest/program.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::server {

// The host's folder of an allowed path, without the ro: that stands in front of one to be only
// read.
std::string_view without_read_only(std::string_view host);

struct Manifest {
  struct Module {
    std::string place;  // `wasm[0]`, for messages
    std::string name;   // may be empty
    std::string hash;   // hex SHA-256 in small letters; empty: not checked
    // One of the three is set.
    std::filesystem::path path;
    std::string data;  // the bytes
    std::string url;
    // With `url`.
    std::string method = "GET";
    std::map<std::string, std::string> headers;
  };

  std::vector<Module> modules;
  std::optional<std::uint32_t> pages_max;
  std::optional<std::size_t> http_response_bytes_max;
  std::optional<std::size_t> vars_bytes_max;
  std::map<std::string, std::string, std::less<>> config;
  std::vector<std::string> allowed_hosts;
  std::map<std::string, std::string> allowed_paths;  // host's, with ro: in front or not, to guest's
  std::optional<std::uint64_t> timeout_ms;

  // Sets what the manifest speaks of, and leaves the rest as it is.
  // Its folders of the host are relative to `folder`.
  void apply(guest::Environment& environment, const std::filesystem::path& folder) const;
};

// `file` as the messages shall name it. The error has one line for each mistake.
Result<Manifest> parse_manifest(std::string_view text, const std::string& file);

// Whether the text can only be a manifest in JSON, and no WebAssembly module.
bool is_json_manifest(std::string_view text);

// The same, from a file.
Result<Manifest> load_manifest(const std::filesystem::path& file);

// Modules that are fetched from GitHub itself are asked for with this token, unless they have an
// Authorization header. Nobody else gets it: not over plain HTTP, and not where GitHub redirects
// to.
void use_github_token(Manifest& manifest, const std::string& token);

// The bytes of a plugin's modules.
struct LoadedModules {
  struct Part {
    std::string name;
    std::string wasm;
  };
  std::vector<Part> parts;
  std::vector<std::filesystem::path> files;  // that were read

  // Borrowed from this.
  std::vector<guest::Program::Part> program() const;
};

// Reads or fetches (guest/download.h) every module and checks its hash. Relative paths are relative
// to `folder`.
Result<LoadedModules> load_modules(const Manifest& manifest, const std::filesystem::path& folder);

// The manifest as JSON with its modules within, so that it needs no file and no network: equal
// plugins give equal texts.
std::string self_contained(const Manifest& manifest, const LoadedModules& modules);

}  // namespace troupe::server
