// The state of an instance between two calls, reached from outside: its memory and the globals that
// can change. Private to this folder.
//
// Borrowed from the instance's store, and good as long as the guest does not run: a guest that
// grows its memory may move it. Lives on the shard of the instance.
#pragma once

#include "guest/base_image.h"
#include "guest/module_impl.h"
#include "guest/page_scan.h"
#include "guest/snapshot_codec.h"
#include "guest/wasmtime.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace troupe::guest {

class InstanceState {
 public:
  // The module can be captured.
  InstanceState(wasmtime_context_t* context,
                const wasmtime_instance_t& instance,
                const Module::Impl& module);

  std::span<std::uint8_t> memory() const;
  std::uint32_t memory_pages() const;  // of 64 KiB
  std::vector<GlobalValue> globals() const;

  // False when the limit of the store or the module's own does not let it, and when it is larger.
  bool grow_to(std::uint32_t memory_pages) const;
  // As many, and of the same types, as globals() gives.
  void set_globals(std::span<const GlobalValue> values) const;

  // The pages of 4 KiB that are not as in the image, those that nobody has touched left out.
  std::vector<std::uint32_t> changed_since(const BaseImage& base, const PageScan& scan) const;

 private:
  wasmtime_context_t* context_;
  std::optional<wasmtime_memory_t> memory_;
  std::vector<wasmtime_global_t> globals_;
};

// Makes a fresh memory, as large as the other's, like it.
void copy_memory(const InstanceState& from,
                 const BaseImage& base,
                 const PageScan& scan,
                 std::span<std::uint8_t> to);

// The item of that number among the module's exports.
wasmtime_extern_t nth_export(wasmtime_context_t* context,
                             const wasmtime_instance_t& instance,
                             std::size_t index);

// These pages of two memories, XOR one after the other.
void append_difference(std::span<const std::uint8_t> memory,
                       std::span<const std::uint32_t> pages,
                       const BaseImage& base,
                       Difference& difference);

// Makes a fresh memory, which has room for it, what the difference to the image says.
void apply_difference(const Difference& difference,
                      const BaseImage& base,
                      std::span<std::uint8_t> memory);

}  // namespace troupe::guest
