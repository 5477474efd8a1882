// Frames of Phoenix Channels, version 2 of its serializer (`vsn=2.0.x`): what a WebSocket message
// says.
//
//   text    [join_ref, ref, topic, event, payload]
//   binary  kind, lengths of the names, names, payload
//
// Refs are opaque to a server: they are kept as the JSON text they came in, and go back as such.
// The same holds for topics in answers. The encoders give the pieces of a text frame in order,
// views of what they were given, for FrameSink::send_text(): nothing is copied before it gets
// there.
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::wire {

// Clients count refs from 1; what is longer is no ref, and we keep refs for as long as a channel
// lives.
inline constexpr std::size_t ref_bytes_max = 64;

// Whether a client's `vsn` parameter asks for the serializer that is spoken here: "2.0." and a
// number.
bool speaks_version_2(std::string_view vsn);

// What a client says, as views of its message or of the Decoder that read it.
struct ClientFrame {
  std::string_view join_ref;  // JSON text: `null`, `"4"`, `4`
  std::string_view ref;       // JSON text
  std::string_view topic;
  std::string_view topic_json;  // the topic as JSON text, with its quotes
  std::string_view event;
  std::string_view payload;  // JSON text; the bytes of a binary frame
  bool binary = false;
};

// Reads frames one after the other; what it gives out is good until the next. One for a shard: it
// keeps the room that the longest frame needed. Not thread-safe.
class Decoder {
 public:
  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // An array of five or more; what is behind the payload is ignored. The whole text is checked, so
  // that a payload may be handed on as it is.
  Result<ClientFrame> read_text(std::string_view message);

  // A push, the only kind that clients send.
  Result<ClientFrame> read_binary(std::string_view message);

 private:
  json::Tape tape_;
  std::string topic_;
  std::string event_;
  std::string join_ref_;
  std::string ref_;
};

enum class ReplyStatus { ok, error };

// `response` is JSON text, as are all parameters of the encoders that are not named otherwise.
std::array<std::string_view, 9> reply_frame(std::string_view join_ref,
                                            std::string_view ref,
                                            std::string_view topic,
                                            ReplyStatus status,
                                            std::string_view response);

// What all pushes of one join begin with: `[join_ref,null,topic,`. With `null` as join_ref it is a
// broadcast, which any join of the topic accepts.
std::string push_head(std::string_view join_ref, std::string_view topic);

// `event` is JSON text too: a name with its quotes.
std::array<std::string_view, 5> push_frame(std::string_view head,
                                           std::string_view event,
                                           std::string_view payload);

// The channel's end as `join_ref` knew it. The client stays away after `phx_close`, it joins again
// after `phx_error`.
std::array<std::string_view, 7> close_frame(std::string_view join_ref, std::string_view topic);
std::array<std::string_view, 9> error_frame(std::string_view join_ref,
                                            std::string_view topic,
                                            std::string_view payload);

// What stands before the payload of a binary frame from server to client. Refs are JSON text, the
// other names plain; an error when one has more than 255 bytes, which the format cannot say.
Result<std::string> binary_push_head(std::string_view join_ref,
                                     std::string_view topic,
                                     std::string_view event);
Result<std::string> binary_reply_head(std::string_view join_ref,
                                      std::string_view ref,
                                      std::string_view topic,
                                      ReplyStatus status);
Result<std::string> binary_broadcast_head(std::string_view topic, std::string_view event);

}  // namespace troupe::wire
