"""Modules in text form that try one part of the ABI each."""

KERNEL = {
    "alloc": "(param i64) (result i64)",
    "free": "(param i64)",
    "length": "(param i64) (result i64)",
    "length_unsafe": "(param i64) (result i64)",
    "load_u8": "(param i64) (result i32)",
    "load_u64": "(param i64) (result i64)",
    "store_u8": "(param i64 i32)",
    "store_u64": "(param i64 i64)",
    "input_offset": "(result i64)",
    "input_length": "(result i64)",
    "input_load_u8": "(param i64) (result i32)",
    "input_load_u64": "(param i64) (result i64)",
    "output_set": "(param i64 i64)",
    "output_offset": "(result i64)",
    "output_length": "(result i64)",
    "error_set": "(param i64)",
    "error_get": "(result i64)",
    "reset": "",
    "config_get": "(param i64) (result i64)",
    "var_get": "(param i64) (result i64)",
    "var_set": "(param i64 i64)",
    "http_request": "(param i64 i64) (result i64)",
    "http_status_code": "(result i32)",
    "http_headers": "(result i64)",
    "log_info": "(param i64)",
}

# $text: a new block with bytes of memory. $number: eight bytes of output. $again: a block as the output.
HELPERS = """
  (func $text (param $at i32) (param $size i32) (result i64)
    (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $size)))
        (call $store_u8 (i64.add (local.get $block) (i64.extend_i32_u (local.get $i)))
                        (i32.load8_u (i32.add (local.get $at) (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $block))
  (func $number (param $value i64)
    (local $block i64)
    (local.set $block (call $alloc (i64.const 8)))
    (call $store_u64 (local.get $block) (local.get $value))
    (call $output_set (local.get $block) (i64.const 8)))
  (func $again (param $block i64)
    (call $output_set (local.get $block) (call $length (local.get $block))))
  (func $echo (param $size i64) (result i64)
    (local $block i64) (local $i i64)
    (local.set $block (call $alloc (local.get $size)))
    (block $done
      (loop $next
        (br_if $done (i64.ge_u (local.get $i) (local.get $size)))
        (call $store_u8 (i64.add (local.get $block) (local.get $i)) (call $input_load_u8 (local.get $i)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $next)))
    (local.get $block))
"""


class Texts:
    """Where texts lie in the module's memory."""

    def __init__(self):
        self.data = b""

    def __call__(self, text):
        """The call that makes a block of it."""
        raw = text.encode()
        at = len(self.data)
        self.data += raw
        return f"(call $text (i32.const {at}) (i32.const {len(raw)}))"

    def segment(self):
        return '(data (i32.const 0) "{}")'.format("".join(f"\\{byte:02x}" for byte in self.data))


def module(body, texts=None, memory="(memory 1)", more_imports=""):
    """A whole module, with the kernel's functions as $names."""
    imports = "\n".join(
        f'(import "extism:host/env" "{name}" (func ${name} {kind}))' for name, kind in KERNEL.items())
    return f"(module\n{imports}\n{more_imports}\n{memory}\n{texts.segment() if texts else ''}\n{HELPERS}\n{body}\n)".encode()


def function(name, body, result=""):
    return f'(func (export "{name}") {result} {body})'
