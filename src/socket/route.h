// What the server itself answers over HTTP: paths and their handlers.
//
// A handler runs on the shard of its connection, in its event loop, and must not block. It may
// answer at once, or keep the Responder and answer later, from the same shard.
#pragma once

#include "base/bounds.h"
#include "shard/shard.h"
#include "wire/http.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::socket {

// A request that waits for its answer. Implemented by the connection; owned by it and by the
// Responder.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void answer(wire::Response response) = 0;
  virtual std::shared_ptr<wire::EventStream> start_events() = 0;
};

// The right to answer one request, once. One that is dropped without an answer has answered 500.
class Responder {
 public:
  explicit Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  Responder(Responder&& other) noexcept = default;
  Responder& operator=(Responder&& other) = delete;
  ~Responder();

  // Dropped when the client is gone.
  void answer(wire::Response response);
  // Answers with Server-Sent Events, for as long as the stream is neither closed nor released by
  // its last owner. When the client is gone already, the stream's send() says so.
  std::shared_ptr<wire::EventStream> start_events();

 private:
  std::shared_ptr<Exchange> exchange_;
};

// Shared by all shards: what it holds is constant, thread-safe, or chosen by shard.index().
using RouteHandler =
    std::function<void(shard::Shard& shard, wire::Request request, Responder responder)>;

struct Route {
  std::string path;                  // exact; with "/*" at the end also all that lies below
  std::vector<std::string> methods;  // HEAD comes with GET, OPTIONS is answered by the listener
  RouteHandler handler;
  // Decides by a request's head alone, before its body is read; nothing: go on. May be empty.
  std::function<std::optional<wire::Response>(const wire::Request&)> admit = {};
  std::size_t body_bytes_max = 0;  // more is answered 413; 0: as the listener's limits say
  Bound body_bound = Bound::http_body_bytes;  // what is counted then
  // Whether what the connection itself refuses is told as wire::Problem, or as plain text.
  bool has_problems = false;
};

// A handler that answers at once.
RouteHandler answer_with(std::function<wire::Response(const wire::Request&)> answer);

// A short text, as errors and small pages are answered.
wire::Response text_response(std::uint16_t status, std::string text);

// Finds the route of a path: an exact one, else the longest that lies above it. Immutable, any
// thread.
class Routes {
 public:
  Routes() = default;
  explicit Routes(std::vector<Route> routes);

  // Nothing when no route has that path. The route lives as long as these.
  const Route* find(std::string_view path) const;
  // Whether one of them has a bound of its own on bodies.
  bool have_body_bounds() const;

 private:
  std::vector<Route> routes_;  // longest path first
};

}  // namespace troupe::socket
