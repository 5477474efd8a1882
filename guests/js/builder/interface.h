// The plugin's interface as extism-js knows it: a TypeScript declaration file that names exports
// and host functions.
//
//   declare module "main" { export function greet(): I32; }
//   declare module "extism:host" { interface user { lookup(key: I64): I64; } }
#pragma once

#include "guests/js/builder/build.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::js {

// WebAssembly's own codes.
enum class ValueType : std::uint8_t { i32 = 0x7f, i64 = 0x7e, f32 = 0x7d, f64 = 0x7c };

struct FunctionType {
  std::vector<ValueType> parameters;
  std::vector<ValueType> results;  // none or one
  friend bool operator==(const FunctionType&, const FunctionType&) = default;
};

struct DeclaredFunction {
  std::string module;  // "extism:host/user"; empty for an export
  std::string name;
  FunctionType type;
  int line = 0;
  int column = 0;  // in bytes from 1
};

struct Interface {
  std::vector<DeclaredFunction> exports;
  std::vector<DeclaredFunction> host_functions;
};

// What one plugin may declare; the core has as many places (../core/host.c).
inline constexpr std::size_t host_functions_max = 32;
inline constexpr std::size_t parameters_max = 16;

// The error has the place, with the column in bytes; `name` is the file as people know it.
boost::system::result<Interface, BuildError> parse_interface(std::string_view name,
                                                             std::string_view text);

}  // namespace troupe::js
