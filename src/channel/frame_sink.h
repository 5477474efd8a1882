// Where a channel's frames go, and where a client's messages come from: the socket, seen from
// below.
//
// FrameSink is implemented by socket/, MessageHandler by SocketChannels. Lives on the socket's
// shard; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace troupe::channel {

// Close codes of RFC 6455 that we use. Never 1000: the clients would not come back.
enum class CloseCode : std::uint16_t {
  going_away = 1001,
  too_big = 1009,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
};

class FrameSink {
 public:
  virtual ~FrameSink() = default;

  // Appends one frame, the concatenation of the pieces, to what is due for this socket; all that is
  // due leaves in one write when the event at hand is done. The pieces are copied.
  virtual void send_text(std::span<const std::string_view> pieces) = 0;
  virtual void send_binary(std::span<const std::string_view> pieces) = 0;

  // Bytes appended that the kernel has not taken yet.
  virtual std::size_t unsent_bytes() const = 0;

  // Closes the socket after what is due has left. Later frames are dropped. May be called from
  // within on_text; the owner is not destroyed before that returns.
  virtual void close(CloseCode code) = 0;
};

// Who takes a socket's messages, seen from the socket. Owned by its connection, which destroys it
// when the socket has ended. Lives on the socket's shard; not thread-safe.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;

  // One whole message.
  virtual void on_text(std::string_view message) = 0;
  virtual void on_binary(std::string_view message) = 0;

  // The socket's unsent bytes have fallen to zero after they had stood above their bound.
  virtual void on_drained() = 0;
};

}  // namespace troupe::channel
