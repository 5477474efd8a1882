// Which pages of a guest's memory may have been written to. Private to this folder.
//
// An instance's memory is a private mapping of the module's data: the kernel knows which pages have
// become its own. That is quicker to ask than the whole memory is to compare. The answer may name
// pages that were not written to (reading an untouched page can make it one's own), never miss one
// that was: who needs to know exactly compares.
//
// Thread-safe.
#pragma once

#include "guest/descriptor.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace troupe::guest {

// The pages that are spoken of here and in snapshots, whatever the kernel's are.
inline constexpr std::size_t page_bytes = 4096;

class PageScan {
 public:
  enum class Method {
    ask_kernel,    // PAGEMAP_SCAN, of Linux 6.7
    read_pagemap,  // /proc/self/pagemap, a word for each page
    all_pages,     // all are named
  };

  // The first of these that works in this process.
  PageScan();
  explicit PageScan(Method method);

  Method method() const { return method_; }

  // Appends the indices of such pages in `memory`, ascending. `memory` begins at a page of the
  // kernel and is a multiple of 64 KiB. Where the kernel refuses, all are named.
  void append_touched(std::span<const std::uint8_t> memory,
                      std::vector<std::uint32_t>& pages) const;

 private:
  bool ask_kernel(std::span<const std::uint8_t> memory, std::vector<std::uint32_t>& pages) const;
  bool read_pagemap(std::span<const std::uint8_t> memory, std::vector<std::uint32_t>& pages) const;
  bool works() const;

  Descriptor pagemap_;
  Method method_;
};

}  // namespace troupe::guest
