// Extism's memory: the blocks through which a guest and its host hand each other bytes.
//
// The guest has no pointer into it; it reads and writes by calling functions (extism.cc), a byte or
// eight at a time, and names a block by its offset, its handle. What this class does is what
// Extism's own kernel does, in C++ instead of WebAssembly. Offsets begin above zero, and the books
// about blocks are kept beside the bytes, where no guest can write.
//
// The blocks of a small call lie in memory of the arena's own. When they become large they move
// to the guest's window, if it has one: a memory that its module reads and writes without calling
// (arena_access.h). Offsets stay what they are, so the guest does not notice.
//
// One arena serves one call in flight; it is used again, by another actor, once it has been
// cleared. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace troupe::guest {

class Arena {
 public:
  using Handle = std::uint64_t;

  // The kernel keeps its own words in the first 64 bytes after address 0; guests never see them.
  static constexpr std::size_t root_bytes = 64;
  // From so many bytes on, the blocks of a call move to the window: below, getting there and back
  // costs about as much as calling for them, and the instance would keep a page for it
  // (docs/adr/0020).
  static constexpr std::size_t window_from_bytes = 4096;

  Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  // Whom growth is paid to.
  class Ledger {
   public:
    // False when so many pages of 64 KiB are not to be had.
    virtual bool take(std::uint64_t pages) = 0;

   protected:
    ~Ledger() = default;
  };

  // A memory whose bytes have the addresses of the blocks, for one call at a time. All of it is
  // zero while no call uses it.
  class Window {
   public:
    // What the guest reaches without asking: the first is counted from root_bytes, the words are
    // those of eight bytes.
    struct Reach {
      std::uint64_t bytes = 0;
      std::uint64_t words = 0;
      std::uint64_t input = 0;
      std::uint64_t input_bytes = 0;
      std::uint64_t input_words = 0;
    };

    // At least so many bytes, where they are until the call's end; null when they are not to be
    // had.
    virtual std::uint8_t* room(std::uint64_t bytes) = 0;
    virtual void show(const Reach& reach) = 0;
    // No call uses it any more; the last one has changed so many bytes at most.
    virtual void leave(std::uint64_t used) = 0;

   protected:
    ~Window() = default;
  };

  // As new, for a call that may use so much: nothing of the last one can be read or noticed.
  void clear(std::size_t bytes_max);
  // The same, when the bound is the ledger's: pages beyond those that were paid for are asked of
  // it. The first page costs nothing.
  void clear(Ledger& ledger, std::uint64_t pages_paid);
  // What has been paid, in all.
  std::uint64_t pages_paid() const { return paid_bytes_ / page_bytes - 1; }
  // Bytes it holds on to.
  std::size_t capacity() const { return own_capacity_ + blocks_.capacity() * sizeof(Block); }

  // Where the blocks may go from here on. The window must live until settle() or clear().
  void use(Window& window) { window_ = &window; }
  // At the call's end: leaves the window, forgets all blocks, and gives the output, which now lies
  // in memory of the arena's own.
  std::string_view settle();

  // Makes the concatenation of the pieces the input, the first block. False when it does not fit.
  bool set_input(std::span<const std::string_view> pieces);

  // The functions of the kernel, by its names.
  Handle alloc(std::uint64_t length);
  void free(Handle block);
  std::uint64_t length(Handle block) const;
  std::uint8_t load_u8(std::uint64_t at) const { return within(at, 1) ? bytes_[at] : 0; }
  std::uint64_t load_u64(std::uint64_t at) const {
    std::uint64_t value = 0;
    if (within(at, sizeof value)) std::memcpy(&value, bytes_ + at, sizeof value);
    return value;
  }
  void store_u8(std::uint64_t at, std::uint8_t value) {
    if (!within(at, 1)) return;
    bytes_[at] = value;
    touch(at + 1);
  }
  void store_u64(std::uint64_t at, std::uint64_t value) {
    if (!within(at, sizeof value)) return;
    std::memcpy(bytes_ + at, &value, sizeof value);
    touch(at + sizeof value);
  }
  void input_set(Handle block, std::uint64_t length);
  Handle input_offset() const { return input_; }
  std::uint64_t input_length() const { return input_length_; }
  std::uint8_t input_load_u8(std::uint64_t at) const {
    return at < input_length_ ? bytes_[input_ + at] : 0;
  }
  std::uint64_t input_load_u64(std::uint64_t at) const {
    std::uint64_t value = 0;
    if (at < input_length_ && input_length_ - at >= sizeof value) {
      std::memcpy(&value, bytes_ + input_ + at, sizeof value);
    }
    return value;
  }
  void output_set(std::uint64_t at, std::uint64_t length);
  std::uint64_t output_offset() const { return output_; }
  std::uint64_t output_length() const { return output_length_; }
  void error_set(Handle block);
  Handle error_get() const { return error_; }
  void reset();
  std::uint64_t memory_bytes() const { return size_ - root_bytes; }

  // A new block with these bytes: its handle; 0 for no bytes, and when there is no room.
  Handle put(std::string_view bytes);
  // The bytes of a block; empty for what is no block.
  std::string_view block(Handle block) const;
  std::span<std::uint8_t> bytes(Handle block);  // to be written
  std::string_view output() const { return view(output_, output_length_); }
  std::string_view error() const { return block(error_); }

 private:
  static constexpr std::size_t page_bytes = 65536;
  static constexpr std::size_t alignment = 16;

  struct Block {
    std::uint64_t offset;
    std::uint64_t size;  // room
    std::uint64_t used;  // length; less than the room when the block was used before
    bool active;
  };

  // Whether [at, at + length) lies in the memory; length is small.
  bool within(std::uint64_t at, std::uint64_t length) const {
    return at >= root_bytes && at <= size_ - length;
  }
  bool range_within(std::uint64_t at, std::uint64_t length) const {
    return at >= root_bytes && at < size_ && length <= size_ - at;
  }
  std::string_view view(std::uint64_t at, std::uint64_t length) const {
    return {reinterpret_cast<const char*>(bytes_) + at, length};
  }
  void touch(std::uint64_t end) {
    if (end > written_) written_ = end;
  }
  const Block* find(Handle block) const;
  Block* reusable(std::uint64_t length);
  bool grow(std::uint64_t end);
  bool grow_own(std::uint64_t size);
  // Zero from here on. In the window the guest writes without our knowing, up to the last block's
  // end.
  std::uint64_t used() const {
    return in_window_ ? std::max(written_, std::min(top_, size_)) : written_;
  }
  void reset_books();
  void enter_window();
  void show() const;
  void leave_window();

  // Where the blocks lie: own_, or the window.
  std::uint8_t* bytes_ = nullptr;
  bool in_window_ = false;
  Window* window_ = nullptr;  // null where there is none, or no room in it
  // Mapped, so that pages never touched cost nothing; zero from written_ on, and all zero while the
  // blocks are in the window.
  std::uint8_t* own_ = nullptr;
  std::size_t own_capacity_ = 0;
  std::uint64_t size_ = page_bytes;  // what the guest may touch
  std::uint64_t bytes_max_ = page_bytes;
  Ledger* ledger_ = nullptr;
  std::uint64_t paid_bytes_ = page_bytes;
  std::uint64_t top_ = root_bytes;  // where the next block begins
  std::uint64_t written_ = root_bytes;
  std::vector<Block> blocks_;  // in the order of their offsets
  std::size_t freed_ = 0;      // blocks that are not active
  Handle input_ = 0;
  std::uint64_t input_length_ = 0;
  std::uint64_t output_ = 0;
  std::uint64_t output_length_ = 0;
  Handle error_ = 0;
};

}  // namespace troupe::guest
