#include "guest/imports.h"

#include "guest/call.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <deque>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace troupe::guest {

namespace {

WasmValueType value_type(NumberType type) {
  switch (type) {
    case NumberType::i32:
      return WasmValueType(wasm_valtype_new(WASM_I32));
    case NumberType::i64:
      return WasmValueType(wasm_valtype_new(WASM_I64));
    case NumberType::f32:
      return WasmValueType(wasm_valtype_new(WASM_F32));
    case NumberType::f64:
      return WasmValueType(wasm_valtype_new(WASM_F64));
    case NumberType::v128:
      return WasmValueType(wasmtime_wasm_valtype_v128());
  }
  return nullptr;
}

WasmValueType value_type(char letter) {
  return value_type(letter == 'i' ? NumberType::i32 : NumberType::i64);
}

// Of letters, or of ValueTypes.
template <class List>
wasm_valtype_vec_t value_types(const List& list) {
  std::vector<wasm_valtype_t*> types;
  for (const auto type : list) types.push_back(value_type(type).release());
  wasm_valtype_vec_t out;
  wasm_valtype_vec_new(&out, types.size(), types.data());
  return out;
}

template <class Function>
WasmFunctionType function_type(const Function& function) {
  wasm_valtype_vec_t parameters = value_types(function.parameters);
  wasm_valtype_vec_t results = value_types(function.results);
  return WasmFunctionType(wasm_functype_new(&parameters, &results));
}

// What Extism has offered since 1.0 only.
constexpr std::array<std::string_view, 4> newer = {
    "length_unsafe", "http_headers", "log_trace", "get_log_level"};

// Before 1.0 the functions of extism:host/env were those of env with extism_ in front; plugins of
// 2022 and 2023 import them so.
struct AllFunctions {
  AllFunctions() {
    for (const auto& functions : {extism_functions(), http_functions(), wasi_functions()}) {
      list.insert(list.end(), functions.begin(), functions.end());
    }
    const std::size_t count = list.size();
    for (std::size_t i = 0; i < count; ++i) {
      HostFunction function = list[i];
      if (function.module != extism_module) continue;
      if (std::ranges::find(newer, function.name) != newer.end()) continue;
      function.module = "env";
      function.name = old_names.emplace_back("extism_" + std::string(function.name));
      list.push_back(function);
    }
  }

  std::vector<HostFunction> list;
  std::deque<std::string> old_names;
};

const std::vector<HostFunction>& all_functions() {
  static const AllFunctions all;
  return all.list;
}

std::string_view name_of_type(const wasm_valtype_t* type) {
  static constexpr std::array<std::string_view, 6> names = {
      "i32", "i64", "f32", "f64", "v128", "a reference"};
  const std::size_t kind = kind_of(type);
  return kind < names.size() ? names[kind] : "another type";
}

std::string describe(const wasm_valtype_vec_t& types) {
  std::string out = "(";
  for (std::size_t i = 0; i < types.size; ++i) {
    if (i != 0) out += ", ";
    out += name_of_type(types.data[i]);
  }
  return out + ")";
}

bool same(const wasm_valtype_vec_t& types, const wasm_valtype_vec_t& others) {
  return std::equal(types.data,
                    types.data + types.size,
                    others.data,
                    others.data + others.size,
                    [](const wasm_valtype_t* a, const wasm_valtype_t* b) {
                      return wasmtime_wasm_valtype_equal(a, b);
                    });
}

bool same(const wasm_functype_t* type, const wasm_functype_t* other) {
  return same(*wasm_functype_params(type), *wasm_functype_params(other)) &&
         same(*wasm_functype_results(type), *wasm_functype_results(other));
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
std::string advice(std::string_view module, std::string_view name, const MoreImports& more) {
  if (module == extism_module) {
    return "This Troupe has no such function of Extism; use an Extism PDK of version 1.";
  }
  if (module == "extism:host/user") {
    return "Troupe offers troupe_self, _reply, _broadcast, _publish, _subscribe, _send, _timer and "
           "_cancel there.";
  }
  if (module == wasi_module) {
    return more.wasi ? "It is no function of WASI preview 1."
                     : "WASI is switched off for this plugin.";
  }
  if (module == "wasi_unstable") {
    return "Compile for WASI preview 1 (wasi_snapshot_preview1).";
  }
  if (module == "env") {
    return "Most often a C symbol that the linker did not find: define or remove " +
           std::string(name) + ".";
  }
  return "Plugins may import from extism:host/env, extism:host/user, wasi_snapshot_preview1 and "
         "the modules that are linked with them.";
}

WasmFunctionType offered_type(std::string_view module,
                              std::string_view name,
                              const MoreImports& more) {
  for (const auto& function : more.functions) {
    if (function->module == module && function->name == name) return function_type(*function);
  }
  WasmFunctionType type;
  for (const HostFunction& function : all_functions()) {
    if (function.module != module || function.name != name) continue;
    if (more.wasi || module != wasi_module) type = function_type(function);
  }
  return type;
}

// A function of the program's: see HostFunctionSpec.
wasm_trap_t* call_program(void* env, wasmtime_caller_t*, wasmtime_val_raw_t* values, std::size_t) {
  static_assert(sizeof(Number) == sizeof(wasmtime_val_raw_t));
  const auto& function = *static_cast<const HostFunctionSpec*>(env);
  std::vector<Number> arguments(function.parameters.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) arguments[i].set(values[i]);
  std::vector<Number> results(function.results.size());
  HostCall call(*running_call);
  const bool refused_before = running_call->memory_refused;
  if (Result<void> done = function.body(call, arguments, results); done.has_error()) {
    running_call->refused_by_host = true;
    return refuse(std::move(done.error().message));
  }
  if (running_call->memory_refused && !refused_before) return refuse("oom");
  for (std::size_t i = 0; i < results.size(); ++i)
    std::memcpy(&values[i], &results[i], sizeof *values);
  return nullptr;
}

// ---- Tracing

using SteadyClock = std::chrono::steady_clock;

// Of the blocks among these values: `value` gives the i-th.
template <class ValueAt>
std::size_t block_bytes(std::string_view letters, ValueAt value) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (letters[i] == 'h') {
      bytes += running_call->arena.length(static_cast<Arena::Handle>(value(i)));
    }
  }
  return bytes;
}

wasm_trap_t* traced_function(void* env,
                             wasmtime_caller_t* caller,
                             wasmtime_val_raw_t* values,
                             std::size_t count) {
  const auto& function = *static_cast<const HostFunction*>(env);
  const auto value = [&](std::size_t i) { return values[i].i64; };
  TracedCall call{.module = function.module, .name = function.name};
  call.bytes_in = block_bytes(function.parameters, value);
  const SteadyClock::time_point begin = SteadyClock::now();
  wasm_trap_t* trap = function.function(env, caller, values, count);
  call.time = SteadyClock::now() - begin;
  if (trap == nullptr) call.bytes_out = block_bytes(function.results, value);
  running_call->host.traced(call);
  return trap;
}

// A function that waits: reported when its continuation says that it has ended.
struct TracedWait {
  const HostFunction& function;
  TracedCall call;
  SteadyClock::time_point begin;
  const wasmtime_val_t* results;
  wasmtime_async_continuation_t inner;

  static bool poll(void* env) {
    auto& wait = *static_cast<TracedWait*>(env);
    if (!wait.inner.callback(wait.inner.env)) return false;
    wait.call.time = SteadyClock::now() - wait.begin;
    wait.call.bytes_out =
        block_bytes(wait.function.results, [&](std::size_t i) { return wait.results[i].of.i64; });
    running_call->host.traced(wait.call);
    return true;
  }
  static void end(void* env) {
    const std::unique_ptr<TracedWait> wait(static_cast<TracedWait*>(env));
    if (wait->inner.finalizer != nullptr) wait->inner.finalizer(wait->inner.env);
  }
};

void traced_waiting_function(void* env,
                             wasmtime_caller_t* caller,
                             const wasmtime_val_t* arguments,
                             std::size_t arguments_count,
                             wasmtime_val_t* results,
                             std::size_t results_count,
                             wasm_trap_t** trap,
                             wasmtime_async_continuation_t* continuation) {
  const auto& function = *static_cast<const HostFunction*>(env);
  auto wait =
      std::make_unique<TracedWait>(TracedWait{function,
                                              {.module = function.module, .name = function.name},
                                              SteadyClock::now(),
                                              results,
                                              {}});
  wait->call.bytes_in =
      block_bytes(function.parameters, [&](std::size_t i) { return arguments[i].of.i64; });
  function.waiting_function(
      env, caller, arguments, arguments_count, results, results_count, trap, &wait->inner);
  *continuation = {TracedWait::poll, wait.release(), TracedWait::end};
}

}  // namespace

Result<WasmLinker> make_linker(wasm_engine_t* engine, bool trace) {
  WasmLinker linker(wasmtime_linker_new(engine));
  wasmtime_error_t* error = nullptr;
  for (const HostFunction& function : all_functions()) {
    if (error != nullptr) break;
    const WasmFunctionType type = function_type(function);
    const auto& [module, name] = std::tie(function.module, function.name);
    auto* env = const_cast<HostFunction*>(&function);  // only ever read
    error = function.waiting_function != nullptr
                ? wasmtime_linker_define_async_func(
                      linker.get(),
                      module.data(),
                      module.size(),
                      name.data(),
                      name.size(),
                      type.get(),
                      trace ? traced_waiting_function : function.waiting_function,
                      env,
                      nullptr)
                : wasmtime_linker_define_func_unchecked(linker.get(),
                                                        module.data(),
                                                        module.size(),
                                                        name.data(),
                                                        name.size(),
                                                        type.get(),
                                                        trace ? traced_function : function.function,
                                                        env,
                                                        nullptr);
  }
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

Result<void> define_function(wasmtime_linker_t* linker, const HostFunctionSpec& function) {
  const WasmFunctionType type = function_type(function);
  auto* env = const_cast<HostFunctionSpec*>(&function);  // only ever read
  wasmtime_linker_allow_shadowing(linker, true);
  wasmtime_error_t* error = wasmtime_linker_define_func_unchecked(linker,
                                                                  function.module.data(),
                                                                  function.module.size(),
                                                                  function.name.data(),
                                                                  function.name.size(),
                                                                  type.get(),
                                                                  call_program,
                                                                  env,
                                                                  nullptr);
  if (error != nullptr) {
    return Error{"the host function " + quoted(function.module, function.name) + ": " +
                 message_of(error)};
  }
  return {};
}

std::string describe(const wasm_functype_t* type) {
  return describe(*wasm_functype_params(type)) + " -> " + describe(*wasm_functype_results(type));
}

Result<void> check_import(const wasm_importtype_t* import, const MoreImports& more) {
  const std::string_view module = view(wasm_importtype_module(import));
  const std::string_view name = view(wasm_importtype_name(import));
  const wasm_externtype_t* type = wasm_importtype_type(import);
  const std::string where = quoted(module, name);
  const wasm_functype_t* wanted = wasm_externtype_as_functype_const(type);
  if (wanted == nullptr) {
    const std::string what(describe(wasm_externtype_kind(type)));
    return Error{"the module imports the " + what + " " + where +
                 ", but plugins may import functions only; define the " + what + " in the module"};
  }
  const WasmFunctionType offered = offered_type(module, name, more);
  if (!offered) {
    return Error{"the module imports the function " + where + " of type " + describe(wanted) +
                 ", which nobody provides. " + advice(module, name, more)};
  }
  if (!same(wanted, offered.get())) {
    return Error{"the module imports the function " + where + " with type " + describe(wanted) +
                 ", but its type is " + describe(offered.get()) +
                 ". Correct the import's declaration."};
  }
  return {};
}

}  // namespace troupe::guest
