// The files of one instance: folders of the host that its plugin may see, and what it has opened.
//
// A path is looked up by the kernel below its folder, which neither `..` nor a symbolic link can
// leave (openat2 with RESOLVE_BENEATH). Only plain files and folders are opened. What a call of the
// system may wait for runs on a thread of its own (blocking.h), with what it needs in its own
// hands, so that a guest that is ended meanwhile leaves nothing behind that it touches. Private to
// this folder; lives on the shard of the instance.
#pragma once

#include "base/result.h"
#include "guest/descriptor.h"
#include "guest/instance.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace troupe::guest {

class Files {
 public:
  static constexpr std::size_t descriptors_max = 256;
  static constexpr std::uint32_t first = 3;  // after the three streams

  // One descriptor of the guest. Shared with the work under way on it, which may outlast the guest.
  struct Open {
    Open(int fd, bool folder, bool protects, std::string n = {})
        : descriptor(fd), is_folder(folder), read_only(protects), name(std::move(n)) {}

    const Descriptor descriptor;
    const bool is_folder;
    const bool read_only;    // the allowed folder is
    const std::string name;  // of an allowed folder, as the guest sees it; else empty
  };
  using OpenPtr = std::shared_ptr<const Open>;

  // Opens the folders. The error names the one that is not there.
  static Result<std::unique_ptr<Files>> create(std::span<const AllowedPath> paths);

  // Null when there is no such descriptor.
  OpenPtr find(std::uint32_t descriptor) const;
  // The number of a new descriptor; nothing when there are too many.
  std::optional<std::uint32_t> add(OpenPtr open);
  // What was there; null when nothing was.
  OpenPtr remove(std::uint32_t descriptor);
  // `to` becomes what `from` was. False when one of them is not there.
  bool renumber(std::uint32_t from, std::uint32_t to);

 private:
  std::vector<OpenPtr> open_;  // from the first on; null where one was closed
};

}  // namespace troupe::guest
