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
inline constexpr std::string_view key_rule =
    "a key has 1 to 512 bytes of [A-Za-z0-9._:@~-], %XX and `/` between parts";

class Address {
 public:
  // Of parts that are not looked at; is_plugin_name() and is_key() do.
  Address(std::string_view plugin, std::string_view key) : plugin_bytes_(plugin.size()) {
    text_.reserve(plugin.size() + 1 + key.size());
    text_.append(plugin).append(1, '/').append(key);
  }
  // Nothing when the text is no address.
  static std::optional<Address> read(std::string_view text);

  std::string_view plugin() const { return std::string_view(text_).substr(0, plugin_bytes_); }
  std::string_view key() const { return std::string_view(text_).substr(plugin_bytes_ + 1); }
  const std::string& text() const { return text_; }
  friend bool operator==(const Address&, const Address&) = default;

 private:
  std::string text_;
  std::size_t plugin_bytes_;
};

}  // namespace troupe::actor
