// What a guest asks for with http_request, read from its JSON, and what its operator has fetched
// (download.h). Any thread.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::guest {

struct HttpRequest {
  static constexpr std::size_t json_bytes_max = std::size_t{256} << 10;
  static constexpr std::size_t headers_max = 100;
  static constexpr std::size_t header_bytes_max = std::size_t{64} << 10;  // of all together
  static constexpr std::size_t method_bytes_max = 32;

  std::string url;
  std::string method = "GET";
  // Names and values that can stand in a request, placeholders of secrets still in them.
  std::vector<std::pair<std::string, std::string>> headers;

  // Errors are one sentence each.
  Result<void> set_method(std::string_view text);
  Result<void> add_header(std::string name, std::string value);
};

// {"url": ..., "headers": {...}, "method": ...}; other keys are refused.
Result<HttpRequest> read_http_request(std::string_view json);

}  // namespace troupe::guest
