// What is special about a component: its functions have types, and JSON becomes arguments by them.
//
// docs/formats/components.md has the rules. Private to this folder. Immutable; from any thread.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "guest/component_type.h"
#include "guest/component_value.h"
#include "guest/outcome.h"
#include "guest/wasmtime.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::guest {

bool is_component(std::string_view wasm);

class Component {
 public:
  struct Function {
    std::string name;       // as in WIT
    std::string json_name;  // in camelCase, for clients
    WasmComponentExport index;
    Type parameters;                     // a record of them
    std::unique_ptr<const Type> result;  // null without one
    bool gives_state = false;            // `init` and handlers
    bool is_handler = false;
    std::optional<std::size_t> state_parameter;  // of a handler: which one takes the old state
  };

  // The arguments of one call.
  struct Arguments {
    Arguments() = default;
    Arguments(Arguments&&) = default;
    Arguments& operator=(Arguments&&) = default;
    ~Arguments() {
      for (ComponentValue& value : values) wasmtime_component_val_delete(&value);
    }

    std::vector<ComponentValue> values;
  };

  // What a call has come to: `text` is the output, or the guest's error.
  struct Returned {
    Ending ending = Ending::done;
    std::string text;
  };

  // The error says which function cannot be called, or which import nobody provides.
  static Result<std::unique_ptr<const Component>> read(const wasm_engine_t* engine,
                                                       WasmComponent code);

  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;

  const wasmtime_component_t* code() const { return code_.get(); }
  // With all that it imports.
  const wasmtime_component_linker_t* linker() const { return linker_.get(); }
  std::span<const Function> functions() const { return functions_; }
  // By its name in any spelling; null when there is none.
  const Function* find(std::string_view name) const;
  // Why the functions cannot be a state's; empty when they can.
  const std::string& state_problem() const { return state_problem_; }

  // The input is JSON text, or nothing. The error names what does not fit, and where.
  Result<Arguments> arguments(const Function& function, std::string_view input) const;
  // What `value` says, which the function returned. For functions that have a result.
  Returned returned(const Function& function,
                    const ComponentValue& value,
                    std::size_t bytes_max) const;

 private:
  explicit Component(WasmComponent code) : code_(std::move(code)) {}

  Result<void> read_functions(const wasm_engine_t* engine);
  Result<void> read_function(std::string_view name,
                             const wasmtime_component_func_type_t* type,
                             TypeReader& reader);
  void find_state();
  Result<void> read_state(const std::optional<json::Value>& state,
                          const Part& parameter,
                          ValueReader& reader,
                          ComponentValue& to) const;

  const WasmComponent code_;
  WasmComponentLinker linker_;
  std::vector<Function> functions_;
  Type names_;  // of the functions, in their order
  // The one name of the state's object where the state is no record; empty for a record.
  std::string state_key_;
  std::string state_problem_;
};

}  // namespace troupe::guest
