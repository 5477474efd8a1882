// What the host fills into a plugin's HTTP requests, so that the plugin can use it and never sees
// it.
//
// The guest writes {{secret.NAME}} in a header, the URL or the body. The value goes to the hosts
// that the operator has named for it, and nowhere else: it is in no error, log or record, and where
// an answer repeats it, the guest reads the placeholder again. Made when a plugin is configured,
// then shared, unchanged, by the configuration and the plugin's versions; from any thread.
#pragma once

#include "base/result.h"

#include <sodium/utils.h>

#include <cstddef>
#include <map>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest {

// Memory that is overwritten before it is given back.
template <class T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <class Other>
  WipingAllocator(const WipingAllocator<Other>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T))); }
  void deallocate(T* at, std::size_t count) {
    ::sodium_memzero(at, count * sizeof(T));
    ::operator delete(at);
  }
  bool operator==(const WipingAllocator&) const { return true; }
};

// Text that may hold secrets. A vector, because a string keeps short texts within itself.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string_view text) : bytes_(text.begin(), text.end()) {}

  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }
  void append(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }

 private:
  std::vector<char, WipingAllocator<char>> bytes_;
};

class Secrets {
 public:
  // Shorter values would be found by accident in answers, and guessed.
  static constexpr std::size_t value_bytes_min = 8;
  static constexpr std::size_t value_bytes_max = 65536;

  // `hosts`: names as they stand in URLs, in lower case; no patterns. The error names what is wrong
  // with name, value or host, and never the value.
  Result<void> add(std::string name, std::string_view value, std::vector<std::string> hosts);

  // Where a text that may have placeholders goes.
  enum class Place { url, header, body };
  struct Target {
    std::string_view host;
    bool stays_secret;  // encrypted, or does not leave the machine
    Place place;
  };
  // The text with the values in the place of their names; in a URL percent-encoded. An error when a
  // name is unknown or the target is not for it.
  Result<SecretText> fill(std::string_view text, const Target& target) const;

  // Puts the placeholder wherever a value stands, as it is or percent-encoded.
  void hide(std::string& text) const;

 private:
  struct Secret {
    SecretText value;
    SecretText encoded;  // as it stands in a URL
    std::vector<std::string> hosts;
  };
  std::map<std::string, Secret, std::less<>> secrets_;
};

// Whether the text asks for any secret.
bool has_placeholder(std::string_view text);

}  // namespace troupe::guest
