// Memory for coroutine frames and for what turns show, kept from one event to the next.
//
// An event passes through the same few coroutines each time, one within the other, and most of
// their frames are too large for what malloc keeps at hand for a thread; what is shown waits for
// the journal, and there is more of it than malloc keeps. What ends is kept here for the next of
// its size; what ends on another thread than it began stays with that thread. Any thread may use
// it; each has its own.
#pragma once

#include "base/sanitized.h"

#include <array>
#include <cstddef>
#include <new>

namespace troupe {

#ifdef TROUPE_SANITIZED

// So that a frame used after its end is seen.
class FrameCache {
 public:
  static void* allocate(std::size_t size) { return ::operator new(size); }
  static void release(void* frame, std::size_t size) noexcept { ::operator delete(frame, size); }
};

#else

class FrameCache {
 public:
  static void* allocate(std::size_t size) {
    if (size > cached_bytes_max) return ::operator new(size);
    Spare& spare = mine().spare_[class_of(size)];
    if (spare.first == nullptr) return ::operator new(bytes_of(size));
    Kept* kept = spare.first;
    spare.first = kept->next;
    spare.bytes -= bytes_of(size);
    return kept;
  }

  static void release(void* frame, std::size_t size) noexcept {
    if (size > cached_bytes_max) return ::operator delete(frame);
    Spare& spare = mine().spare_[class_of(size)];
    if (spare.bytes + bytes_of(size) > kept_bytes_max) return ::operator delete(frame);
    spare.first = new (frame) Kept{spare.first};
    spare.bytes += bytes_of(size);
  }

  ~FrameCache() {
    for (Spare& spare : spare_) {
      while (spare.first != nullptr) {
        void* frame = spare.first;
        spare.first = spare.first->next;
        ::operator delete(frame);
      }
      spare.bytes = kept_bytes_max;  // what ends after this is not kept
    }
  }

 private:
  static constexpr std::size_t step = 128;
  static constexpr std::size_t cached_bytes_max = std::size_t{4} << 10;
  static constexpr std::size_t kept_bytes_max = std::size_t{64} << 10;  // of each size

  struct Kept {
    Kept* next;
  };
  struct Spare {
    Kept* first = nullptr;
    std::size_t bytes = 0;
  };

  static std::size_t class_of(std::size_t size) { return (size - 1) / step; }
  static std::size_t bytes_of(std::size_t size) { return (class_of(size) + 1) * step; }
  static FrameCache& mine() {
    static thread_local constinit FrameCache cache;
    return cache;
  }

  constexpr FrameCache() = default;

  std::array<Spare, cached_bytes_max / step> spare_{};
};

#endif

// For containers.
template <class T>
struct FrameAllocator {
  using value_type = T;

  FrameAllocator() = default;
  template <class Other>
  FrameAllocator(const FrameAllocator<Other>&) noexcept {}

  T* allocate(std::size_t count) {
    return static_cast<T*>(FrameCache::allocate(count * sizeof(T)));
  }
  void deallocate(T* first, std::size_t count) noexcept {
    FrameCache::release(first, count * sizeof(T));
  }
  friend bool operator==(const FrameAllocator&, const FrameAllocator&) { return true; }
};

}  // namespace troupe
