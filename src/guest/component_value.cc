#include "guest/component_value.h"

#include "guest/text.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace troupe::guest {

namespace {

using Kind = Type::Kind;

// Integers that a JavaScript number holds exactly.
constexpr std::int64_t exact_max = (std::int64_t{1} << 53) - 1;

// Of a guest's or client's words in a message.
constexpr std::size_t quoted_bytes_max = 48;

constexpr std::string_view not_a_number = "NaN";
constexpr std::string_view infinity = "Infinity";
constexpr std::string_view minus_infinity = "-Infinity";

std::string_view word_for(json::Kind kind) {
  switch (kind) {
    case json::Kind::null:
      return "null";
    case json::Kind::boolean:
      return "boolean";
    case json::Kind::number:
      return "number";
    case json::Kind::string:
      return "string";
    case json::Kind::array:
      return "array";
    case json::Kind::object:
      return "object";
  }
  return "nothing";
}

std::string quoted(std::string_view text) {
  std::string out;
  json::quote(out, readable(text, quoted_bytes_max));
  return out;
}

std::string names_of(const Type& type) {
  std::string out;
  for (const Part& part : type.parts) {
    if (!out.empty()) out += ", ";
    if (out.size() > 4 * quoted_bytes_max) return out + "...";
    out += quoted(part.name);
  }
  return out;
}

// What the type wants, in the words of an author.
std::string expected(const Type& type) {
  switch (type.kind) {
    case Kind::enumeration:
      return "one of " + names_of(type);
    case Kind::variant:
    case Kind::result:
      return "{\"tag\", \"val\"} with a tag of " + names_of(type);
    case Kind::tuple:
      return describe(type) + " as an array of " + std::to_string(type.parts.size());
    case Kind::character:
      return "char (a string of one character)";
    default:
      return describe(type);
  }
}

bool is_number(Kind kind) {
  return kind >= Kind::s8 && kind <= Kind::f64;
}

Error mismatch(const Type& type, const Place& place, std::string_view got) {
  return Error{place.text() + ": expected " + expected(type) + ", got " + std::string(got)};
}

Error mismatch(const Type& type, const Place& place, json::Value json) {
  if (json.kind() == json::Kind::number && is_number(type.kind)) {
    return mismatch(type, place, readable(json.raw(), quoted_bytes_max));
  }
  const bool names =
      type.kind == Kind::enumeration || type.kind == Kind::character || is_number(type.kind);
  if (json.is_string() && names) return mismatch(type, place, quoted(json.string()));
  if (json.is_array() && type.kind == Kind::tuple) {
    return mismatch(type, place, "an array of " + std::to_string(json.size()));
  }
  return mismatch(type, place, word_for(json.kind()));
}

template <class T>
std::optional<T> number(std::string_view digits) {
  T value{};
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  if (error == std::errc{} && at == end) return value;
  return std::nullopt;
}

// The digits of an integer: a number's token, and where strings stand for large numbers the
// string's characters.
template <class T>
std::optional<T> integer(json::Value json, std::string& buffer) {
  if (json.kind() == json::Kind::number) return number<T>(json.raw());
  if (sizeof(T) == 8 && json.is_string()) return number<T>(json.string(buffer));
  return std::nullopt;
}

template <class T>
std::optional<T> floating(json::Value json, std::string& buffer) {
  if (json.kind() == json::Kind::number) {
    const std::string_view digits = json.raw();
    if (const std::optional<T> value = number<T>(digits)) return value;
    // Out of range. No JSON number is too large for a double; one that is too small is zero.
    const double value = number<double>(digits).value_or(0.0);
    if (std::abs(value) > 1) return std::nullopt;
    return digits.starts_with('-') ? T{-0.0} : T{0.0};
  }
  if (!json.is_string()) return std::nullopt;
  const std::string_view word = json.string(buffer);
  if (word == not_a_number) return std::numeric_limits<T>::quiet_NaN();
  if (word == infinity) return std::numeric_limits<T>::infinity();
  if (word == minus_infinity) return -std::numeric_limits<T>::infinity();
  return std::nullopt;
}

// The character of a string of one; the bytes are valid UTF-8.
std::optional<std::uint32_t> character(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = at(0);
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() != length) return std::nullopt;
  std::uint32_t scalar = length == 1 ? first : first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) scalar = scalar << 6 | (at(i) & 0x3FU);
  return scalar;
}

void append_character(std::string& out, std::uint32_t scalar) {
  const auto byte = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (scalar < 0x80) {
    byte(scalar);
    return;
  }
  if (scalar < 0x800) {
    byte(0xC0 | scalar >> 6);
  } else {
    if (scalar < 0x10000) {
      byte(0xE0 | scalar >> 12);
    } else {
      byte(0xF0 | scalar >> 18);
      byte(0x80 | (scalar >> 12 & 0x3F));
    }
    byte(0x80 | (scalar >> 6 & 0x3F));
  }
  byte(0x80 | (scalar & 0x3F));
}

wasm_name_t name_value(std::string_view name) {
  wasm_name_t out;
  wasm_byte_vec_new(&out, name.size(), name.data());
  return out;
}

// Moves a value to where variants, options and results keep theirs.
ComponentValue* boxed(OwnedValue& value) {
  return wasmtime_component_val_new(&value);
}

bool is_nested_option(const Type& type) {
  return type.kind == Kind::option && type.parts[0].type->kind == Kind::option;
}

}  // namespace

std::string Place::text() const {
  std::string out = parent == nullptr ? std::string() : parent->text();
  if (name.empty()) return out + "[" + std::to_string(index) + "]";
  if (!out.empty()) out += '.';
  return out.append(name);
}

bool is_object(const Type& type) {
  return type.kind == Kind::record || type.kind == Kind::variant || type.kind == Kind::flags ||
         type.kind == Kind::result;
}

std::vector<std::optional<json::Value>> members_by_part(json::Value object, const Type& record) {
  std::vector<std::optional<json::Value>> values(record.parts.size());
  std::string buffer;
  for (const json::Member member : object.members()) {
    const std::optional<std::size_t> part = record.find(member.name.string(buffer));
    if (part) values[*part] = member.value;
  }
  return values;
}

Result<void> ValueReader::count(const Place& place, std::size_t values) {
  values_ += values;
  if (values_ <= values_max) return {};
  return Error{place.text() + ": more than " + std::to_string(values_max) +
               " values in one call; send less at once, or keep a smaller state"};
}

Result<void> ValueReader::read_if(const std::optional<json::Value>& json,
                                  const Type& type,
                                  const Place& place,
                                  ComponentValue& to) {
  if (json) return read(*json, type, place, to);
  if (type.kind != Kind::option) return mismatch(type, place, "nothing");
  TRY_VOID(count(place));
  to.kind = WASMTIME_COMPONENT_OPTION;
  to.of.option = nullptr;
  return {};
}

Result<void> ValueReader::read(json::Value json,
                               const Type& type,
                               const Place& place,
                               ComponentValue& to) {
  TRY_VOID(count(place));
  std::string buffer;
  const auto store = [&](const auto& value, wasmtime_component_valkind_t kind, auto& field) {
    if (!value) return Result<void>(mismatch(type, place, json));
    field = *value;
    to.kind = kind;
    return Result<void>();
  };
  auto& of = to.of;
  switch (type.kind) {
    case Kind::boolean:
      return store(json.boolean(), WASMTIME_COMPONENT_BOOL, of.boolean);
    case Kind::s8:
      return store(integer<std::int8_t>(json, buffer), WASMTIME_COMPONENT_S8, of.s8);
    case Kind::u8:
      return store(integer<std::uint8_t>(json, buffer), WASMTIME_COMPONENT_U8, of.u8);
    case Kind::s16:
      return store(integer<std::int16_t>(json, buffer), WASMTIME_COMPONENT_S16, of.s16);
    case Kind::u16:
      return store(integer<std::uint16_t>(json, buffer), WASMTIME_COMPONENT_U16, of.u16);
    case Kind::s32:
      return store(integer<std::int32_t>(json, buffer), WASMTIME_COMPONENT_S32, of.s32);
    case Kind::u32:
      return store(integer<std::uint32_t>(json, buffer), WASMTIME_COMPONENT_U32, of.u32);
    case Kind::s64:
      return store(integer<std::int64_t>(json, buffer), WASMTIME_COMPONENT_S64, of.s64);
    case Kind::u64:
      return store(integer<std::uint64_t>(json, buffer), WASMTIME_COMPONENT_U64, of.u64);
    case Kind::f32:
      return store(floating<float>(json, buffer), WASMTIME_COMPONENT_F32, of.f32);
    case Kind::f64:
      return store(floating<double>(json, buffer), WASMTIME_COMPONENT_F64, of.f64);
    case Kind::character: {
      const auto scalar = json.is_string() ? character(json.string(buffer)) : std::nullopt;
      return store(scalar, WASMTIME_COMPONENT_CHAR, of.character);
    }
    case Kind::string:
      if (!json.is_string()) return mismatch(type, place, json);
      of.string = name_value(json.string(buffer));
      to.kind = WASMTIME_COMPONENT_STRING;
      return {};
    case Kind::list:
      return read_list(json, type, place, to);
    case Kind::record:
      return read_record(json, type, place, to);
    case Kind::tuple:
      return read_tuple(json, type, place, to);
    case Kind::variant:
    case Kind::result:
      return read_case(json, type, place, to);
    case Kind::enumeration:
      return read_enum(json, type, place, to);
    case Kind::option:
      return read_option(json, type, place, to);
    case Kind::flags:
      return read_flags(json, type, place, to);
  }
  return {};
}

Result<void> ValueReader::read_list(json::Value json,
                                    const Type& type,
                                    const Place& place,
                                    ComponentValue& to) {
  if (!json.is_array()) return mismatch(type, place, json);
  // Before there is room for them.
  if (values_ + json.size() > values_max) return count(place, json.size());
  wasmtime_component_vallist_new_uninit(&to.of.list, json.size());
  to.kind = WASMTIME_COMPONENT_LIST;
  for (std::size_t i = 0; i < json.size(); ++i) to.of.list.data[i] = ComponentValue{};
  std::size_t i = 0;
  for (const json::Value element : json.elements()) {
    TRY_VOID(read(element, *type.parts[0].type, {&place, {}, i}, to.of.list.data[i]));
    ++i;
  }
  return {};
}

Result<void> ValueReader::read_tuple(json::Value json,
                                     const Type& type,
                                     const Place& place,
                                     ComponentValue& to) {
  if (!json.is_array() || json.size() != type.parts.size()) return mismatch(type, place, json);
  wasmtime_component_valtuple_new_uninit(&to.of.tuple, type.parts.size());
  to.kind = WASMTIME_COMPONENT_TUPLE;
  for (std::size_t i = 0; i < type.parts.size(); ++i) to.of.tuple.data[i] = ComponentValue{};
  std::size_t i = 0;
  for (const json::Value element : json.elements()) {
    TRY_VOID(read(element, *type.parts[i].type, {&place, {}, i}, to.of.tuple.data[i]));
    ++i;
  }
  return {};
}

Result<void> ValueReader::read_record(json::Value json,
                                      const Type& type,
                                      const Place& place,
                                      ComponentValue& to) {
  if (!json.is_object()) return mismatch(type, place, json);
  const std::vector<std::optional<json::Value>> values = members_by_part(json, type);
  wasmtime_component_valrecord_new_uninit(&to.of.record, type.parts.size());
  to.kind = WASMTIME_COMPONENT_RECORD;
  for (std::size_t i = 0; i < type.parts.size(); ++i) to.of.record.data[i] = {};
  for (std::size_t i = 0; i < type.parts.size(); ++i) {
    const Part& part = type.parts[i];
    auto& entry = to.of.record.data[i];
    const Place inside{&place, part.json_name};
    entry.name = name_value(part.name);
    TRY_VOID(read_if(values[i], *part.type, inside, entry.val));
  }
  return {};
}

Result<void> ValueReader::read_flags(json::Value json,
                                     const Type& type,
                                     const Place& place,
                                     ComponentValue& to) {
  if (!json.is_object()) return mismatch(type, place, json);
  std::vector<std::string_view> set;
  const std::vector<std::optional<json::Value>> values = members_by_part(json, type);
  for (std::size_t i = 0; i < type.parts.size(); ++i) {
    if (!values[i]) continue;
    const std::optional<bool> is_set = values[i]->boolean();
    if (!is_set) return mismatch(Type{}, {&place, type.parts[i].json_name}, *values[i]);
    if (*is_set) set.push_back(type.parts[i].name);
  }
  TRY_VOID(count(place, set.size()));
  wasmtime_component_valflags_new_uninit(&to.of.flags, set.size());
  to.kind = WASMTIME_COMPONENT_FLAGS;
  for (std::size_t i = 0; i < set.size(); ++i) to.of.flags.data[i] = name_value(set[i]);
  return {};
}

// A case of a variant or a result: {"tag", "val"}.
Result<void> ValueReader::read_case(json::Value json,
                                    const Type& type,
                                    const Place& place,
                                    ComponentValue& to) {
  if (!json.is_object()) return mismatch(type, place, json);
  const std::optional<json::Value> tag = json.find("tag");
  if (!tag) return mismatch(type, place, "an object without \"tag\"");
  if (!tag->is_string()) return mismatch(type, place, "a tag that is no string");
  const std::string name = tag->string();
  const std::optional<std::size_t> found = type.find(name);
  if (!found) return mismatch(type, place, "the tag " + quoted(name));
  const Part& part = type.parts[*found];

  OwnedValue inside;
  if (part.type != nullptr) {
    const Place val{&place, "val"};
    TRY_VOID(read_if(json.find("val"), *part.type, val, inside));
  }
  ComponentValue* const kept = part.type == nullptr ? nullptr : boxed(inside);
  if (type.kind == Kind::result) {
    to.of.result = {*found == 0, kept};
    to.kind = WASMTIME_COMPONENT_RESULT;
  } else {
    to.of.variant = {name_value(part.name), kept};
    to.kind = WASMTIME_COMPONENT_VARIANT;
  }
  return {};
}

Result<void> ValueReader::read_enum(json::Value json,
                                    const Type& type,
                                    const Place& place,
                                    ComponentValue& to) {
  std::string buffer;
  const auto found = json.is_string() ? type.find(json.string(buffer)) : std::nullopt;
  if (!found) return mismatch(type, place, json);
  to.of.enumeration = name_value(type.parts[*found].name);
  to.kind = WASMTIME_COMPONENT_ENUM;
  return {};
}

Result<void> ValueReader::read_option(json::Value json,
                                      const Type& type,
                                      const Place& place,
                                      ComponentValue& to) {
  OwnedValue inside;
  bool some = !json.is_null();
  if (some && is_nested_option(type)) {
    const std::optional<json::Value> tag = json.find("tag");
    some = tag && tag->is("some");
    if (!some && !(tag && tag->is("none"))) {
      return mismatch(type, place, "what is neither null nor {\"tag\": \"some\" or \"none\"}");
    }
    if (some) {
      const Place val{&place, "val"};
      TRY_VOID(read_if(json.find("val"), *type.parts[0].type, val, inside));
    }
  } else if (some) {
    TRY_VOID(read(json, *type.parts[0].type, place, inside));
  }
  to.of.option = some ? boxed(inside) : nullptr;
  to.kind = WASMTIME_COMPONENT_OPTION;
  return {};
}

namespace {

template <class T>
void write_integer(std::string& out, T value) {
  if constexpr (sizeof(T) == 8) {
    const bool exact = std::in_range<std::int64_t>(value) &&
                       static_cast<std::int64_t>(value) <= exact_max &&
                       static_cast<std::int64_t>(value) >= -exact_max;
    if (!exact) {
      out += '"' + std::to_string(value) + '"';
      return;
    }
  }
  out += std::to_string(value);
}

template <class T>
void write_floating(std::string& out, T value) {
  if (!std::isfinite(value)) {
    out += '"';
    out += std::isnan(value) ? not_a_number : value > 0 ? infinity : minus_infinity;
    out += '"';
    return;
  }
  std::array<char, 32> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  assert(error == std::errc{} && "the shortest digits of a double are few");
  out.append(digits.data(), end);
}

class Writer {
 public:
  Writer(std::string& out, std::size_t bytes_max) : out_(out), bytes_max_(bytes_max) {}

  bool write(const ComponentValue& value, const Type& type);

 private:
  bool fits() const { return out_.size() <= bytes_max_; }
  template <class Vector>
  bool write_elements(const Vector& values, const Type& type);
  bool write_record(const wasmtime_component_valrecord_t& record, const Type& type);
  bool write_flags(const wasmtime_component_valflags_t& flags, const Type& type);
  bool write_case(const Part& part, const ComponentValue* value);
  bool write_option(const ComponentValue* value, const Type& type);
  void name(std::string_view json_name, bool first) {
    out_ += first ? "{\"" : ",\"";
    out_ += json_name;
    out_ += "\":";
  }

  std::string& out_;
  const std::size_t bytes_max_;
};

const Part& part_named(const Type& type, const wasm_name_t& name) {
  for (const Part& part : type.parts) {
    if (part.name == view(&name)) return part;
  }
  assert(false && "Wasmtime gives values of their type");
  return type.parts[0];
}

bool Writer::write(const ComponentValue& value, const Type& type) {
  const auto& of = value.of;
  switch (type.kind) {
    case Kind::boolean:
      out_ += of.boolean ? "true" : "false";
      break;
    case Kind::s8:
      write_integer(out_, of.s8);
      break;
    case Kind::u8:
      write_integer(out_, of.u8);
      break;
    case Kind::s16:
      write_integer(out_, of.s16);
      break;
    case Kind::u16:
      write_integer(out_, of.u16);
      break;
    case Kind::s32:
      write_integer(out_, of.s32);
      break;
    case Kind::u32:
      write_integer(out_, of.u32);
      break;
    case Kind::s64:
      write_integer(out_, of.s64);
      break;
    case Kind::u64:
      write_integer(out_, of.u64);
      break;
    case Kind::f32:
      write_floating(out_, of.f32);
      break;
    case Kind::f64:
      write_floating(out_, of.f64);
      break;
    case Kind::character: {
      std::string text;
      append_character(text, of.character);
      json::quote(out_, text);
      break;
    }
    case Kind::string:
      json::quote(out_, view(&of.string));
      break;
    case Kind::enumeration:
      json::quote(out_, view(&of.enumeration));
      break;
    case Kind::list:
      return write_elements(of.list, type);
    case Kind::tuple:
      return write_elements(of.tuple, type);
    case Kind::record:
      return write_record(of.record, type);
    case Kind::flags:
      return write_flags(of.flags, type);
    case Kind::variant:
      return write_case(part_named(type, of.variant.discriminant), of.variant.val);
    case Kind::result:
      return write_case(type.parts[of.result.is_ok ? 0 : 1], of.result.val);
    case Kind::option:
      return write_option(of.option, type);
  }
  return fits();
}

template <class Vector>
bool Writer::write_elements(const Vector& values, const Type& type) {
  out_ += '[';
  for (std::size_t i = 0; i < values.size; ++i) {
    if (i != 0) out_ += ',';
    const Part& part = type.parts[type.kind == Kind::list ? 0 : i];
    if (!write(values.data[i], *part.type)) return false;
  }
  out_ += ']';
  return fits();
}

bool Writer::write_record(const wasmtime_component_valrecord_t& record, const Type& type) {
  for (std::size_t i = 0; i < record.size; ++i) {
    name(type.parts[i].json_name, i == 0);
    if (!write(record.data[i].val, *type.parts[i].type)) return false;
  }
  out_ += record.size == 0 ? "{}" : "}";
  return fits();
}

bool Writer::write_flags(const wasmtime_component_valflags_t& flags, const Type& type) {
  for (std::size_t i = 0; i < type.parts.size(); ++i) {
    name(type.parts[i].json_name, i == 0);
    const bool set = std::any_of(flags.data, flags.data + flags.size, [&](const wasm_name_t& flag) {
      return view(&flag) == type.parts[i].name;
    });
    out_ += set ? "true" : "false";
  }
  out_ += type.parts.empty() ? "{}" : "}";
  return fits();
}

bool Writer::write_case(const Part& part, const ComponentValue* value) {
  out_ += "{\"tag\":";
  json::quote(out_, part.name);
  if (value != nullptr && part.type != nullptr) {
    out_ += ",\"val\":";
    if (!write(*value, *part.type)) return false;
  }
  out_ += '}';
  return fits();
}

bool Writer::write_option(const ComponentValue* value, const Type& type) {
  const bool nested = is_nested_option(type);
  if (value == nullptr) {
    out_ += nested ? "{\"tag\":\"none\"}" : "null";
    return fits();
  }
  if (nested) out_ += "{\"tag\":\"some\",\"val\":";
  if (!write(*value, *type.parts[0].type)) return false;
  if (nested) out_ += '}';
  return fits();
}

}  // namespace

bool write_json(std::string& out,
                const ComponentValue& value,
                const Type& type,
                std::size_t bytes_max) {
  return Writer(out, bytes_max).write(value, type);
}

}  // namespace troupe::guest
