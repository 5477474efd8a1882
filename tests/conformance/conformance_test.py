"""Troupe's host against the real libextism: the same plugins, the same calls, the same answers."""

import base64
import hashlib
import http.server
import json
import os
import re
import struct
import threading
from pathlib import Path

import pytest
from libextism import Libextism
from modules import Texts, function, module
from troupe_host import Host, Troupe

COMPATIBILITY = (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text()
# What libextism says by its C API when a host function refused or the guest trapped: the reason is not in it.
GENERIC = "error while executing at wasm backtrace"


@pytest.fixture(scope="session")
def host():
    host = Host(os.environ["CONFORMANCE_HOST"])
    yield host
    host.close()


@pytest.fixture
def both(host):
    """Opens a plugin in both; each step is done in both, and compared."""
    pairs = []

    def open_both(plugin, **options):
        pair = Pair(host, plugin, options)
        pairs.append(pair)
        return pair

    yield open_both
    for pair in pairs:
        pair.close()


class Pair:
    def __init__(self, host, plugin, options):
        self.error = {}
        self.hosts = {}
        for name, make in (("libextism", Libextism), ("troupe", lambda *a, **k: Troupe(host, *a, **k))):
            try:
                self.hosts[name] = make(plugin, **options)
            except RuntimeError as error:
                self.error[name] = str(error)

    def close(self):
        for each in self.hosts.values():
            each.close()

    def opens(self):
        assert not self.error, self.error
        return self

    def refused(self, pattern=None):
        """Both refuse to make the plugin, in words of their own that both match."""
        assert set(self.error) == {"libextism", "troupe"}, self.error
        if pattern:
            for text in self.error.values():
                assert re.search(pattern, text), self.error

    def call(self, name, data=b"", differs=None, **options):
        answers = {each: host.call(name, data, **options) for each, host in self.hosts.items()}
        compare(answers, differs)
        return answers["troupe"]

    def exists(self, name):
        answers = {each: host.exists(name) for each, host in self.hosts.items()}
        assert answers["libextism"] == answers["troupe"], (name, answers)
        return answers["troupe"]

    def config(self, text):
        for each in self.hosts.values():
            assert each.config(text)

    def reset(self):
        for each in self.hosts.values():
            each.reset()


def compare(answers, differs):
    """The same, or different in the way that docs/compatibility.md says in these words."""
    theirs, ours = answers["libextism"], answers["troupe"]
    if differs:
        assert differs in COMPATIBILITY, f"docs/compatibility.md does not say: {differs}"
        assert theirs != ours, f"no longer different: {differs}"
        return
    assert (theirs["error"] is None) == (ours["error"] is None), answers
    if theirs["error"] is None:
        assert theirs["output"] == ours["output"], answers
        assert theirs["code"] == ours["code"], answers
    elif not theirs["error"].startswith(GENERIC):
        assert theirs["error"] == ours["error"], answers
        assert theirs["code"] == ours["code"], answers
    else:
        assert theirs["code"] == ours["code"], answers


def number(answer):
    return struct.unpack("<q", answer["output"])[0]


def test_input_and_output(both):
    plugin = both(module(
        function("echo", "(call $again (call $echo (call $input_length)))")
        + function("by_words", """(local $block i64)
            (local.set $block (call $alloc (i64.const 16)))
            (call $store_u64 (local.get $block) (call $input_load_u64 (i64.const 0)))
            (call $store_u64 (i64.add (local.get $block) (i64.const 8)) (call $input_load_u64 (i64.const 1)))
            (call $output_set (local.get $block) (i64.const 16))""")
        + function("beyond", """(call $number (i64.add (i64.extend_i32_u (call $input_load_u8 (call $input_length)))
            (call $input_load_u64 (i64.sub (call $input_length) (i64.const 7)))))""")
        + function("length", "(call $number (call $input_length))")
        + function("at_offset", "(call $output_set (call $input_offset) (call $input_length))")
    )).opens()
    for data in (b"", b"a", b"12345678", b"123456789", bytes(range(256)) * 40):
        for name in ("echo", "by_words", "beyond", "length", "at_offset"):
            plugin.call(name, data)


def test_blocks(both):
    plugin = both(module(
        function("zero", "(call $number (call $alloc (i64.const 0)))")
        + function("length_of_nothing", "(call $number (call $length (i64.const 0)))")
        + function("length_between", """(call $number (call $length
            (i64.add (call $alloc (i64.const 10)) (i64.const 1))))""")
        + function("length_after_free", """(local $block i64) (local.set $block (call $alloc (i64.const 10)))
            (call $free (local.get $block)) (call $number (call $length (local.get $block)))""")
        + function("free_nothing", "(call $free (i64.const 0)) (call $free (i64.const 123456))")
        + function("load_beyond", """(call $number (i64.add (call $load_u64 (i64.const 0xffffffff))
            (i64.extend_i32_u (call $load_u8 (i64.const 0xffffffffff)))))""")
        + function("store_beyond", """(call $store_u8 (i64.const 0xffffffffff) (i32.const 1))
            (call $store_u64 (i64.const 0xffffffffff) (i64.const 1))""")
        + function("unaligned", """(local $block i64) (local.set $block (call $alloc (i64.const 16)))
            (call $store_u64 (i64.add (local.get $block) (i64.const 3)) (i64.const 0x0102030405060708))
            (call $number (call $load_u64 (i64.add (local.get $block) (i64.const 2))))""")
        + function("fresh_is_zero", "(call $number (call $load_u64 (call $alloc (i64.const 64))))")
        + function("length_unsafe", "(call $number (call $length_unsafe (call $alloc (i64.const 33))))")
        + function("freed_input", "(call $free (call $input_offset)) (call $number (call $input_length))")
        + function("reset", """(local $block i64) (local.set $block (call $alloc (i64.const 10)))
            (call $reset) (call $number (i64.add (call $length (local.get $block)) (call $input_length)))""")
        + function("many", """(local $i i32) (local $last i64)
            (loop $next (local.set $last (call $alloc (i64.const 1000)))
              (call $store_u64 (local.get $last) (i64.extend_i32_u (local.get $i)))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $i) (i32.const 2000))))
            (call $number (call $load_u64 (local.get $last)))""")
    )).opens()
    for name in ("zero", "length_of_nothing", "length_between", "length_after_free", "free_nothing", "load_beyond",
                 "store_beyond", "unaligned", "fresh_is_zero", "length_unsafe", "freed_input", "reset", "many"):
        plugin.call(name, b"some input")


def test_output(both):
    text = Texts()
    plugin = both(module(
        function("last_wins", f"(call $again {text('one')}) (call $again {text('two')})")
        + function("none", "(nop)")
        + function("taken_back", f"(call $again {text('one')}) (call $output_set (i64.const 0) (i64.const 0))")
        + function("beyond", f"(call $again {text('kept')}) (call $output_set (i64.const 0) (i64.const 0x7fffffffff))")
        + function("part", f"""(local $block i64) (local.set $block {text('a part of this')})
            (call $output_set (i64.add (local.get $block) (i64.const 2)) (i64.const 4))""")
        + function("length", f"(call $again {text('seven c')}) (call $number (call $output_length))"),
        text,
    )).opens()
    for name in ("last_wins", "none", "taken_back", "beyond", "part", "length", "none"):
        plugin.call(name)


def test_errors_and_codes(both):
    text = Texts()
    parts = [function(f"code_{index}", f"(i32.const {code})", "(result i32)")
             for index, code in enumerate((0, 1, 2, 42, -1, 255, 2147483647))]
    parts += [
        function("error", f"(call $error_set {text('went wrong')}) (i32.const 1)", "(result i32)"),
        function("error_and_zero", f"(call $error_set {text('went wrong')}) (i32.const 0)", "(result i32)"),
        function("error_and_nothing", f"(call $error_set {text('went wrong')})"),
        function("error_and_output", f"(call $again {text('out')}) (call $error_set {text('wrong')}) (i32.const 3)", "(result i32)"),
        function("taken_back", f"(call $error_set {text('x')}) (call $error_set (i64.const 0)) (i32.const 0)", "(result i32)"),
        function("empty", "(call $error_set (call $alloc (i64.const 0))) (i32.const 1)", "(result i32)"),
        function("unicode", f"(call $error_set {text('schade ☹')}) (i32.const 1)", "(result i32)"),
        function("error_then_trap", f"(call $error_set {text('before the end')}) (unreachable)"),
        function("trap", "(unreachable)"),
        function("divide", "(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
        function("outside", "(drop (i32.load (i32.const 0x7fffffff)))"),
        '(func $deep (export "deep") (call $deep) (call $deep))',
        function("code_and_output", f"(call $again {text('still out')}) (i32.const 7)", "(result i32)"),
        '(func (export "takes") (param i32))',
        '(func (export "gives_two") (result i32 i32) (i32.const 0) (i32.const 0))',
        '(func (export "gives_long") (result i64) (i64.const 0))',
        '(global (export "no_function") i32 (i32.const 1))',
    ]
    plugin = both(module("".join(parts), text)).opens()
    for index in range(7):
        plugin.call(f"code_{index}")
    for name in ("error", "error_and_zero", "error_and_nothing", "error_and_output", "taken_back", "empty", "unicode",
                 "error_then_trap", "trap", "code_0", "divide", "outside", "deep", "code_0", "code_and_output"):
        plugin.call(name)
    for name in ("nosuch", "takes", "gives_two", "gives_long", "no_function"):
        assert not plugin.exists(name)
        plugin.call(name)
    assert plugin.exists("error")


def test_variables(both):
    text = Texts()
    key, value = "k", "v" * 51
    plugin = both(manifest([module(
        function("put", f"(call $var_set {text(key)} (call $echo (call $input_length)))")
        + function("get", f"(call $again (call $var_get {text(key)}))")
        + function("delete", f"(call $var_set {text(key)} (i64.const 0))")
        + function("missing", f"(call $number (call $var_get {text('other')}))")
        + function("consumed", f"""(local $key i64) (local $value i64)
            (local.set $key {text('c')}) (local.set $value {text('d')})
            (call $var_set (local.get $key) (local.get $value))
            (call $number (i64.add (call $length (local.get $key)) (call $length (local.get $value))))""")
        + function("bad_key", "(drop (call $var_get (i64.const 999999)))"),
        text,
    )], memory={"max_var_bytes": 100})).opens()
    for name, data in (("missing", b""), ("put", b"first"), ("get", b""), ("put", b"second"), ("get", b""),
                       ("delete", b""), ("get", b""), ("put", value.encode()), ("get", b""), ("put", b"small"), ("get", b""),
                       ("delete", b""), ("put", value.encode() + b"!"), ("get", b""), ("bad_key", b"")):
        plugin.call(name, data)
    plugin.reset()
    plugin.call("get")
    plugin.call("put", b"")
    plugin.call("get")
    off = both(manifest([module(function("put", f"(call $var_set {text('a')} {text('b')})"), text)],
                        memory={"max_var_bytes": 0})).opens()
    off.call("put")
    both(module(function("consumed", f"""(local $key i64) (local.set $key {text('key')})
        (drop (call $var_get (local.get $key))) (call $number (call $length (local.get $key)))"""), text)).opens().call("consumed")


def test_configuration(both):
    text = Texts()
    plugin = both(manifest([module(
        function("get", f"(call $again (call $config_get {text('greeting')}))")
        + function("empty", f"(call $number (call $config_get {text('empty')}))")
        + function("none", f"(call $number (call $length (call $config_get {text('none')})))")
        + function("consumed", f"""(local $key i64) (local.set $key {text('greeting')})
            (drop (call $config_get (local.get $key))) (call $number (call $length (local.get $key)))""")
        + function("bad", "(drop (call $config_get (i64.const 999999)))"),
        text,
    )], config={"greeting": "hello", "empty": ""})).opens()
    for name in ("get", "empty", "none", "consumed", "bad"):
        plugin.call(name)
    plugin.config(json.dumps({"greeting": "good bye", "none": "some"}))
    for name in ("get", "none"):
        plugin.call(name)
    plugin.config(json.dumps({"greeting": None}))
    plugin.call("get")


def test_memory_of_the_guest_lasts(both):
    plugin = both(module("""
        (global $calls (mut i64) (i64.const 0))
        (func (export "count") (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
          (i64.store (i32.const 100) (i64.add (i64.load (i32.const 100)) (i64.const 10)))
          (call $number (i64.add (global.get $calls) (i64.load (i32.const 100)))))
        (func (export "fail") (result i32) (global.set $calls (i64.const 100)) (i32.const 1))
    """)).opens()
    for name in ("count", "count", "fail", "count"):
        plugin.call(name)
    plugin.reset()
    plugin.call("count")


@pytest.mark.parametrize("starts", [
    ["_initialize"], ["__wasm_call_ctors"], ["hs_init"], ["_initialize", "hs_init"], ["_initialize", "__wasm_call_ctors"],
    ["_initialize", "__wasm_call_ctors", "hs_init"], ["_initialize:wrong"], ["_initialize:trap"], ["hs_init:wrong"],
])
def test_start_up(both, starts):
    bit = {"_initialize": 1, "__wasm_call_ctors": 2, "hs_init": 4}
    body = "(global $done (mut i64) (i64.const 0))"
    for start in starts:
        name, _, kind = start.partition(":")
        parameters = "(param i32 i32)" if name == "hs_init" else ""
        if kind == "wrong":
            parameters = "(param f32)"
        end = "(unreachable)" if kind == "trap" else ""
        body += f"""(func (export "{name}") {parameters}
            (global.set $done (i64.or (i64.mul (global.get $done) (i64.const 8)) (i64.const {bit[name]}))) {end})"""
    plugin = both(module(body + function("done", "(call $number (global.get $done))")))
    if starts[0].endswith(":wrong"):
        # Theirs refuses it, or fails at the first call.
        assert "| `_initialize` or `hs_init` exported with another type |" in COMPATIBILITY
        theirs = plugin.error.get("libextism") or plugin.hosts["libextism"].call("done")["error"]
        assert theirs and plugin.hosts["troupe"].call("done")["error"] is None
        return
    if starts == ["_initialize:trap"]:
        assert "| `_initialize` that traps |" in COMPATIBILITY
        assert set(plugin.error) == {"libextism"}
        assert "unreachable" in plugin.hosts["troupe"].call("done")["error"]
        return
    plugin.opens()
    plugin.call("done")
    plugin.call("done")


def test_a_command(both):
    text = Texts()
    plugin = both(module(f"""
        (global $calls (mut i64) (i64.const 0))
        (func (export "_start") (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
          (call $var_set {text('k')} {text('v')}) (call $number (global.get $calls)))
        (func (export "count") (global.set $calls (i64.add (global.get $calls) (i64.const 1))) (call $number (global.get $calls)))
        (func (export "var") (call $number (call $length (call $var_get {text('k')}))))
    """, text)).opens()
    for name in ("count", "count", "_start", "_start", "count", "var"):
        plugin.call(name)


def test_wasi(both):
    wasi = """(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))"""
    text = Texts()
    plugin = both(module(
        function("exit_0", f"(call $again {text('said before')}) (call $exit (i32.const 0))")
        + function("exit_3", "(call $exit (i32.const 3))")
        + function("args", """(drop (call $args (i32.const 100) (i32.const 104)))
            (drop (call $environ (i32.const 108) (i32.const 112)))
            (call $number (i64.add (i64.load (i32.const 100)) (i64.load (i32.const 108))))""")
        + function("write", f"""(i32.store (i32.const 100) (i32.const 0)) (i32.store (i32.const 104) (i32.const 5))
            (call $number (i64.extend_i32_u (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 120))))""")
        + function("read", """(i32.store (i32.const 100) (i32.const 200)) (i32.store (i32.const 104) (i32.const 5))
            (drop (call $read (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 120)))
            (call $number (i64.load32_u (i32.const 120)))""")
        + function("prestat", "(call $number (i64.extend_i32_u (call $prestat (i32.const 3) (i32.const 100))))")
        + function("yield", "(call $number (i64.extend_i32_u (call $yield)))"),
        text, memory='(memory (export "memory") 1)', more_imports=wasi,
    ), wasi=True).opens()
    for name in ("args", "write", "read", "prestat", "yield", "exit_0", "exit_3", "args"):
        plugin.call(name)
    both(module(function("args", "(nop)"), more_imports=wasi)).refused()


def test_limits_of_memory(both):
    body = """(func (export "grow") (result i32)
        (i32.eq (memory.grow (i32.load8_u (i32.const 0))) (i32.const -1)))
      (func (export "grow_3") (drop (memory.grow (i32.const 3))) (call $number (i64.extend_i32_u (memory.size))))
      (func (export "grow_1") (drop (memory.grow (i32.const 1))) (call $number (i64.extend_i32_u (memory.size))))"""
    plugin = both(manifest([module(body, memory="(memory 2)")], memory={"max_pages": 4})).opens()
    for name in ("grow_3", "grow_3"):
        plugin.call(name)
    plugin.call("grow_1", differs="a call that traps, exits or runs out of something")
    # It opens, and its first call finds no room.
    both(manifest([module(body, memory="(memory 9)")], memory={"max_pages": 4})).opens().call("grow_1")
    both(module(body, memory="(memory 1 2)")).opens().call(
        "grow_3", differs="growth beyond a limit without `max_pages`")


def test_limits_of_time(both):
    text = Texts()
    plugin = both(manifest([module(
        function("spin", "(loop $again (br $again))") + function("fine", f"(call $again {text('fine')})"), text)], timeout_ms=100)).opens()
    for name in ("fine", "spin", "fine", "spin"):
        plugin.call(name)


def test_cancel(both):
    plugin = both(module(function("spin", "(loop $again (br $again))") + function("fine", "(nop)"))).opens()
    plugin.call("fine")
    plugin.call("spin", cancel_after=0.1)
    plugin.call("fine")


def test_fuel(both):
    plugin = both(module(function("spin", "(loop $again (br $again))") + function("fine", "(nop)")), fuel=100_000).opens()
    for name in ("fine", "spin", "fine"):
        plugin.call(name)


def test_functions_of_the_host(both):
    user = '(import "extism:host/user" "upper" (func $upper (param i64) (result i64)))'
    mix = '(import "extism:host/user" "mix" (func $mix (param i32 i64 f64) (result f64)))'
    body = function("upper", "(call $again (call $upper (call $echo (call $input_length))))") + function(
        "mix", "(call $number (i64.trunc_f64_s (call $mix (i32.const -1) (i64.const 40) (f64.const 3.5))))")
    plugin = both(module(body, more_imports=user + mix), functions=["upper", "mix"]).opens()
    for data in (b"hello", "grün".encode(), b"x" * 5000):
        plugin.call("upper", data)
    plugin.call("mix")
    both(module(function("f", "(nop)"), more_imports=user)).refused("upper")
    wrong = '(import "extism:host/user" "upper" (func (param i32)))'
    both(module(function("f", "(nop)"), more_imports=wrong), functions=["upper"]).refused()


def test_linked_modules(both):
    helper = b"""(module (global $calls (mut i64) (i64.const 0))
      (func (export "count") (result i64) (global.set $calls (i64.add (global.get $calls) (i64.const 1))) (global.get $calls)))"""
    main = module(
        function("twice", "(drop (call $count)) (call $number (call $count))") + function("once", "(call $number (call $count))"),
        more_imports='(import "helper" "count" (func $count (result i64)))')
    command = helper.replace(b'(func (export "count")', b'(func (export "_start")) (func (export "count")')
    reactor = helper.replace(b'(func (export "count")',
                             b'(func (export "_initialize") (global.set $calls (i64.const 10))) (func (export "count")')
    for other in (helper, command, reactor):
        for names in (("helper", "main"), ("helper", "last"), ("helper", "")):
            plugin = both(manifest([other, main], names=names)).opens()
            for name in ("twice", "twice", "once", "count"):
                plugin.call(name)
    plugin = both(manifest([main, helper], names=("main", "helper"))).opens()
    plugin.call("once")
    assert not plugin.exists("count")
    both(manifest([helper, main], names=("main", "main"))).refused("Duplicate")
    both(manifest([main], names=("main",))).refused("helper")
    both_kinds = helper.replace(b'(func (export "count")',
                                b'(func (export "_start")) (func (export "_initialize")) (func (export "count")')
    both(manifest([both_kinds, main], names=("helper", "main"))).refused("both a Command and a Reactor")


def test_mistakes_in_manifests(both):
    sound = module(function("f", "(nop)"))
    good = base64.b64encode(sound).decode()
    digest = hashlib.sha256(sound).hexdigest()
    both(manifest([sound], hashes=[digest])).opens().call("f")
    both(manifest([sound], hashes=["0" * 64])).refused("[Hh]ash")
    for mistake in (
        {"wasm": []},
        {"wasm": [{"path": "/nosuch/file.wasm"}]},
        {"wasm": [{"data": good}], "unknown": 1},
        {"wasm": [{"data": "not base64!"}]},
        {"wasm": [{"data": good}], "timeout_ms": "soon"},
        {"wasm": [{"data": good}], "config": {"a": 1}},
        {"wasm": [{"data": good}], "memory": {"max_pages": -1}},
        {"wasm": [{}]},
        {},
    ):
        both(json.dumps(mistake).encode()).refused()
    for nonsense in (b"", b"neither json nor toml nor wasm {", b"\x00asm\x01\x00\x00", b"(module (func (export)))"):
        both(nonsense).refused()
    both(b'[[wasm]]\ndata = "' + good.encode() + b'"\n').opens().call("f")


def test_imports_that_nobody_gives(both):
    for import_text in ('(import "extism:host/env" "nosuch" (func))', '(import "env" "nosuch" (func))',
                        '(import "extism:host/env" "memory" (memory 1))', '(import "extism:host/env" "alloc" (func (param i32)))'):
        both(f'(module {import_text} (func (export "f")))'.encode()).refused()


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def do_PUT(self):
        self.answer()

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/echo")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        text = {"/empty": b"", "/large": b"x" * 5000}.get(self.path)
        if text is None:
            text = f"{self.command} {self.path} {self.headers.get('X-Test')} ".encode() + body
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-Answer", "yes")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_http(both, web):
    text = Texts()
    http_module = module(
        function("get", "(call $again (call $http_request (call $echo (call $input_length)) (i64.const 0)))")
        + function("post", f"(call $again (call $http_request (call $echo (call $input_length)) {text('the body')}))")
        + function("status", """(drop (call $http_request (call $echo (call $input_length)) (i64.const 0)))
            (call $number (i64.extend_i32_u (call $http_status_code)))""")
        + function("no_status", "(call $number (i64.extend_i32_u (call $http_status_code)))")
        + function("no_headers", """(drop (call $http_request (call $echo (call $input_length)) (i64.const 0)))
            (call $number (call $http_headers))"""),
        text)

    def request(path, **more):
        return json.dumps({"url": web + path, **more}).encode()

    plugin = both(manifest([http_module], allowed_hosts=["127.0.0.1"], memory={"max_http_response_bytes": 4096})).opens()
    plugin.call("no_status")
    plugin.call("get", request("/echo"))
    plugin.call("get", request("/echo", headers={"X-Test": "a header"}))
    plugin.call("post", request("/echo", method="POST"))
    plugin.call("post", request("/echo", method="put"))
    plugin.call("status", request("/missing"))
    plugin.call("get", request("/missing"))
    plugin.call("get", request("/empty"))
    plugin.call("get", request("/redirect"))
    plugin.call("get", request("/large"))
    plugin.call("no_headers", request("/echo"))
    plugin.call("get", b'{"url": "http://127.0.0.1:1/"}')
    plugin.call("get", b"no json")
    plugin.call("get", request("/echo", unknown=1))
    plugin.call("get", b'{"url": "no url"}')
    for hosts in (None, [], ["example.com"], ["*.0.0.2"]):
        both(manifest([http_module], **({} if hosts is None else {"allowed_hosts": hosts}))).opens().call("get", request("/echo"))
    both(manifest([http_module], allowed_hosts=["127.*"])).opens().call(
        "get", request("/echo"), differs="private, local and reserved addresses")


def manifest(modules, names=None, hashes=None, **fields):
    parts = []
    for index, wasm in enumerate(modules):
        part = {"data": base64.b64encode(wasm).decode()}
        if names and names[index]:
            part["name"] = names[index]
        if hashes:
            part["hash"] = hashes[index]
        parts.append(part)
    return json.dumps({"wasm": parts, **fields}).encode()
