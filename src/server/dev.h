// `troupe dev`: a server that builds its plugins again when their files change, and swaps them
// while the states are kept.
#pragma once

#include "base/result.h"
#include "server/config.h"
#include "server/serve.h"

#include <filesystem>

namespace troupe::server {

// The configuration of `troupe dev FILE`: a live_state plugin named after the file on the topics
// NAME:*, one actor for each topic, nothing kept.
Result<Config> config_for_file(const std::filesystem::path& file, const Overrides& overrides);

// Serves until SIGTERM or SIGINT, whatever the plugins: one that cannot be built is told about, in
// the terminal and on open pages, and its old code goes on. With a configuration from a file that
// one is watched too; without, `/` is a page to try the plugin. Prints to the terminal.
Result<void> dev(Config config, const Overrides& overrides);

}  // namespace troupe::server
