#include "server/check.h"

#include "guest/engine.h"
#include "guest/module_cache.h"
#include "server/local_call.h"
#include "server/plugin_loader.h"

#include <memory>

namespace troupe::server {

Result<Config> check(const std::filesystem::path& file, Log& log) {
  TRY(Config config, load_config(file));
  // One slot is enough to compile for slots of that size.
  TRY(const std::unique_ptr<guest::Engine> engine,
      guest::Engine::create(
          {.instances_max = 1, .memory_pages_max = config.bounds.instance_pages_max}));
  const std::filesystem::path cache_folder = user_cache_folder();
  TRY(const std::unique_ptr<guest::ModuleCache> cache,
      guest::ModuleCache::open(cache_folder / "modules", config.bounds.compile));
  const Result<std::vector<LoadedPlugin>> plugins = load_plugins(
      config, {.cache = *cache, .engine = *engine, .build_cache_folder = cache_folder, .log = log});
  if (!plugins) return plugins.error();
  for (const LoadedPlugin& plugin : *plugins) {
    if (!plugin.version || plugin.version->environment.allowed_paths.empty()) continue;
    log.warn(
        "plugin {}: not replayable, because of its allowed_paths: what it reads there is in no "
        "record",
        plugin.config.name);
  }
  return config;
}

}  // namespace troupe::server
