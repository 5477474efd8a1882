// Values of a component from JSON and back, by their types (docs/formats/components.md).
//
// Private to this folder. From any thread, one for an object at a time.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "guest/component_type.h"
#include "guest/wasmtime.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest {

using ComponentValue = wasmtime_component_val_t;

// A value of the C API with an owner. `false` until it is filled.
struct OwnedValue : ComponentValue {
  OwnedValue() : ComponentValue{} {}
  OwnedValue(const OwnedValue&) = delete;
  OwnedValue& operator=(const OwnedValue&) = delete;
  ~OwnedValue() { wasmtime_component_val_delete(this); }
};

// Where a value stands, for messages: payload.todos[3]. Lives on the stack, its parents longer.
struct Place {
  const Place* parent = nullptr;
  std::string_view name;  // without one, the index counts
  std::size_t index = 0;

  std::string text() const;
};

// Makes the values of one call, and counts them.
class ValueReader {
 public:
  static constexpr std::size_t values_max = std::size_t{1} << 18;

  // `to` is `false` before; after an error it holds some of the value, to be deleted. The error
  // names the place, what was expected and what is there.
  Result<void> read(json::Value json, const Type& type, const Place& place, ComponentValue& to);
  // The same for what may be missing, which is `none` of an option, else an error.
  Result<void> read_if(const std::optional<json::Value>& json,
                       const Type& type,
                       const Place& place,
                       ComponentValue& to);

 private:
  Result<void> count(const Place& place, std::size_t values = 1);
  Result<void> read_list(json::Value, const Type&, const Place&, ComponentValue& to);
  Result<void> read_tuple(json::Value, const Type&, const Place&, ComponentValue& to);
  Result<void> read_record(json::Value, const Type&, const Place&, ComponentValue& to);
  Result<void> read_flags(json::Value, const Type&, const Place&, ComponentValue& to);
  Result<void> read_case(json::Value, const Type&, const Place&, ComponentValue& to);
  Result<void> read_enum(json::Value, const Type&, const Place&, ComponentValue& to);
  Result<void> read_option(json::Value, const Type&, const Place&, ComponentValue& to);

  std::size_t values_ = 0;
};

// The members of an object by the parts of a record, in any spelling: a value or nothing for each
// part. Of several the last.
std::vector<std::optional<json::Value>> members_by_part(json::Value object, const Type& record);

// Whether a value of the type is written as a JSON object.
bool is_object(const Type& type);

// Appends the JSON text of a value that has this type. False when `out` would be longer than
// bytes_max; what it holds then is of no use.
bool write_json(std::string& out,
                const ComponentValue& value,
                const Type& type,
                std::size_t bytes_max);

}  // namespace troupe::guest
