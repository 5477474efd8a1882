// Flags that several commands share.
#pragma once

#include "base/result.h"
#include "server/serve.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>

namespace troupe::cli {

// --config FILE
CLI::Option* add_config_option(CLI::App& command, std::string& file);
// --listen, --admin and --data
void add_overrides(CLI::App& command, server::Overrides& overrides);

// The file that was named, else troupe.toml in the current folder. An error says how to make one.
Result<std::filesystem::path> find_config(const std::string& named);

}  // namespace troupe::cli
