// Bytes that are no snapshot are refused; those that are lead nothing astray. The checksum is made
// right first, so that what lies behind it is reached.
#include "fuzz/check.h"
#include "guest/page_scan.h"
#include "guest/snapshot_codec.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

using namespace troupe::guest;

namespace {

constexpr std::size_t checksum_at = 8;
constexpr std::size_t checksum_end = 24;
constexpr std::uint32_t memory_pages_max = 64;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static SnapshotCodec codec;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size >= checksum_end) {
    const Digest sum = checksum_of(std::string_view(bytes).substr(checksum_end));
    std::memcpy(bytes.data() + checksum_at, sum.data(), sum.size());
  }
  const auto snapshot = Snapshot::read(std::move(bytes));
  if (snapshot.has_error()) return 0;
  const auto header = SnapshotCodec::header(*snapshot);
  check(header.has_value());
  // Who restores bounds the memory before the body is unpacked.
  if (header->memory_pages > memory_pages_max) return 0;
  Difference difference;
  if (codec.decode(*snapshot, difference).has_error()) return 0;
  check(difference.bytes.size() == difference.pages.size() * page_bytes);
  check(std::ranges::adjacent_find(difference.pages, std::greater_equal<>()) ==
        difference.pages.end());
  check(difference.pages.empty() || difference.pages.back() < header->memory_pages * 16);
  // What was read is written as something that reads the same.
  const Snapshot again = codec.encode(*header, difference);
  Difference same;
  check(codec.decode(again, same).has_value());
  check(same.pages == difference.pages && same.bytes == difference.bytes);
  check(SnapshotCodec::header(again)->globals == header->globals);
  return 0;
}
