#include "wire/problem.h"

#include "base/json.h"

#include <fmt/format.h>

namespace troupe::wire {
namespace {

std::string_view title_of(std::uint16_t status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return status < 500 ? "Request Refused" : "Internal Server Error";
  }
}

}  // namespace

Response problem_response(const Problem& problem) {
  std::string body = "{\"type\":";
  json::quote(body, problem.type);
  body += ",\"title\":";
  json::quote(body, title_of(problem.status));
  body += fmt::format(",\"status\":{},\"detail\":", problem.status);
  json::quote(body, problem.detail);
  if (!problem.reasons.empty()) {
    body += ",\"reasons\":";
    json::quote_array(body, problem.reasons);
  }
  body += ",\"request_id\":";
  json::quote(body, problem.request_id);
  body += "}\n";
  Response response{.status = problem.status,
                    .content_type = std::string(problem_type),
                    .body = std::move(body),
                    .headers = {{"Cache-Control", "no-store"}}};
  if (problem.retry_seconds > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(problem.retry_seconds));
  }
  return response;
}

}  // namespace troupe::wire
