// Between a snapshot's bytes and its parts: docs/formats/snapshot.md in code. Private to this
// folder.
#pragma once

#include "base/result.h"
#include "guest/snapshot.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <zstd.h>

namespace troupe::guest {

// As in the binary format of modules.
enum class ValueType : std::uint8_t { i32 = 0x7F, i64 = 0x7E, f32 = 0x7D, f64 = 0x7C, v128 = 0x7B };

// Bytes of a value; 0 for what is no such type.
std::size_t bytes_of(ValueType type);

struct GlobalValue {
  ValueType type = ValueType::i32;
  std::array<std::uint8_t, 16> bits{};  // little-endian; those beyond the type's bytes are zero

  bool operator==(const GlobalValue&) const = default;
};

using Digest = std::array<std::uint8_t, 16>;
using ContentHash = std::array<std::uint8_t, 32>;

// Tells damage, not forgery.
Digest checksum_of(std::string_view bytes);

struct SnapshotHeader {
  ContentHash content_hash{};
  Digest base{};
  std::uint32_t memory_pages = 0;  // of 64 KiB
  std::vector<GlobalValue> globals;
};

// The pages of 4 KiB in which two memories differ.
struct Difference {
  std::vector<std::uint32_t> pages;  // ascending
  std::string bytes;                 // XOR, page after page

  void clear();
};

// Keeps what is slow to make between one snapshot and the next. One for each shard; not
// thread-safe.
class SnapshotCodec {
 public:
  SnapshotCodec();
  SnapshotCodec(const SnapshotCodec&) = delete;
  SnapshotCodec& operator=(const SnapshotCodec&) = delete;

  Snapshot encode(const SnapshotHeader& header, const Difference& difference);

  // Both take untrusted snapshots, too. A difference is never larger than the memory that the
  // header speaks of, whose size the caller has checked; its pages lie within it.
  static Result<SnapshotHeader> header(const Snapshot& snapshot);
  Result<void> decode(const Snapshot& snapshot, Difference& difference);

  // To collect and unpack differences in.
  Difference scratch;
  // Gives back what a large snapshot has left behind.
  void tidy();

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ::ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
  };

  std::unique_ptr<ZSTD_CCtx, Free> compressing_;
  std::unique_ptr<ZSTD_DCtx, Free> decompressing_;
  std::string body_;
  std::string packed_;
};

}  // namespace troupe::guest
