// Unpredictable bytes in small portions: ChaCha20 over a buffer, keyed once by the system.
//
// A turn needs 48 of them; a system call for each would cost more than the rest of the turn's
// overhead. Lives on one shard; not thread-safe. A given seed repeats a test.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace troupe {

class Random {
 public:
  using Key = std::array<std::uint8_t, 32>;

  Random();                         // keyed by the system
  explicit Random(const Key& key);  // repeatable
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;

  void fill(std::span<std::uint8_t> bytes);

  std::uint64_t number();

  // `count` letters and digits of base 32 (a-z, 2-7), five random bits each.
  std::string letters(std::size_t count);

 private:
  void refill();

  Key key_;
  std::array<std::uint8_t, 1024> buffer_;
  std::size_t used_ = buffer_.size();
};

}  // namespace troupe
