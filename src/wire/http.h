// HTTP requests and responses as values, without the library that reads and writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::wire {

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  // upper case; GET for HEAD too, whose body is left out
  std::string path;    // as wire::Target has it
  Parameters query;    // decoded, in order; empty segments are skipped
  std::string body;
  std::string content_type;
  std::string authorization;
  std::string host;            // the Host header
  std::string origin;          // the Origin header; empty without one
  std::string remote_address;  // of the client, after trusted proxies
  std::string request_id;
};

struct Response {
  std::uint16_t status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// An answer that goes on: Server-Sent Events. Owned jointly by the connection and whoever feeds it,
// since either may end first. Lives on the shard of its connection.
class EventStream {
 public:
  virtual ~EventStream() = default;
  // One event's data; lines are split as the format wants. False when the client is gone or too
  // slow.
  virtual bool send(std::string_view data) = 0;
  virtual void close() = 0;
  // `done` is called once, when the client is gone or the stream has been closed; at once when it
  // is over already. The stream owns `done` until then, and drops it uncalled when the server ends.
  virtual void when_over(std::function<void()> done) = 0;
};

}  // namespace troupe::wire
