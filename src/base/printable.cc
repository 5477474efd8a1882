#include "base/printable.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <iterator>
#include <optional>

namespace troupe {
namespace {

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80;
}

// Of the character a text begins with; 0 when that is no UTF-8.
std::size_t bytes_of_first(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return bytes <= text.size() && simdjson::validate_utf8(text.data(), bytes) ? bytes : 0;
}

// The code of a control character that is written as UTF-8.
std::optional<unsigned> control_code(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (first < 0x20 || first == 0x7F) return first;
  if (first != 0xC2) return std::nullopt;
  const auto second = static_cast<unsigned char>(character[1]);
  return second < 0xA0 ? std::optional<unsigned>(second) : std::nullopt;
}

void append_escape(std::string& out, unsigned code) {
  switch (code) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", code);
  }
}

std::string escape(std::string_view text, const std::string_view* indent) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t bytes = bytes_of_first(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(bytes, 1));
    text.remove_prefix(character.size());
    if (bytes == 0) {
      fmt::format_to(
          std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(character.front()));
    } else if (indent != nullptr && character == "\n") {
      out.append(character).append(*indent);
    } else if (const auto code = control_code(character);
               code && !(indent != nullptr && character == "\t")) {
      append_escape(out, *code);
    } else {
      out += character;
    }
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  return escape(text, nullptr);
}

std::string printable_lines(std::string_view text, std::string_view indent) {
  return escape(text, &indent);
}

std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && is_continuation(text[bytes_max])) --bytes_max;
  return text.substr(0, bytes_max);
}

std::size_t columns_of(std::string_view utf8) {
  return utf8.size() - static_cast<std::size_t>(std::ranges::count_if(utf8, is_continuation));
}

}  // namespace troupe
