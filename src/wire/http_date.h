// Times and validators of HTTP: Date, Last-Modified, ETag.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::wire {

// "Sun, 06 Nov 1994 08:49:37 GMT", from seconds since 1970.
std::string http_date(std::int64_t unix_seconds);

// Whether an If-None-Match header names this entity tag, or any.
bool etag_matches(std::string_view if_none_match, std::string_view etag);

}  // namespace troupe::wire
