"""Guests that do their worst beside one that does its work.

Each of them is answered and none disturbs: 99 of 100 of the victim's events are answered, by the server's own histogram,
at most 5 ms later than on a quiet server, and the server's memory stays within what its bounds add up to.
"""

import http.client
import json
import pathlib
import re
import sys
import threading
import time

from websockets.sync.client import connect

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from troupe import Server  # noqa: E402
from wat import IMPORTS, counter  # noqa: E402

MIB = 1 << 20
EVENTS = 400  # of the victim, in each measurement
LATER_SECONDS_MAX = 0.005
# Others may use the machine: what the server does wrong, it does each time.
ROUNDS = 3
KEYS = 2  # actors of each hostile plugin
TIMEOUT_MS = 200
PAGES_MAX = 256
LOG_BYTES_PER_SECOND = 65536

# A block of 8 MiB, which the guest asks the host to look at.
LARGE = 8 * MIB

# The body of `run`, the answer's type, and what else stands in the module.
HOSTILE = {
    "endless": ("(loop $again (br $again))", "timeout", ""),
    "recursion": ("(call $deeper)", "trap", "(func $deeper (call $deeper) (call $deeper))"),
    "memory": ("""
        (loop $again
          (local.set $page (memory.grow (i32.const 1)))
          (if (i32.eq (local.get $page) (i32.const -1)) (then (unreachable)))
          (i32.store (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1))
          (br $again))""", "oom", ""),
    "fill": ("""
        (drop (memory.grow (i32.const 200)))
        (loop $again
          (memory.fill (i32.const 0) (i32.const 7) (i32.const 13107200))
          (br $again))""", "timeout", ""),
    "output": ("(call $output_set (call $alloc (i64.const 2097152)) (i64.const 2097152))", "output", ""),
    # The host frees what it was given to log or to keep.
    "log": ("(loop $again (call $log (call $block (i32.const 0) (i32.const 27))) (br $again))", "timeout", ""),
    "large_log": (f"(loop $again (call $log (call $alloc (i64.const {LARGE}))) (br $again))", "timeout", ""),
    "vars": ("""
        (loop $again
          (call $var_set (call $block (i32.const 0) (i32.const 8)) (call $alloc (i64.const 400000)))
          (br $again))""", "timeout", ""),
    "effects": ("(loop $again (call $broadcast (call $block (i32.const 0) (i32.const 27))) (br $again))", "error", ""),
    "large_effect": (f"""
        (local.set $value (call $alloc (i64.const {LARGE})))
        (loop $again
          (call $store_u64 (i64.add (local.get $value) (i64.extend_i32_u (local.get $page))) (i64.const 0x2020202020202020))
          (local.set $page (i32.add (local.get $page) (i32.const 8)))
          (br_if $again (i32.lt_u (local.get $page) (i32.const {LARGE}))))
        (call $broadcast (local.get $value))""", "error", ""),
    "timers": ("(call $set_timers)", None, """
        (func $set_timers (local $i i32)
          (loop $next
            (i32.store8 (i32.const 73) (i32.add (i32.const 48) (i32.div_u (local.get $i) (i32.const 10))))
            (i32.store8 (i32.const 74) (i32.add (i32.const 48) (i32.rem_u (local.get $i) (i32.const 10))))
            (call $timer (call $block (i32.const 64) (i32.const 54)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const 100)))))"""),
}

MODULE = """(module {imports}
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "log_info" (func $log (param i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "extism:host/user" "troupe_broadcast" (func $broadcast (param i64)))
  (import "extism:host/user" "troupe_timer" (func $timer (param i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{{\\22name\\22:\\22bomb\\22,\\22detail\\22:{{}}}}")
  (data (i32.const 64) "{{\\22name\\22:\\2200\\22,\\22after_ms\\22:10,\\22event\\22:\\22run\\22,\\22payload\\22:{{}}}}")
  (func $block (param $at i32) (param $size i32) (result i64)
    (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $size))))
    (loop $next
      (call $store_u8 (i64.add (local.get $block) (i64.extend_i32_u (local.get $i)))
                      (i32.load8_u (i32.add (local.get $at) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $size))))
    (local.get $block))
  {more}
  (func (export "run") (local $page i32) (local $block i64) (local $value i64)
    (local.set $block (call $block (i32.const 0) (i32.const 27)))
    {body}))
"""


def compile_bomb():
    """One function of some 5 MB that is slow to compile: many blocks, with many values alive across all of them."""
    blocks, values = 1500, 60
    locals_ = "(local " + " ".join(["i64"] * values) + ")"
    sums = "".join(f"(local.set {i} (i64.mul (local.get {i}) (local.get {(i * 7 + 1) % values})))" for i in range(values))
    body = f"(block (br_if 0 (i64.eqz (local.get 3))) {sums})" * blocks
    return f'(module (func (export "run") {locals_} {body}))'.encode()


def configuration(folder):
    lines = ["[http]", "threads = 1", "[limits]", f"log_bytes_per_second = {LOG_BYTES_PER_SECOND}",
             "compile_cpu_seconds = 1", "[plugins.victim]", 'wasm = "victim.wat"', 'behaviour = "live_state"',
             "[plugins.compiler]"]
    (folder / "victim.wat").write_bytes(counter(0))
    for name, (body, _, more) in HOSTILE.items():
        (folder / f"{name}.wat").write_text(MODULE.format(imports=IMPORTS, body=body, more=more))
        lines += [f"[plugins.{name}]", f'wasm = "{name}.wat"', f"timeout_ms = {TIMEOUT_MS}",
                  f"memory = {{ max_pages = {PAGES_MAX} }}"]
    lines += ["[[topics]]", 'match = "victim:*"', 'plugin = "victim"', 'actor = "{topic}"']
    (folder / "troupe.toml").write_text("\n".join(lines) + "\n")
    return folder / "troupe.toml"


class Api:
    def __init__(self, server, data):
        self.port = int(server.wait_for(r"http://127\.0\.0\.1:(\d+) for operators")[1])
        self.headers = {"Authorization": "Bearer " + (data / "admin.token").read_text()}
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def __call__(self, method, path, body=None):
        self.connection.request(method, path, body, self.headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def histogram(self):
        """Of the victim's answers: (upper bound in seconds, count so far)."""
        _, text = self("GET", "/metrics")
        found = re.findall(r'troupe_answer_seconds_bucket\{plugin="victim",le="([^"]+)"\} (\d+)', text.decode())
        assert found, text
        return [(float(bound), int(count)) for bound, count in found]


def quantile(before, after, share):
    """Where so large a share of what was counted between two readings lies below, by a line through its bucket."""
    counts = [(bound, new - old) for (bound, new), (_, old) in zip(after, before, strict=True)]
    wanted = share * counts[-1][1]
    low = below = 0
    for bound, count in counts:
        if count >= wanted:
            return bound if count == below else low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    raise AssertionError("nothing was counted")


class Victim:
    def __init__(self, server):
        self.socket = connect(server.url(), compression=None)
        self.count = 0
        self.socket.send(json.dumps(["1", "1", "victim:a", "phx_join", {}]))
        self.socket.recv(20)
        assert json.loads(self.socket.recv(20))[3] == "state:change"

    def work(self):
        for _ in range(EVENTS):
            self.socket.send(json.dumps(["1", "1", "victim:a", "lvs_evt:add", {}]))
            self.count += 1
            answer = json.loads(self.socket.recv(20))
            assert answer[4]["patch"] == [{"op": "replace", "path": "/n", "value": f"{self.count:06}"}]


class Attack:
    """Calls every hostile guest again and again, each from a connection of its own, until it is told to stop."""

    def __init__(self, server, data):
        self.stopping = threading.Event()
        self.answers = {name: [] for name in HOSTILE}
        self.uploads = []
        self.failures = []
        targets = [(self.call, name, key) for name in HOSTILE for key in range(KEYS)] + [(self.upload,)]
        self.threads = [threading.Thread(target=self.repeat, args=(Api(server, data), *target)) for target in targets]

    def repeat(self, api, what, *arguments):
        try:
            while not self.stopping.is_set():
                what(api, *arguments)
        except Exception as error:  # noqa: BLE001
            self.failures.append(error)

    def call(self, api, name, key):
        status, body = api("POST", f"/api/v1/actors/{name}/call/run?key={key}", b"")
        self.answers[name].append(json.loads(body)["type"] if status >= 400 else None)
        if name == "timers":
            self.stopping.wait(0.5)  # they come back by themselves

    def upload(self, api):
        status, body = api("PUT", "/api/v1/plugins/compiler", compile_bomb())
        self.uploads.append((status, body))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        if self.failures:
            raise self.failures[0]


def test_a_victim_beside_hostile_guests_does_its_work(tmp_path):
    data = tmp_path / "data"
    with Server(configuration(tmp_path), data) as server:
        api, victim = Api(server, data), Victim(server)
        victim.work()  # until everything is warm
        tried = []
        rss_quiet = server.rss_bytes()
        rss_max = 0
        begun = time.monotonic()
        for _ in range(ROUNDS):
            start = api.histogram()
            victim.work()
            quiet = quantile(start, api.histogram(), 0.99)
            with Attack(server, data) as attack:
                while not all(attack.answers.values()):  # each has had its go
                    rss_max = max(rss_max, server.rss_bytes())
                    attack.stopping.wait(0.05)
                start = api.histogram()
                for _ in range(3):
                    victim.work()
                    rss_max = max(rss_max, server.rss_bytes())
                hostile = quantile(start, api.histogram(), 0.99)
            tried.append((quiet, hostile))
            for name, (_, ending, _) in HOSTILE.items():
                assert set(attack.answers[name]) <= {ending, "busy"}, (name, set(attack.answers[name]))
            assert attack.uploads and all(status == 422 for status, _ in attack.uploads), attack.uploads[:1]
            if hostile <= quiet + LATER_SECONDS_MAX:
                break
        seconds = time.monotonic() - begun
        shown = ", ".join(f"{1e3 * quiet:.2f} -> {1e3 * hostile:.2f} ms" for quiet, hostile in tried)
        print(f"p99 of the victim: {shown}; resident: {rss_quiet / MIB:.0f} -> {rss_max / MIB:.0f} MiB")
        assert hostile <= quiet + LATER_SECONDS_MAX, shown
        # What all instances of the hostile ones may have, and as much again as the server had.
        assert rss_max <= 2 * rss_quiet + len(HOSTILE) * KEYS * PAGES_MAX * 65536, rss_max
        said = sum(len(line) for line in server.lines if line and "[log/" in line)
        assert said <= 2 * LOG_BYTES_PER_SECOND * (seconds + 2)
        assert victim.socket.ping().wait(20)
