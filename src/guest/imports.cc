#include "guest/imports.h"

#include "guest/call.h"

#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace troupe::guest {

namespace {

wasm_valkind_t kind_of(char letter) {
  return letter == 'i' ? WASM_I32 : WASM_I64;
}

wasm_valtype_vec_t value_types(std::string_view letters) {
  std::vector<wasm_valtype_t*> types;
  for (const char letter : letters) types.push_back(wasm_valtype_new(kind_of(letter)));
  wasm_valtype_vec_t out;
  wasm_valtype_vec_new(&out, types.size(), types.data());
  return out;
}

WasmFunctionType function_type(const HostFunction& function) {
  wasm_valtype_vec_t parameters = value_types(function.parameters);
  wasm_valtype_vec_t results = value_types(function.results);
  return WasmFunctionType(wasm_functype_new(&parameters, &results));
}

template <class Visit>
void for_each_function(Visit visit) {
  for (const auto& functions : {extism_functions(), http_functions(), wasi_functions()}) {
    for (const HostFunction& function : functions) visit(function);
  }
}

std::string name_of_type(wasm_valkind_t kind) {
  switch (kind) {
    case WASM_I32:
      return "i32";
    case WASM_I64:
      return "i64";
    case WASM_F32:
      return "f32";
    case WASM_F64:
      return "f64";
    case WASM_EXTERNREF:
      return "externref";
    case WASM_FUNCREF:
      return "funcref";
    default:
      return "another type";
  }
}

std::string describe(const wasm_valtype_vec_t& types) {
  std::string out = "(";
  for (std::size_t i = 0; i < types.size; ++i) {
    if (i != 0) out += ", ";
    out += name_of_type(wasm_valtype_kind(types.data[i]));
  }
  return out + ")";
}

std::string describe(const wasm_functype_t* type) {
  return describe(*wasm_functype_params(type)) + " -> " + describe(*wasm_functype_results(type));
}

bool same(const wasm_valtype_vec_t& types, std::string_view letters) {
  if (types.size != letters.size()) return false;
  for (std::size_t i = 0; i < types.size; ++i) {
    if (wasm_valtype_kind(types.data[i]) != kind_of(letters[i])) return false;
  }
  return true;
}

std::string_view describe(wasm_externkind_t kind) {
  switch (kind) {
    case WASM_EXTERN_FUNC:
      return "function";
    case WASM_EXTERN_GLOBAL:
      return "global";
    case WASM_EXTERN_TABLE:
      return "table";
    case WASM_EXTERN_MEMORY:
      return "memory";
    default:
      return "tag";
  }
}

std::string quoted(std::string_view module, std::string_view name) {
  return "\"" + std::string(module) + "\" \"" + std::string(name) + "\"";
}

// What to do about a function that is not there.
std::string advice(std::string_view module, std::string_view name) {
  if (module == "extism:host/env") {
    return "This Troupe has no such function of Extism; use an Extism PDK of version 1.";
  }
  if (module == "extism:host/user") {
    return "Troupe offers troupe_self, _reply, _broadcast, _publish, _subscribe, _send, _timer and "
           "_cancel there.";
  }
  if (module == "wasi_snapshot_preview1") {
    return "It is no function of WASI preview 1.";
  }
  if (module == "wasi_unstable") {
    return "Compile for WASI preview 1 (wasi_snapshot_preview1).";
  }
  if (module == "env") {
    return "Most often a C symbol that the linker did not find, or a plugin made for Extism before "
           "1.0: "
           "define or remove " +
           std::string(name) + ", or build with an Extism PDK of version 1.";
  }
  return "Plugins may import from extism:host/env, extism:host/user and wasi_snapshot_preview1.";
}

Result<void> check_import(const wasm_importtype_t* import) {
  const std::string_view module = view(wasm_importtype_module(import));
  const std::string_view name = view(wasm_importtype_name(import));
  const wasm_externtype_t* type = wasm_importtype_type(import);
  const std::string where = quoted(module, name);
  const wasm_functype_t* function_type = wasm_externtype_as_functype_const(type);
  if (function_type == nullptr) {
    const std::string what(describe(wasm_externtype_kind(type)));
    return Error{"the module imports the " + what + " " + where +
                 ", but plugins may import functions only; define the " + what + " in the module"};
  }
  const HostFunction* offered = nullptr;
  for_each_function([&](const HostFunction& function) {
    if (function.module == module && function.name == name) offered = &function;
  });
  if (offered == nullptr) {
    return Error{"the module imports the function " + where + " of type " +
                 describe(function_type) + ", which nobody provides. " + advice(module, name)};
  }
  if (!same(*wasm_functype_params(function_type), offered->parameters) ||
      !same(*wasm_functype_results(function_type), offered->results)) {
    return Error{"the module imports the function " + where + " with type " +
                 describe(function_type) + ", but its type is " +
                 describe(guest::function_type(*offered).get()) +
                 ". Correct the import's declaration."};
  }
  return {};
}

}  // namespace

Result<WasmLinker> make_linker(wasm_engine_t* engine) {
  WasmLinker linker(wasmtime_linker_new(engine));
  wasmtime_error_t* error = nullptr;
  for_each_function([&](const HostFunction& function) {
    if (error != nullptr) return;
    const WasmFunctionType type = function_type(function);
    const auto& [module, name] = std::tie(function.module, function.name);
    auto* env = const_cast<HostFunction*>(&function);  // only ever read
    error = function.waiting_function != nullptr
                ? wasmtime_linker_define_async_func(linker.get(),
                                                    module.data(),
                                                    module.size(),
                                                    name.data(),
                                                    name.size(),
                                                    type.get(),
                                                    function.waiting_function,
                                                    env,
                                                    nullptr)
                : wasmtime_linker_define_func_unchecked(linker.get(),
                                                        module.data(),
                                                        module.size(),
                                                        name.data(),
                                                        name.size(),
                                                        type.get(),
                                                        function.function,
                                                        env,
                                                        nullptr);
  });
  if (error != nullptr) return Error{"the functions for guests: " + message_of(error)};
  return linker;
}

wasm_trap_t* refuse(std::string reason) {
  return refuse(*running_call, std::move(reason));
}

wasm_trap_t* refuse(Call& call, std::string reason) {
  call.refusal = std::move(reason);
  return wasmtime_trap_new(call.refusal->data(), call.refusal->size());
}

Result<void> check_imports(const wasmtime_module_t* module) {
  wasm_importtype_vec_t imports;
  wasmtime_module_imports(module, &imports);
  Result<void> checked;
  for (std::size_t i = 0; i < imports.size && checked.has_value(); ++i) {
    checked = check_import(imports.data[i]);
  }
  wasm_importtype_vec_delete(&imports);
  return checked;
}

}  // namespace troupe::guest
