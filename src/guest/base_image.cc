#include "guest/base_image.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace troupe::guest {

namespace {

constexpr std::array<std::uint8_t, page_bytes> zeroes{};

bool is_zero(const std::uint8_t* page) {
  return std::memcmp(page, zeroes.data(), page_bytes) == 0;
}

}  // namespace

BaseImage::BaseImage(std::span<const std::uint8_t> memory,
                     std::vector<std::uint32_t> started,
                     const std::vector<GlobalValue>& globals)
    : size_(memory.size()), started_(std::move(started)) {
  if (size_ != 0) {
    void* mapped =
        ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    bytes_ = static_cast<std::uint8_t*>(mapped);
  }
  // Of all that the image holds: its size, its globals and its pages with their places.
  std::string digests;
  const auto digest = [&digests](const auto& value) {
    digests.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  digest(size_);
  for (const GlobalValue& global : globals) {
    digest(global.type);
    digest(global.bits);
  }
  for (std::size_t at = 0; at < size_; at += page_bytes) {
    const std::uint8_t* page = memory.data() + at;
    if (is_zero(page)) continue;
    std::memcpy(bytes_ + at, page, page_bytes);
    digest(at);
    digest(checksum_of({reinterpret_cast<const char*>(page), page_bytes}));
  }
  checksum_ = checksum_of(digests);
}

BaseImage::~BaseImage() {
  if (bytes_ != nullptr) ::munmap(bytes_, size_);
}

BaseImage::Page BaseImage::page(std::uint32_t index) const {
  const std::size_t at = index * page_bytes;
  return at < size_ ? Page(bytes_ + at, page_bytes) : Page(zeroes);
}

BaseImages::Conditions::Conditions(const Environment& environment)
    : config(environment.config),
      log_level(environment.limits.log_level),
      memory_pages_max(environment.limits.memory_pages_max) {}

bool BaseImages::Conditions::hold(const Environment& environment) const {
  return log_level == environment.limits.log_level &&
         memory_pages_max == environment.limits.memory_pages_max && config == environment.config;
}

const BaseImages::Known* BaseImages::find_locked(const Environment& environment) const {
  const auto found = std::ranges::find_if(
      known_, [&](const Known& known) { return known.conditions.hold(environment); });
  return found == known_.end() ? nullptr : &*found;
}

std::shared_ptr<const BaseImage> BaseImages::find(const Environment& environment) const {
  const std::lock_guard lock(mutex_);
  const Known* known = find_locked(environment);
  return known == nullptr ? nullptr : known->image;
}

std::shared_ptr<const BaseImage> BaseImages::add(const Environment& environment,
                                                 std::shared_ptr<const BaseImage> image) {
  const std::lock_guard lock(mutex_);
  if (const Known* known = find_locked(environment)) return known->image;
  const auto same = std::ranges::find_if(
      known_, [&](const Known& known) { return known.image->checksum() == image->checksum(); });
  if (same != known_.end()) image = same->image;
  if (known_.size() == environments_max) known_.erase(known_.begin());
  known_.push_back({Conditions(environment), image});
  return image;
}

}  // namespace troupe::guest
