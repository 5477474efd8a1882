// Text of guests and visitors as a terminal or a log may show it.
//
// A terminal obeys control characters: they move its cursor, rename its window, hide what was
// printed before. Here they are escaped, and so are bytes that are no UTF-8: \n, \r, \t, \u001b,
// \xff. JSON text stays JSON and means the same. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe {

// In one line.
std::string printable(std::string_view text);
// Of a text that may have several lines: its newlines stay, each with `indent` after it, and its
// tabs.
std::string printable_lines(std::string_view text, std::string_view indent = "");

// The beginning of a text, of at most so many bytes, cut between two characters.
std::string_view cut(std::string_view text, std::size_t bytes_max);

// How many columns a terminal takes for it, as far as each character takes one.
std::size_t columns_of(std::string_view utf8);

}  // namespace troupe
