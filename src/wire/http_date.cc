#include "wire/http_date.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <cstddef>
#include <ctime>

namespace troupe::wire {

std::string http_date(std::int64_t unix_seconds) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}",
                     fmt::gmtime(static_cast<std::time_t>(unix_seconds)));
}

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    // No tag of ours has a comma in it.
    const std::size_t end = std::min(if_none_match.find(','), if_none_match.size());
    std::string_view tag = if_none_match.substr(0, end);
    if_none_match.remove_prefix(std::min(end + 1, if_none_match.size()));
    while (tag.starts_with(' ') || tag.starts_with('\t')) tag.remove_prefix(1);
    while (tag.ends_with(' ') || tag.ends_with('\t')) tag.remove_suffix(1);
    if (tag == "*") return true;
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag) return true;
  }
  return false;
}

}  // namespace troupe::wire
