#include "base/random.h"

#include <algorithm>
#include <sodium.h>

namespace troupe {

Random::Random() {
  // Safe to call more than once and from several threads.
  if (sodium_init() < 0) std::abort();
  randombytes_buf(key_.data(), key_.size());
}

Random::Random(const Key& key) : key_(key) {}

void Random::refill() {
  static constexpr std::array<std::uint8_t, crypto_stream_chacha20_ietf_NONCEBYTES> nonce{};
  crypto_stream_chacha20_ietf(buffer_.data(), buffer_.size(), nonce.data(), key_.data());
  // The first bytes become the next key, so that what was given out cannot be computed again.
  std::copy_n(buffer_.begin(), key_.size(), key_.begin());
  used_ = key_.size();
}

void Random::fill(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    if (used_ == buffer_.size()) refill();
    const std::size_t count = std::min(bytes.size(), buffer_.size() - used_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(used_), count, bytes.begin());
    used_ += count;
    bytes = bytes.subspan(count);
  }
}

std::uint64_t Random::number() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes;
  fill(bytes);
  std::uint64_t out = 0;
  for (const std::uint8_t byte : bytes) out = out << 8U | byte;
  return out;
}

std::string Random::letters(std::size_t count) {
  static constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text(count, '\0');
  for (char& letter : text) {
    std::uint8_t byte = 0;
    fill({&byte, 1});
    letter = alphabet[byte & 31U];
  }
  return text;
}

}  // namespace troupe
