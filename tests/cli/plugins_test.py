"""new, build and call: a plugin without a server."""

import json
import os
import pathlib
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
        assert "50 ms" in result.stderr

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
        assert "at fail (typed.ts:5:13)" in failed.stderr and "typed.ts:3:82" in failed.stderr
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
        assert "a plugin's name is" in result.stderr
