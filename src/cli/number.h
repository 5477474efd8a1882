// Options that are whole numbers.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>

namespace troupe::cli {

// Refuses what is not a whole number from `least` on, or has more than 64 bits.
CLI::Validator whole_number(std::uint64_t least);
// The number of a turn.
CLI::Validator turn_number();

}  // namespace troupe::cli
