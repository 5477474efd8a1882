// The functions of Extism's module extism:host/env for HTTP.
#include "guest/call.h"
#include "guest/handles.h"
#include "guest/imports.h"

#include <array>

namespace troupe::guest {

namespace {

using Value = wasmtime_val_raw_t;
using Caller = wasmtime_caller_t;

wasm_trap_t* http_request(void*, Caller*, Value*, std::size_t) {
  running_call->refused_by_host = true;
  return refuse("HTTP is not available to this plugin");
}

// No request has been made.
wasm_trap_t* http_status_code(void*, Caller*, Value* v, std::size_t) {
  v->i32 = 0;
  return nullptr;
}

wasm_trap_t* http_headers(void*, Caller*, Value* v, std::size_t) {
  set(v, 0);
  return nullptr;
}

constexpr std::string_view kernel = "extism:host/env";

constexpr std::array functions{
    HostFunction{kernel, "http_request", "II", "I", http_request},
    HostFunction{kernel, "http_status_code", "", "i", http_status_code},
    HostFunction{kernel, "http_headers", "", "I", http_headers},
};

}  // namespace

std::span<const HostFunction> http_functions() {
  return functions;
}

}  // namespace troupe::guest
