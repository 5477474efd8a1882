"""The guide about the past of an actor: every command of it; and what a page and a restart see of it."""

import base64
import json
import pathlib
import re
import shutil
import time

from actors_test import commands, run_each, walk
from api_test import Api
from program import Running
from serve_test import FREE_PORTS, Viewer, admin_port, get, share_cache

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guides/history.md"

CONFIG = """
[plugins.todo]
source = "todo.js"
behaviour = "live_state"

[plugins.keeper]
source = "keeper.js"

[[topics]]
match = "todo:*"
plugin = "todo"
actor = "{topic}"
"""

KEEPER = """
const told = [];
export function add() {
  told.push(Host.inputString());
  Host.outputString(JSON.stringify(told));
}
"""


def folder_of(tmp_path, cache):
    folder = tmp_path / "todo"
    folder.mkdir()
    shutil.copy(ROOT / "examples/todo/todo.js", folder)
    (folder / "keeper.js").write_text(KEEPER)
    (folder / "troupe.toml").write_text(CONFIG)
    share_cache(folder / "troupe-data", cache)
    return folder


def crash(server):
    server.process.kill()
    server.process.wait()
    server.stop = lambda: 0


def state_alone(expected, printed):
    """Where the guide leaves lines out, the state is what it is about, not how many viewers there are."""
    if expected[:1] != ["..."]:
        return expected, printed
    return expected[1:], [line for line in printed if line.startswith("state ")]


ELSEWHERE = "## A trap, found again on another machine"


def test_the_guide_says_what_happens(tmp_path, cache):
    found = list(commands(GUIDE.read_text().split(ELSEWHERE)[0]))
    assert len(found) > 9
    walk(found, folder_of(tmp_path, cache), tmp_path, state_alone)


def test_the_guide_finds_a_trap_again_on_another_machine(tmp_path, cache, troupe):
    text = GUIDE.read_text().split(ELSEWHERE)[1]
    there, here = tmp_path / "till", tmp_path / "elsewhere"
    done = troupe("new", "till", "--lang", "c", "--behaviour", "live_state", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with (there / "plugin.c").open("a") as plugin:
        plugin.write(re.search(r"```c\n(.*?)```", text, re.DOTALL)[1])
    shutil.copytree(there, here)
    for folder in (there, here):
        share_cache(folder / "troupe-data", cache)
    found = list(commands(text))
    at = [command.split()[1] for command, _ in found].index("restore")
    walk(found[:at], there, tmp_path)
    shutil.move(there / "till.backup", here)
    run_each(found[at:at + 1], here, tmp_path)
    walk(found[at + 1:], here, tmp_path)


def test_an_open_page_sees_a_rewind_and_a_restart_keeps_it(tmp_path, cache):
    folder = folder_of(tmp_path, cache)
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        for todo in ("milk", "bread"):
            api.ok("POST", "/actors/todo/event/addTodo?key=todo:all", f'{{"todo":"{todo}"}}')
        page = Viewer(server, "todo:all")
        before = page.state
        page.send("remove", {"id": 1})
        api.ok("POST", "/actors/todo/rewind?key=todo:all&turn=3")
        frame = page.hear()
        assert frame[3] == "state:change" and frame[4]["state"] == before
        api.problem(404, "missing", "POST", "/actors/todo/rewind?key=todo:all&turn=99")
        api.problem(400, "bad-turn", "POST", "/actors/todo/rewind?key=todo:all&turn=x")
    with Running(folder, "serve", *FREE_PORTS) as server:
        assert Viewer(server, "todo:all").state == before


def metric(server, name):
    _, text = get(admin_port(server), "/metrics")
    return int(next(line for line in text.splitlines() if line.startswith(name + " ")).split()[-1])


def test_who_looks_at_an_actor_wakes_it_neither_after_a_stop_nor_after_a_kill(tmp_path, cache):
    folder = folder_of(tmp_path, cache)
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        for todo in ("milk", "bread"):
            state = api.ok("POST", "/actors/todo/event/addTodo?key=todo:all", f'{{"todo":"{todo}"}}')["state"]
        api.ok("POST", "/actors/keeper/call/add?key=a", b"x")
        awake = api.ok("GET", "/actors/todo?key=todo:all")
        assert (awake["status"], awake["turn"], awake["state"]) == ("awake", 3, state)
        asleep = api.ok("POST", "/actors/todo/stop?key=todo:all")

    def look(server):
        api = Api(server, folder)
        told = api.ok("GET", "/actors/todo?key=todo:all")
        assert api.ok("GET", "/actors/keeper?key=a")["turn"] == 1
        api.problem(404, "missing", "GET", "/actors/todo?key=todo:none")
        listed = api.ok("GET", "/actors?plugin=todo")["actors"]
        assert [(each["address"], each["status"]) for each in listed] == [("todo/todo:all", "asleep")]
        for plugin in ("todo", "keeper"):
            for name in ("troupe_wakes_total", "troupe_actors", "troupe_turns_total"):
                labels = f'plugin="{plugin}"' + (',result="done"' if name == "troupe_turns_total" else "")
                assert metric(server, f"{name}{{{labels}}}") == 0, name
        return told

    with Running(folder, "serve", *FREE_PORTS) as server:
        assert look(server) == asleep
        # Turns without a checkpoint after them.
        Api(server, folder).ok("POST", "/actors/todo/event/remove?key=todo:all", b'{"id":1}')
        crash(server)
    with Running(folder, "serve", *FREE_PORTS) as server:
        told = look(server)
        assert (told["status"], told["turn"]) == ("asleep", 4)
        assert [todo["text"] for todo in told["state"]["todos"]] == ["bread"]
        assert told.keys() == asleep.keys()


def test_a_rewind_and_a_fork_take_the_memory_along(tmp_path, cache):
    folder = folder_of(tmp_path, cache)
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)

        def add(key, text):
            return api.ok("POST", f"/actors/keeper/call/add?key={key}", text.encode())

        for number in range(100):
            add("a", str(number))
        api.ok("POST", "/actors/keeper/rewind?key=a&turn=70")
        assert len(json.loads(add("a", "x"))) == 71
        api.ok("POST", "/actors/keeper/fork?key=a&to=b&turn=30")
        assert len(json.loads(add("b", "y"))) == 31
        assert len(json.loads(add("a", "z"))) == 72
        # What was the last turn when the actor was rewound is still what it was.
        api.ok("POST", "/actors/keeper/fork?key=a&to=c&turn=100")
        assert len(json.loads(add("c", "w"))) == 101
        crash(server)
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        told = json.loads(api.ok("POST", "/actors/keeper/call/add?key=a", b"!"))
        assert told == [*map(str, range(70)), "x", "z", "!"]
        assert json.loads(api.ok("POST", "/actors/keeper/call/add?key=b", b"?")) == [*map(str, range(30)), "y", "?"]


STEPS = """
import { handler } from "troupe";
export const init = handler(() => ({ count: 0 }));
export const add = handler((_, { count }) => ({ count: count + STEP }));
export const dig = handler(function dig() { return dig() + 1; });
"""


def test_a_replay_finds_failures_again_and_where_other_code_differs(tmp_path, cache, troupe):
    folder = folder_of(tmp_path, cache)
    (folder / "todo.js").write_text(STEPS.replace("STEP", "1"))
    (folder / "other.js").write_text(STEPS.replace("STEP", "(count < 3 ? 1 : 2)"))
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        for number in range(70):
            api.ok("POST", "/actors/todo/event/add?key=a", b"{}")
            if number % 30 == 5:
                api(*"POST /actors/todo/event/dig?key=a".split(), b"{}")
        done = troupe("actor", "replay", "todo/a", cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count(" dig, then: ") == done.stdout.count("now: the same") == 3
        assert done.stdout.count("todo.js:5") > 3, "each with the guest's own backtrace"
        assert done.stdout.endswith('turns 1 to 74 came out as they did\nthe state in the end: {"count":70}\n')
        done = troupe("actor", "replay", "todo/a", "--plugin", "other.js", cwd=folder)
        assert done.returncode == 1
        assert ("turn 5 came out differently in the state\n"
                '  expected: {"count":4}\n  got: {"count":5}\n') in done.stdout, done.stdout
        assert done.stdout.endswith('the state in the end: {"count":137}\n')
        told = api.ok("POST", "/actors/todo/replay?key=a&from=70")
        assert told["last_turn"] == 74 and told["difference"] is None
        api.problem(404, "missing", "POST", "/actors/todo/replay?key=nobody")
        api.problem(422, "error", "POST", "/actors/todo/replay?key=a", b"no module")


COUNTER = """
import { handler } from "troupe";
let kept = 0;
export const init = handler(() => ({ count: 0 }));
export const add = handler((_, { count }) => {
  kept += 1;
  return { count: count + Number(Config.get("step")), kept, code: "CODE" };
});
"""


def test_after_a_crash_and_a_deploy_of_a_manifest_the_turns_run_again_with_what_ran_them(tmp_path, cache, troupe):
    folder = folder_of(tmp_path, cache)
    (folder / "troupe.toml").write_text(CONFIG + '[plugins.counter]\nbehaviour = "live_state"\n')

    def manifest(code, step):
        (folder / f"{code}.js").write_text(COUNTER.replace("CODE", code))
        assert troupe("build", f"{code}.js", cwd=folder).returncode == 0
        data = base64.b64encode((folder / f"{code}.wasm").read_bytes()).decode()
        return json.dumps({"wasm": [{"data": data}], "config": {"step": str(step)}})

    def add(api):
        return api.ok("POST", "/actors/counter/event/add?key=a", b"{}")["state"]

    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        api.ok("PUT", "/plugins/counter", manifest("one", 1))
        assert [add(api)["count"] for _ in range(3)] == [1, 2, 3]
        crash(server)
    # The same module with another configuration, before anybody has asked for the actor.
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        api.ok("PUT", "/plugins/counter", manifest("one", 10))
        told = api.ok("POST", "/actors/counter/replay?key=a")
        assert told["difference"] is None and told["state"]["count"] == 3, told
        assert add(api) == {"code": "one", "count": 13, "kept": 4}
        assert add(api) == {"code": "one", "count": 23, "kept": 5}
        crash(server)
    # Another module.
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        api.ok("PUT", "/plugins/counter", manifest("two", 100))
        told = api.ok("POST", "/actors/counter/replay?key=a")
        assert told["difference"] is None and told["state"] == {"code": "one", "count": 23, "kept": 5}, told
        assert add(api) == {"code": "two", "count": 123, "kept": 1}
        assert [entry["kind"] for entry in api.ok("GET", "/actors/counter/history?key=a")["entries"]] == [
            "turn", "upgrade", "turn", "turn", "config", "turn", "turn", "turn", "init"]


NEWS = """
import { handler, publish, subscribe } from "troupe";
export const init = handler(() => ({ heard: [] }));
export const listen = handler((_, state) => { subscribe("news"); return state; });
export const tell = handler(({ text }, state) => { publish("news", "told", text); return state; });
export const handle_message = handler(({ payload }, { heard }) => ({ heard: [...heard, payload] }));
"""


def test_who_has_subscribed_hears_what_is_published_after_a_restart(tmp_path, cache):
    folder = folder_of(tmp_path, cache)
    (folder / "todo.js").write_text(NEWS)
    with Running(folder, "serve", *FREE_PORTS) as server:
        Api(server, folder).ok("POST", "/actors/todo/event/listen?key=a", b"{}")
        crash(server)
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        assert 'troupe_actors{plugin="todo"} 0' in get(api.port, "/metrics")[1], "it has been woken"
        api.ok("POST", "/actors/todo/event/tell?key=b", b'{"text":"it rains"}')
        deadline = time.monotonic() + 20
        while api.ok("GET", "/actors/todo?key=a")["state"] != {"heard": ["it rains"]}:
            assert time.monotonic() < deadline, "it has heard nothing"
