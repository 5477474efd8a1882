// What snapshots of a plugin's instances are differences to: memory and globals right after the
// start-up. Private to this folder.
//
// The start-up for it runs with fixed inputs and asks no host, so the image is the same in every
// process, and one serves all actors of a plugin. An actor's own instance starts with the inputs of
// its turn, and may come out otherwise: then a little more differs.
#pragma once

#include "guest/instance.h"
#include "guest/page_scan.h"
#include "guest/snapshot_codec.h"
#include "guest/turn_inputs.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace troupe::guest {

// A second after the epoch: before any turn, so no guest's clock ever goes back, and not 0, which
// some runtimes (Go's) take for a broken clock.
inline constexpr std::int64_t base_time_ns = 1'000'000'000;

class BaseImage {
 public:
  using Page = std::span<const std::uint8_t, page_bytes>;

  // `memory` is copied; `started` are the pages that the start-up changed, ascending.
  BaseImage(std::span<const std::uint8_t> memory,
            std::vector<std::uint32_t> started,
            const std::vector<GlobalValue>& globals);
  BaseImage(const BaseImage&) = delete;
  BaseImage& operator=(const BaseImage&) = delete;
  ~BaseImage();

  // Zeroes beyond the image's end.
  Page page(std::uint32_t index) const;
  // What a fresh instance needs to be like the image, besides globals.
  std::span<const std::uint32_t> started() const { return started_; }
  const Digest& checksum() const { return checksum_; }

 private:
  std::uint8_t* bytes_ = nullptr;  // mapped, so that pages without content cost nothing
  std::size_t size_;
  std::vector<std::uint32_t> started_;
  Digest checksum_;
};

// The images of one module: its start-up can read the environment. Thread-safe.
class BaseImages {
 public:
  // Plugins of the same content with configurations of their own, and what they were before they
  // changed. Beyond that the oldest is made anew when it is needed; who holds it keeps it.
  static constexpr std::size_t environments_max = 64;

  // Null when there is none yet.
  std::shared_ptr<const BaseImage> find(const Environment& environment) const;
  // The one that is there already, when another shard was quicker, or when a start-up elsewhere has
  // come to the same.
  std::shared_ptr<const BaseImage> add(const Environment& environment,
                                       std::shared_ptr<const BaseImage> image);

 private:
  // What a start-up can read of its environment.
  struct Conditions {
    explicit Conditions(const Environment& environment);
    bool hold(const Environment& environment) const;

    std::map<std::string, std::string, std::less<>> config;
    LogLevel log_level;
    std::uint32_t memory_pages_max;
  };
  struct Known {
    Conditions conditions;
    std::shared_ptr<const BaseImage> image;
  };

  const Known* find_locked(const Environment& environment) const;

  mutable std::mutex mutex_;
  std::vector<Known> known_;  // the latest last
};

}  // namespace troupe::guest
