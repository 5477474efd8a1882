#include "guest/arena_pool.h"

#include <utility>

namespace troupe::guest {

LentArena ArenaPool::lend(Arena::Ledger& ledger, std::uint64_t pages_paid) {
  std::unique_ptr<Arena> arena;
  if (arenas_.empty()) {
    arena = std::make_unique<Arena>();
  } else {
    arena = std::move(arenas_.back());
    arenas_.pop_back();
  }
  arena->clear(ledger, pages_paid);
  return LentArena(arena.release(), ReturnArena{this});
}

void ArenaPool::take_back(std::unique_ptr<Arena> arena) {
  if (arenas_.size() >= arenas_max || arena->capacity() > arena_bytes_max) return;
  arena->clear(0);
  arenas_.push_back(std::move(arena));
}

void ReturnArena::operator()(Arena* arena) const {
  pool->take_back(std::unique_ptr<Arena>(arena));
}

}  // namespace troupe::guest
