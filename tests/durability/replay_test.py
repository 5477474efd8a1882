"""The histories of the examples, run again from their journals: every turn comes out byte for byte as it did.

Each example gets random events, many at a time, while its actors are put to sleep, restarted and, with their server, killed
at random moments. Then `replay` runs all turns from the first on, as if none of that had been, and compares state, output
and effects of each with what the journal has; the states that clients were shown are compared with `show --at`.
TROUPE_EVENTS says how many events an example gets (default 2,000), TROUPE_SEED repeats a run's choices.
"""

import concurrent.futures
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import time
import urllib.parse

import pytest
from websockets.sync.client import connect

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(HERE.parent / "support"))
from troupe import Server, binary  # noqa: E402

EVENTS = int(os.environ.get("TROUPE_EVENTS", "2000"))
SEED = int(os.environ.get("TROUPE_SEED", random.randrange(2**32)))
CONNECTIONS = 16
KILLS = 3
STATES_COMPARED = 20
TODOS_MAX = 100
COMPONENT_TODOS_MAX = 2000
ANSWER_SECONDS_MAX = 120
TOPICS = {"form": "launch_form", "todo-component": "component"}
WORDS = ["milk", "bread", "Äpfel", "日本", "🎈 balloon", '"quoted"', "back\\slash", "a\tb", "{{x}}", "x" * 150]


class TodoEvents:
    """Todos come and go; there are never many more than TODOS_MAX."""

    added = 0
    removed = 0  # those with an id up to this, and others

    def __call__(self, choices):
        kind = choices.random()
        if kind < 0.4:
            self.added += 1
            text = " ".join(choices.choices(WORDS, k=choices.randrange(1, 3)))
            return "addTodo", choices.choice([{"todo": text}] * 98 + [{"todo": " "}, {}])
        if kind < 0.48:
            return "clearDone", {}
        if self.added - self.removed > TODOS_MAX:
            self.removed += 1
            return "remove", {"id": self.removed}
        return choices.choice(["toggle", "remove"]), {"id": max(1, self.added - choices.randrange(TODOS_MAX))}


def typed_event(choices):
    """For the component, whose list only grows: when it is long enough, what its types do not take."""
    fits = choices.random() < COMPONENT_TODOS_MAX / EVENTS
    return "addTodo", {"todo": choices.choice(WORDS if fits else [12, None, ["milk"], {}])}


def counter_event(choices):
    if choices.random() < 0.01:
        return "reset", {}
    return "add", {"by": choices.choice([choices.randrange(-2**40, 2**40)] * 98 + [2**63 - 1, "many"])}


def words(choices):
    return "count_vowels", " ".join(choices.choices(WORDS, k=choices.randrange(20))).encode()


class Played:
    """One actor of an example: what it was sent, and what its clients were shown."""

    def __init__(self, folder, plugin, key, event, choices):
        self.folder, self.plugin, self.key, self.event, self.choices = folder, plugin, key, event, choices
        self.states = {}
        self.left = EVENTS
        self.lock = threading.Lock()

    def path(self, verb):
        return f"/api/v1/actors/{self.plugin}{verb}?key={urllib.parse.quote(self.key)}"

    def next(self):
        """What is asked next; nothing when all has been."""
        with self.lock:
            if self.left == 0:
                return None
            self.left -= 1
            disturbs = self.choices.random()
            if disturbs < 0.005:
                return self.path("/stop" if disturbs < 0.003 else "/restart"), b""
            name, payload = self.event(self.choices)
            kind = "call" if isinstance(payload, bytes) else "event"
            return self.path(f"/{kind}/{name}"), payload if kind == "call" else json.dumps(payload).encode()

    def show(self, body):
        if match := re.fullmatch(rb'\{"seq":(\d+),"state":(.*),"replies":\[.*\]\}', body, re.DOTALL):
            with self.lock:
                self.states[int(match[1])] = match[2]


class Client:
    def __init__(self, server, folder):
        port = int(server.wait_for(r"http://127\.0\.0\.1:(\d+) for operators")[1])
        self.token = (folder / "troupe-data/admin.token").read_text()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS_MAX)

    def ask(self, method, path, body=b""):
        self.connection.request(method, path, body, {"Authorization": f"Bearer {self.token}"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def ok(self, method, path):
        status, body = self.ask(method, path)
        assert status == 200, body
        return body


def serve(folder, **env):
    return Server(folder / "troupe.toml", folder / "troupe-data", env=env)


def kill(server):
    server.process.kill()
    server.process.wait()
    server.stop = lambda: 0


def send_until_killed(server, played, kill_at):
    """Many at a time; the server is killed when so many are left."""
    def send(_):
        client = Client(server, played.folder)
        try:
            while asked := played.next():
                if played.left <= kill_at:
                    server.process.kill()
                played.show(client.ask("POST", *asked)[1])
        except (OSError, http.client.HTTPException):
            pass

    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(send, range(CONNECTIONS)))
    if kill_at >= 0:
        kill(server)


def play(played):
    moments = sorted((played.choices.randrange(EVENTS) for _ in range(KILLS)), reverse=True)
    for kill_at in [*moments, -1]:
        with serve(played.folder) as server:
            send_until_killed(server, played, kill_at)


def replay(client, played):
    """From the first turn to the last, in as many parts as it takes."""
    begun = time.monotonic()
    turns, first = 0, 1
    while True:
        told = json.loads(client.ok("POST", played.path("/replay") + f"&from={first}"))
        assert told["difference"] is None, told["difference"]
        for failure in told["failures"]:
            assert failure["now"] == failure["recorded"], failure
        turns = told["last_turn"]
        if "stopped" not in told:
            break
        first = turns + 1
    seconds = time.monotonic() - begun
    print(f"  {played.plugin}/{played.key}: {turns} turns again in {seconds:.1f} s, {seconds / turns * 1e6:.0f} µs each")
    return turns


def check(client, played):
    now = json.loads(client.ok("GET", played.path("")))
    turns = replay(client, played)
    assert turns == now["turn"]
    for turn in played.choices.sample(sorted(played.states), min(STATES_COMPARED, len(played.states))):
        then = client.ok("GET", played.path("") + f"&at={turn}")
        assert b'"state":' + played.states[turn] + b"}" in then, (turn, played.states[turn], then)
    return turns


def begin(tmp_path, config):
    print(f"\n  seed {SEED}, {EVENTS} events")
    (tmp_path / "troupe.toml").write_text(config)
    return random.Random(SEED)


def plugin(name, behaviour, source, more=""):
    kind = "wasm" if source.suffix == ".wasm" else "source"
    topic = 'functions = ["count_vowels"]' if behaviour == "call" else 'actor = "{topic}"'
    return (f'[[topics]]\nmatch = "{TOPICS.get(name, name)}:*"\nplugin = "{name}"\n{topic}\n'
            f'[plugins.{name}]\n{kind} = "{source}"\nbehaviour = "{behaviour}"\n{more}\n')


def crate(folder, to):
    subprocess.run([ROOT / "tools/cargo-wasm", folder, to], check=True)
    return to


@pytest.mark.parametrize("language", ["javascript", "rust"])
def test_todo(tmp_path, language):
    folder = EXAMPLES / "todo"
    source = folder / "todo.js" if language == "javascript" else crate(folder / "rust", tmp_path / "todo.wasm")
    choices = begin(tmp_path, plugin("todo", "live_state", source))
    played = Played(tmp_path, "todo", "todo:all", TodoEvents(), choices)
    play(played)
    with serve(tmp_path) as server:
        assert check(Client(server, tmp_path), played) > EVENTS * 0.9


def test_component(tmp_path):
    source = crate(EXAMPLES / "todo/component", tmp_path / "todo-list.wasm")
    choices = begin(tmp_path, plugin("todo-component", "live_state", source))
    played = Played(tmp_path, "todo-component", "component:all", typed_event, choices)
    play(played)
    with serve(tmp_path) as server:
        assert check(Client(server, tmp_path), played) > EVENTS * 0.9


def test_counter(tmp_path):
    subprocess.run([binary(), "new", "counter", "--lang", "rust", "--behaviour", "live_state"], cwd=tmp_path, check=True)
    choices = begin(tmp_path, plugin("counter", "live_state", crate(tmp_path / "counter", tmp_path / "counter.wasm")))
    played = Played(tmp_path, "counter", "one", counter_event, choices)
    play(played)
    with serve(tmp_path) as server:
        assert check(Client(server, tmp_path), played) > EVENTS * 0.9


def test_count_vowels(tmp_path):
    folder = EXAMPLES / "count_vowels"
    choices = begin(tmp_path, plugin("count_vowels", "call", folder / "count_vowels.js") +
                    plugin("board", "live_state", folder / "board.js"))
    played = Played(tmp_path, "count_vowels", "one", words, choices)
    play(played)
    board = Played(tmp_path, "board", "board:all", None, choices)
    with serve(tmp_path) as server:
        client = Client(server, tmp_path)
        turns = check(client, played)
        assert turns > EVENTS * 0.9
        # What was on its way arrives once the server is up; the board's init is a turn too.
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while json.loads(client.ok("GET", board.path("")))["turn"] < turns + 1:
            assert time.monotonic() < deadline, "messages are missing"
        assert check(client, board) == turns + 1


class Target(http.server.BaseHTTPRequestHandler):
    """Where the forms go; it likes some."""

    protocol_version = "HTTP/1.1"
    choices = None
    taken = 0

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        Target.taken += 1
        body = os.urandom(self.choices.randrange(200))
        self.send_response(self.choices.choice([200, 204, 400, 503]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the server may have been killed meanwhile
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_form(tmp_path):
    target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
    Target.choices = random.Random(SEED)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    choices = begin(tmp_path, plugin(
        "form", "live_state", EXAMPLES / "form/form.js",
        f'config = {{ target = "http://127.0.0.1:{target.server_port}/forms" }}\nallowed_hosts = ["127.0.0.1"]\n'
        'secrets = { FORM_TOKEN = { from = "env:FORM_TOKEN", hosts = ["127.0.0.1"] } }\ntimeout_ms = 10000'))
    played = Played(tmp_path, "form", "launch_form:contact", None, choices)
    sent = max(EVENTS // 20, 20)  # each is a request, and waits for its answer
    for part in range(2):
        with serve(tmp_path, FORM_TOKEN="not-much-of-a-secret") as server, connect(server.url()) as socket:
            client = Client(server, tmp_path)
            socket.send(json.dumps(["1", "1", played.key, "phx_join", {}]))
            for number in range(sent // 2):
                fields = {word: choices.choice([word, [word, "more"], 5]) for word in choices.sample(WORDS, 3)}
                socket.send(json.dumps(["1", "2", played.key, "lvs_evt:launch-form-submit", fields]))
                if choices.random() < 0.05:
                    client.ok("POST", played.path("/stop"))
                if number % 10 == 9 or number == sent // 2 - 1:  # no more may wait than a channel's bound
                    while json.loads(client.ok("GET", played.path("")))["turn"] < part * (sent // 2) + number + 2:
                        pass
            kill(server)
    taken = Target.taken
    assert taken > 0
    with serve(tmp_path, FORM_TOKEN="not-much-of-a-secret") as server:
        assert check(Client(server, tmp_path), played) == 2 * (sent // 2) + 1
    assert Target.taken == taken, "a replay sends nothing"
    target.shutdown()
