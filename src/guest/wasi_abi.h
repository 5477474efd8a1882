// What the functions of WASI preview 1 have in common (wasi.cc, wasi_files.cc): error numbers, and
// the guest's memory. Private to this folder.
#pragma once

#include "guest/wasmtime.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>

namespace troupe::guest {

enum class Errno : std::int32_t {
  success = 0,
  access = 2,
  again = 6,
  bad_descriptor = 8,
  busy = 10,
  too_large = 22,
  exists = 20,
  fault = 21,
  illegal_sequence = 25,
  invalid = 28,
  io = 29,
  is_a_directory = 31,
  loop = 32,
  too_many_descriptors = 33,
  too_many_links = 34,
  name_too_long = 37,
  table_overflow = 41,
  no_entry = 44,
  no_memory = 48,
  no_space = 51,
  not_supported_at_all = 52,  // ENOSYS
  not_a_directory = 54,
  not_empty = 55,
  not_a_socket = 57,
  not_supported = 58,
  overflow = 61,
  not_permitted = 63,
  broken_pipe = 64,
  read_only = 69,
  illegal_seek = 70,
  text_busy = 74,
  other_device = 75,
  not_capable = 76,
};

// The guest's linear memory, exported as "memory" by every WASI program. Valid until guest code
// runs again.
class GuestMemory {
 public:
  explicit GuestMemory(wasmtime_caller_t* caller) {
    wasmtime_extern_t item;
    if (!wasmtime_caller_export_get(caller, "memory", 6, &item)) return;
    if (item.kind == WASMTIME_EXTERN_MEMORY) {
      wasmtime_context_t* context = wasmtime_caller_context(caller);
      bytes_ = {wasmtime_memory_data(context, &item.of.memory),
                wasmtime_memory_data_size(context, &item.of.memory)};
    }
    wasmtime_extern_delete(&item);
  }

  bool holds(std::uint32_t at, std::uint64_t length) const {
    return at <= bytes_.size() && length <= bytes_.size() - at;
  }
  // Only for ranges that it holds.
  std::span<std::uint8_t> range(std::uint32_t at, std::uint64_t length) const {
    return bytes_.subspan(at, length);
  }
  std::string_view text(std::uint32_t at, std::uint64_t length) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + at, length};
  }

  template <class T>
  bool read(std::uint64_t at, T& value) const {
    if (at > std::numeric_limits<std::uint32_t>::max()) return false;
    if (!holds(static_cast<std::uint32_t>(at), sizeof value)) return false;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return true;
  }
  template <class T>
  bool write(std::uint64_t at, T value) const {
    if (at > std::numeric_limits<std::uint32_t>::max()) return false;
    if (!holds(static_cast<std::uint32_t>(at), sizeof value)) return false;
    std::memcpy(bytes_.data() + at, &value, sizeof value);
    return true;
  }

 private:
  std::span<std::uint8_t> bytes_;
};

}  // namespace troupe::guest
