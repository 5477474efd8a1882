// The value types of a component, read once at load: what its functions take and return.
//
// Private to this folder. Immutable once read; from any thread.
#pragma once

#include "base/result.h"
#include "guest/wasmtime.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest {

// A name's letters and digits in lower case: what two names have in common that are the same in
// WIT's, JavaScript's and Rust's spelling (docs/formats/components.md).
std::string folded(std::string_view name);
bool same_name(std::string_view a, std::string_view b);
// `add-todo` as `addTodo`.
std::string camel_case(std::string_view name);

struct Type;

// A field, an element, a case, a flag.
struct Part {
  std::string name;                  // as in WIT; empty in lists, tuples and options
  std::string json_name;             // in camelCase
  std::unique_ptr<const Type> type;  // null for a case without a value, and for flags
};

struct Type {
  enum class Kind : std::uint8_t {
    boolean,
    s8,
    u8,
    s16,
    u16,
    s32,
    u32,
    s64,
    u64,
    f32,
    f64,
    character,
    string,
    list,    // one part: the element
    record,  // a part for each field
    tuple,
    variant,
    enumeration,
    option,  // one part
    result,  // two parts, "ok" and "err"
    flags,
  };

  // The place of a name among the parts, in any spelling; nothing when there is none.
  std::optional<std::size_t> find(std::string_view name) const;

  Kind kind = Kind::boolean;
  std::vector<Part> parts;
  std::map<std::string, std::size_t, std::less<>> by_name;  // folded, where parts have names
};

// The type in WIT's words, cut short where it is long: "list<string>", "record".
std::string describe(const Type& type);

// Reads the types of one component, and counts them.
class TypeReader {
 public:
  static constexpr std::size_t types_max = 10'000;
  static constexpr std::size_t name_bytes_max = std::size_t{1} << 20;
  static constexpr unsigned depth_max = 100;

  // The error says what cannot be converted, as "a resource (own)". Takes nothing of `type`.
  Result<std::unique_ptr<const Type>> read(const wasmtime_component_valtype_t& type);
  // Adds a name to a list of them.
  Result<void> add_name(Type& to, std::string_view name);

 private:
  Result<std::unique_ptr<const Type>> read(const wasmtime_component_valtype_t& type,
                                           unsigned depth);
  Result<void> read_parts(const wasmtime_component_valtype_t& type, Type& to, unsigned depth);

  std::size_t types_ = 0;
  std::size_t name_bytes_ = 0;
};

// A type of the C API with an owner; to be filled by its functions.
struct OwnedValueType : wasmtime_component_valtype_t {
  OwnedValueType() : wasmtime_component_valtype_t{} {}
  OwnedValueType(const OwnedValueType&) = delete;
  OwnedValueType& operator=(const OwnedValueType&) = delete;
  ~OwnedValueType() { wasmtime_component_valtype_delete(this); }
};

}  // namespace troupe::guest
