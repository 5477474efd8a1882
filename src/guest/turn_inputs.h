// All that a guest may learn from outside its own memory during one call.
//
// A turn is repeatable because these are recorded with it: the clock stands at `time`, plus 1 µs
// for each reading, and moves on only when a wait ends; random numbers come from ChaCha20 of the
// seed.
#pragma once

#include "journal/record.h"

#include <array>
#include <cstdint>

namespace troupe::guest {

using Seed = std::array<std::uint8_t, 32>;

// Names a turn to the servers that its HTTP requests reach: the same whenever it is run again.
struct TurnName {
  journal::InputId input_id{};
  std::uint64_t incarnation = 0;  // which life of the actor
  std::uint64_t turn = 0;
};

struct TurnInputs {
  std::int64_t time_ns = 0;  // since the Unix epoch
  Seed seed{};
  TurnName name;
};

}  // namespace troupe::guest
