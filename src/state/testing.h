// Random documents for the tests of this folder, the same again for the same seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace troupe::state {

// Takes its seed from TROUPE_SEED, or another one each time. Messages of failing tests show seed().
class Random {
 public:
  Random() {
    const char* given = std::getenv("TROUPE_SEED");  // NOLINT(concurrency-mt-unsafe): tests only
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    engine_.seed(seed_);
  }

  using result_type = std::mt19937_64::result_type;
  static constexpr result_type min() { return std::mt19937_64::min(); }
  static constexpr result_type max() { return std::mt19937_64::max(); }
  result_type operator()() { return engine_(); }

  std::size_t below(std::size_t bound) { return engine_() % bound; }
  std::string seed() const { return " TROUPE_SEED=" + std::to_string(seed_); }

 private:
  std::uint64_t seed_;
  std::mt19937_64 engine_;
};

}  // namespace troupe::state
