// Any type and any JSON: what is taken as a value of the type is written as JSON that is taken
// again and stays the same, and JSON made by the type's rules is always taken.
#include "base/json.h"
#include "fuzz/check.h"
#include "guest/component_value.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace guest = troupe::guest;
namespace json = troupe::json;
using guest::Type;
using Kind = Type::Kind;

namespace {

constexpr unsigned depth_max = 6;
constexpr std::size_t parts_max = 5;
constexpr std::size_t bytes_max = std::size_t{1} << 20;

std::unique_ptr<const Type> any_type(FuzzedDataProvider& data, unsigned depth = 0) {
  auto type = std::make_unique<Type>();
  const Kind last = depth == depth_max ? Kind::string : Kind::flags;
  type->kind = static_cast<Kind>(data.ConsumeIntegralInRange(0, static_cast<int>(last)));
  const auto add = [&](std::string name, bool typed) {
    type->by_name.emplace(guest::folded(name), type->parts.size());
    type->parts.push_back({name, guest::camel_case(name), nullptr});
    if (typed) type->parts.back().type = any_type(data, depth + 1);
  };
  const std::size_t parts = data.ConsumeIntegralInRange<std::size_t>(1, parts_max);
  const auto name = [](std::size_t i) { return "a-Part" + std::to_string(i); };
  switch (type->kind) {
    case Kind::list:
    case Kind::option:
      add("", true);
      break;
    case Kind::result:
      add("ok", data.ConsumeBool());
      add("err", data.ConsumeBool());
      break;
    case Kind::tuple:
      for (std::size_t i = 0; i < parts; ++i) add("", true);
      break;
    case Kind::record:
      for (std::size_t i = 0; i < parts; ++i) add(name(i), true);
      break;
    case Kind::variant:
      for (std::size_t i = 0; i < parts; ++i) add(name(i), data.ConsumeBool());
      break;
    case Kind::enumeration:
    case Kind::flags:
      for (std::size_t i = 0; i < parts; ++i) add(name(i), false);
      break;
    default:
      break;
  }
  return type;
}

template <class T>
std::string digits(FuzzedDataProvider& data) {
  return std::to_string(data.ConsumeIntegral<T>());
}

// JSON that fits the type.
std::string fitting(FuzzedDataProvider& data, const Type& type) {
  const auto quoted = [](std::string_view text) {
    std::string out;
    json::quote(out, text);
    return out;
  };
  const auto tagged = [&](const guest::Part& part) {
    std::string out = "{\"tag\":" + quoted(part.json_name);
    if (part.type) out += ",\"val\":" + fitting(data, *part.type);
    return out + '}';
  };
  const auto any_part = [&]() -> const guest::Part& {
    return type.parts[data.ConsumeIntegralInRange<std::size_t>(0, type.parts.size() - 1)];
  };
  std::string out;
  switch (type.kind) {
    case Kind::boolean:
      return data.ConsumeBool() ? "true" : "false";
    case Kind::s8:
      return digits<std::int8_t>(data);
    case Kind::u8:
      return digits<std::uint8_t>(data);
    case Kind::s16:
      return digits<std::int16_t>(data);
    case Kind::u16:
      return digits<std::uint16_t>(data);
    case Kind::s32:
      return digits<std::int32_t>(data);
    case Kind::u32:
      return digits<std::uint32_t>(data);
    case Kind::s64:
      return digits<std::int64_t>(data);
    case Kind::u64:
      return '"' + digits<std::uint64_t>(data) + '"';
    case Kind::f32:
    case Kind::f64:
      return data.ConsumeBool() ? "\"NaN\"" : digits<std::int16_t>(data) + ".5e-3";
    case Kind::character:
      return quoted(data.ConsumeBool() ? "a" : "\xF0\x9F\x98\x80");
    case Kind::string:
      return quoted(data.ConsumeRandomLengthString(16));
    case Kind::enumeration:
      return quoted(any_part().name);
    case Kind::variant:
    case Kind::result:
      return tagged(any_part());
    case Kind::list:
      for (std::size_t i = data.ConsumeIntegralInRange<std::size_t>(0, 3); i > 0; --i) {
        out += (out.empty() ? "" : ",") + fitting(data, *type.parts[0].type);
      }
      return '[' + out + ']';
    case Kind::tuple:
      for (const guest::Part& part : type.parts) {
        out += (out.empty() ? "" : ",") + fitting(data, *part.type);
      }
      return '[' + out + ']';
    case Kind::record:
      for (const guest::Part& part : type.parts) {
        out += (out.empty() ? "" : ",") + quoted(part.name) + ':' + fitting(data, *part.type);
      }
      return '{' + out + '}';
    case Kind::flags:
      for (const guest::Part& part : type.parts) {
        if (data.ConsumeBool()) continue;
        out += (out.empty() ? "" : ",") + quoted(part.json_name) + ":true";
      }
      return '{' + out + '}';
    case Kind::option: {
      const Type& inner = *type.parts[0].type;
      const bool some = data.ConsumeBool();
      if (inner.kind != Kind::option) return some ? fitting(data, inner) : "null";
      return some ? R"({"tag":"some","val":)" + fitting(data, inner) + '}' : R"({"tag":"none"})";
    }
  }
  return out;
}

// What the value is written as, nothing when the text is not taken.
std::optional<std::string> through(std::string_view text, const Type& type) {
  json::Tape tape;
  if (json::parse(text, tape).has_error()) return std::nullopt;
  guest::OwnedValue value;
  guest::ValueReader reader;
  const auto read = reader.read(tape.root(), type, {nullptr, "payload"}, value);
  if (read.has_error()) {
    check(read.error().message.starts_with("payload"));
    return std::nullopt;
  }
  std::string out;
  if (!guest::write_json(out, value, type, bytes_max)) return std::nullopt;
  return out;
}

void check_same_again(const std::string& text, const Type& type) {
  const std::optional<std::string> again = through(text, type);
  check(again.has_value() && *again == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  FuzzedDataProvider data(bytes, size);
  const std::unique_ptr<const Type> type = any_type(data);
  const std::string fits = fitting(data, *type);
  const std::optional<std::string> written = through(fits, *type);
  check(written.has_value());
  check_same_again(*written, *type);

  const std::string any = data.ConsumeRemainingBytesAsString();
  if (const std::optional<std::string> taken = through(any, *type)) check_same_again(*taken, *type);
  return 0;
}
