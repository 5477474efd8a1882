// What guests say, made fit for logs and clients. Private to this folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::guest {

// The text with each byte that is not UTF-8 replaced by U+FFFD, cut between characters to at most
// bytes_max bytes; what was cut ends in "…", beyond the bound.
std::string readable(std::string_view text, std::size_t bytes_max);

// Of ASCII letters; other bytes as they are.
constexpr char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lower_case(std::string_view text);
// The same but for the case of ASCII letters.
bool same_but_case(std::string_view a, std::string_view b);

// What the system says about an errno.
std::string system_text(int error);

}  // namespace troupe::guest
