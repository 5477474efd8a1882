// Frames of clients: whatever comes in, what is taken has the shape the server counts on.
#include "base/json.h"
#include "wire/phoenix.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace troupe;

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_json(std::string_view text) {
  json::Tape tape;
  return json::parse(text, tape).has_value();
}

template <class Pieces>
std::string text_of(const Pieces& pieces) {
  std::string text;
  for (const std::string_view piece : pieces) text += piece;
  return text;
}

// Every slice is JSON of its own, and the answers made of them are frames that read back.
void check(const wire::ClientFrame& frame) {
  require(is_json(frame.join_ref) && is_json(frame.ref) && is_json(frame.topic_json));
  require(frame.binary || is_json(frame.payload));

  wire::Decoder decoder;
  const std::string reply = text_of(
      wire::reply_frame(frame.join_ref, frame.ref, frame.topic_json, wire::ReplyStatus::ok, "{}"));
  const auto read = decoder.read_text(reply);
  require(read.has_value());
  require(read->topic == frame.topic && read->ref == frame.ref && read->event == "phx_reply");

  const std::string head = wire::push_head(frame.join_ref, frame.topic_json);
  require(is_json(text_of(wire::push_frame(head, "\"e\"", "{}"))));
  require(is_json(text_of(wire::close_frame(frame.join_ref, frame.topic_json))));
  require(is_json(text_of(wire::error_frame(frame.join_ref, frame.topic_json, "{}"))));
  const auto binary = wire::binary_push_head(frame.join_ref, frame.topic, frame.event);
  require(binary.has_value() ||
          (frame.topic.size() > 255 || frame.event.size() > 255 || frame.join_ref.size() > 255));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  wire::Decoder decoder;
  if (const auto frame = decoder.read_text(message)) check(*frame);
  if (const auto frame = decoder.read_binary(message)) check(*frame);
  return 0;
}
