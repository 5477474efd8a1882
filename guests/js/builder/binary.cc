#include "guests/js/builder/binary.h"

#include <algorithm>
#include <array>

namespace troupe::js {

namespace {

constexpr std::array<std::uint8_t, 8> preamble{0, 'a', 's', 'm', 1, 0, 0, 0};

}  // namespace

std::uint8_t BinaryReader::byte() {
  if (at_ == bytes_.size()) {
    ok_ = false;
    return 0;
  }
  return bytes_[at_++];
}

std::uint32_t BinaryReader::u32() {
  std::uint32_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    const std::uint8_t next = byte();
    value |= static_cast<std::uint32_t>(next & 0x7f) << shift;
    if (!(next & 0x80)) return value;
  }
  ok_ = false;
  return 0;
}

std::int32_t BinaryReader::s32() {
  std::uint32_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    const std::uint8_t next = byte();
    value |= static_cast<std::uint32_t>(next & 0x7f) << shift;
    if (next & 0x80) continue;
    if (shift + 7 < 32 && (next & 0x40)) value |= ~std::uint32_t{0} << (shift + 7);
    return static_cast<std::int32_t>(value);
  }
  ok_ = false;
  return 0;
}

std::span<const std::uint8_t> BinaryReader::take(std::size_t size) {
  if (size > bytes_.size() - at_) {
    ok_ = false;
    size = 0;
  }
  const auto taken = bytes_.subspan(at_, size);
  at_ += size;
  return taken;
}

std::string_view BinaryReader::name() {
  const auto bytes = take(u32());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void put_u32(Bytes& out, std::uint32_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_s32(Bytes& out, std::int32_t value) {
  for (;;) {
    const auto low = static_cast<std::uint8_t>(value & 0x7f);
    value >>= 7;
    const bool is_last = (value == 0 && !(low & 0x40)) || (value == -1 && (low & 0x40));
    out.push_back(is_last ? low : low | 0x80);
    if (is_last) return;
  }
}

void put_bytes(Bytes& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void put_name(Bytes& out, std::string_view name) {
  put_u32(out, static_cast<std::uint32_t>(name.size()));
  out.insert(out.end(), name.begin(), name.end());
}

void put_section(Bytes& out, Section id, std::span<const std::uint8_t> content) {
  out.push_back(static_cast<std::uint8_t>(id));
  put_u32(out, static_cast<std::uint32_t>(content.size()));
  put_bytes(out, content);
}

Result<std::vector<ModuleSection>> read_sections(std::span<const std::uint8_t> wasm) {
  BinaryReader reader(wasm);
  if (!std::ranges::equal(reader.take(preamble.size()), preamble)) {
    return Error{"not a WebAssembly module of version 1"};
  }
  std::vector<ModuleSection> sections;
  while (!reader.at_end()) {
    const auto id = static_cast<Section>(reader.byte());
    sections.push_back({id, reader.take(reader.u32())});
    if (!reader.ok()) return Error{"the module ends inside a section"};
  }
  return sections;
}

}  // namespace troupe::js
