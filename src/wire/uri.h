// Addresses of HTTP requests: percent-encoding, paths and queries.
//
// Pure functions over text; from any thread.
#pragma once

#include "base/result.h"
#include "wire/http.h"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::wire {

// Undoes %XX. Nothing when an escape is broken or the outcome is not UTF-8.
std::optional<std::string> percent_decode(std::string_view text);

// One part of an actor's key: everything is encoded but [A-Za-z0-9._:@~-], so that '/' only
// separates parts. Bytes that need no encoding are copied as they are.
std::string percent_encode_key_part(std::string_view part);

// The pairs of a query string, decoded ('+' is a space), in their order. Empty segments are
// skipped: phoenix.js writes `a=1&&vsn=2.0.0&` for parameters without a value. A name without '='
// has an empty value.
Result<Parameters> parse_query(std::string_view query);

// The value of the first parameter of that name; nothing when there is none.
const std::string* find_parameter(const Parameters& parameters, std::string_view name);

struct Target {
  // Decoded; begins with '/', has no empty segments and neither "." nor "..", but for what a
  // segment has brought along behind an encoded '/', which nothing resolves.
  std::string path;
  Parameters query;
};

// The target of a request, in origin form (`/a/b?c=d`) or absolute form (`http://host/a/b`). A ".."
// that would leave the root and a NUL are errors; the message is fit for the client.
Result<Target> parse_target(std::string_view target);

// A path for a Location header: escaped so that it is the same path again when it is read.
std::string percent_encode_path(std::string_view path);

}  // namespace troupe::wire
