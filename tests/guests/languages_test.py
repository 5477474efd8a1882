"""What `troupe new` makes, in each language: it builds, passes its own test, answers calls and is live on a server."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from websockets.sync.client import connect

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "cli")]
from program import Running  # noqa: E402
from troupe import Server, binary  # noqa: E402

# Longer than the slowest step takes on a busy machine: cargo compiling all crates for the first time.
COMMAND_SECONDS_MAX = 900
FRAME_SECONDS_MAX = 30

LANGUAGES = ["rust", "go", "as", "c", "cpp"]
OWN_TESTS = {
    "rust": ["cargo", "test", "--quiet"],
    "go": ["go", "test", "./..."],
    "as": ["npm", "test"],
    "c": ["sh", "test.sh"],
    "cpp": ["sh", "test.sh"],
}
EFFECTS = {
    "publish": {"topic": "news", "event": "flash", "payload": {"text": "ü", "n": 3}},
    "subscribe": {"topic": "news"},
    "send": {"to": "kit-LANGUAGE/local", "event": "ticked", "payload": {"text": "ü", "n": 3}},
    "timer": {"name": "tick", "after_ms": 50, "event": "ticked", "payload": {"text": "ü", "n": 3}},
    "cancel": {"name": "tick"},
}
TEXT = 'Zoë 🦊 "quoted" \\ \n\t\u0001 end'


def run(*words, cwd, env=None):
    return subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=COMMAND_SECONDS_MAX, env={**os.environ, **(env or {})})


def done(*words, cwd, env=None):
    result = run(*words, cwd=cwd, env=env)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="session", autouse=True)
def environment(tmp_path_factory):
    """Commands keep compiled code in a folder of the tests, and find the program by TROUPE."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["TROUPE"] = str(binary().absolute())


@pytest.fixture(scope="session")
def new(tmp_path_factory):
    """A new plugin's folder."""
    top = tmp_path_factory.mktemp("plugins")

    def make(name, language, behaviour):
        done(binary(), "new", name, "--lang", language, "--behaviour", behaviour, cwd=top)
        if language == "as":  # what npm install would bring
            (top / name / "node_modules").symlink_to(HERE / "node_modules")
        return top / name

    return make


@pytest.fixture(scope="session")
def built(new):
    """The folder of a plugin, built once: ("c", "call") is a template, ("c", "kit") what is in plugins/."""
    folders = {}

    def build(language, what):
        if (language, what) not in folders:
            folder = new(f"{what.replace('_', '-')}-{language}", language, "live_state" if what == "kit" else what)
            if what == "kit":
                if language == "go":
                    for file in folder.glob("plugin*.go"):
                        file.unlink()
                shutil.copytree(HERE / "plugins" / language, folder, dirs_exist_ok=True)
            result = done(binary(), "build", cwd=folder)
            assert f"{folder.name}.wasm: " in result.stdout and ", exports " in result.stdout
            assert "warning" not in result.stderr
            folders[language, what] = folder
        return folders[language, what]

    return build


def call(folder, function, given):
    return run(binary(), "call", f"{folder.name}.wasm", function, "--input", given, cwd=folder)


@pytest.mark.parametrize("language", LANGUAGES)
class TestTemplates:
    @pytest.mark.parametrize("behaviour", ["live_state", "call"])
    def test_its_own_test_passes(self, built, language, behaviour):
        folder = built(language, behaviour)
        done(*OWN_TESTS[language], cwd=folder)

    def test_no_handle_of_extism_is_in_it(self, new, built, language):
        folder = built(language, "live_state")
        kit = {"troupe.rs", "troupe.go", "host.go", "troupe.ts", "troupe.h", "troupe.hpp"}
        for file in folder.rglob("*"):
            if file.suffix in {".rs", ".go", ".ts", ".c", ".cpp"} and file.name not in kit and "node_modules" not in file.parts:
                assert not re.search(r"extism|pdk|Memory|troupe_(env|user)_", file.read_text()), file

    def test_events_are_handled(self, built, language):
        folder = built(language, "live_state")
        assert call(folder, "init", "").stdout == '{"count":0}\n'
        assert call(folder, "add", ' [ {"by" : -2, "x":[1,{"by":"no"}]}, {"count": 44} ] ').stdout == '{"count":42}\n'
        assert call(folder, "reset", '[{},{"count":7}]').stdout == '{"count":0}\n'

    @pytest.mark.parametrize("given, named", [
        ('[{"by":"2"},{"count":40}]', ""),
        ('[{"by":2.5},{"count":40}]', ""),
        ('[{},{"count":40}]', "by"),
        ('[{"by":99999999999999999999},{"count":40}]', ""),
        ('[{"by":2}]', ""),
        ("[", ""),
        ("", ""),
    ])
    def test_what_does_not_fit_is_an_error(self, built, language, given, named):
        if language == "go" and given.startswith("[{},"):
            pytest.skip("encoding/json leaves out what is missing")
        result = run(binary(), "call", f"live-state-{language}.wasm", "add", "--input", given, "--json",
                     cwd=built(language, "live_state"))
        assert result.returncode == 1
        outcome = json.loads(result.stdout)
        assert outcome["ending"] == "error", outcome
        assert len(outcome["message"]) > 10 and named in outcome["message"]
        assert "Returned non-zero" not in outcome["message"]

    def test_an_error_of_the_handler_is_its_text(self, built, language):
        result = call(built(language, "live_state"), "add", '[{"by":1},{"count":9223372036854775807}]')
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("too large\n")

    def test_a_function_takes_any_text(self, built, language):
        folder = built(language, "call")
        for name in ["Ada", "", TEXT, "long " * 20_000]:
            result = call(folder, "greet", json.dumps({"name": name}, ensure_ascii=False))
            assert result.returncode == 0, result.stderr
            assert json.loads(result.stdout) == {"text": f"Hello, {name}!"}
        escaped = call(folder, "greet", '{"n\\u0061me":"\\ud83e\\udd8a\\u00e9\\/"}')
        assert json.loads(escaped.stdout) == {"text": "Hello, 🦊é/!"}

    def test_the_configuration_serves_it(self, built, language):
        folder = built(language, "live_state")
        result = run(binary(), "check", cwd=folder)
        assert result.returncode == 0, result.stdout + result.stderr

    def test_a_mistake_is_told_in_the_words_of_the_tool(self, new, built, language):
        built(language, "live_state")  # what it compiles besides is there
        folder = new(f"wrong-{language}", language, "live_state")
        source = next(folder / name for name in ["src/lib.rs", "plugin.go", "assembly/index.ts", "plugin.c", "plugin.cpp"]
                      if (folder / name).exists())
        source.write_text(source.read_text().replace("too large", 'too large" + nonsense + "'))
        result = run(binary(), "build", cwd=folder)
        assert result.returncode == 1
        assert "nonsense" in result.stderr and source.name in result.stderr
        assert "failed with status" in result.stderr
        assert not (folder / f"{folder.name}.wasm").exists()

    def test_without_its_tools_it_says_what_to_install(self, built, language):
        result = run(binary(), "build", cwd=built(language, "live_state"), env={"PATH": "", "WASI_SDK_PATH": "/nowhere"})
        assert result.returncode == 1
        assert {"rust": "rustup target add wasm32-unknown-unknown", "go": "Go 1.24 or newer", "as": "Node 20 or newer",
                "c": "WASI_SDK_PATH", "cpp": "libc++-19-dev-wasm32"}[language] in result.stderr


def test_assemblyscript_without_its_compiler_says_how_to_get_it(new):
    folder = new("bare", "as", "call")
    (folder / "node_modules").unlink()
    result = run(binary(), "build", cwd=folder)
    assert result.returncode == 1
    assert f"cd {folder} && npm install" in result.stderr


@pytest.mark.parametrize("language", LANGUAGES)
class TestKits:
    def test_what_is_told_reaches_the_host(self, built, language):
        folder = built(language, "kit")
        result = call(folder, "tell", json.dumps([{"text": TEXT}, {"text": ""}]))
        assert json.loads(result.stdout) == {"text": TEXT}
        told = dict(line.removeprefix("info: ").split(" ", 1) for line in result.stderr.splitlines())
        assert json.loads(told["reply"]) == {"name": "told", "detail": {"text": TEXT, "n": 1}}
        assert json.loads(told["broadcast"]) == {"name": "all", "detail": {"text": TEXT, "n": 2}}

    @pytest.mark.parametrize("function", EFFECTS)
    def test_every_function_of_the_host_gets_its_json(self, built, language, function):
        result = call(built(language, "kit"), "later", json.dumps([{"text": function}, {"text": "as before"}]))
        assert json.loads(result.stdout) == {"text": "as before"}, result.stderr
        name, what = result.stderr.removeprefix("info: ").split(" ", 1)
        wanted = json.loads(json.dumps(EFFECTS[function]).replace("LANGUAGE", language))
        assert (name, json.loads(what)) == (function, wanted)

    def test_a_list_is_one_argument_of_an_array(self, built, language):
        assert call(built(language, "kit"), "sumAll", "[[1,2,39]]").stdout == "42\n"

    def test_a_crash_has_a_text(self, built, language):
        result = run(binary(), "call", f"kit-{language}.wasm", "crash", "--input", '[{"text":"x"},{"text":"x"}]', "--json",
                     cwd=built(language, "kit"))
        assert result.returncode == 1
        outcome = json.loads(result.stdout)
        wanted = {"rust": "index out of bounds: the len is 0 but the index is 3",
                  "go": "runtime error: index out of range [3] with length 1",
                  "as": "Index out of range",
                  "c": "memory access out of bounds", "cpp": "memory access out of bounds"}
        assert wanted[language] in outcome["message"]
        assert outcome["ending"] == ("error" if language == "go" else "trap")


def test_dev_builds_a_folder_again_on_save(new):
    folder = new("saved", "c", "live_state")
    with Running(folder, "dev", ".", "--listen", "127.0.0.1:0") as program:
        program.wait_for("built saved in")
        seen = len(program.lines)
        source = folder / "plugin.c"
        text = source.read_text()
        source.write_text(text.replace('"too large"', "nonsense"))
        program.wait_for("nonsense", start=seen)
        program.wait_for("clang failed with status 1", start=seen)
        seen = len(program.lines)
        source.write_text(text.replace('"too large"', '"larger than large"'))
        program.wait_for("built saved in", start=seen)


class Client:
    """One socket that has joined one topic."""

    def __init__(self, server, topic):
        self.topic = topic
        self.socket = connect(server.url(), max_size=None, compression=None)
        self.ref = 0
        self.send("phx_join", {})

    def send(self, event, payload):
        self.ref += 1
        self.socket.send(json.dumps(["1", str(self.ref), self.topic, event, payload]))

    def get(self, event):
        """The payload of the next frame, which is that event."""
        frame = json.loads(self.socket.recv(FRAME_SECONDS_MAX))
        assert frame[3] == event, frame
        return frame[4]


@pytest.fixture(scope="module")
def server(built, tmp_path_factory):
    """One server with a plugin in each language; the topic LANGUAGE:all."""
    folder = tmp_path_factory.mktemp("server")
    text = '[http]\nlisten = ["127.0.0.1:0"]\n'
    for language in LANGUAGES:
        module = built(language, "kit") / f"kit-{language}.wasm"
        text += f'[plugins.{language}]\nwasm = "{module}"\nbehaviour = "live_state"\n'
        text += f'[[topics]]\nmatch = "{language}:*"\nplugin = "{language}"\nactor = "{{topic}}"\n'
    (folder / "troupe.toml").write_text(text)
    with Server(folder / "troupe.toml", folder / "data") as server:
        yield server


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_live_session(server, language):
    first, second = (Client(server, f"{language}:all") for _ in range(2))
    for client in (first, second):
        assert client.get("phx_reply")["status"] == "ok"
        assert client.get("state:change")["state"] == {"text": ""}

    first.send("lvs_evt:tell", {"text": TEXT})
    assert first.get("told") == {"text": TEXT, "n": 1}
    for client in (first, second):
        assert client.get("all") == {"text": TEXT, "n": 2}
        assert client.get("state:patch") == {
            "patch": [{"op": "replace", "path": "/text", "value": TEXT}], "version": 1}

    first.send("lvs_evt:who", {})
    assert first.get("state:patch")["patch"][0]["value"] == f"{language}/{language}:all {language}:all"

    for function, heard in [("send", "ticked ü"), ("timer", "ticked ü"), ("cancel", None), ("subscribe", None),
                            ("publish", "news flash ü")]:
        first.send("lvs_evt:tell", {"text": "-"})
        for event in ["told", "all", "state:patch"]:
            first.get(event)
        first.send("lvs_evt:later", {"text": function})
        assert first.get("state:patch")["patch"] == []
        if heard:
            assert first.get("state:patch")["patch"][0]["value"] == heard
    first.send("lvs_evt:later", {"text": "nothing"})
    assert first.get("error")["message"].startswith("there is no ")

    first.send("lvs_evt:crash", {"text": "x"})
    assert first.get("error")["type"] == ("error" if language == "go" else "trap")
    first.send("lvs_evt:tell", {"text": "after"})
    assert first.get("told")["text"] == "after"


def test_a_guest_that_sleeps_delays_nobody(built, tmp_path):
    """In Go, whose time.Sleep comes to the host as poll_oneoff. One thread for all."""
    module = built("go", "kit") / "kit-go.wasm"
    (tmp_path / "troupe.toml").write_text(
        f'[http]\nlisten = ["127.0.0.1:0"]\nthreads = 1\n[plugins.go]\nwasm = "{module}"\nbehaviour = "live_state"\n'
        'timeout_ms = 10000\n[[topics]]\nmatch = "go:*"\nplugin = "go"\nactor = "{topic}"\n')
    with Server(tmp_path / "troupe.toml", tmp_path / "data") as server:
        sleeper, other = Client(server, "go:sleeper"), Client(server, "go:other")
        for client in (sleeper, other):
            assert client.get("phx_reply")["status"] == "ok"
            client.get("state:change")
        sleeper.send("lvs_evt:nap", {"text": ""})
        for n in range(20):
            other.send("lvs_evt:tell", {"text": str(n)})
            for event in ["told", "all", "state:patch"]:
                other.get(event)
        with pytest.raises(TimeoutError):
            sleeper.socket.recv(timeout=0)
        assert sleeper.get("state:patch")["patch"][0]["value"] == "slept 2s"
