"""What an operator does by mistake, and what guests and full disks do to one: commands that say so."""

import json
import subprocess

import pytest

from api_test import Api, data_of
from program import Running
from serve_test import FREE_PORTS, share_cache
from troupe import binary

CONFIG = """
[plugins.list]
source = "list.js"
behaviour = "live_state"

[plugins.log]
source = "log.js"

[plugins.fleeting]
source = "log.js"
durability = "none"

[plugins.later]

[[topics]]
match = "list:*"
plugin = "list"
actor = "{topic}"
"""

LIST = """
import { handler } from "troupe";
export const init = handler(() => ({ texts: [] }));
export const add = handler(({ text }, { texts }) => ({ texts: [...texts, text] }));
export const refuse = handler(({ text }) => { console.log(text); throw new Error(text); });
"""

LOG = """
export function echo() { Host.outputString(Host.inputString()); }
export function say() { console.log(Host.inputString()); Host.outputString("said"); }
export function fail() { throw new Error(Host.inputString()); }
"""

CLEAR = "\x1b[2J\x07\x7f\u009b31m"
FORGED = "hello\n2026-01-01T00:00:00.000+00:00 error [list/a turn 1] all is lost"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("operators")
    (folder / "list.js").write_text(LIST)
    (folder / "log.js").write_text(LOG)
    (folder / "troupe.toml").write_text(CONFIG)
    share_cache(folder / "troupe-data", cache)
    return folder


@pytest.fixture(scope="module")
def served(folder):
    with Running(folder, "serve", *FREE_PORTS) as server:
        yield server, Api(server, folder)


@pytest.fixture
def command(served, folder, troupe):
    """A command beside the server that must come to its end with this status; what it printed."""

    def run(*arguments, status=0, **more):
        done = troupe(*arguments, cwd=folder, **more)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stderr

    return run


def add(api, key, text):
    return api.ok("POST", f"/actors/list/event/add?key={key}", json.dumps({"text": text}, ensure_ascii=False).encode())


def is_printable(text):
    return not any(ord(c) < 32 and c not in "\n\t" or 127 <= ord(c) < 160 for c in text)


def test_who_is_refused_a_folder_in_use_leaves_its_server_to_the_commands(served, folder, command, tmp_path):
    command("backup", "before.backup")
    assert "in use" in command("serve", *FREE_PORTS, status=1)
    assert "in use" in command("restore", "before.backup", status=1)
    assert command("plugins").startswith("plugin ")


def test_what_guests_and_visitors_say_does_not_move_the_terminal(served, command):
    server, api = served
    add(api, "clear", CLEAR)
    api.ok("POST", "/actors/log/call/say?key=clear", CLEAR.encode())
    api.problem(422, "error", "POST", "/actors/log/call/fail?key=clear", CLEAR.encode())
    api.problem(422, "error", "POST", "/actors/list/event/refuse?key=clear", json.dumps({"text": CLEAR}))
    shown = [command("actor", "history", "list/clear"), command("actor", "show", "list/clear"),
             command("actor", "history", "log/clear"), command("actor", "replay", "list/clear"),
             command("actor", "show", "list/clear", "--json"), command("actor", "history", "list/clear", "--json"),
             command("actor", "call", "log/clear", "fail", "--input", CLEAR, status=1)]
    for text in shown:
        assert "u001b[2j" in text.lower() and is_printable(text), text
    server.wait_for(r"u001b\[2J")
    assert is_printable("\n".join(server.lines))


def test_json_stays_json(served, command):
    _, api = served
    add(api, "json", CLEAR)
    assert json.loads(command("actor", "show", "list/json", "--json"))["state"] == {"texts": [CLEAR]}


def test_a_program_gets_the_bytes_of_a_call_as_they_are(served, folder):
    done = subprocess.run([binary(), "actor", "call", "log/bytes", "echo", "--input", CLEAR], cwd=folder,
                          capture_output=True, check=True, stdin=subprocess.DEVNULL)
    assert done.stdout == CLEAR.encode()


def test_nobody_forges_a_line_of_the_log(served):
    server, api = served
    api.ok("POST", "/actors/log/call/say?key=forger", FORGED.encode())
    server.wait_for("all is lost")
    assert [line for line in server.lines if "all is lost" in line][0].startswith("    2026")


def test_long_and_foreign_texts_keep_the_table(served, command):
    _, api = served
    add(api, "x", "\u20ac" * 100)
    add(api, "k" * 512, "x")
    lines = command("actor", "history", "list/x").splitlines()
    assert "\u20ac..." in lines[1] and "\ufffd" not in lines[1]
    rows = command("actor", "list", "--plugin", "list").splitlines()
    assert max(len(row) for row in rows if "kkk" not in row) < 200


WRITERS = [
    ["actor", "list"], ["actor", "list", "--json"], ["actor", "show", "list/full"],
    ["actor", "show", "list/full", "--json"], ["actor", "history", "list/full"],
    ["actor", "history", "list/full", "--json"], ["actor", "replay", "list/full"],
    ["actor", "replay", "list/full", "--json"],
    ["actor", "call", "log/full", "echo", "--input", "x" * 10000],
    ["actor", "stop", "list/full"], ["actor", "watch", "list/full"], ["plugins"], ["reload"], ["version"], ["--help"],
    ["journal", "verify"], ["journal", "dump"], ["backup", "full.backup"]]


@pytest.mark.parametrize("arguments", WRITERS, ids=lambda each: " ".join(each)[:40])
def test_a_full_disk_is_told_once(served, folder, arguments):
    _, api = served
    if not getattr(test_a_full_disk_is_told_once, "begun", False):
        for _ in range(20):
            add(api, "full", "x" * 1000)
        test_a_full_disk_is_told_once.begun = True
    with open("/dev/full", "w") as full:
        done = subprocess.run([binary(), *arguments], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL)
    why = "" if arguments == ["journal", "dump"] else ": No space left on device"
    assert (done.returncode, done.stderr) == (1, f"cannot write to standard output{why}\n")


def test_a_name_is_one_segment_whatever_is_in_it(served, command):
    _, api = served
    add(api, "name", "x")
    for name in ("../stop", "a/../../stop", "a//b"):
        assert f'unknown event "{name}"' in command("actor", "call", "list/name", name, "--event", status=1)
    assert "no name" in command("actor", "call", "list/name", "..", status=2)
    assert api.ok("GET", "/actors/list?key=name")["status"] == "awake"


def test_a_flag_is_true_or_false(served):
    _, api = served
    add(api, "flag", "x")
    for value in ("1", "yes", "TRUE"):
        api.problem(400, "bad-flag", "DELETE", f"/actors/list?key=flag&forget={value}")
        api.problem(400, "bad-flag", "DELETE", f"/plugins/list?force={value}")
    assert api("DELETE", "/actors/list?key=flag&forget")[0].status == 204
    api.problem(404, "missing", "GET", "/actors/list/history?key=flag")


def test_forgetting_what_is_not_there(served, command):
    _, api = served
    _, problem = api.problem(404, "missing", "DELETE", "/actors/list?key=nobody&forget=true")
    assert problem["detail"] == "there is no actor list/nobody"
    api.ok("POST", "/actors/fleeting/call/echo?key=a", b"x")
    assert "forgotten" in command("actor", "delete", "fleeting/a", "--forget")
    api.problem(404, "missing", "DELETE", "/actors/fleeting?key=a&forget=true")


def test_statuses(served):
    _, api = served
    add(api, "one", "x")
    add(api, "two", "x")
    api.problem(409, "conflict", "POST", "/actors/list/fork?key=one&to=two")
    response, _ = api.problem(405, "method", "PATCH", "/actors")
    assert "GET" in response.headers["Allow"]


def test_the_same_words_for_what_is_not_there(served, command):
    for arguments in (["show"], ["history"], ["watch"], ["logs"], ["replay"], ["stop"], ["delete"],
                      ["delete", "--forget"], ["rewind", "1"]):
        words = command("actor", arguments[0], "list/nobody", *arguments[1:], status=1)
        assert words == "there is no actor list/nobody\n", arguments
        problem = json.loads(command("actor", arguments[0], "list/nobody", *arguments[1:], "--json", status=1))
        assert (problem["type"], problem["detail"]) == ("missing", "there is no actor list/nobody"), arguments
    assert command("actor", "fork", "list/nobody", "copy", status=1) == "there is no actor list/nobody\n"
    assert "no plugin \"nosuch\"" in command("actor", "list", "--plugin", "nosuch", status=1)
    assert json.loads(command("actor", "list", "--json", "--plugin", "nosuch", status=1))["type"] == "missing"
    assert "has no code yet; troupe deploy later FILE" in command("actor", "call", "later/a", "x", status=1)


def test_what_is_no_number_is_named(served, command):
    for text in ("0", "x", "-1", "99999999999999999999", "1.5"):
        for arguments in (["show", "list/a", f"--at={text}"], ["replay", "list/a", f"--from={text}"]):
            said = command("actor", *arguments, status=2)
            assert f"{text} is no turn" in said, said
    assert "0 is no turn" in command("actor", "rewind", "list/a", "0", status=2)
    for text in ("0", "-1"):
        assert "no whole number" in command("actor", "history", "list/a", f"--limit={text}", status=2)
    assert "no whole number" in command("journal", "dump", "--after=-1", status=2)
    assert 'troupe actor has no command "nosuch"' in command("actor", "nosuch", status=2)
    assert "a key has 1 to 512 bytes" in command("actor", "show", "list/a b", status=2)
    assert "a key has 1 to 512 bytes" in command("actor", "fork", "list/a", "a b", status=1)


def test_replay_says_why_there_is_nothing_to_run(served, command):
    _, api = served
    add(api, "again", "x")
    api.ok("POST", "/actors/list/rewind?key=again&turn=1")
    assert 'of the kind "rewind"' in command("actor", "replay", "list/again", status=1)
    assert "the last turn of list/again is 2" in command("actor", "replay", "list/again", "--from", "9", status=1)
    row = command("actor", "history", "list/again").splitlines()[1]
    assert "turn 1 of list/again" in row, row
    command("actor", "fork", "list/again", "other")
    assert "turn 2 of list/again" in command("actor", "history", "list/other")
    command("actor", "delete", "list/again")
    assert command("actor", "replay", "list/again", status=1) == "the actor list/again has ended\n"


def test_those_that_sleep_in_the_journal_are_there(folder, served, troupe):
    """Last: it needs a server that has just started."""
    server, api = served
    add(api, "sleeper", "x")
    server.stop()
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        with api.open("GET", "/actors/list/watch?key=sleeper") as stream:
            assert data_of(stream) == {"type": "state", "version": 0, "state": {"texts": ["x"]}}
        assert api.ok("GET", "/actors/list?key=sleeper")["status"] == "asleep"
        _, problem = api.problem(409, "conflict", "DELETE", "/plugins/list")
        assert "actors of the plugin list live" in problem["detail"]
        assert api("DELETE", "/plugins/list?force")[0].status == 204
        assert troupe("actor", "list", "--plugin", "list", cwd=folder).stdout.count("\n") == 1
