#include "guest/component_type.h"

#include <cassert>
#include <optional>
#include <utility>

namespace troupe::guest {

namespace {

// In messages.
constexpr std::size_t described_bytes_max = 120;
constexpr unsigned described_depth_max = 4;

bool separates(char c) {
  return c == '-' || c == '_';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

using Kind = Type::Kind;

std::optional<Kind> kind_of(wasmtime_component_valtype_kind_t kind) {
  switch (kind) {
    case WASMTIME_COMPONENT_VALTYPE_BOOL:
      return Kind::boolean;
    case WASMTIME_COMPONENT_VALTYPE_S8:
      return Kind::s8;
    case WASMTIME_COMPONENT_VALTYPE_U8:
      return Kind::u8;
    case WASMTIME_COMPONENT_VALTYPE_S16:
      return Kind::s16;
    case WASMTIME_COMPONENT_VALTYPE_U16:
      return Kind::u16;
    case WASMTIME_COMPONENT_VALTYPE_S32:
      return Kind::s32;
    case WASMTIME_COMPONENT_VALTYPE_U32:
      return Kind::u32;
    case WASMTIME_COMPONENT_VALTYPE_S64:
      return Kind::s64;
    case WASMTIME_COMPONENT_VALTYPE_U64:
      return Kind::u64;
    case WASMTIME_COMPONENT_VALTYPE_F32:
      return Kind::f32;
    case WASMTIME_COMPONENT_VALTYPE_F64:
      return Kind::f64;
    case WASMTIME_COMPONENT_VALTYPE_CHAR:
      return Kind::character;
    case WASMTIME_COMPONENT_VALTYPE_STRING:
      return Kind::string;
    case WASMTIME_COMPONENT_VALTYPE_LIST:
      return Kind::list;
    case WASMTIME_COMPONENT_VALTYPE_RECORD:
      return Kind::record;
    case WASMTIME_COMPONENT_VALTYPE_TUPLE:
      return Kind::tuple;
    case WASMTIME_COMPONENT_VALTYPE_VARIANT:
      return Kind::variant;
    case WASMTIME_COMPONENT_VALTYPE_ENUM:
      return Kind::enumeration;
    case WASMTIME_COMPONENT_VALTYPE_OPTION:
      return Kind::option;
    case WASMTIME_COMPONENT_VALTYPE_RESULT:
      return Kind::result;
    case WASMTIME_COMPONENT_VALTYPE_FLAGS:
      return Kind::flags;
    default:
      return std::nullopt;
  }
}

std::string_view name_of_refused(wasmtime_component_valtype_kind_t kind) {
  switch (kind) {
    case WASMTIME_COMPONENT_VALTYPE_OWN:
      return "a resource (own)";
    case WASMTIME_COMPONENT_VALTYPE_BORROW:
      return "a resource (borrow)";
    case WASMTIME_COMPONENT_VALTYPE_FUTURE:
      return "a future";
    case WASMTIME_COMPONENT_VALTYPE_STREAM:
      return "a stream";
    case WASMTIME_COMPONENT_VALTYPE_ERROR_CONTEXT:
      return "an error-context";
    case WASMTIME_COMPONENT_VALTYPE_MAP:
      return "a map";
    default:
      return "a type that this Troupe does not know";
  }
}

void describe(std::string& out, const Type& type, unsigned depth) {
  // In the order of Kind.
  static constexpr std::string_view names[] = {
      "bool",   "s8",    "u8",      "s16",  "u16",    "s32",    "u32",
      "s64",    "u64",   "f32",     "f64",  "char",   "string", "list",
      "record", "tuple", "variant", "enum", "option", "result", "flags"};
  const bool has_types = type.kind == Kind::list || type.kind == Kind::tuple ||
                         type.kind == Kind::option || type.kind == Kind::result;
  out += names[static_cast<std::size_t>(type.kind)];
  if (!has_types || depth == described_depth_max) return;
  out += '<';
  for (std::size_t i = 0; i < type.parts.size(); ++i) {
    if (i != 0) out += ", ";
    if (out.size() > described_bytes_max) {
      out += "...";
      break;
    }
    const Type* part = type.parts[i].type.get();
    part == nullptr ? void(out += '_') : describe(out, *part, depth + 1);
  }
  out += '>';
}

}  // namespace

std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (!separates(c)) out += lower(c);
  }
  return out;
}

bool same_name(std::string_view a, std::string_view b) {
  return folded(a) == folded(b);
}

std::string camel_case(std::string_view name) {
  std::string out;
  bool begins_word = false;
  for (const char c : name) {
    if (separates(c)) {
      begins_word = !out.empty();
    } else {
      out += begins_word ? upper(c) : lower(c);
      begins_word = false;
    }
  }
  return out;
}

std::optional<std::size_t> Type::find(std::string_view name) const {
  const auto found = by_name.find(folded(name));
  return found == by_name.end() ? std::nullopt : std::optional(found->second);
}

std::string describe(const Type& type) {
  std::string out;
  describe(out, type, 0);
  return out;
}

Result<void> TypeReader::add_name(Type& to, std::string_view name) {
  name_bytes_ += name.size();
  if (name_bytes_ > name_bytes_max) {
    return Error{"names of types with more than " + std::to_string(name_bytes_max) + " bytes"};
  }
  [[maybe_unused]] const bool added = to.by_name.emplace(folded(name), to.parts.size()).second;
  assert(added && "valid components have no two names that differ in spelling alone");
  to.parts.push_back({std::string(name), camel_case(name), nullptr});
  return {};
}

Result<std::unique_ptr<const Type>> TypeReader::read(const wasmtime_component_valtype_t& type) {
  return read(type, 0);
}

Result<std::unique_ptr<const Type>> TypeReader::read(const wasmtime_component_valtype_t& type,
                                                     unsigned depth) {
  if (++types_ > types_max) return Error{"more than " + std::to_string(types_max) + " types"};
  if (depth == depth_max) {
    return Error{"types nested more than " + std::to_string(depth_max) + " deep"};
  }
  const std::optional<Kind> kind = kind_of(type.kind);
  if (!kind) return Error{std::string(name_of_refused(type.kind))};
  auto read = std::make_unique<Type>();
  read->kind = *kind;
  TRY_VOID(read_parts(type, *read, depth + 1));
  return std::unique_ptr<const Type>(std::move(read));
}

Result<void> TypeReader::read_parts(const wasmtime_component_valtype_t& type,
                                    Type& to,
                                    unsigned depth) {
  // One after the other, as `nth` gives them: the name where there is one, the type where there is
  // one.
  const auto each = [&](std::size_t count, auto nth) -> Result<void> {
    for (std::size_t i = 0; i < count; ++i) {
      const char* name = nullptr;
      std::size_t name_bytes = 0;
      OwnedValueType part;
      const bool has_type = nth(i, &name, &name_bytes, &part);
      if (name == nullptr) {
        to.parts.emplace_back();
      } else {
        TRY_VOID(add_name(to, {name, name_bytes}));
      }
      if (!has_type) continue;
      TRY(to.parts.back().type, read(part, depth));
    }
    return {};
  };
  const auto& of = type.of;
  switch (to.kind) {
    case Kind::list:
      return each(1, [&](std::size_t, const char**, std::size_t*, OwnedValueType* part) {
        wasmtime_component_list_type_element(of.list, part);
        return true;
      });
    case Kind::option:
      return each(1, [&](std::size_t, const char**, std::size_t*, OwnedValueType* part) {
        wasmtime_component_option_type_ty(of.option, part);
        return true;
      });
    case Kind::record:
      return each(wasmtime_component_record_type_field_count(of.record),
                  [&](std::size_t i, const char** name, std::size_t* size, OwnedValueType* part) {
                    return wasmtime_component_record_type_field_nth(of.record, i, name, size, part);
                  });
    case Kind::tuple:
      return each(wasmtime_component_tuple_type_types_count(of.tuple),
                  [&](std::size_t i, const char**, std::size_t*, OwnedValueType* part) {
                    return wasmtime_component_tuple_type_types_nth(of.tuple, i, part);
                  });
    case Kind::variant:
      return each(wasmtime_component_variant_type_case_count(of.variant),
                  [&](std::size_t i, const char** name, std::size_t* size, OwnedValueType* part) {
                    bool has_type = false;
                    wasmtime_component_variant_type_case_nth(
                        of.variant, i, name, size, &has_type, part);
                    return has_type;
                  });
    case Kind::enumeration:
      return each(wasmtime_component_enum_type_names_count(of.enum_),
                  [&](std::size_t i, const char** name, std::size_t* size, OwnedValueType*) {
                    wasmtime_component_enum_type_names_nth(of.enum_, i, name, size);
                    return false;
                  });
    case Kind::flags:
      return each(wasmtime_component_flags_type_names_count(of.flags),
                  [&](std::size_t i, const char** name, std::size_t* size, OwnedValueType*) {
                    wasmtime_component_flags_type_names_nth(of.flags, i, name, size);
                    return false;
                  });
    case Kind::result:
      return each(2,
                  [&](std::size_t i, const char** name, std::size_t* size, OwnedValueType* part) {
                    *name = i == 0 ? "ok" : "err";
                    *size = i == 0 ? 2 : 3;
                    return i == 0 ? wasmtime_component_result_type_ok(of.result, part)
                                  : wasmtime_component_result_type_err(of.result, part);
                  });
    default:
      return {};
  }
}

}  // namespace troupe::guest
