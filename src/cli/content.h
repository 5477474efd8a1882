// What is sent to a server of a plugin's file.
#pragma once

#include "base/result.h"

#include <string>

namespace troupe::cli {

struct Content {
  std::string bytes;
  std::string type;
};

// A module, a manifest with its modules in it, or what a source is built to. Warnings of the build
// go to standard error. Blocks.
Result<Content> read_content(const std::string& file);

}  // namespace troupe::cli
