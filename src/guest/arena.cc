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

Arena::Arena() : own_capacity_(page_bytes) {
  void* mapped = ::mmap(nullptr,
                        own_capacity_,
                        PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                        -1,
                        0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  own_ = static_cast<std::uint8_t*>(mapped);
  bytes_ = own_;
}

Arena::~Arena() {
  leave_window();
  ::munmap(own_, own_capacity_);
}

void Arena::clear(std::size_t bytes_max) {
  leave_window();
  window_ = nullptr;
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
  show();
  return true;
}

std::string_view Arena::settle() {
  if (!in_window_) {
    window_ = nullptr;
    return output();
  }
  const std::uint64_t length = output_length_;
  if (!grow_own(root_bytes + length)) throw std::bad_alloc();
  std::memcpy(own_ + root_bytes, bytes_ + output_, length);
  leave_window();
  window_ = nullptr;
  touch(root_bytes + length);
  reset_books();
  output_ = root_bytes;
  output_length_ = length;
  return output();
}

void Arena::enter_window() {
  std::uint8_t* const bytes = window_->room(size_);
  if (bytes == nullptr) {
    window_ = nullptr;
    return;
  }
  std::memcpy(bytes + root_bytes, own_ + root_bytes, written_ - root_bytes);
  std::memset(own_ + root_bytes, 0, written_ - root_bytes);
  bytes_ = bytes;
  in_window_ = true;
}

void Arena::show() const {
  if (!in_window_) return;
  const auto words = [](std::uint64_t bytes) { return bytes < 8 ? 0 : bytes - 7; };
  const std::uint64_t bytes = std::min(top_, size_) - root_bytes;
  window_->show({.bytes = bytes,
                 .words = words(bytes),
                 .input = input_,
                 .input_bytes = input_length_,
                 .input_words = words(input_length_)});
}

// Its content is lost; the arena's own memory is all zero.
void Arena::leave_window() {
  if (!in_window_) return;
  window_->leave(used());
  in_window_ = false;
  bytes_ = own_;
  written_ = root_bytes;
}

Arena::Handle Arena::alloc(std::uint64_t length) {
  if (length == 0 || length > bytes_max_) return 0;
  if (window_ != nullptr && !in_window_ && top_ + length > window_from_bytes) enter_window();
  if (top_ + length > size_) {
    // Like the kernel: blocks freed before are used again only where there would else be growth.
    if (Block* block = reusable(length)) {
      block->used = length;
      block->active = true;
      --freed_;
      show();
      return block->offset;
    }
    if (!grow(top_ + length)) return 0;
  }
  const Handle offset = top_;
  blocks_.push_back({offset, length, length, true});
  // One byte at least is between two blocks, so that the end of one is not the handle of the next.
  top_ = round_up(offset + length + 1, alignment);
  show();
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
  if (in_window_ && window_->room(size) == nullptr) {
    if (!grow_own(size)) return false;
    const std::uint64_t written = used();
    std::memcpy(own_ + root_bytes, bytes_ + root_bytes, written - root_bytes);
    leave_window();
    window_ = nullptr;
    written_ = written;
  }
  if (!in_window_ && !grow_own(size)) return false;
  size_ = size;
  return true;
}

bool Arena::grow_own(std::uint64_t size) {
  if (size <= own_capacity_) return true;
  const std::size_t capacity =
      std::max<std::size_t>(size, std::min<std::size_t>(2 * own_capacity_, bytes_max_));
  void* moved = ::mremap(own_, own_capacity_, capacity, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) return false;
  if (!in_window_) bytes_ = static_cast<std::uint8_t*>(moved);
  own_ = static_cast<std::uint8_t*>(moved);
  own_capacity_ = capacity;
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
  if (block == input_) {
    input_length_ = 0;
    show();
  }
}

std::uint64_t Arena::length(Handle block) const {
  const Block* found = find(block);
  return found == nullptr ? 0 : found->used;
}

void Arena::input_set(Handle block, std::uint64_t length) {
  if (!range_within(block, length)) return;
  input_ = block;
  input_length_ = length;
  show();
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
  if (used() != root_bytes) std::memset(bytes_ + root_bytes, 0, used() - root_bytes);
  written_ = root_bytes;
  reset_books();
  show();
}

void Arena::reset_books() {
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
