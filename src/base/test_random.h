// Random numbers for tests, the same again for the same seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

namespace troupe::test {

// Takes its seed from TROUPE_SEED, or another one each time. Messages of failing tests show seed().
class Random {
 public:
  Random() {
    const char* given = std::getenv("TROUPE_SEED");  // NOLINT(concurrency-mt-unsafe): tests only
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    engine_.seed(seed_);
  }
  explicit Random(std::uint64_t seed) : seed_(seed) { engine_.seed(seed); }

  using result_type = std::mt19937_64::result_type;
  static constexpr result_type min() { return std::mt19937_64::min(); }
  static constexpr result_type max() { return std::mt19937_64::max(); }
  result_type operator()() { return engine_(); }

  std::size_t below(std::size_t bound) { return engine_() % bound; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <std::size_t N>
  std::string_view one_of(const std::array<std::string_view, N>& choices) {
    return choices[below(N)];
  }
  // Any bytes.
  std::string text(std::size_t length_max) {
    std::string text(below(length_max + 1), '\0');
    for (char& c : text) c = static_cast<char>(engine_());
    return text;
  }
  std::string seed() const { return " TROUPE_SEED=" + std::to_string(seed_); }

 private:
  std::uint64_t seed_;
  std::mt19937_64 engine_;
};

}  // namespace troupe::test
