// Wasmtime's C API with owners. Private to this folder: no other may include it, or <wasmtime.h>.
#pragma once

#include <wasmtime.h>

#include <memory>
#include <string>
#include <string_view>
#include <wasm.h>

namespace troupe::guest {

// Deletes what a function of the C API has handed out.
template <auto Delete>
struct Release {
  template <class T>
  void operator()(T* object) const {
    Delete(object);
  }
};

using WasmConfig = std::unique_ptr<wasm_config_t, Release<wasm_config_delete>>;
using WasmPoolConfig = std::unique_ptr<wasmtime_pooling_allocation_config_t,
                                       Release<wasmtime_pooling_allocation_config_delete>>;
using WasmEngine = std::unique_ptr<wasm_engine_t, Release<wasm_engine_delete>>;
using WasmLinker = std::unique_ptr<wasmtime_linker_t, Release<wasmtime_linker_delete>>;
using WasmModule = std::unique_ptr<wasmtime_module_t, Release<wasmtime_module_delete>>;
using WasmInstancePre =
    std::unique_ptr<wasmtime_instance_pre_t, Release<wasmtime_instance_pre_delete>>;
using WasmComponent = std::unique_ptr<wasmtime_component_t, Release<wasmtime_component_delete>>;
using WasmComponentType =
    std::unique_ptr<wasmtime_component_type_t, Release<wasmtime_component_type_delete>>;
using WasmComponentExtern =
    std::unique_ptr<wasmtime_component_extern_t, Release<wasmtime_component_extern_delete>>;
using WasmComponentExport = std::unique_ptr<wasmtime_component_export_index_t,
                                            Release<wasmtime_component_export_index_delete>>;
using WasmComponentLinker =
    std::unique_ptr<wasmtime_component_linker_t, Release<wasmtime_component_linker_delete>>;
using WasmStore = std::unique_ptr<wasmtime_store_t, Release<wasmtime_store_delete>>;
using WasmFuture = std::unique_ptr<wasmtime_call_future_t, Release<wasmtime_call_future_delete>>;
using WasmError = std::unique_ptr<wasmtime_error_t, Release<wasmtime_error_delete>>;
using WasmTrap = std::unique_ptr<wasm_trap_t, Release<wasm_trap_delete>>;
using WasmValueType = std::unique_ptr<wasm_valtype_t, Release<wasm_valtype_delete>>;
using WasmFunctionType = std::unique_ptr<wasm_functype_t, Release<wasm_functype_delete>>;

struct ByteVector : wasm_byte_vec_t {
  ByteVector() : wasm_byte_vec_t{0, nullptr} {}
  ByteVector(const ByteVector&) = delete;
  ByteVector& operator=(const ByteVector&) = delete;
  ~ByteVector() { wasm_byte_vec_delete(this); }

  std::string_view view() const { return {data, size}; }
};

inline std::string_view view(const wasm_name_t* name) {
  return name == nullptr ? std::string_view{} : std::string_view{name->data, name->size};
}

// The kind of a type: a WASMTIME_VALTYPE_KIND_*. Never wasm_valtype_kind, which ends the process at
// a type that it does not know.
inline wasmtime_valtype_kind_t kind_of(const wasm_valtype_t* type) {
  wasmtime_valtype_t value;
  wasmtime_valtype_new(type, &value);
  const wasmtime_valtype_kind_t kind = value.kind;
  wasmtime_valtype_delete(&value);
  return kind;
}

// The text of an error; takes the error.
inline std::string message_of(wasmtime_error_t* raw) {
  const WasmError error(raw);
  ByteVector text;
  wasmtime_error_message(error.get(), &text);
  return std::string(text.view());
}

}  // namespace troupe::guest
