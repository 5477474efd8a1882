// A guest that calls the functions of extism:host/env in any order, with any arguments, comes to
// one of the endings that a guest may come to, and leaves nothing for the next call to find.
//
// The input is a program: three bytes are a call, of which function, and where its two arguments
// come from (eight registers, or a constant); its result goes into a register.
#include "fuzz/check.h"
#include "guest/module_cache.h"
#include "guest/test_support.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

using namespace troupe::guest;

namespace {

struct Function {
  std::string_view name;
  std::string_view parameters;  // i for i32, I for i64
  char result;                  // the same, or 0
};
constexpr std::array functions{
    Function{"alloc", "I", 'I'},
    Function{"free", "I", 0},
    Function{"length", "I", 'I'},
    Function{"length_unsafe", "I", 'I'},
    Function{"load_u8", "I", 'i'},
    Function{"load_u64", "I", 'I'},
    Function{"store_u8", "Ii", 0},
    Function{"store_u64", "II", 0},
    Function{"input_offset", "", 'I'},
    Function{"input_length", "", 'I'},
    Function{"input_load_u8", "I", 'i'},
    Function{"input_load_u64", "I", 'I'},
    Function{"input_set", "II", 0},
    Function{"output_set", "II", 0},
    Function{"output_offset", "", 'I'},
    Function{"output_length", "", 'I'},
    Function{"error_set", "I", 0},
    Function{"error_get", "", 'I'},
    Function{"reset", "", 0},
    Function{"memory_bytes", "", 'I'},
    Function{"config_get", "I", 'I'},
    Function{"var_get", "I", 'I'},
    Function{"var_set", "II", 0},
    Function{"log_info", "I", 0},
    Function{"get_log_level", "", 'i'},
    Function{"http_status_code", "", 'i'},
};

std::string interpreter() {
  std::string text = "(module\n";
  for (const Function& f : functions) {
    text +=
        "(import \"extism:host/env\" \"" + std::string(f.name) + "\" (func $" + std::string(f.name);
    for (const char p : f.parameters) text += p == 'i' ? " (param i32)" : " (param i64)";
    if (f.result != 0) text += f.result == 'i' ? " (result i32)" : " (result i64)";
    text += "))\n";
  }
  text += R"(
  (memory (export "memory") 1)
  ;; Below 128 a register, above a constant: a power of two and a little more.
  (func $value (param $code i32) (result i64)
    (if (result i64) (i32.lt_u (local.get $code) (i32.const 128))
      (then (i64.load (i32.mul (i32.and (local.get $code) (i32.const 7)) (i32.const 8))))
      (else (i64.add (i64.shl (i64.const 1) (i64.extend_i32_u (i32.and (local.get $code) (i32.const 63))))
                     (i64.extend_i32_u (i32.shr_u (i32.and (local.get $code) (i32.const 127)) (i32.const 6)))))))
  (func (export "run") (result i32)
    (local $n i32) (local $pc i32) (local $op i32) (local $a i64) (local $b i64) (local $r i64)
    (local.set $n (i32.wrap_i64 (call $input_length)))
    (if (i32.gt_u (local.get $n) (i32.const 4096)) (then (local.set $n (i32.const 4096))))
    (memory.fill (i32.const 0) (i32.const 0) (i32.const 64))
    (block $copied (loop $copy
      (br_if $copied (i32.ge_u (local.get $pc) (local.get $n)))
      (i32.store8 (i32.add (local.get $pc) (i32.const 1024))
                  (call $input_load_u8 (i64.extend_i32_u (local.get $pc))))
      (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
      (br $copy)))
    (local.set $pc (i32.const 1024))
    (local.set $n (i32.add (local.get $n) (i32.const 1022)))
    (loop $next
      (if (i32.ge_u (local.get $pc) (local.get $n)) (then (return (i32.const 0))))
      (local.set $op (i32.load8_u (local.get $pc)))
      (local.set $a (call $value (i32.load8_u offset=1 (local.get $pc))))
      (local.set $b (call $value (i32.load8_u offset=2 (local.get $pc))))
      (local.set $r (i64.const 0))
)";
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const Function& f = functions[i];
    std::string call = "(call $" + std::string(f.name);
    for (std::size_t p = 0; p < f.parameters.size(); ++p) {
      const std::string value = p == 0 ? "(local.get $a)" : "(local.get $b)";
      call += f.parameters[p] == 'i' ? " (i32.wrap_i64 " + value + ")" : " " + value;
    }
    call += ")";
    if (f.result == 'i') call = "(i64.extend_i32_u " + call + ")";
    if (f.result != 0) call = "(local.set $r " + call + ")";
    text += "(if (i32.eq (i32.rem_u (local.get $op) (i32.const " +
            std::to_string(functions.size()) + ")) (i32.const " + std::to_string(i) + ")) (then " +
            call + "))\n";
  }
  text += R"(
      (i64.store (i32.mul (i32.and (local.get $pc) (i32.const 7)) (i32.const 8)) (local.get $r))
      (local.set $pc (i32.add (local.get $pc) (i32.const 3)))
      (br $next))
    (i32.const 0))
  ;; Everything that a first block can reach.
  (func (export "look") (local $block i64) (local $i i64) (local $sum i64)
    (local.set $block (call $alloc (i64.const 60000)))
    (loop $next
      (local.set $sum (i64.or (local.get $sum) (call $load_u64 (i64.add (local.get $block) (local.get $i)))))
      (local.set $i (i64.add (local.get $i) (i64.const 8)))
      (br_if $next (i64.lt_u (local.get $i) (i64.const 60000))))
    (call $store_u64 (local.get $block) (local.get $sum))
    (call $output_set (local.get $block) (i64.const 8))))
)";
  return text;
}

}  // namespace

// Beside the fuzzer it is the compiler that ModuleCache starts.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (*argc > 1 && std::string_view((*argv)[1]) == "compile-module") {
    std::exit(run_compiler(*argc - 2, *argv + 2));
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto plugin = [] {
    auto made = std::make_unique<test::Plugin>(interpreter());
    made->environment.limits.memory_pages_max = 4;
    made->environment.limits.vars_bytes_max = 4096;
    made->environment.config = {{"", "empty"}, {"a", "value"}};
    return made;
  }();
  plugin->vars = Vars();
  plugin->host.lines.clear();
  const Outcome outcome = plugin->call("run", {reinterpret_cast<const char*>(data), size});
  switch (outcome.ending) {
    case Ending::done:
      check(outcome.code == 0);
      break;
    case Ending::error:
    case Ending::trap:
    case Ending::out_of_memory:
      check(!outcome.message.empty());
      break;
    default:
      check(false);
  }
  check(plugin->vars.bytes() <= plugin->environment.limits.vars_bytes_max);
  if (plugin->instance && (outcome.ending != Ending::done || plugin->instance->spent())) {
    plugin->instance.reset();
  }
  const Outcome looked = plugin->call("look");
  check(looked.ending == Ending::done || looked.ending == Ending::out_of_memory);
  if (looked.ending == Ending::done) check(test::number_in(looked.output) == 0);
  return 0;
}
