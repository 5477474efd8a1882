// "Did you mean ...?" for words that people type: keys of a file, commands, names.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace troupe::server {

// The known word nearest to `word`, or nothing when none is near enough to be what was meant.
std::string_view nearest(std::string_view word, std::span<const std::string> known);

// `, did you mean "X"?` or, when no known word is near, `; known here: A, B, C`.
std::string suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace troupe::server
