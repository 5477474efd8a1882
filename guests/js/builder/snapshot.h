// Makes a plugin of the core and the memory it has after evaluating a source
// (docs/formats/js-plugin.md).
#pragma once

#include "base/result.h"
#include "guests/js/builder/binary.h"
#include "guests/js/builder/interface.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::js {

struct ExportedFunction {
  std::string name;
  std::uint32_t index = 0;  // what the core knows the function by
  FunctionType type{{}, {ValueType::i32}};
  // Where it stands among the exports with types of their own, as the core numbers them; none for
  // one that only returns its code.
  std::optional<std::uint32_t> typed;
};

struct SnapshotInput {
  std::span<const std::uint8_t> core;
  std::span<const std::uint8_t> memory;  // whole pages
  std::span<const ExportedFunction> exports;
  std::span<const DeclaredFunction> host_functions;  // in the order in which the core knows them
  std::uint32_t cells = 0;                           // where it exchanges values of typed exports
  std::uint32_t uses = 0;        // optional imports to keep, as the core numbers them
  std::string_view description;  // JSON for the custom section "troupe"
};

struct Snapshot {
  Bytes wasm;
  std::vector<std::string> host_functions;  // imports that are not Extism's own, by name
};

// Fails when the core is not the one this code was written for.
Result<Snapshot> make_snapshot(const SnapshotInput& input);

}  // namespace troupe::js
