#include "actor/effects.h"

#include "actor/address.h"
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace troupe::actor {

namespace {

using json::Value;

// The text of a member that must be there and not be empty.
Result<std::string> text(Value input, std::string_view name, std::size_t bytes_max) {
  const auto value = input.find(name);
  if (!value || !value->is_string() || value->raw() == "\"\"") {
    return Error{fmt::format("{} must be a text", name)};
  }
  std::string out = value->string();
  if (out.size() > bytes_max) {
    return Error{
        fmt::format("{} has {} bytes, more than the {} allowed", name, out.size(), bytes_max)};
  }
  return out;
}

constexpr std::size_t name_bytes_max = 256;
// What an input may have besides the bytes that count: names of members, escapes, white space.
constexpr std::size_t envelope_bytes_max = 4096;

std::string payload_of(Value input) {
  const auto payload = input.find("payload");
  return payload ? std::string(payload->raw()) : "{}";
}

Result<Push> push(bool to_all, Value input) {
  TRY(std::string name, text(input, "name", name_bytes_max));
  if (is_reserved_event(name)) {
    return Error{fmt::format("the name \"{}\" is used by the protocol; choose another", name)};
  }
  const auto detail = input.find("detail");
  if (!detail || detail->is_null()) return Push{to_all, std::move(name), "{}"};
  if (!detail->is_object()) {
    return Error{fmt::format("detail must be an object, not {}", json::describe(detail->kind()))};
  }
  return Push{to_all, std::move(name), std::string(detail->raw())};
}

Result<Deed> publish(Value input) {
  TRY(std::string topic, text(input, "topic", topic_bytes_max));
  TRY(std::string event, text(input, "event", name_bytes_max));
  Deed deed{Deed::Kind::publish, std::move(topic), std::move(event), payload_of(input)};
  deed.notice = "{\"topic\":";
  json::quote(deed.notice, deed.target);
  deed.notice += ",\"event\":";
  json::quote(deed.notice, deed.event);
  deed.notice += ",\"payload\":";
  deed.notice += deed.payload;
  deed.notice += '}';
  return deed;
}

Result<Deed> subscribe(Value input) {
  TRY(std::string topic, text(input, "topic", topic_bytes_max));
  return Deed{Deed::Kind::subscribe, std::move(topic), {}, {}};
}

Result<Deed> send(Value input) {
  TRY(std::string to, text(input, "to", plugin_name_bytes_max + 1 + key_bytes_max));
  if (!Address::read(to)) {
    return Error{fmt::format("to: \"{}\" is no address; one looks like todo/todo:all", to)};
  }
  if (!input.find("function")) {
    TRY(std::string event, text(input, "event", name_bytes_max));
    return Deed{Deed::Kind::send, std::move(to), std::move(event), payload_of(input)};
  }
  TRY(std::string function, text(input, "function", name_bytes_max));
  // A function takes bytes: of a text its characters, of anything else the JSON.
  const auto payload = input.find("payload");
  std::string bytes = !payload               ? std::string()
                      : payload->is_string() ? payload->string()
                                             : std::string(payload->raw());
  return Deed{Deed::Kind::call, std::move(to), std::move(function), std::move(bytes)};
}

Result<Deed> timer(Value input) {
  TRY(std::string name, text(input, "name", timer_name_bytes_max));
  TRY(std::string event, text(input, "event", name_bytes_max));
  const auto after = input.find("after_ms");
  const auto ms = after ? after->integer() : std::nullopt;
  if (!ms || *ms < timer_min.count() || *ms > timer_max.count()) {
    return Error{fmt::format("after_ms must be a whole number of milliseconds from {} to {}",
                             timer_min.count(),
                             timer_max.count())};
  }
  return Deed{Deed::Kind::timer,
              std::move(name),
              std::move(event),
              payload_of(input),
              std::chrono::milliseconds(*ms)};
}

Result<Deed> cancel(Value input) {
  TRY(std::string name, text(input, "name", timer_name_bytes_max));
  return Deed{Deed::Kind::cancel, std::move(name), {}, {}};
}

struct Function {
  std::string_view name;
  Result<Deed> (*read)(Value input);
};
constexpr std::array<Function, 5> functions{{{"publish", publish},
                                             {"subscribe", subscribe},
                                             {"send", send},
                                             {"timer", timer},
                                             {"cancel", cancel}}};

}  // namespace

bool is_reserved_event(std::string_view name) {
  return name == "state:change" || name == "state:patch" || name == "error" ||
         name.starts_with("phx_") || name.starts_with("livestate-");
}

Result<> Effects::add(std::string_view function, std::string_view input) {
  const auto wrong = [&](const Error& error) {
    return Error{fmt::format("troupe_{}: {}", function, error.message)};
  };
  // Not even looked at: reading it would hold the thread for longer than a slice.
  if (input.size() > bytes_max_ + envelope_bytes_max) {
    full_ = true;
    return wrong({fmt::format("the effects of one turn are larger than {} bytes", bytes_max_)});
  }
  json::Tape tape;
  if (auto parsed = json::parse(input, tape); parsed.has_error()) {
    return wrong({fmt::format("the input is not JSON: {}", parsed.error().message)});
  }
  if (!tape.root().is_object()) {
    return wrong(
        {fmt::format("the input must be an object, not {}", json::describe(tape.root().kind()))});
  }
  if (function == "reply" || function == "broadcast") {
    auto taken = push(function == "broadcast", tape.root());
    if (taken.has_error()) return wrong(taken.error());
    if (auto room = take_room(taken->name.size() + taken->detail.size()); room.has_error()) {
      return wrong(room.error());
    }
    pushes_.push_back(std::move(*taken));
    return {};
  }
  const auto* found = std::ranges::find(functions, function, &Function::name);
  if (found == functions.end()) {
    return Error{fmt::format("there is no host function troupe_{}", function)};
  }
  auto deed = found->read(tape.root());
  if (deed.has_error()) return wrong(deed.error());
  if (auto room = take_room(deed->bytes()); room.has_error()) return wrong(room.error());
  deeds_.push_back(std::move(*deed));
  return {};
}

Result<> Effects::take_room(std::size_t bytes) {
  full_ = true;
  if (pushes_.size() + deeds_.size() >= count_max_) {
    return Error{fmt::format("more than {} effects in one turn", count_max_)};
  }
  if (bytes > bytes_max_ - bytes_) {
    return Error{fmt::format("the effects of one turn are larger than {} bytes", bytes_max_)};
  }
  full_ = false;
  bytes_ += bytes;
  return {};
}

}  // namespace troupe::actor
