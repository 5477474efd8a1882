// The memory of a guest between two calls, as bytes to keep: an actor sleeps by it
// (Instance::capture) and wakes from it (Instance::restore), in this process or another.
//
// It holds what differs from the plugin's base image, compressed: a few hundred bytes for a small
// plugin. docs/formats/snapshot.md has the format. A value, for any thread.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <utility>

namespace troupe::guest {

class Snapshot {
 public:
  // Of bytes that were stored: refused when they are damaged or of another format. Whether the
  // snapshot fits a plugin turns out when it is restored.
  static Result<Snapshot> read(std::string bytes);

  const std::string& bytes() const { return bytes_; }
  // What an instance restored from it will have, in pages of 64 KiB.
  std::uint32_t memory_pages() const;

 private:
  friend class SnapshotCodec;
  explicit Snapshot(std::string bytes) : bytes_(std::move(bytes)) {}

  std::string bytes_;
};

}  // namespace troupe::guest
