#include "guest/component.h"

#include "guest/component_imports.h"
#include "guest/text.h"

#include <algorithm>
#include <utility>

namespace troupe::guest {

namespace {

using Kind = Type::Kind;
using Members = std::vector<std::optional<json::Value>>;

constexpr std::string_view init_name = "init";
constexpr std::string_view state_name = "state";

struct OwnedItem : wasmtime_component_item_t {
  OwnedItem() : wasmtime_component_item_t{} {}
  OwnedItem(const OwnedItem&) = delete;
  OwnedItem& operator=(const OwnedItem&) = delete;
  ~OwnedItem() { wasmtime_component_item_delete(this); }
};

bool equal(const Type* a, const Type* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->kind == b->kind &&
         std::ranges::equal(a->parts, b->parts, [](const Part& x, const Part& y) {
           return x.name == y.name && equal(x.type.get(), y.type.get());
         });
}

// What a function gives when all went well: of a result its `ok`. Null for nothing.
const Type* given(const Component::Function& function) {
  const Type* result = function.result.get();
  if (result == nullptr || result->kind != Kind::result) return result;
  return result->parts[0].type.get();
}

// The text of an error that a function has returned.
std::string error_text(const ComponentValue* value, const Type* type) {
  if (value == nullptr || type == nullptr) return "err";
  if (type->kind == Kind::string) return std::string(view(&value->of.string));
  if (type->kind == Kind::enumeration) return std::string(view(&value->of.enumeration));
  std::string text;
  constexpr std::size_t bytes_max = 65536;
  if (!write_json(text, *value, *type, bytes_max)) text.resize(bytes_max);
  return text;
}

// The parameters, but the one for the state, from a payload.
Result<void> read_payload(const Component::Function& function,
                          json::Value payload,
                          const Place& place,
                          ValueReader& reader,
                          std::vector<ComponentValue>& to) {
  const std::vector<Part>& parts = function.parameters.parts;
  const std::size_t wanted = parts.size() - (function.state_parameter ? 1 : 0);
  const Members members = members_by_part(payload, function.parameters);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (function.state_parameter == i) continue;
    const Part& part = parts[i];
    const bool whole =
        wanted == 1 && !members[i] && (!payload.is_object() || is_object(*part.type));
    if (whole) {
      TRY_VOID(reader.read(payload, *part.type, place, to[i]));
    } else if (!payload.is_object()) {
      return Error{place.text() + ": expected an object with \"" + part.json_name + "\", got " +
                   std::string(json::describe(payload.kind()))};
    } else {
      TRY_VOID(reader.read_if(members[i], *part.type, {&place, part.json_name}, to[i]));
    }
  }
  return {};
}

}  // namespace

bool is_component(std::string_view wasm) {
  using namespace std::string_view_literals;
  return wasm.starts_with("\0asm\x0d\0\1\0"sv);
}

Result<std::unique_ptr<const Component>> Component::read(const wasm_engine_t* engine,
                                                         WasmComponent code) {
  std::unique_ptr<Component> component(new Component(std::move(code)));
  TRY_VOID(component->read_functions(engine));
  component->find_state();
  return std::unique_ptr<const Component>(std::move(component));
}

Result<void> Component::read_functions(const wasm_engine_t* engine) {
  const WasmComponentType type(wasmtime_component_type(code_.get()));
  TypeReader reader;
  TRY(linker_, link_component(engine, type.get()));
  const std::size_t exports = wasmtime_component_type_export_count(type.get(), engine);
  for (std::size_t i = 0; i < exports; ++i) {
    const char* name = nullptr;
    std::size_t name_bytes = 0;
    wasmtime_component_extern_t* raw = nullptr;
    wasmtime_component_type_export_nth(type.get(), engine, i, &name, &name_bytes, &raw);
    const WasmComponentExtern exported(raw);
    OwnedItem item;
    wasmtime_component_extern_type(exported.get(), &item);
    if (item.kind != WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC) continue;
    const std::string_view function(name, name_bytes);
    const auto refuse = [&](const Error& error) {
      return Error{"the component's function \"" + readable(function, 256) +
                   "\" cannot be called with JSON: it has " + error.message};
    };
    if (const auto added = reader.add_name(names_, function); added.has_error()) {
      return refuse(added.error());
    }
    if (const auto read = read_function(function, item.of.component_func, reader);
        read.has_error()) {
      return refuse(read.error());
    }
  }
  return {};
}

Result<void> Component::read_function(std::string_view name,
                                      const wasmtime_component_func_type_t* type,
                                      TypeReader& reader) {
  if (wasmtime_component_func_type_async(type)) return Error{"an async type"};
  Function function;
  function.name = name;
  function.json_name = camel_case(name);
  function.index.reset(
      wasmtime_component_get_export_index(code_.get(), nullptr, name.data(), name.size()));
  function.parameters.kind = Kind::record;
  const std::size_t parameters = wasmtime_component_func_type_param_count(type);
  for (std::size_t i = 0; i < parameters; ++i) {
    const char* parameter = nullptr;
    std::size_t parameter_bytes = 0;
    OwnedValueType value;
    wasmtime_component_func_type_param_nth(type, i, &parameter, &parameter_bytes, &value);
    TRY_VOID(reader.add_name(function.parameters, {parameter, parameter_bytes}));
    TRY(function.parameters.parts.back().type, reader.read(value));
  }
  OwnedValueType result;
  if (wasmtime_component_func_type_result(type, &result)) {
    TRY(function.result, reader.read(result));
  }
  functions_.push_back(std::move(function));
  return {};
}

// Which functions are about a state, by what `init` gives.
void Component::find_state() {
  const auto init = std::ranges::find_if(
      functions_, [](const Function& function) { return same_name(function.name, init_name); });
  if (init == functions_.end()) return;
  const Type* state = given(*init);
  if (state == nullptr) {
    state_problem_ = "init returns nothing, but it must return the first state";
    return;
  }
  init->gives_state = true;
  const Function* named_by = nullptr;  // the handler that has named the state
  for (Function& function : functions_) {
    if (&function == &*init || !equal(given(function), state)) continue;
    function.gives_state = true;
    function.is_handler = true;
    const std::vector<Part>& parts = function.parameters.parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (equal(parts[i].type.get(), state)) function.state_parameter = i;
    }
    if (state->kind == Kind::record || !function.state_parameter) continue;
    const std::string& key = parts[*function.state_parameter].json_name;
    if (named_by != nullptr && key != state_key_ && state_problem_.empty()) {
      state_problem_ = "the state is called \"" + state_key_ + "\" in \"" + named_by->name +
                       "\" and \"" + key + "\" in \"" + function.name +
                       "\". It is kept under that name, so give the parameter one name, or make "
                       "the state a record";
    }
    named_by = &function;
    state_key_ = key;
  }
  if (state->kind != Kind::record && named_by == nullptr) state_key_ = state_name;
}

const Component::Function* Component::find(std::string_view name) const {
  const std::optional<std::size_t> found = names_.find(name);
  return found ? &functions_[*found] : nullptr;
}

Result<void> Component::read_state(const std::optional<json::Value>& state,
                                   const Part& parameter,
                                   ValueReader& reader,
                                   ComponentValue& to) const {
  const Place place{nullptr, state_name};
  if (state_key_.empty() || !state) return reader.read_if(state, *parameter.type, place, to);
  return reader.read_if(state->find(state_key_), *parameter.type, {&place, state_key_}, to);
}

Result<Component::Arguments> Component::arguments(const Function& function,
                                                  std::string_view input) const {
  const std::vector<Part>& parts = function.parameters.parts;
  Arguments arguments;
  arguments.values.resize(parts.size());
  std::vector<ComponentValue>& to = arguments.values;
  ValueReader reader;

  json::Tape tape;
  if (auto parsed = json::parse(input.empty() ? "{}" : input, tape); parsed.has_error()) {
    return Error{"the input is no JSON: " + parsed.error().message};
  }
  const json::Value root = tape.root();
  std::vector<json::Value> elements;
  for (const json::Value element : root.elements()) {
    if (elements.size() > parts.size() + 2) break;  // too many anyway
    elements.push_back(element);
  }

  if (root.is_array() && function.is_handler) {
    if (elements.size() != 2) {
      return Error{"the input of \"" + function.json_name + "\" is [payload, state], but it has " +
                   std::to_string(root.size()) + " elements"};
    }
    TRY_VOID(read_payload(function, elements[0], {nullptr, "payload"}, reader, to));
    if (function.state_parameter) {
      const std::size_t at = *function.state_parameter;
      TRY_VOID(read_state(elements[1], parts[at], reader, to[at]));
    }
  } else if (root.is_array() && elements.size() == 1 && same_name(function.name, init_name)) {
    TRY_VOID(read_payload(function, elements[0], {nullptr, "params"}, reader, to));
  } else if (root.is_array()) {
    if (elements.size() > parts.size()) {
      return Error{"\"" + function.json_name + "\" has " + std::to_string(parts.size()) +
                   " parameters, but the input has " + std::to_string(root.size()) + " elements"};
    }
    const Place place{nullptr, "input"};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto value = i < elements.size() ? std::optional(elements[i]) : std::nullopt;
      TRY_VOID(reader.read_if(value, *parts[i].type, {&place, {}, i}, to[i]));
    }
  } else if (root.is_object()) {
    const Members members = members_by_part(root, function.parameters);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (function.state_parameter == i && !members[i]) {
        TRY_VOID(read_state(root.find(state_name), parts[i], reader, to[i]));
      } else {
        TRY_VOID(reader.read_if(members[i], *parts[i].type, {nullptr, parts[i].json_name}, to[i]));
      }
    }
  } else {
    return Error{"the input of a component's function is an array or an object, but it is " +
                 std::string(json::describe(root.kind()))};
  }
  return arguments;
}

Component::Returned Component::returned(const Function& function,
                                        const ComponentValue& value,
                                        std::size_t bytes_max) const {
  const ComponentValue* given_value = &value;
  if (function.result->kind == Kind::result) {
    given_value = value.of.result.val;
    if (!value.of.result.is_ok) {
      return {Ending::error, error_text(given_value, function.result->parts[1].type.get())};
    }
  }
  const Type* type = given(function);
  if (given_value == nullptr || type == nullptr) return {};
  Returned out;
  const bool named = function.gives_state && !state_key_.empty();
  if (named) out.text = "{\"" + state_key_ + "\":";
  bool fits = write_json(out.text, *given_value, *type, bytes_max);
  if (named) out.text += '}';
  fits = fits && out.text.size() <= bytes_max;
  if (!fits) {
    return {Ending::output,
            "the output is larger than the limit of " + std::to_string(bytes_max) + " bytes"};
  }
  return out;
}

}  // namespace troupe::guest
