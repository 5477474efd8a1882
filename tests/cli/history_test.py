"""The guide about the past of an actor: every command of it; and what a page and a restart see of it."""

import json
import pathlib
import shutil

from actors_test import commands, walk
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


def state_alone(expected, printed):
    """Where the guide leaves lines out, the state is what it is about, not how many viewers there are."""
    if expected[:1] != ["..."]:
        return expected, printed
    return expected[1:], [line for line in printed if line.startswith("state ")]


def test_the_guide_says_what_happens(tmp_path, cache):
    found = list(commands(GUIDE.read_text()))
    assert len(found) > 9
    walk(found, folder_of(tmp_path, cache), tmp_path, state_alone)


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


def end_at_once(server):
    server.process.kill()
    server.process.wait()
    server.stop = lambda: 0


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
        end_at_once(server)
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
        end_at_once(server)
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        told = json.loads(api.ok("POST", "/actors/keeper/call/add?key=a", b"!"))
        assert told == [*map(str, range(70)), "x", "z", "!"]
        assert json.loads(api.ok("POST", "/actors/keeper/call/add?key=b", b"?")) == [*map(str, range(30)), "y", "?"]
