// Makes a plugin of the core and the memory it has after evaluating a source
// (docs/formats/js-plugin.md).
#pragma once

#include "base/result.h"
#include "guests/js/builder/binary.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::js {

struct SnapshotInput {
  std::span<const std::uint8_t> core;
  std::span<const std::uint8_t> memory;  // whole pages
  std::span<const std::string> exports;  // the index of each is what the core knows the function by
  std::uint32_t uses = 0;                // optional imports to keep, as the core numbers them
  std::string_view description;          // JSON for the custom section "troupe"
};

struct Snapshot {
  Bytes wasm;
  std::vector<std::string> host_functions;  // kept imports of extism:host/user
};

// Fails when the core is not the one this code was written for.
Result<Snapshot> make_snapshot(const SnapshotInput& input);

}  // namespace troupe::js
