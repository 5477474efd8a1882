#include "actor/address.h"

#include <algorithm>

namespace troupe::actor {

namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

bool is_plugin_name(std::string_view name) {
  const auto of_name = [](char c) {
    return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
  };
  return !name.empty() && name.size() <= plugin_name_bytes_max &&
         is_letter_or_digit(name.front()) && std::ranges::all_of(name, of_name);
}

bool is_key(std::string_view key) {
  constexpr std::string_view marks = "._:@~-/%";
  const auto of_key = [&](char c) {
    return is_letter_or_digit(c) || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  };
  return !key.empty() && key.size() <= key_bytes_max && std::ranges::all_of(key, of_key);
}

std::optional<Address> Address::read(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view plugin = text.substr(0, slash);
  const std::string_view key = text.substr(slash + 1);
  if (!is_plugin_name(plugin) || !is_key(key)) return std::nullopt;
  return Address(plugin, key);
}

}  // namespace troupe::actor
