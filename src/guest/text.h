// What guests say, made fit for logs and clients. Private to this folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::guest {

// The text with each byte that is not UTF-8 replaced by U+FFFD, cut between characters to at most
// bytes_max bytes; what was cut ends in "…", beyond the bound.
std::string readable(std::string_view text, std::size_t bytes_max);

// What the system says about an errno.
std::string system_text(int error);

}  // namespace troupe::guest
