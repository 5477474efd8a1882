// The window of an instance, from the host's side: a memory of the guest's own module in which the
// blocks of a large call lie (arena_access.h).
//
// It begins empty, costs nothing but addresses until the first large call, and is no part of a
// snapshot: between two calls it is all zero. Its pages stay resident for the next call as long as
// the shard remembers it (WarmWindows).
//
// Lives with its instance, on the shard's thread. Private to this folder.
#pragma once

#include "guest/arena.h"
#include "guest/arena_access.h"
#include "guest/wasmtime.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace troupe::guest {

class ArenaWindow;

// The windows of a shard that hold on to memory although no call uses it. The arenas of all other
// calls are bounded in the same way (ArenaPool).
class WarmWindows {
 public:
  static constexpr std::size_t windows_max = 4;
  static constexpr std::size_t window_bytes_max = std::size_t{4} << 20;

  WarmWindows() = default;
  WarmWindows(const WarmWindows&) = delete;
  WarmWindows& operator=(const WarmWindows&) = delete;

  // One too many gives its memory back to the system: the one that has been here longest.
  void add(ArenaWindow& window);
  void remove(ArenaWindow& window);

 private:
  std::vector<ArenaWindow*> windows_;
};

class ArenaWindow final : public Arena::Window {
 public:
  // The instance's module may have no window: then there is never room.
  ArenaWindow(wasmtime_context_t* context, const wasmtime_instance_t& instance, WarmWindows& warm)
      : context_(context), instance_(instance), warm_(warm) {}
  ArenaWindow(const ArenaWindow&) = delete;
  ArenaWindow& operator=(const ArenaWindow&) = delete;
  ~ArenaWindow();

  std::uint8_t* room(std::uint64_t bytes) override;
  void show(const Reach& reach) override;
  void leave(std::uint64_t used) override;

  // All of its content becomes zero, and takes no memory.
  void give_back();

 private:
  bool find();
  bool set(WindowBound bound, std::uint64_t value);
  std::uint8_t* bytes() const { return wasmtime_memory_data(context_, &memory_); }

  wasmtime_context_t* const context_;
  const wasmtime_instance_t& instance_;
  WarmWindows& warm_;
  std::span<std::uint8_t> held_;  // what it keeps in memory, while no call uses it
  enum class State { not_looked_for, missing, found } state_ = State::not_looked_for;
  wasmtime_memory_t memory_{};
  std::array<wasmtime_global_t, window_bound_exports.size()> globals_{};
  std::array<std::uint64_t, window_bound_exports.size()> shown_{};
};

}  // namespace troupe::guest
