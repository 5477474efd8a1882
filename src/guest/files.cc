#include "guest/files.h"

#include "guest/text.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <utility>

namespace troupe::guest {

Result<std::unique_ptr<Files>> Files::create(std::span<const AllowedPath> paths) {
  auto files = std::make_unique<Files>();
  for (const AllowedPath& path : paths) {
    const int fd = ::open(path.host.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
      return Error{"the allowed path " + path.host.string() +
                   " cannot be opened: " + system_text(errno)};
    }
    files->open_.push_back(std::make_shared<const Open>(fd, true, path.read_only, path.guest));
  }
  return files;
}

Files::OpenPtr Files::find(std::uint32_t descriptor) const {
  return descriptor < first || descriptor - first >= open_.size() ? nullptr
                                                                  : open_[descriptor - first];
}

std::optional<std::uint32_t> Files::add(OpenPtr open) {
  const auto free = std::ranges::find(open_, nullptr);
  const auto at = static_cast<std::uint32_t>(free - open_.begin());
  if (free != open_.end()) {
    *free = std::move(open);
  } else if (open_.size() < descriptors_max) {
    open_.push_back(std::move(open));
  } else {
    return std::nullopt;
  }
  return first + at;
}

Files::OpenPtr Files::remove(std::uint32_t descriptor) {
  return find(descriptor) == nullptr ? nullptr : std::exchange(open_[descriptor - first], nullptr);
}

bool Files::renumber(std::uint32_t from, std::uint32_t to) {
  if (find(from) == nullptr || find(to) == nullptr) return false;
  if (from != to) open_[to - first] = std::exchange(open_[from - first], nullptr);
  return true;
}

}  // namespace troupe::guest
