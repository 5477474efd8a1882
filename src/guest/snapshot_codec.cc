#include "guest/snapshot_codec.h"

#include "guest/binary.h"
#include "guest/page_scan.h"
#include "guest/state_exports.h"

#include <sodium/crypto_shorthash.h>
#include <sodium/crypto_shorthash_siphash24.h>

#include <bit>
#include <cassert>
#include <cstring>
#include <new>

namespace troupe::guest {

namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers and globals are written as they are in memory");

constexpr std::string_view magic = "TRSN";
constexpr std::uint32_t format_version = 1;
constexpr std::size_t version_at = 4;
constexpr std::size_t checksum_at = 8;
constexpr std::size_t content_hash_at = 24;
constexpr std::size_t base_at = 56;
constexpr std::size_t memory_pages_at = 72;
constexpr std::size_t pages_at = 76;
constexpr std::size_t globals_at = 80;
constexpr std::size_t header_bytes = 84;

constexpr std::size_t wasm_page_bytes = 65536;
constexpr std::size_t pages_in_wasm_page = wasm_page_bytes / page_bytes;
constexpr std::uint32_t memory_pages_max = 65536;  // what 32 bits address
// A gap between pages, in LEB128.
constexpr std::size_t gap_bytes_max = 5;

// What is compressed is mostly zeroes: the levels from 1 on, which code the literals too, take
// twice the time for a hundredth of the size.
constexpr int compression_level = -1;
// Scratch that is kept for the next snapshot.
constexpr std::size_t scratch_bytes_max = std::size_t{1} << 20;

static_assert(sizeof(Digest) == crypto_shorthash_siphashx24_BYTES);

template <class T>
T value_at(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void set_checksum(std::string& bytes) {
  const Digest sum = checksum_of(std::string_view(bytes).substr(content_hash_at));
  std::memcpy(bytes.data() + checksum_at, sum.data(), sum.size());
}

Error damaged(std::string_view what) {
  return Error{"the snapshot is damaged: " + std::string(what)};
}

void release_if_large(std::string& text) {
  if (text.capacity() > scratch_bytes_max) std::string().swap(text);
}

}  // namespace

std::size_t bytes_of(ValueType type) {
  switch (type) {
    case ValueType::i32:
    case ValueType::f32:
      return 4;
    case ValueType::i64:
    case ValueType::f64:
      return 8;
    case ValueType::v128:
      return 16;
  }
  return 0;
}

Digest checksum_of(std::string_view bytes) {
  static constexpr std::array<unsigned char, crypto_shorthash_siphashx24_KEYBYTES> key{};
  Digest sum;
  ::crypto_shorthash_siphashx24(
      sum.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), key.data());
  return sum;
}

void Difference::clear() {
  pages.clear();
  bytes.clear();
}

Result<Snapshot> Snapshot::read(std::string bytes) {
  if (!bytes.starts_with(magic)) return Error{"these bytes are no snapshot of a guest's memory"};
  if (bytes.size() < header_bytes) return damaged("it ends within its header");
  const auto version = value_at<std::uint32_t>(bytes, version_at);
  if (version != format_version) {
    return Error{"the snapshot has version " + std::to_string(version) +
                 " of its format; this program reads version " + std::to_string(format_version)};
  }
  if (value_at<Digest>(bytes, checksum_at) !=
      checksum_of(std::string_view(bytes).substr(content_hash_at))) {
    return damaged("its checksum is wrong");
  }
  Snapshot snapshot(std::move(bytes));
  TRY_VOID(SnapshotCodec::header(snapshot));
  return snapshot;
}

std::uint32_t Snapshot::memory_pages() const {
  return value_at<std::uint32_t>(bytes_, memory_pages_at);
}

SnapshotCodec::SnapshotCodec()
    : compressing_(::ZSTD_createCCtx()), decompressing_(::ZSTD_createDCtx()) {
  if (compressing_ == nullptr || decompressing_ == nullptr) throw std::bad_alloc();
}

Snapshot SnapshotCodec::encode(const SnapshotHeader& header, const Difference& difference) {
  assert(difference.bytes.size() == difference.pages.size() * page_bytes &&
         "each differing page comes with its bytes");
  std::size_t packed = 0;
  if (!difference.pages.empty()) {
    body_.clear();
    std::uint32_t next = 0;
    for (const std::uint32_t page : difference.pages) {
      binary::put_number(body_, page - next);
      next = page + 1;
    }
    body_ += difference.bytes;
    packed_.resize(::ZSTD_compressBound(body_.size()));
    packed = ::ZSTD_compressCCtx(compressing_.get(),
                                 packed_.data(),
                                 packed_.size(),
                                 body_.data(),
                                 body_.size(),
                                 compression_level);
    assert(!::ZSTD_isError(packed) && "there is room for the worst case");
  }
  std::size_t bytes = header_bytes + packed;
  for (const GlobalValue& global : header.globals) bytes += 1 + bytes_of(global.type);

  std::string out;
  out.reserve(bytes);
  out += magic;
  put(out, format_version);
  put(out, Digest{});
  put(out, header.content_hash);
  put(out, header.base);
  put(out, header.memory_pages);
  put(out, static_cast<std::uint32_t>(difference.pages.size()));
  put(out, static_cast<std::uint32_t>(header.globals.size()));
  for (const GlobalValue& global : header.globals) {
    put(out, global.type);
    out.append(reinterpret_cast<const char*>(global.bits.data()), bytes_of(global.type));
  }
  out.append(packed_, 0, packed);
  set_checksum(out);
  return Snapshot(std::move(out));
}

namespace {

// The header, and what comes after it.
Result<std::pair<SnapshotHeader, std::string_view>> split(std::string_view bytes) {
  SnapshotHeader header;
  header.content_hash = value_at<ContentHash>(bytes, content_hash_at);
  header.base = value_at<Digest>(bytes, base_at);
  header.memory_pages = value_at<std::uint32_t>(bytes, memory_pages_at);
  if (header.memory_pages > memory_pages_max)
    return damaged("it has more memory than there can be");
  const std::size_t pages = value_at<std::uint32_t>(bytes, pages_at);
  if (pages > header.memory_pages * pages_in_wasm_page) {
    return damaged("it has more pages than its memory");
  }
  const std::size_t globals = value_at<std::uint32_t>(bytes, globals_at);
  if (globals > captured_globals_max) return damaged("it has more globals than a module may have");
  bytes.remove_prefix(header_bytes);
  for (std::size_t i = 0; i < globals; ++i) {
    if (bytes.empty()) return damaged("it ends within its globals");
    GlobalValue global{.type = static_cast<ValueType>(bytes.front())};
    const std::size_t size = bytes_of(global.type);
    if (size == 0) return damaged("it has a global of a type that is not known here");
    if (bytes.size() < 1 + size) return damaged("it ends within its globals");
    std::memcpy(global.bits.data(), bytes.data() + 1, size);
    header.globals.push_back(global);
    bytes.remove_prefix(1 + size);
  }
  return std::pair(std::move(header), bytes);
}

}  // namespace

Result<SnapshotHeader> SnapshotCodec::header(const Snapshot& snapshot) {
  TRY(auto parts, split(snapshot.bytes_));
  return std::move(parts.first);
}

Result<void> SnapshotCodec::decode(const Snapshot& snapshot, Difference& difference) {
  difference.clear();
  TRY(const auto parts, split(snapshot.bytes_));
  const auto& [header, packed] = parts;
  const std::size_t count = value_at<std::uint32_t>(snapshot.bytes_, pages_at);
  if (count == 0) {
    if (!packed.empty()) return damaged("it has a body, but no pages");
    return {};
  }
  const unsigned long long size = ::ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
      size < count * (page_bytes + 1) || size > count * (page_bytes + gap_bytes_max)) {
    return damaged("its body is not as long as its pages");
  }
  body_.resize(size);
  const std::size_t unpacked = ::ZSTD_decompressDCtx(
      decompressing_.get(), body_.data(), body_.size(), packed.data(), packed.size());
  if (::ZSTD_isError(unpacked) || unpacked != size) {
    return damaged("its body cannot be decompressed");
  }
  binary::Reader in(body_);
  const std::uint64_t end = std::uint64_t{header.memory_pages} * pages_in_wasm_page;
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t gap = in.number();
    if (!in.ok() || gap >= end - next) return damaged("it has a page beyond its memory");
    next += gap + 1;
    difference.pages.push_back(static_cast<std::uint32_t>(next - 1));
  }
  const std::string_view pages = in.take(count * page_bytes);
  if (!in.ok() || !in.at_end()) return damaged("its body is not as long as its pages");
  difference.bytes = pages;
  return {};
}

void SnapshotCodec::tidy() {
  for (std::string* text : {&body_, &packed_, &scratch.bytes}) release_if_large(*text);
}

}  // namespace troupe::guest
