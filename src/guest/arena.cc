#include "guest/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cassert>
#include <new>

namespace troupe::guest {

namespace {

// What an i32 could address in Extism's kernel.
constexpr std::uint64_t addresses_max = std::uint64_t{4} << 30;

// Below this an excess stays with the block that is used again; above, it becomes a block of its
// own.
constexpr std::uint64_t split_bytes = 128;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

Arena::Arena() : capacity_(page_bytes) {
  void* mapped = ::mmap(nullptr,
                        capacity_,
                        PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                        -1,
                        0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  bytes_ = static_cast<std::uint8_t*>(mapped);
}

Arena::~Arena() {
  ::munmap(bytes_, capacity_);
}

void Arena::clear(std::size_t bytes_max) {
  reset();
  size_ = page_bytes;
  bytes_max_ = std::max<std::uint64_t>(bytes_max, page_bytes);
  ledger_ = nullptr;
}

void Arena::clear(Ledger& ledger, std::uint64_t pages_paid) {
  clear(addresses_max);
  ledger_ = &ledger;
  paid_bytes_ = (1 + pages_paid) * page_bytes;
}

bool Arena::set_input(std::span<const std::string_view> pieces) {
  assert(blocks_.empty() && "the input is the first block of a call");
  std::uint64_t length = 0;
  for (const std::string_view piece : pieces) length += piece.size();
  if (length == 0) return true;
  const Handle block = alloc(length);
  if (block == 0) return false;
  std::uint8_t* to = bytes_ + block;
  for (const std::string_view piece : pieces) {
    if (piece.empty()) continue;
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  }
  touch(block + length);
  input_ = block;
  input_length_ = length;
  return true;
}

Arena::Handle Arena::alloc(std::uint64_t length) {
  if (length == 0 || length > bytes_max_) return 0;
  if (top_ + length > size_) {
    // Like the kernel: blocks freed before are used again only where there would else be growth.
    if (Block* block = reusable(length)) {
      block->used = length;
      block->active = true;
      --freed_;
      return block->offset;
    }
    if (!grow(top_ + length)) return 0;
  }
  const Handle offset = top_;
  blocks_.push_back({offset, length, length, true});
  // One byte at least is between two blocks, so that the end of one is not the handle of the next.
  top_ = round_up(offset + length + 1, alignment);
  return offset;
}

Arena::Block* Arena::reusable(std::uint64_t length) {
  if (freed_ == 0) return nullptr;
  for (auto block = blocks_.begin(); block != blocks_.end(); ++block) {
    if (block->active || block->size < length) continue;
    const std::uint64_t rest = round_up(length + 1, alignment);
    if (block->size < rest + split_bytes) return &*block;
    const std::uint64_t end = block->offset + block->size;
    const std::uint64_t second = block->offset + rest;
    block->size = length;
    ++freed_;
    block = blocks_.insert(block + 1, {second, end - second, 0, false}) - 1;
    return &*block;
  }
  return nullptr;
}

bool Arena::grow(std::uint64_t end) {
  const std::uint64_t size = round_up(end, page_bytes);
  if (size > bytes_max_) return false;
  if (ledger_ != nullptr && size > paid_bytes_) {
    if (!ledger_->take((size - paid_bytes_) / page_bytes)) return false;
    paid_bytes_ = size;
  }
  if (size > capacity_) {
    const std::size_t capacity =
        std::max<std::size_t>(size, std::min<std::size_t>(2 * capacity_, bytes_max_));
    void* moved = ::mremap(bytes_, capacity_, capacity, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) return false;
    bytes_ = static_cast<std::uint8_t*>(moved);
    capacity_ = capacity;
  }
  size_ = size;
  return true;
}

const Arena::Block* Arena::find(Handle block) const {
  // Guests ask about what they got last.
  if (!blocks_.empty() && blocks_.back().offset == block) {
    return blocks_.back().active ? &blocks_.back() : nullptr;
  }
  const auto found = std::lower_bound(
      blocks_.begin(), blocks_.end(), block, [](const Block& a, Handle b) { return a.offset < b; });
  if (found == blocks_.end() || found->offset != block || !found->active) return nullptr;
  return &*found;
}

void Arena::free(Handle block) {
  const Block* found = find(block);
  if (found == nullptr) return;
  blocks_[static_cast<std::size_t>(found - blocks_.data())].active = false;
  ++freed_;
  if (block == input_) input_length_ = 0;
}

std::uint64_t Arena::length(Handle block) const {
  const Block* found = find(block);
  return found == nullptr ? 0 : found->used;
}

void Arena::input_set(Handle block, std::uint64_t length) {
  if (!range_within(block, length)) return;
  input_ = block;
  input_length_ = length;
}

void Arena::output_set(std::uint64_t at, std::uint64_t length) {
  if (!range_within(at, length)) return;
  output_ = at;
  output_length_ = length;
}

void Arena::error_set(Handle block) {
  if (block != 0 && !range_within(block, 1)) return;
  error_ = block;
}

void Arena::reset() {
  if (written_ != root_bytes) std::memset(bytes_ + root_bytes, 0, written_ - root_bytes);
  written_ = root_bytes;
  top_ = root_bytes;
  blocks_.clear();
  freed_ = 0;
  input_ = 0;
  input_length_ = 0;
  output_ = 0;
  output_length_ = 0;
  error_ = 0;
}

Arena::Handle Arena::put(std::string_view bytes) {
  const Handle block = alloc(bytes.size());
  if (block == 0) return 0;
  std::memcpy(bytes_ + block, bytes.data(), bytes.size());
  touch(block + bytes.size());
  return block;
}

std::span<std::uint8_t> Arena::bytes(Handle block) {
  const Block* found = find(block);
  if (found == nullptr) return {};
  touch(found->offset + found->used);
  return {bytes_ + found->offset, found->used};
}

std::string_view Arena::block(Handle block) const {
  const Block* found = find(block);
  return found == nullptr ? std::string_view{} : view(found->offset, found->used);
}

}  // namespace troupe::guest
