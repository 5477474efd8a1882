// The binary format of WebAssembly as far as the builder needs it: numbers, names and sections.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::js {

using Bytes = std::vector<std::uint8_t>;

enum class Section : std::uint8_t {
  custom = 0,
  type = 1,
  import = 2,
  function = 3,
  memory = 5,
  global = 6,
  exports = 7,
  start = 8,
  element = 9,
  data_count = 12,
  code = 10,
  data = 11,
};

enum class ExternalKind : std::uint8_t { function = 0, table = 1, memory = 2, global = 3 };

// Reads along a span. A read past its end gives zeros and makes ok() false, so that a parser may
// look at the end.
class BinaryReader {
 public:
  explicit BinaryReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint8_t byte();
  std::uint32_t u32();  // LEB128
  std::int32_t s32();   // LEB128, signed
  std::string_view name();
  std::span<const std::uint8_t> take(std::size_t size);
  std::span<const std::uint8_t> rest() { return take(bytes_.size() - at_); }

  std::size_t position() const { return at_; }
  bool at_end() const { return at_ == bytes_.size(); }
  bool ok() const { return ok_; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

void put_u32(Bytes& out, std::uint32_t value);
void put_s32(Bytes& out, std::int32_t value);
void put_bytes(Bytes& out, std::span<const std::uint8_t> bytes);
void put_name(Bytes& out, std::string_view name);
void put_section(Bytes& out, Section id, std::span<const std::uint8_t> content);

struct ModuleSection {
  Section id;
  std::span<const std::uint8_t> content;
};

// The sections of a module in their order, as views into its bytes.
Result<std::vector<ModuleSection>> read_sections(std::span<const std::uint8_t> wasm);

}  // namespace troupe::js
