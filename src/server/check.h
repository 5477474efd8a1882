// `troupe check`: a configuration and its plugins, without a server.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "server/config.h"

#include <filesystem>

namespace troupe::server {

// Reads the file, and builds, compiles and checks every plugin. The error lists every mistake. The
// data folder is not touched, so that a server may have it meanwhile.
Result<Config> check(const std::filesystem::path& file, Log& log);

}  // namespace troupe::server
