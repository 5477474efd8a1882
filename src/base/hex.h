// Bytes as text: two lower-case hexadecimal digits for each.
#pragma once

#include <cstdint>
#include <sodium.h>
#include <span>
#include <string>

namespace troupe {

inline std::string hex(std::span<const std::uint8_t> bytes) {
  std::string digits(bytes.size() * 2 + 1, '\0');
  ::sodium_bin2hex(digits.data(), digits.size(), bytes.data(), bytes.size());
  digits.pop_back();  // the terminating zero
  return digits;
}

}  // namespace troupe
