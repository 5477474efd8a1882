"""The essay's conversation with a plugin server: start, load, call, cast, reload code, kill, call again.

Spoken from the command line, over HTTP and over a channel, with the same words and the same answers.
"""

import json
import subprocess
import threading

import pytest
from websockets.sync.client import connect

from actors_test import EXAMPLE
from api_test import Api
from program import Running
from serve_test import FREE_PORTS, Viewer, share_cache
from troupe import binary

KEY = "conversation"
ENDLESS = 8


@pytest.fixture
def folder(tmp_path, cache):
    for name in ("board.js", "count_vowels.js", "troupe.toml"):
        (tmp_path / name).write_text((EXAMPLE / name).read_text())
    (tmp_path / "public").mkdir()
    share_cache(tmp_path / "troupe-data", cache)
    return tmp_path


def shown(board):
    """The board after its next patch, which replaces both numbers, one by one or as a whole."""
    patch = board.hear()[4]["patch"]
    changes = {each["path"][1:]: each["value"] for each in patch}
    return changes.get("", changes)


class CommandLine:
    def __init__(self, server, folder):
        self.folder = folder

    def run(self, *arguments):
        done = subprocess.run([binary(), *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def call(self, text):
        return json.loads(self.run("actor", "call", f"count_vowels/{KEY}", "count_vowels", "--input", text))

    def deploy(self, file):
        assert "is live" in self.run("deploy", "count_vowels", file)

    def kill(self):
        assert "was restarted" in self.run("actor", "restart", f"count_vowels/{KEY}")


class Http:
    def __init__(self, server, folder):
        self.api = Api(server, folder)
        self.folder = folder

    def call(self, text):
        return json.loads(self.api.ok("POST", f"/actors/count_vowels/call/count_vowels?key={KEY}", text.encode()))

    def deploy(self, file):
        wasm = self.folder / (file + ".wasm")
        built = subprocess.run([binary(), "build", file, "-o", wasm], cwd=self.folder, capture_output=True, text=True)
        assert built.returncode == 0, built.stderr
        assert self.api("PUT", "/plugins/count_vowels", wasm.read_bytes())[0].status == 201

    def kill(self):
        self.api.ok("POST", f"/actors/count_vowels/restart?key={KEY}")


class Channel(Http):
    """A page calls; whoever operates the server deploys and kills, and the page's socket stays."""

    def __init__(self, server, folder):
        super().__init__(server, folder)
        self.socket = connect(server.url(), compression=None)
        self.refs = 1
        self.socket.send(json.dumps(["1", "1", f"count_vowels:{KEY}", "phx_join", {}]))
        assert json.loads(self.socket.recv(20))[4]["status"] == "ok"

    def call(self, text):
        self.refs += 1
        self.socket.send(json.dumps(["1", str(self.refs), f"count_vowels:{KEY}", "call:count_vowels", text]))
        answer = json.loads(self.socket.recv(20))
        assert answer[1] == str(self.refs) and answer[4]["status"] == "ok", answer
        return answer[4]["response"]


@pytest.mark.parametrize("speaker", [CommandLine, Http, Channel])
def test_the_conversation(folder, speaker):
    source = (folder / "count_vowels.js").read_text()
    (folder / "with_y.js").write_text(source.replace("aeiouAEIOU", "aeiouyAEIOUY"))
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        board = Viewer(server, "board:all")
        assert api.ok("GET", "/actors?plugin=count_vowels")["actors"] == []
        speaks = speaker(server, folder)
        # start_link, load and call: the first message starts it.
        assert speaks.call("hello world") == {"count": 3, "total": 3, "vowels": "aeiouAEIOU"}
        # cast: the counter has told the board, and did not wait for it.
        assert shown(board) == {"texts": 1, "vowels": 3}
        assert speaks.call("again") == {"count": 3, "total": 6, "vowels": "aeiouAEIOU"}
        # reload: other code, the same process with what it remembers.
        speaks.deploy("with_y.js")
        assert speaks.call("yes") == {"count": 2, "total": 8, "vowels": "aeiouyAEIOUY"}
        # kill, and call again: it is there as its last commit left it.
        speaks.kill()
        assert speaks.call("still here") == {"count": 3, "total": 11, "vowels": "aeiouyAEIOUY"}
        assert [shown(board) for _ in range(3)] == [
            {"texts": texts, "vowels": vowels} for texts, vowels in ((2, 6), (3, 8), (4, 11))]


def test_eight_endless_guests_disturb_nobody(folder):
    (folder / "endless.js").write_text("export function run() { for (;;); }")
    (folder / "troupe.toml").write_text(
        (folder / "troupe.toml").read_text() + '[plugins.endless]\nsource = "endless.js"\ntimeout_ms = 3000\n')
    with Running(folder, "serve", *FREE_PORTS) as server:
        speaks = Http(server, folder)
        speaks.call("awake")
        statuses = []
        guests = [
            threading.Thread(target=lambda key=key: statuses.append(
                speaks.api("POST", f"/actors/endless/call/run?key={key}", b"")[0].status))
            for key in range(ENDLESS)]
        for guest in guests:
            guest.start()
        while sum(actor["status"] == "awake" for actor in speaks.api.ok("GET", "/actors?plugin=endless")["actors"]) < ENDLESS:
            pass
        calls = 0
        while not statuses:
            assert speaks.call("aeiou")["count"] == 5
            calls += 1
        for guest in guests:
            guest.join()
        assert statuses == [504] * ENDLESS
        assert calls >= 20, f"{calls} calls were answered in 3 s or more"
