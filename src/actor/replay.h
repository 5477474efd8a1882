// An actor's turns run again beside it and compared with what the journal says of them: those that
// failed, too, so that what went wrong in one place can be looked into in another. With other code,
// what would have become of them.
//
// They are all the turns since its last entry of another kind (a rewind, an upgrade, ...), each
// with the time, the random numbers and the answers of then. Nothing of it is recorded or sent.
#pragma once

#include "actor/address.h"
#include "actor/effects.h"
#include "actor/plugin.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::actor {

// What is read of an actor's past at once; of a longer one the newest turns are run again.
inline constexpr std::size_t replay_read_bytes_max = std::size_t{256} << 20;
// At the same time, on each shard.
inline constexpr std::size_t replays_max = 2;
// Less than who asks over HTTP may wait. What is later has to be asked for with `from`.
inline constexpr std::chrono::seconds replay_time_max{40};

struct ReplayOrder {
  Address address;
  // What runs them; null: what ran them then.
  std::shared_ptr<const PluginVersion> version;
  std::uint64_t from = 0;   // not the turns before this one
  std::uint64_t until = 0;  // nor those after this one; 0: all
};

// What came out differently: "the result: expected done, got failed: ...".
struct Difference {
  std::string what;
  std::string expected;
  std::string got;

  std::string text() const;
};

// A turn that did not commit, then or now.
struct FailedTurn {
  std::uint64_t turn = 0;
  std::string function;
  std::string recorded;  // "failed: wasm trap: ...", as the record has it
  std::string now;       // the same of this time
  std::string detail;    // what the guest logged this time, and its backtrace
};

// What a turn came to, where a hash can tell only that it is not the same.
struct Yield {
  std::string state;   // canonical text
  std::string output;  // of a `call` plugin
  std::string reason;  // of an error
  std::vector<Push> pushes;
  std::vector<Deed> deeds;
};

struct Replayed {
  std::string nothing;  // why there are no such turns; empty: there are
  std::uint64_t first_turn = 0;
  std::uint64_t last_turn = 0;  // that was run
  std::size_t turns = 0;
  std::vector<FailedTurn> failures;  // the first failures_max
  static constexpr std::size_t failures_max = 100;

  // The first one, and its turn. With the code of then nothing is run after a committed turn that
  // came out differently; other code goes on from what it has made of it.
  std::uint64_t different_turn = 0;  // 0: none was
  Difference difference;
  Yield yield;  // of that turn, or of the one that was asked for
  // Why the turns after the last one were not run; empty: they were, or there is a difference.
  std::string stopped;
  std::string state;  // in the end
};

std::string as_json(const Replayed& replayed);

// The first part of two yields that differs, and both as they are around the place. Nothing when
// none does.
std::optional<Difference> difference(const Yield& expected, const Yield& got);

}  // namespace troupe::actor
