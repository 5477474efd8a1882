#include "wire/phoenix.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <cstdint>
#include <initializer_list>
#include <utility>

namespace troupe::wire {

namespace {

constexpr std::size_t frame_elements = 5;
constexpr std::size_t binary_name_bytes_max = 255;

enum class BinaryKind : char { push = 0, reply = 1, broadcast = 2 };

std::string_view name_of(ReplyStatus status) {
  return status == ReplyStatus::ok ? "ok" : "error";
}

// A ref as binary frames write it: without quotes, nothing for null.
std::string plain_ref(std::string_view json) {
  if (json == "null") return {};
  if (!json.starts_with('"')) return std::string(json);
  std::string plain;
  json::unescape(plain, json.substr(1, json.size() - 2));
  return plain;
}

// The other way round.
void write_ref(std::string& json, std::string_view plain) {
  json.clear();
  if (plain.empty()) {
    json = "null";
  } else {
    json::quote(json, plain);
  }
}

Result<std::string> binary_head(BinaryKind kind, std::initializer_list<std::string_view> names) {
  std::string head(1, static_cast<char>(kind));
  for (const std::string_view name : names) {
    if (name.size() > binary_name_bytes_max) {
      return Error{
          fmt::format("\"{:.32}...\" has {} bytes; a name in a binary frame has at most {}",
                      name,
                      name.size(),
                      binary_name_bytes_max)};
    }
    head += static_cast<char>(name.size());
  }
  for (const std::string_view name : names) head += name;
  return head;
}

Result<void> check_ref(std::string_view ref, std::string_view name) {
  if (ref.size() <= ref_bytes_max) return {};
  return Error{
      fmt::format("{} has {} bytes; at most {} are taken", name, ref.size(), ref_bytes_max)};
}

}  // namespace

bool speaks_version_2(std::string_view vsn) {
  constexpr std::string_view supported = "2.0.";
  return vsn.starts_with(supported) && vsn.size() > supported.size() &&
         vsn.find_first_not_of("0123456789", supported.size()) == vsn.npos;
}

Result<ClientFrame> Decoder::read_text(std::string_view message) {
  TRY_VOID(json::parse(message, tape_));
  const json::Value root = tape_.root();
  if (!root.is_array()) {
    return Error{fmt::format("a frame is an array, this is {}", json::describe(root.kind()))};
  }
  if (root.size() < frame_elements) {
    return Error{
        fmt::format("a frame has five elements [join_ref, ref, topic, event, payload], this has {}",
                    root.size())};
  }
  const json::Value join_ref(tape_, root.index() + 1);
  const json::Value ref(tape_, join_ref.next());
  const json::Value topic(tape_, ref.next());
  const json::Value event(tape_, topic.next());
  const json::Value payload(tape_, event.next());
  if (!topic.is_string() || !event.is_string())
    return Error{"topic and event of a frame are strings"};
  TRY_VOID(check_ref(join_ref.raw(), "join_ref"));
  TRY_VOID(check_ref(ref.raw(), "ref"));
  return ClientFrame{.join_ref = join_ref.raw(),
                     .ref = ref.raw(),
                     .topic = topic.string(topic_),
                     .topic_json = topic.raw(),
                     .event = event.string(event_),
                     .payload = payload.raw()};
}

Result<ClientFrame> Decoder::read_binary(std::string_view message) {
  constexpr std::size_t names = 4;
  constexpr std::size_t fixed = 1 + names;
  if (message.size() < fixed) return Error{"a binary frame ends within its lengths"};
  if (message[0] != static_cast<char>(BinaryKind::push)) {
    return Error{fmt::format("kind {} of a binary frame; clients send kind 0, a push",
                             static_cast<std::uint8_t>(message[0]))};
  }
  std::array<std::string_view, names> name;
  std::string_view rest = message.substr(fixed);
  for (std::size_t i = 0; i < names; ++i) {
    const std::size_t length = static_cast<std::uint8_t>(message[1 + i]);
    if (length > rest.size()) return Error{"a binary frame ends within its names"};
    name[i] = rest.substr(0, length);
    rest.remove_prefix(length);
    if (!simdjson::validate_utf8(name[i].data(), name[i].size())) {
      return Error{"a name in a binary frame is not UTF-8"};
    }
  }
  write_ref(join_ref_, name[0]);
  write_ref(ref_, name[1]);
  TRY_VOID(check_ref(join_ref_, "join_ref"));
  TRY_VOID(check_ref(ref_, "ref"));
  topic_.clear();
  json::quote(topic_, name[2]);
  return ClientFrame{.join_ref = join_ref_,
                     .ref = ref_,
                     .topic = name[2],
                     .topic_json = topic_,
                     .event = name[3],
                     .payload = rest,
                     .binary = true};
}

std::array<std::string_view, 9> reply_frame(std::string_view join_ref,
                                            std::string_view ref,
                                            std::string_view topic,
                                            ReplyStatus status,
                                            std::string_view response) {
  return {"[",
          join_ref,
          ",",
          ref,
          ",",
          topic,
          R"(,"phx_reply",{"response":)",
          response,
          status == ReplyStatus::ok ? R"(,"status":"ok"}])" : R"(,"status":"error"}])"};
}

std::string push_head(std::string_view join_ref, std::string_view topic) {
  return fmt::format("[{},null,{},", join_ref, topic);
}

std::array<std::string_view, 5> push_frame(std::string_view head,
                                           std::string_view event,
                                           std::string_view payload) {
  return {head, event, ",", payload, "]"};
}

std::array<std::string_view, 7> close_frame(std::string_view join_ref, std::string_view topic) {
  return {"[", join_ref, ",", join_ref, ",", topic, R"(,"phx_close",{}])"};
}

std::array<std::string_view, 9> error_frame(std::string_view join_ref,
                                            std::string_view topic,
                                            std::string_view payload) {
  return {"[", join_ref, ",", join_ref, ",", topic, R"(,"phx_error",)", payload, "]"};
}

Result<std::string> binary_push_head(std::string_view join_ref,
                                     std::string_view topic,
                                     std::string_view event) {
  return binary_head(BinaryKind::push, {plain_ref(join_ref), topic, event});
}

Result<std::string> binary_reply_head(std::string_view join_ref,
                                      std::string_view ref,
                                      std::string_view topic,
                                      ReplyStatus status) {
  return binary_head(BinaryKind::reply,
                     {plain_ref(join_ref), plain_ref(ref), topic, name_of(status)});
}

Result<std::string> binary_broadcast_head(std::string_view topic, std::string_view event) {
  return binary_head(BinaryKind::broadcast, {topic, event});
}

}  // namespace troupe::wire
