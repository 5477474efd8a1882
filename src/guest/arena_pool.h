// Arenas of one shard, lent to calls in flight.
//
// Not thread-safe. Owned by the Engine, which outlives all calls. Private to this folder.
#pragma once

#include "guest/arena.h"
#include "guest/outcome.h"

#include <cstddef>
#include <memory>
#include <vector>

namespace troupe::guest {

class ArenaPool {
 public:
  // What is kept for the next calls; an arena beyond either bound is given back to the system.
  static constexpr std::size_t arenas_max = 8;
  static constexpr std::size_t arena_bytes_max = std::size_t{4} << 20;

  ArenaPool() = default;
  ArenaPool(const ArenaPool&) = delete;
  ArenaPool& operator=(const ArenaPool&) = delete;

  // An arena as new, whose growth beyond pages_paid is paid to the ledger (Arena::clear).
  LentArena lend(Arena::Ledger& ledger, std::uint64_t pages_paid);

 private:
  friend struct ReturnArena;
  void take_back(std::unique_ptr<Arena> arena);

  std::vector<std::unique_ptr<Arena>> arenas_;
};

}  // namespace troupe::guest
