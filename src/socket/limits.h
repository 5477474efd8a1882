// Bounds of HTTP and WebSocket connections. Reaching one is an answer, never growth or silence.
#pragma once

#include "channel/address_use.h"

#include <chrono>
#include <cstddef>

namespace troupe::socket {

struct Limits {
  // Of all shards together; one more is answered 503.
  std::size_t connections_max = 20'000;

  // Of one address, see Addresses; one more is answered 503.
  std::size_t address_connections_max = 20'000;
  channel::AddressRules address;

  // A message of a client, all its fragments; more closes the socket with 1009.
  std::size_t frame_bytes_max = std::size_t{1} << 20;
  // What a client has not read yet. Above it channels leave out patches and event streams end; at
  // twice as much the socket is closed with 1013, whatever is appended.
  std::size_t unsent_bytes_max = std::size_t{1} << 20;

  // Request line and headers; more is answered 431.
  std::size_t header_bytes_max = std::size_t{16} << 10;
  // A request's body; more is answered 413.
  std::size_t body_bytes_max = std::size_t{8} << 20;

  // Nothing received for so long closes a WebSocket with 1001; a kept-alive connection is closed.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(60);
  // For the header of a connection's first request, and for the body of each.
  std::chrono::milliseconds request_timeout = std::chrono::seconds(30);
  // For a route's handler; then the client gets 504.
  std::chrono::milliseconds answer_timeout = std::chrono::seconds(60);
  // For a client to take a piece of an answer (64 KiB).
  std::chrono::milliseconds write_timeout = std::chrono::seconds(60);
  // For a client to answer our close frame, and for the TCP connection to end.
  std::chrono::milliseconds close_timeout = std::chrono::seconds(5);
  // For all sockets to end when the server goes.
  std::chrono::milliseconds drain_timeout = std::chrono::seconds(10);
  // An event stream that has nothing to say sends a comment so often.
  std::chrono::milliseconds stream_keep_alive = std::chrono::seconds(15);
  // How late these timeouts may be: up to two of it.
  std::chrono::milliseconds tick = std::chrono::milliseconds(250);
};

}  // namespace troupe::socket
