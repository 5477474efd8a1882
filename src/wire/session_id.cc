#include "wire/session_id.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <sodium.h>

namespace troupe::wire {

namespace {

constexpr std::size_t session_bytes = 16;
constexpr std::size_t session_letters_count = 22;  // of base64url for so many bytes
constexpr std::size_t letter_count = 16;
constexpr std::string_view base32_digits = "abcdefghijklmnopqrstuvwxyz234567";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string new_session() {
  std::array<unsigned char, session_bytes> random;
  randombytes_buf(random.data(), random.size());
  std::string text(session_letters_count + 1, '\0');
  sodium_bin2base64(text.data(),
                    text.size(),
                    random.data(),
                    random.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();
  return text;
}

bool is_session(std::string_view text) {
  constexpr std::string_view base64url =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return text.size() == session_letters_count && text.find_first_not_of(base64url) == text.npos;
}

std::string session_letters(std::string_view key,
                            std::string_view name_space,
                            std::string_view session) {
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> digest;
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(name_space), name_space.size());
  // A byte that ends the name space, so that no session can borrow letters from it.
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>("\0"), 1);
  crypto_auth_hmacsha256_update(&state, bytes_of(session), session.size());
  crypto_auth_hmacsha256_final(&state, digest.data());

  std::string letters;
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (std::size_t i = 0; letters.size() < letter_count; ++i) {
    bits = (bits << 8U) | digest[i];
    for (bit_count += 8; bit_count >= 5 && letters.size() < letter_count; bit_count -= 5) {
      letters += base32_digits[(bits >> (bit_count - 5)) & 31U];
    }
  }
  return letters;
}

}  // namespace troupe::wire
