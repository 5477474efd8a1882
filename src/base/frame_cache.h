// Memory for coroutine frames, kept from one call to the next.
//
// An event passes through the same few coroutines each time, one within the other, and most of
// their frames are too large for what malloc keeps at hand for a thread. A frame that ends is kept
// here for the next of its size; one that ends on another thread than it began stays with that
// thread. Any thread may use it; each has its own.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace troupe {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

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
    if (spare.first == nullptr) return ::operator new((class_of(size) + 1) * step);
    Kept* kept = spare.first;
    spare.first = kept->next;
    --spare.count;
    return kept;
  }

  static void release(void* frame, std::size_t size) noexcept {
    if (size > cached_bytes_max) return ::operator delete(frame);
    Spare& spare = mine().spare_[class_of(size)];
    if (spare.count == kept_max) return ::operator delete(frame);
    spare.first = new (frame) Kept{spare.first};
    ++spare.count;
  }

  ~FrameCache() {
    for (Spare& spare : spare_) {
      while (spare.first != nullptr) {
        void* frame = spare.first;
        spare.first = spare.first->next;
        ::operator delete(frame);
      }
      spare.count = kept_max;  // what ends after this is not kept
    }
  }

 private:
  static constexpr std::size_t step = 128;
  static constexpr std::size_t cached_bytes_max = std::size_t{4} << 10;
  static constexpr std::size_t kept_max = 16;  // of each size

  struct Kept {
    Kept* next;
  };
  struct Spare {
    Kept* first = nullptr;
    std::size_t count = 0;
  };

  static std::size_t class_of(std::size_t size) { return (size - 1) / step; }
  static FrameCache& mine() {
    static thread_local constinit FrameCache cache;
    return cache;
  }

  constexpr FrameCache() = default;

  std::array<Spare, cached_bytes_max / step> spare_{};
};

#endif

}  // namespace troupe
