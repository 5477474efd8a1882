"""new, build and call: a plugin without a server."""

import json
import os
import pathlib
import re
import subprocess

import pytest
from troupe import binary

ROOT = pathlib.Path(__file__).resolve().parents[2]

TODO = """
import { handler, reply } from "troupe";
export const init = handler(() => ({ todos: [] }));
export const addTodo = handler(({ todo }, { todos }) => {
  if (!todo) throw new Error("A todo needs a few words.");
  console.log("adding", todo);
  reply("added", { todo });
  return { todos: [todo, ...todos] };
});
export function greet() { Host.outputString("Hello, " + (Config.get("name") ?? "nobody")); }
export function echo() { Host.outputString(Host.inputString()); }
export function spin() { for (;;) {} }
"""


@pytest.fixture
def todo(tmp_path):
    (tmp_path / "todo.js").write_text(TODO)


@pytest.mark.usefixtures("todo")
class TestCall:
    def test_prints_the_output_with_a_newline(self, troupe):
        result = troupe("call", "todo.js", "init")
        assert (result.returncode, result.stdout) == (0, '{"todos":[]}\n')

    def test_hands_the_input_over_as_it_is(self, troupe):
        text = ' spaces, "quotes" and ümläuts '
        assert troupe("call", "todo.js", "echo", "--input", text).stdout == text + "\n"
        assert troupe("call", "todo.js", "echo", "--stdin", stdin=text).stdout == text + "\n"

    def test_says_on_standard_error_what_the_plugin_logs_and_what_host_functions_would_do(self, troupe):
        result = troupe("call", "todo.js", "addTodo", "--input", '[{"todo":"milk"},{"todos":["eggs"]}]')
        assert result.stdout == '{"todos":["milk","eggs"]}\n'
        assert "info: adding milk\n" in result.stderr
        assert 'reply {"name":"added","detail":{"todo":"milk"}}' in result.stderr

    def test_an_error_of_the_function_is_status_1_with_its_text(self, troupe):
        result = troupe("call", "todo.js", "addTodo", "--input", '[{"todo":""},{"todos":[]}]')
        assert result.returncode == 1
        assert result.stdout == ""
        assert "A todo needs a few words." in result.stderr
        assert "todo.js:5" in result.stderr, "the stack names the place"

    def test_gives_the_plugin_its_configuration(self, troupe):
        assert troupe("call", "todo.js", "greet", "--config", "name=Ada").stdout == "Hello, Ada\n"
        assert troupe("call", "todo.js", "greet").stdout == "Hello, nobody\n"
        wrong = troupe("call", "todo.js", "greet", "--config", "name")
        assert wrong.returncode == 2 and "KEY=VALUE" in wrong.stderr

    def test_an_unknown_function_is_named_with_the_nearest(self, troupe):
        result = troupe("call", "todo.js", "addTod")
        assert result.returncode == 1
        assert result.stderr == 'todo.js does not export "addTod", did you mean "addTodo"?\n'

    def test_ends_a_function_that_runs_too_long(self, troupe):
        result = troupe("call", "todo.js", "spin", "--timeout", "50")
        assert result.returncode == 1
        assert result.stderr == "timeout\n"

    def test_prints_json(self, troupe):
        done = json.loads(troupe("call", "todo.js", "init", "--json").stdout)
        assert (done["ending"], done["output"]) == ("done", '{"todos":[]}')
        failed = troupe("call", "todo.js", "addTodo", "--input", '[{},{"todos":[]}]', "--json")
        assert failed.returncode == 1
        assert json.loads(failed.stdout)["ending"] == "error"
        assert json.loads(failed.stdout)["message"] == "A todo needs a few words."

    def test_a_file_that_is_not_there_is_named(self, troupe):
        for file in ["none.js", "none.wasm"]:
            result = troupe("call", file, "init")
            assert result.returncode == 1
            assert file in result.stderr

    def test_a_file_that_is_no_module_is_named(self, troupe, tmp_path):
        (tmp_path / "text.wasm").write_text("no module")
        result = troupe("call", "text.wasm", "init")
        assert result.returncode == 1
        assert "text.wasm" in result.stderr


# A plugin as text: counts in its variables and its memory, reads its configuration, fails in several ways.
PLUGIN = """(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 48))
  (data (i32.const 100) "hello\\n")
  (func $k (result i64) (local $b i64)
    (local.set $b (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $b) (i32.const 107))
    (local.get $b))
  (func (export "count") (local $b i64)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (local.set $b (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $b) (global.get $count))
    (call $output_set (local.get $b) (i64.const 1)))
  (func (export "config") (local $b i64)
    (local.set $b (call $config_get (call $k)))
    (call $output_set (local.get $b) (call $length (local.get $b))))
  (func (export "keep") (call $var_set (call $k) (call $alloc (i64.const 1000))))
  (func (export "fail") (result i32) (call $error_set (call $k)) (i32.const 7))
  (func (export "seven") (result i32) (i32.const 7))
  (func $_ZN4todo4list3add17h0123456789abcdefE unreachable)
  (func (export "trap") (call $_ZN4todo4list3add17h0123456789abcdefE))
  (func (export "grow") (drop (memory.grow (i32.const 10))))
  (func (export "spin") (loop (br 0)))
  (func (export "write")
    (i32.store (i32.const 0) (i32.const 100))
    (i32.store (i32.const 4) (i32.const 6))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""


@pytest.fixture
def plugin(tmp_path):
    (tmp_path / "plugin.wat").write_text(PLUGIN)
    return "plugin.wat"


class TestCallOfAModule:
    def test_keeps_its_instance_from_call_to_call(self, troupe, plugin):
        assert troupe("call", plugin, "count").stdout == "1\n"
        assert troupe("call", plugin, "count", "--loop", "3").stdout == "1\n\n2\n\n3\n"

    def test_an_error_has_its_text_and_code(self, troupe, plugin):
        result = troupe("call", plugin, "fail")
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == "k\nreturned non-zero exit code: 7\n"
        assert troupe("call", plugin, "seven").stderr == "Returned non-zero exit code: 7\n"

    def test_a_trap_names_the_functions_as_their_author_does(self, troupe, plugin):
        result = troupe("call", plugin, "trap")
        assert result.returncode == 1
        assert "unreachable" in result.stderr
        assert "at todo::list::add (" in result.stderr

    def test_limits_end_it_with_the_words_of_extism(self, troupe, plugin):
        for arguments, text in [
            (["spin", "--timeout", "30"], "timeout"),
            (["spin", "--fuel", "10000"], "plugin ran out of fuel"),
            (["grow", "--memory-max", "5"], "oom"),
        ]:
            result = troupe("call", plugin, *arguments)
            assert result.returncode == 1
            assert result.stderr.splitlines()[0] == text
        assert "Variable store is full" in troupe("call", plugin, "keep", "--var-max", "100").stderr
        assert troupe("call", plugin, "grow", "--memory-max", "10").returncode == 0

    def test_configuration_comes_from_both_flags(self, troupe, plugin):
        one = ["--set-config", '{"k":"one"}']
        assert troupe("call", plugin, "config", *one).stdout == "one\n"
        assert troupe("call", plugin, "config", *one, "--config", "k=two").stdout == "two\n"
        for wrong in ["[]", "{", '{"k":1}']:
            result = troupe("call", plugin, "config", "--set-config", wrong)
            assert result.returncode == 2 and "--set-config" in result.stderr

    def test_standard_output_is_shown_as_it_is_when_asked_for(self, troupe, plugin):
        assert troupe("call", plugin, "write", "--wasi").stdout == "hello\n\n"
        quiet = troupe("call", plugin, "write")
        assert (quiet.stdout, quiet.stderr) == ("\n", "info: hello\n")
        assert troupe("call", plugin, "write", "--quiet").stderr == ""

    def test_a_trace_shows_each_call_with_sizes_and_times(self, troupe, plugin):
        result = troupe("call", plugin, "config", "--config", "k=value", "--trace")
        assert result.stdout == "value\n"
        line = next(line for line in result.stderr.splitlines() if "config_get" in line)
        assert re.fullmatch(r"trace: config_get +1 B in +5 B out +[\d.]+ us", line)
        traced = json.loads(troupe("call", plugin, "config", "--config", "k=value", "--trace", "--json").stdout)
        [call] = [call for call in traced["trace"] if call["function"] == "config_get"]
        assert (call["bytes_in"], call["bytes_out"]) == (1, 5)
        assert call["us"] >= 0

    def test_modules_are_linked(self, troupe, tmp_path):
        (tmp_path / "counter.wat").write_text(
            '(module (func (export "two") (result i32) (i32.const 2)))')
        (tmp_path / "user.wat").write_text(
            '(module (import "counter" "two" (func $two (result i32)))'
            ' (func (export "run") (result i32) (i32.sub (call $two) (i32.const 2))))')
        assert troupe("call", "user.wat", "run", "--link", "counter.wat").returncode == 0
        assert troupe("call", "user.wat", "run", "--link", "counter=counter.wat").returncode == 0
        missing = troupe("call", "user.wat", "run", "--link", "other=counter.wat")
        assert missing.returncode == 1 and '"counter" "two"' in missing.stderr

    @pytest.mark.parametrize("name, text", [
        ("manifest.json", '{"wasm":[{"path":"plugin.wat"}],"config":{"k":"json"}}'),
        ("manifest.toml", 'wasm = [{path = "plugin.wat"}]\nconfig = {k = "toml"}\n'),
    ])
    def test_a_manifest_is_taken(self, troupe, plugin, tmp_path, name, text):
        (tmp_path / name).write_text(text)
        assert troupe("call", "-m", name, "config").stdout == name.removeprefix("manifest.") + "\n"
        assert troupe("call", "-m", name, "config", "--config", "k=flag").stdout == "flag\n"

    def test_a_mistake_in_a_manifest_is_named(self, troupe, plugin, tmp_path):
        (tmp_path / "m.json").write_text('{"wasm":[{"path":"plugin.wat","hash":"00"}]}')
        assert "Hash mismatch" in troupe("call", "-m", "m.json", "count").stderr
        (tmp_path / "m.json").write_text('{"wasm":[{"path":"plugin.wat"}],"timeout":1}')
        result = troupe("call", "-m", "m.json", "count")
        assert result.returncode == 1
        assert result.stderr.startswith("m.json: timeout: unknown key; known here: wasm, ")


@pytest.mark.usefixtures("todo")
class TestBuild:
    def test_writes_a_module_that_can_be_called(self, troupe, tmp_path):
        result = troupe("build", "todo.js")
        assert result.returncode == 0, result.stderr
        assert "todo.wasm" in result.stdout and "addTodo" in result.stdout
        assert (tmp_path / "todo.wasm").read_bytes().startswith(b"\0asm")
        assert troupe("call", "todo.wasm", "init").stdout == '{"todos":[]}\n'

    def test_prints_json(self, troupe, tmp_path):
        result = json.loads(troupe("build", "todo.js", "-o", "out.wasm", "--json").stdout)
        assert result["file"] == "out.wasm"
        assert result["bytes"] == (tmp_path / "out.wasm").stat().st_size
        assert sorted(result["exports"]) == ["addTodo", "echo", "greet", "init", "spin"]

    def test_an_error_shows_the_place_and_writes_nothing(self, troupe, tmp_path):
        (tmp_path / "bad.js").write_text("export const a = 1;\nexport const b = = 2;\n")
        result = troupe("build", "bad.js")
        assert result.returncode == 1
        assert result.stdout == ""
        assert "bad.js:2:18" in result.stderr
        assert "export const b = = 2;\n" in result.stderr and "^" in result.stderr
        assert not (tmp_path / "bad.wasm").exists()

    def test_leaves_the_old_module_when_the_new_one_cannot_be_written(self, troupe):
        result = troupe("build", "todo.js", "-o", "no/such/folder/todo.wasm")
        assert result.returncode == 1
        assert "cannot write no/such/folder/todo.wasm: No such file or directory" in result.stderr

    def test_takes_typescript(self, troupe, tmp_path):
        (tmp_path / "typed.ts").write_text(
            'import { handler } from "troupe";\nenum Size { Small = 1, Large }\n'
            "export const size = handler((name: keyof typeof Size): Size => Size[name] ?? fail(name as string));\n"
            'function fail(name: string): never {\n  throw new Error(`no size ${name}` as string);\n}\n')
        result = troupe("build", "typed.ts", "-o", "typed.wasm")
        assert result.returncode == 0, result.stderr
        assert troupe("call", "typed.wasm", "size", "--input", '["Large"]').stdout == "2\n"
        failed = troupe("call", "typed.ts", "size", "--input", '["Huge"]')
        assert failed.returncode == 1
        assert "at fail (typed.ts:5:13)" in failed.stderr and "typed.ts:3:78" in failed.stderr
        (tmp_path / "typed.ts").write_text("export const f = (x: number): number => x as;\n")
        broken = troupe("build", "typed.ts")
        assert broken.returncode == 1 and "typed.ts:1:45" in broken.stderr

    def test_takes_the_interface_file_of_extism_js(self, troupe, tmp_path):
        (tmp_path / "types.d.ts").write_text('declare module "main" {\n  export function echo(): I32;\n  export function gone(): I32;\n}\n')
        refused = troupe("build", "todo.js", "-i", "types.d.ts", "-o", "out.wasm")
        assert refused.returncode == 1
        assert 'types.d.ts:3:19: todo.js exports no function "gone"' in refused.stderr
        (tmp_path / "types.d.ts").write_text('declare module "main" {\n  export function echo(): I32;\n}\n')
        built = troupe("build", "todo.js", "-i", "types.d.ts", "-o", "out.wasm", "--json")
        assert built.returncode == 0, built.stderr
        assert json.loads(built.stdout)["exports"] == ["echo"]
        assert troupe("call", "out.wasm", "echo", "--input", "x").stdout == "x\n"

    def test_a_module_is_not_built_again(self, troupe):
        result = troupe("build", "todo.wasm")
        assert result.returncode == 1
        assert "is a module already" in result.stderr


class TestNew:
    @pytest.mark.parametrize("language", ["js", "ts"])
    @pytest.mark.parametrize("behaviour", ["live_state", "call"])
    def test_a_new_plugin_passes_its_own_test(self, troupe, tmp_path, language, behaviour):
        made = troupe("new", "mine", "--lang", language, "--behaviour", behaviour)
        assert made.returncode == 0, made.stderr
        folder = tmp_path / "mine"
        assert (folder / f"mine.{language}").exists() and (folder / "troupe.d.ts").exists()
        tested = subprocess.run(["sh", "test.sh"], cwd=folder, env={**os.environ, "TROUPE": binary()}, capture_output=True, text=True)
        assert (tested.returncode, tested.stdout) == (0, "ok\n"), tested.stderr
        if behaviour == "live_state":
            checked = troupe("check", cwd=folder)
            assert checked.returncode == 0, checked.stderr

    def test_a_live_plugin_in_javascript_builds_runs_and_is_sound(self, troupe, tmp_path):
        result = troupe("new", "counter", "--lang", "js")
        assert result.returncode == 0, result.stderr
        folder = tmp_path / "counter"
        names = {"counter.js", "README.md", "test.sh", "troupe.toml", "troupe.d.ts", "jsconfig.json", ".gitignore"}
        assert {path.name for path in folder.iterdir()} == names
        assert all("{{" not in (folder / name).read_text() for name in names - {"troupe.d.ts"})
        assert troupe("build", "counter.js", cwd=folder).returncode == 0
        called = troupe("call", "counter.wasm", "add", "--input", '[{"by":2},{"count":40}]', cwd=folder)
        assert called.stdout == '{"count":42}\n'
        checked = troupe("check", cwd=folder)
        assert checked.returncode == 0, checked.stderr

    def test_a_plugin_to_be_called_in_javascript(self, troupe, tmp_path):
        assert troupe("new", "greeter", "--lang", "js", "--behaviour", "call").returncode == 0
        called = troupe("call", "greeter/greeter.js", "greet", "--input", '{"name":"Ada"}')
        assert called.stdout == '{"text":"Hello, Ada!"}\n'

    @pytest.mark.parametrize("behaviour, function, given, output", [
        ("live_state", "add", '[{"by":2},{"count":40}]', '{"count":42}\n'),
        ("call", "greet", '{"name":"Ada"}', '{"text":"Hello, Ada!"}\n'),
    ])
    def test_a_plugin_in_rust(self, troupe, tmp_path, behaviour, function, given, output):
        assert troupe("new", "my-plugin", "--lang", "rust", "--behaviour", behaviour).returncode == 0
        module = tmp_path / "my-plugin.wasm"
        subprocess.run([ROOT / "tools/cargo-wasm", tmp_path / "my-plugin", module], check=True, capture_output=True)
        called = troupe("call", module, function, "--input", given)
        assert called.stdout == output, called.stderr

    def test_other_languages_are_refused_with_those_there_are(self, troupe, tmp_path):
        result = troupe("new", "todo", "--lang", "cobol")
        assert result.returncode == 2
        assert 'no templates for the language "cobol"; there are: as, c, cpp, go, js, rust, ts' in result.stderr
        result = troupe("new", "todo", "--lang", "js", "--behaviour", "game")
        assert result.returncode == 2
        assert 'no templates for the behaviour "game"; there are: call, live_state' in result.stderr
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_written_over(self, troupe, tmp_path):
        (tmp_path / "todo").mkdir()
        (tmp_path / "todo/todo.js").write_text("mine")
        result = troupe("new", "todo", "--lang", "js")
        assert result.returncode == 1
        assert "todo is there already" in result.stderr
        assert (tmp_path / "todo/todo.js").read_text() == "mine"

    @pytest.mark.parametrize("name", ["Todo", "../todo", "a/b", ""])
    def test_a_name_that_no_plugin_may_have_is_refused(self, troupe, name):
        result = troupe("new", name, "--lang", "js")
        assert result.returncode == 2
        assert "a plugin's name has" in result.stderr
