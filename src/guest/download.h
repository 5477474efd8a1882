// A file fetched over HTTP, for the operator, who has written down its URL: a module of a manifest.
//
// Blocks its thread until all is there; from any thread but a shard's.
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace troupe::guest {

struct Download {
  std::string url;
  std::string method = "GET";
  // For the server of the URL alone: they may hold tokens, and no redirect takes them elsewhere.
  std::map<std::string, std::string> headers;

  std::size_t bytes_max = std::size_t{64} << 20;
  std::chrono::milliseconds time_max{60'000};  // redirects included
};

// The body of an answer with status 200 to 299. The host in the URL may be of any network, since
// the operator means it; one that a redirect leads to must be the same or have a public address.
// None leads from https to http. Errors name the URL, without its query or the headers.
Result<std::string> download(const Download& what);

}  // namespace troupe::guest
