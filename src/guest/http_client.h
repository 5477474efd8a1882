// HTTP by libcurl on a shard's event loop: one exchange at a time for a guest that waits, any
// number beside each other on the shard.
//
// Connections are kept for the next exchange with the same server, whoever's it is. What an
// exchange may connect to is checked on the very address: before a connection is opened, and again
// when a kept one is used. Redirects are not followed, and nothing is taken from the environment:
// no proxy, cookie, .netrc. Private to this folder; lives on the shard.
#pragma once

#include "base/task.h"
#include "guest/http_policy.h"
#include "guest/http_url.h"
#include "guest/secrets.h"
#include "shard/shard.h"

#include <boost/system/result.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::guest {

// A header's line, without its end, as HttpExchange has it.
SecretText header_line(std::string_view name, std::string_view value);

struct HttpExchange {
  // Of all headers of an answer.
  static constexpr std::size_t answer_headers_bytes_max = std::size_t{64} << 10;

  HttpUrl url;
  std::string method;
  std::vector<SecretText> headers;  // lines, without their ends
  SecretText body;
  Reach reach = Reach::nothing;
  std::size_t answer_bytes_max = 0;
  std::chrono::steady_clock::time_point deadline;
};

struct HttpReply {
  static constexpr std::size_t redirects_max = 10;  // as many as libextism's client follows

  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in their order
  std::string body;

  // Where it redirects to; null when it does not.
  const std::string* redirect() const;
};

struct HttpFailure {
  enum class Kind {
    timeout,    // the deadline has passed
    too_large,  // the body has more than answer_bytes_max
    failed,     // anything else, by the message
  };
  Kind kind = Kind::failed;
  std::string message;  // may repeat what the exchange holds, secrets too
};

using HttpResult = boost::system::result<HttpReply, HttpFailure>;

// Destroying the Task ends the exchange.
Task<HttpResult> exchange(shard::Shard& shard, HttpExchange exchange);

}  // namespace troupe::guest
