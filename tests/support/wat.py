"""Plugins in WebAssembly text, for tests that need many versions, or guests that no kit would make."""

IMPORTS = """
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_u8 (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
"""

# A live_state counter whose state is fixed in length: {"n":"000123","v":"007"}, n as decimal digits, v of the code.
COUNTER = """(module {imports}
  (memory 1)
  (data (i32.const 0) "{{\\22n\\22:\\22000000\\22,\\22v\\22:\\22{version:03}\\22}}")
  (func $give
    (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.const 24)))
    (loop $next
      (call $store_u8 (i64.add (local.get $block) (i64.extend_i32_u (local.get $i))) (i32.load8_u (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 24))))
    (call $output_set (local.get $block) (i64.const 24)))
  (func $take (param $more i32)
    (local $n i32) (local $i i32) (local $at i64)
    ;; The state stands at the input's end, before one bracket: its digits begin 19 bytes before that.
    (local.set $at (i64.sub (call $input_length) (i64.const 19)))
    (loop $next
      (local.set $n (i32.add
        (i32.mul (local.get $n) (i32.const 10))
        (i32.sub (call $input_u8 (i64.add (local.get $at) (i64.extend_i32_u (local.get $i)))) (i32.const 48))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 6))))
    (local.set $n (i32.add (local.get $n) (local.get $more)))
    (local.set $i (i32.const 11))
    (loop $next
      (i32.store8 (local.get $i) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (br_if $next (i32.gt_u (local.get $i) (i32.const 5)))))
  (func (export "init") (call $give))
  (func (export "add") (call $take (i32.const 1)) (call $give))
  {more})
"""

MIGRATE = '(func (export "migrate") (call $take (i32.const 0)) (call $give))'


def counter(version, more=MIGRATE):
    return COUNTER.format(imports=IMPORTS, version=version, more=more).encode()
