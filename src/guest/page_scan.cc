#include "guest/page_scan.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace troupe::guest {

namespace {

// From linux/fs.h of Linux 6.7, which Debian 12's headers do not have yet.
struct Region {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t categories;
};
struct ScanArguments {
  std::uint64_t size;
  std::uint64_t flags;
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t walk_end;  // how far it came
  std::uint64_t regions;
  std::uint64_t regions_count;
  std::uint64_t pages_max;
  std::uint64_t category_inverted;
  std::uint64_t category_mask;
  std::uint64_t category_any_of;
  std::uint64_t return_mask;
};
constexpr unsigned long scan_request = _IOWR('f', 16, ScanArguments);
constexpr std::uint64_t is_file = 1U << 2;
constexpr std::uint64_t is_present = 1U << 3;
constexpr std::uint64_t is_swapped = 1U << 4;
constexpr std::uint64_t is_zero_page = 1U << 5;

// Of a word in /proc/self/pagemap.
constexpr std::uint64_t word_present_or_swapped = std::uint64_t{3} << 62;
constexpr std::uint64_t word_file = std::uint64_t{1} << 61;

constexpr std::size_t regions_at_once = 256;
constexpr std::size_t words_at_once = 512;

std::size_t kernel_page_bytes() {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

std::uint64_t address_of(std::span<const std::uint8_t> memory) {
  return reinterpret_cast<std::uintptr_t>(memory.data());
}

// The kernel's pages may be larger than ours.
void append_range(std::uint64_t begin, std::uint64_t end, std::vector<std::uint32_t>& pages) {
  for (std::uint64_t at = begin; at < end; at += page_bytes) {
    pages.push_back(static_cast<std::uint32_t>(at / page_bytes));
  }
}

}  // namespace

PageScan::PageScan()
    : pagemap_(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)), method_(Method::all_pages) {
  for (const Method method : {Method::ask_kernel, Method::read_pagemap}) {
    method_ = method;
    if (works()) return;
  }
  method_ = Method::all_pages;
}

PageScan::PageScan(Method method)
    : pagemap_(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)), method_(method) {}

// Tried on a memory whose first page alone is touched.
bool PageScan::works() const {
  constexpr std::size_t bytes = 65536;
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return false;
  const std::span probe(static_cast<std::uint8_t*>(mapped), bytes);
  probe[0] = 1;
  std::vector<std::uint32_t> pages;
  const bool answered =
      method_ == Method::ask_kernel ? ask_kernel(probe, pages) : read_pagemap(probe, pages);
  ::munmap(mapped, bytes);
  return answered && !pages.empty() && pages.front() == 0;
}

void PageScan::append_touched(std::span<const std::uint8_t> memory,
                              std::vector<std::uint32_t>& pages) const {
  const std::size_t before = pages.size();
  if (method_ == Method::ask_kernel && ask_kernel(memory, pages)) return;
  pages.resize(before);
  if (method_ == Method::read_pagemap && read_pagemap(memory, pages)) return;
  pages.resize(before);
  append_range(0, memory.size(), pages);
}

bool PageScan::ask_kernel(std::span<const std::uint8_t> memory,
                          std::vector<std::uint32_t>& pages) const {
  const std::uint64_t begin = address_of(memory);
  std::array<Region, regions_at_once> regions;
  ScanArguments arguments{
      .size = sizeof arguments,
      .begin = begin,
      .end = begin + memory.size(),
      .regions = reinterpret_cast<std::uintptr_t>(regions.data()),
      .regions_count = regions.size(),
      // Neither of a file nor the zero page, and present or swapped.
      .category_inverted = is_file | is_zero_page,
      .category_mask = is_file | is_zero_page,
      .category_any_of = is_present | is_swapped,
      .return_mask = is_present,
  };
  while (arguments.begin < arguments.end) {
    const int count = ::ioctl(pagemap_.get(), scan_request, &arguments);
    if (count < 0) return false;
    for (const Region& region : std::span(regions).first(static_cast<std::size_t>(count))) {
      append_range(region.begin - begin, region.end - begin, pages);
    }
    if (arguments.walk_end <= arguments.begin) return false;
    arguments.begin = arguments.walk_end;
  }
  return true;
}

bool PageScan::read_pagemap(std::span<const std::uint8_t> memory,
                            std::vector<std::uint32_t>& pages) const {
  const std::size_t size = kernel_page_bytes();
  const std::size_t first = address_of(memory) / size;
  const std::size_t count = memory.size() / size;
  std::array<std::uint64_t, words_at_once> words;
  for (std::size_t done = 0; done < count;) {
    const std::size_t wanted = std::min(words.size(), count - done);
    const ssize_t got = ::pread(pagemap_.get(),
                                words.data(),
                                wanted * sizeof words[0],
                                static_cast<off_t>((first + done) * sizeof words[0]));
    if (got != static_cast<ssize_t>(wanted * sizeof words[0])) return false;
    for (std::size_t i = 0; i < wanted; ++i) {
      const bool own = (words[i] & word_present_or_swapped) != 0 && (words[i] & word_file) == 0;
      if (own) append_range((done + i) * size, (done + i + 1) * size, pages);
    }
    done += wanted;
  }
  return true;
}

}  // namespace troupe::guest
