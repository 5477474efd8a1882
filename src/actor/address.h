// Where an actor is found: `<plugin>/<key>`, for example `todo/todo:all`.
//
// Each part that is put into a key is percent-encoded (wire/uri.h), so `/` only separates parts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::actor {

inline constexpr std::size_t key_bytes_max = 512;

struct Address {
  std::string plugin;
  std::string key;

  std::string text() const { return plugin + '/' + key; }
  friend bool operator==(const Address&, const Address&) = default;
};

}  // namespace troupe::actor
