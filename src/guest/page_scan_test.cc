// No page that was written to is missed, whichever way the kernel is asked.
#include "guest/page_scan.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <random>
#include <unistd.h>

namespace troupe::guest {
namespace {

constexpr std::size_t memory_pages = 1024;

// Like a guest's memory: the first half is of a file, the second of none.
class Memory {
 public:
  Memory() {
    file_ = ::memfd_create("troupe-test", MFD_CLOEXEC);
    EXPECT_EQ(::ftruncate(file_, memory_pages / 2 * page_bytes), 0);
    void* mapped = ::mmap(nullptr,
                          memory_pages * page_bytes,
                          PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS,
                          -1,
                          0);
    ::mmap(mapped,
           memory_pages / 2 * page_bytes,
           PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_FIXED,
           file_,
           0);
    bytes = {static_cast<std::uint8_t*>(mapped), memory_pages * page_bytes};
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    ::munmap(bytes.data(), bytes.size());
    ::close(file_);
  }

  std::span<std::uint8_t> bytes;

 private:
  int file_;
};

TEST(PageScan, MissesNoPageThatWasWrittenTo) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const PageScan::Method method : {PageScan::Method::ask_kernel,
                                        PageScan::Method::read_pagemap,
                                        PageScan::Method::all_pages}) {
    const PageScan scan(method);
    for (const int touched : {0, 1, 40, 900}) {
      Memory memory;
      std::vector<std::uint32_t> written;
      for (int i = 0; i < touched; ++i) {
        const auto page = static_cast<std::uint32_t>(random() % memory_pages);
        memory.bytes[page * page_bytes + random() % page_bytes] = 1;
        written.push_back(page);
        // Reading is no writing, but may look like it.
        volatile std::uint8_t read = memory.bytes[random() % memory.bytes.size()];
        static_cast<void>(read);
      }
      std::ranges::sort(written);
      const auto [end, last] = std::ranges::unique(written);
      written.erase(end, last);
      std::vector<std::uint32_t> named;
      scan.append_touched(memory.bytes, named);
      EXPECT_TRUE(std::ranges::is_sorted(named));
      EXPECT_TRUE(std::ranges::includes(named, written));
      EXPECT_LE(named.size(), memory_pages);
    }
  }
}

TEST(PageScan, NamesFewPagesWhereTheKernelAnswers) {
  const PageScan scan;
  if (scan.method() == PageScan::Method::all_pages) GTEST_SKIP() << "this kernel does not answer";
  Memory memory;
  memory.bytes[7 * page_bytes] = 1;
  std::vector<std::uint32_t> named;
  scan.append_touched(memory.bytes, named);
  EXPECT_LT(named.size(), memory_pages / 4);
}

}  // namespace
}  // namespace troupe::guest
