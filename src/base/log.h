// The server's log. One logger, made by server/app and handed down by constructor; thread-safe.
//
// Lines are sentences for operators; values that clients or guests chose are quoted and bounded.
// Secrets and session identifiers are never among them.
#pragma once

#include <spdlog/logger.h>

namespace troupe {

using Log = spdlog::logger;

}  // namespace troupe
