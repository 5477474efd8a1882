// Errors as programs read them: application/problem+json (RFC 9457).
//
// Pure; from any thread.
#pragma once

#include "wire/http.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace troupe::wire {

inline constexpr std::string_view problem_type = "application/problem+json";

struct Problem {
  std::uint16_t status = 500;
  std::string type;    // a word for programs, such as "busy"
  std::string detail;  // a sentence or more for people
  std::string request_id;
  // More than one reason, a sentence each; left out when empty.
  std::span<const std::string> reasons = {};
  // Becomes a Retry-After header; 0: none.
  std::int64_t retry_seconds = 0;
};

// {"type","title","status","detail","request_id"} and, when there are any, "reasons".
Response problem_response(const Problem& problem);

}  // namespace troupe::wire
