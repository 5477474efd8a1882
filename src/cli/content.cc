#include "cli/content.h"

#include "server/local_call.h"
#include "server/plugin_loader.h"
#include "server/source.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

namespace troupe::cli {

Result<Content> read_content(const std::string& file) {
  const std::string extension = std::filesystem::path(file).extension();
  const bool is_manifest = extension == ".json" || extension == ".toml";
  server::PluginConfig plugin;
  if (server::is_module(file)) {
    plugin.wasm = file;
  } else if (is_manifest) {
    plugin.manifest = file;  // its paths are relative to the current folder, as for troupe call
  } else {
    TRY(plugin.source, server::find_source(file));
  }
  const server::CodeResult code = server::read_code(plugin, server::user_cache_folder());
  if (!code) return Error{code.error().message};
  for (const std::string& warning : code->warnings) fmt::print(stderr, "warning: {}\n", warning);
  return Content{std::string(code->kept()), is_manifest ? "application/json" : "application/wasm"};
}

}  // namespace troupe::cli
