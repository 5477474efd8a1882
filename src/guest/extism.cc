// The functions of Extism's modules extism:host/env and extism:host/user, but for HTTP (http.cc).
//
// All of a guest's input and output goes through the first of them, some twenty calls for a small
// event: they are called unchecked, find their call in a thread_local, and do nothing else than the
// Arena's work.
#include "guest/call.h"
#include "guest/handles.h"
#include "guest/host_function.h"
#include "guest/imports.h"
#include "guest/text.h"

#include <array>
#include <string>

namespace troupe::guest {

namespace {

using Value = wasmtime_val_raw_t;
using Caller = wasmtime_caller_t;

constexpr std::size_t log_text_bytes_max = 16384;

Arena& arena() {
  return running_call->arena;
}

// The kernel's own.

wasm_trap_t* alloc(void*, Caller*, Value* v, std::size_t) {
  const std::uint64_t length = u64(v[0]);
  const Arena::Handle block = arena().alloc(length);
  if (block == 0 && length != 0) return refuse_memory();
  set(v, block);
  return nullptr;
}

wasm_trap_t* free_block(void*, Caller*, Value* v, std::size_t) {
  arena().free(u64(v[0]));
  return nullptr;
}

wasm_trap_t* length(void*, Caller*, Value* v, std::size_t) {
  set(v, arena().length(u64(v[0])));
  return nullptr;
}

wasm_trap_t* load_u8(void*, Caller*, Value* v, std::size_t) {
  v->i32 = arena().load_u8(u64(v[0]));
  return nullptr;
}

wasm_trap_t* load_u64(void*, Caller*, Value* v, std::size_t) {
  set(v, arena().load_u64(u64(v[0])));
  return nullptr;
}

wasm_trap_t* store_u8(void*, Caller*, Value* v, std::size_t) {
  arena().store_u8(u64(v[0]), static_cast<std::uint8_t>(v[1].i32));
  return nullptr;
}

wasm_trap_t* store_u64(void*, Caller*, Value* v, std::size_t) {
  arena().store_u64(u64(v[0]), u64(v[1]));
  return nullptr;
}

wasm_trap_t* input_offset(void*, Caller*, Value* v, std::size_t) {
  set(v, arena().input_offset());
  return nullptr;
}

wasm_trap_t* input_length(void*, Caller*, Value* v, std::size_t) {
  set(v, arena().input_length());
  return nullptr;
}

wasm_trap_t* input_load_u8(void*, Caller*, Value* v, std::size_t) {
  v->i32 = arena().input_load_u8(u64(v[0]));
  return nullptr;
}

wasm_trap_t* input_load_u64(void*, Caller*, Value* v, std::size_t) {
  set(v, arena().input_load_u64(u64(v[0])));
  return nullptr;
}

wasm_trap_t* input_set(void*, Caller*, Value* v, std::size_t) {
  arena().input_set(u64(v[0]), u64(v[1]));
  return nullptr;
}

wasm_trap_t* output_set(void*, Caller*, Value* v, std::size_t) {
  arena().output_set(u64(v[0]), u64(v[1]));
  return nullptr;
}

wasm_trap_t* output_offset(void*, Caller*, Value* v, std::size_t) {
  set(v, arena().output_offset());
  return nullptr;
}

wasm_trap_t* output_length(void*, Caller*, Value* v, std::size_t) {
  set(v, arena().output_length());
  return nullptr;
}

wasm_trap_t* error_set(void*, Caller*, Value* v, std::size_t) {
  arena().error_set(u64(v[0]));
  return nullptr;
}

wasm_trap_t* error_get(void*, Caller*, Value* v, std::size_t) {
  set(v, arena().error_get());
  return nullptr;
}

wasm_trap_t* reset(void*, Caller*, Value*, std::size_t) {
  arena().reset();
  return nullptr;
}

wasm_trap_t* memory_bytes(void*, Caller*, Value* v, std::size_t) {
  set(v, arena().memory_bytes());
  return nullptr;
}

// Those of the host. They consume the handles they are given.

wasm_trap_t* config_get(void*, Caller*, Value* v, std::size_t) {
  const std::uint64_t key = u64(v[0]);
  if (!is_handle(key)) return refuse_handle("config key", key);
  const auto& config = running_call->environment.config;
  const auto found = config.find(arena().block(key));
  arena().free(key);
  return give(v, found == config.end() ? std::string_view{} : found->second);
}

wasm_trap_t* var_get(void*, Caller*, Value* v, std::size_t) {
  const std::uint64_t key = u64(v[0]);
  if (!is_handle(key)) return refuse_handle("var key", key);
  const Vars* vars = running_call->vars;
  const std::string* value = vars == nullptr ? nullptr : vars->find(arena().block(key));
  arena().free(key);
  return give(v, value == nullptr ? std::string_view{} : *value);
}

wasm_trap_t* var_set(void*, Caller*, Value* v, std::size_t) {
  const std::uint64_t key = u64(v[0]);
  const std::uint64_t value = u64(v[1]);
  const std::size_t bytes_max = running_call->environment.limits.vars_bytes_max;
  Vars* vars = running_call->vars;
  if (bytes_max == 0) return refuse("Vars are disabled by this host");
  if (vars == nullptr) return refuse("vars cannot be set while the plugin starts up");
  if (!is_handle(key)) return refuse_handle("var key", key);
  if (value == 0) {
    vars->erase(arena().block(key));
  } else {
    if (!is_handle(value)) return refuse_handle("var value", value);
    if (!vars->set(arena().block(key), arena().block(value), bytes_max)) {
      running_call->vars_full = true;
      return refuse("Variable store is full");
    }
    arena().free(value);
  }
  arena().free(key);
  return nullptr;
}

template <LogLevel Level>
wasm_trap_t* log(void*, Caller*, Value* v, std::size_t) {
  const std::uint64_t text = u64(v[0]);
  if (Level >= running_call->environment.limits.log_level) {
    if (!is_handle(text)) return refuse_handle("log message", text);
    running_call->host.log(Level, readable(arena().block(text), log_text_bytes_max));
  }
  arena().free(text);
  return nullptr;
}

wasm_trap_t* get_log_level(void*, Caller*, Value* v, std::size_t) {
  v->i32 = static_cast<std::int32_t>(running_call->environment.limits.log_level);
  return nullptr;
}

// Troupe's functions: a handle to JSON in, a handle to JSON out; the guest keeps both.

constexpr std::string_view own_prefix = "troupe_";

wasm_trap_t* ask_host(void* env, Value* result, std::string_view input) {
  const auto& function = *static_cast<const HostFunction*>(env);
  Result<std::string> answer =
      running_call->host.call(function.name.substr(own_prefix.size()), input);
  if (answer.has_error()) {
    running_call->refused_by_host = true;
    return refuse(std::move(answer.error().message));
  }
  return result == nullptr ? nullptr : give(result, *answer);
}

wasm_trap_t* ask(void* env, Caller*, Value* v, std::size_t) {
  return ask_host(env, v, {});
}

wasm_trap_t* tell(void* env, Caller*, Value* v, std::size_t) {
  const std::uint64_t input = u64(v[0]);
  if (!is_handle(input)) {
    return refuse_handle(static_cast<const HostFunction*>(env)->name, input);
  }
  return ask_host(env, nullptr, arena().block(input));
}

constexpr std::string_view kernel = extism_module;
constexpr std::string_view user = "extism:host/user";

constexpr std::array functions{
    HostFunction{kernel, "alloc", "I", "h", alloc},
    HostFunction{kernel, "free", "h", "", free_block},
    HostFunction{kernel, "length", "h", "I", length},
    HostFunction{kernel, "length_unsafe", "h", "I", length},
    HostFunction{kernel, "load_u8", "I", "i", load_u8},
    HostFunction{kernel, "load_u64", "I", "I", load_u64},
    HostFunction{kernel, "store_u8", "Ii", "", store_u8},
    HostFunction{kernel, "store_u64", "II", "", store_u64},
    HostFunction{kernel, "input_offset", "", "h", input_offset},
    HostFunction{kernel, "input_length", "", "I", input_length},
    HostFunction{kernel, "input_load_u8", "I", "i", input_load_u8},
    HostFunction{kernel, "input_load_u64", "I", "I", input_load_u64},
    HostFunction{kernel, "input_set", "hI", "", input_set},
    HostFunction{kernel, "output_set", "II", "", output_set},
    HostFunction{kernel, "output_offset", "", "I", output_offset},
    HostFunction{kernel, "output_length", "", "I", output_length},
    HostFunction{kernel, "error_set", "h", "", error_set},
    HostFunction{kernel, "error_get", "", "h", error_get},
    HostFunction{kernel, "reset", "", "", reset},
    HostFunction{kernel, "memory_bytes", "", "I", memory_bytes},
    HostFunction{kernel, "config_get", "h", "h", config_get},
    HostFunction{kernel, "var_get", "h", "h", var_get},
    HostFunction{kernel, "var_set", "hh", "", var_set},
    HostFunction{kernel, "log_trace", "h", "", log<LogLevel::trace>},
    HostFunction{kernel, "log_debug", "h", "", log<LogLevel::debug>},
    HostFunction{kernel, "log_info", "h", "", log<LogLevel::info>},
    HostFunction{kernel, "log_warn", "h", "", log<LogLevel::warn>},
    HostFunction{kernel, "log_error", "h", "", log<LogLevel::error>},
    HostFunction{kernel, "get_log_level", "", "i", get_log_level},
    HostFunction{user, "troupe_self", "", "h", ask},
    HostFunction{user, "troupe_reply", "h", "", tell},
    HostFunction{user, "troupe_broadcast", "h", "", tell},
    HostFunction{user, "troupe_publish", "h", "", tell},
    HostFunction{user, "troupe_subscribe", "h", "", tell},
    HostFunction{user, "troupe_send", "h", "", tell},
    HostFunction{user, "troupe_timer", "h", "", tell},
    HostFunction{user, "troupe_cancel", "h", "", tell},
};

}  // namespace

std::span<const HostFunction> extism_functions() {
  return functions;
}

std::uint64_t HostCall::length(Handle block) const {
  return call_.arena.length(block);
}
std::string_view HostCall::read(Handle block) const {
  return call_.arena.block(block);
}
std::span<std::uint8_t> HostCall::bytes(Handle block) {
  return call_.arena.bytes(block);
}
HostCall::Handle HostCall::alloc(std::uint64_t length) {
  const Handle block = call_.arena.alloc(length);
  if (block == 0 && length != 0) call_.memory_refused = true;
  return block;
}
HostCall::Handle HostCall::put(std::string_view bytes) {
  const Handle block = call_.arena.put(bytes);
  if (block == 0 && !bytes.empty()) call_.memory_refused = true;
  return block;
}
void HostCall::free(Handle block) {
  call_.arena.free(block);
}
void HostCall::set_error(std::string_view text) {
  call_.arena.error_set(put(text));
}
Host& HostCall::host() {
  return call_.host;
}

}  // namespace troupe::guest
