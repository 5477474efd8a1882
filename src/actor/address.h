// Where an actor is found: `<plugin>/<key>`, for example `todo/todo:all`.
//
// Each part that is put into a key is percent-encoded (wire/uri.h), so `/` only separates parts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::actor {

inline constexpr std::size_t plugin_name_bytes_max = 63;
inline constexpr std::size_t key_bytes_max = 512;

bool is_plugin_name(std::string_view name);
inline constexpr std::string_view plugin_name_rule =
    "a plugin's name has 1 to 63 of the characters a-z 0-9 _ . - and begins with a letter or digit";
// Of percent-encoded parts and `/`; not empty.
bool is_key(std::string_view key);

struct Address {
  std::string plugin;
  std::string key;

  // Nothing when the text is no address.
  static std::optional<Address> read(std::string_view text);

  std::string text() const { return plugin + '/' + key; }
  friend bool operator==(const Address&, const Address&) = default;
};

}  // namespace troupe::actor
