"""The bounds on clients and on one plugin, reached from outside: each has its answer, and its number in /metrics."""

import json
import re
import socket
import threading
import time

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from api_test import Api
from program import Running
from serve_test import FREE_PORTS, get, share_cache

PLUGIN = """
import { handler } from "troupe";
export const init = handler(() => ({ count: 0 }));
export const add = handler((_, { count }) => ({ count: count + 1 }));
"""

SLOW = """
export function slow() { const end = Date.now() + 1; for (;;); }
export function quick() { Host.outputString("quick"); }
export function keep() { Var.set("kept", Host.inputString()); }
"""

CONFIG = """
[http]
threads = 1
trusted_proxies = ["127.0.0.2"]
[limits]
{limits}
[plugins.counter]
source = "counter.js"
behaviour = "live_state"
[plugins.slow]
source = "slow.js"
timeout_ms = 1000
limits = {{ instances = 1 }}
memory = {{ max_var_bytes = 1000 }}
[[topics]]
match = "counter:*"
plugin = "counter"
actor = "{{topic}}"
"""


@pytest.fixture
def serve(tmp_path, cache):
    (tmp_path / "counter.js").write_text(PLUGIN)
    (tmp_path / "slow.js").write_text(SLOW)
    share_cache(tmp_path / "troupe-data", cache)

    def start(limits=""):
        (tmp_path / "troupe.toml").write_text(CONFIG.format(limits=limits))
        return Running(tmp_path, "serve", *FREE_PORTS)

    return start


class Socket:
    def __init__(self, server, **options):
        self.socket = connect(server.url(), compression=None, **options)
        self.refs = 0

    def send(self, topic, event, payload={}):
        self.refs += 1
        self.socket.send(json.dumps(["1", str(self.refs), topic, event, payload]))

    def hear(self):
        return json.loads(self.socket.recv(timeout=20))[3:]

    def join(self, topic):
        self.send(topic, "phx_join")
        reply = self.hear()[1]
        if reply["status"] == "ok":
            assert self.hear()[0] == "state:change"
        return reply

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def reached(server, name="troupe_limit_reached_total"):
    """The counts by the label `limit`, without those that are 0."""
    admin = server.wait_for(r"http://127\.0\.0\.1:(\d+) for operators")[1]
    _, text = get(int(admin), "/metrics")
    found = re.findall(name + r'\{.*limit="([a-z_]+)"\} (\d+)', text)
    assert found, text
    return {limit: int(count) for limit, count in found if count != "0"}


def test_an_address_has_so_many_connections(serve):
    with serve("address_connections = 2") as server:
        with Socket(server), Socket(server) as second:
            with pytest.raises(InvalidStatus) as refused:
                connect(server.url())
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["Retry-After"]
            assert second.join("counter:a")["status"] == "ok"
            # Somebody else is served, and so is who comes when there is room again.
            with Socket(server, source_address=("127.0.0.3", 0)) as other:
                assert other.join("counter:a")["status"] == "ok"
        with Socket(server) as again:
            assert again.join("counter:a")["status"] == "ok"
        assert reached(server) == {"address_connections": 1}


def test_behind_a_trusted_proxy_each_client_is_counted(serve):
    def through_proxy(client):
        return Socket(server, source_address=("127.0.0.2", 0), additional_headers={"X-Forwarded-For": client})

    with serve("address_connections = 1") as server:
        with through_proxy("192.0.2.1"), through_proxy("192.0.2.2") as two:
            with pytest.raises(InvalidStatus) as refused:
                through_proxy("192.0.2.1")
            assert refused.value.response.status_code == 503
            assert two.join("counter:a")["status"] == "ok"
        # Who is no trusted proxy is believed nothing.
        with Socket(server, additional_headers={"X-Forwarded-For": "192.0.2.9"}):
            with pytest.raises(InvalidStatus):
                connect(server.url(), additional_headers={"X-Forwarded-For": "192.0.2.8"})
        assert reached(server) == {"address_connections": 2}


def test_joins_a_second_are_refused_as_busy(serve):
    busy = {"status": "error", "response": {"reason": "busy", "retry_ms": 1000}}
    with serve("socket_joins_per_second = 2\naddress_joins_per_second = 5") as server:
        with Socket(server) as one, Socket(server) as two, Socket(server) as three:
            replies = [one.join(f"counter:{number}") for number in range(4)]
            assert [reply["status"] for reply in replies[:2]] == ["ok", "ok"]
            assert replies[2:] == [busy, busy]
            one.send("counter:0", "lvs_evt:add")
            assert one.hear()[0] == "state:patch"
            assert [two.join(f"counter:{number}")["status"] for number in range(2)] == ["ok", "ok"]
            statuses = [three.join(f"counter:{number}")["status"] for number in range(2)]
        counts = reached(server)
        assert counts.pop("socket_joins_per_second") == 2
        assert counts.get("address_joins_per_second", 0) == statuses.count("error")
        assert statuses.count("error") >= 1, "of five joins a second a sixth was allowed"


def test_events_a_second_are_answered_busy_and_the_rest_counts(serve):
    events = 100
    with serve("socket_events_per_second = 10") as server:
        with Socket(server) as socket:
            socket.join("counter:a")
            for _ in range(events):
                socket.send("counter:a", "lvs_evt:add")
            answers = [socket.hear() for _ in range(events)]
            patched = sum(answer[0] == "state:patch" for answer in answers)
            refused = [answer[1] for answer in answers if answer[0] == "error"]
            assert patched + len(refused) == events
            assert 10 <= patched < events
            assert all(each == {"type": "busy", "message": "too many events a second; try again"} for each in refused)
            socket.send("phoenix", "heartbeat")
            assert socket.hear()[1]["status"] == "ok"
        assert reached(server) == {"socket_events_per_second": len(refused)}


def test_a_plugin_has_so_many_instances(serve, tmp_path):
    with serve() as server:
        api = Api(server, tmp_path)
        assert api.ok("POST", "/actors/slow/call/quick?key=idle", b"") == b"quick"
        answers = []
        thread = threading.Thread(target=lambda: answers.append(api("POST", "/actors/slow/call/slow?key=a", b"")))
        thread.start()
        # The idle one gave way to it; as long as it is at work there is room for nobody else.
        while api.ok("GET", "/actors?plugin=slow")["actors"][0].get("status") != "awake":
            pass
        problem = None
        while thread.is_alive() and problem is None:
            response, value = api("POST", "/actors/slow/call/quick?key=b", b"")
            if response.status == 429:
                problem = value
        thread.join()
        assert problem["type"] == "busy" and "too many actors are at work" in problem["detail"]
        assert answers[0][0].status == 504
        assert api.ok("POST", "/actors/slow/call/quick?key=b", b"") == b"quick"
        counts = reached(server, "troupe_plugin_limit_reached_total")
        assert counts["instances"] >= 1 and counts["timeout"] == 1


def test_what_is_too_large_is_counted(serve, tmp_path):
    limits = "http_body_bytes = 1024\nframe_bytes = 2048\nheader_bytes = 1024\nsocket_topics = 1\nupload_bytes = 4096"
    with serve(limits) as server:
        api = Api(server, tmp_path)
        api.problem(413, "too-large", "POST", "/actors/slow/call/quick?key=a", b"x" * 2000)
        api.problem(413, "too-large", "PUT", "/plugins/new", b"\0asm" + b"x" * 5000)
        api.ok("POST", "/actors/slow/call/keep?key=a", b"x" * 900)
        api.problem(500, "trap", "POST", "/actors/slow/call/keep?key=a", b"x" * 1000)
        assert get(server.port, "/", {"X-Long": "x" * 2000})[0].status == 431
        with Socket(server) as socket:
            socket.join("counter:a")
            assert socket.join("counter:b")["response"] == {"reason": "too many channels joined"}
            socket.send("counter:a", "lvs_evt:add", {"x": "x" * 3000})
            while True:
                try:
                    socket.hear()
                except Exception as error:  # noqa: BLE001
                    assert "1009" in str(error)
                    break
        assert reached(server) == {
            "http_body_bytes": 1, "upload_bytes": 1, "header_bytes": 1, "frame_bytes": 1, "socket_topics": 1}
        assert reached(server, "troupe_plugin_limit_reached_total") == {"vars": 1}


def test_who_takes_too_long_is_sent_away_and_counted(serve, tmp_path):
    with serve("idle_ms = 1000\nrequest_ms = 300\nanswer_ms = 300") as server:
        api = Api(server, tmp_path)
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as half:
            half.sendall(b"GET / HTTP/1.1\r\nHo")
            assert half.recv(100) == b""
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as idle:
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n")
            answer = b""
            while piece := idle.recv(1000):
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200") and b"Connection: keep-alive" in answer
        api.problem(504, "timeout", "POST", "/actors/slow/call/slow?key=a", b"")
        counts = reached(server)
        assert (counts["request_ms"], counts["answer_ms"]) == (1, 1)
        assert counts["idle_ms"] >= 1, "the API's own connection may have been idle too"


def test_an_idle_actor_is_put_to_sleep(serve, tmp_path):
    with serve("actor_idle_ms = 1000") as server:
        api = Api(server, tmp_path)
        assert api.ok("POST", "/actors/counter/event/add?key=a", b"{}")["state"] == {"count": 1}
        assert api.ok("GET", "/actors/counter?key=a")["status"] == "awake"
        deadline = time.monotonic() + 20
        while 'troupe_actors_awake{plugin="counter"} 0' not in get(api.port, "/metrics")[1]:
            assert time.monotonic() < deadline, "it stays awake"
        assert api.ok("GET", "/actors/counter?key=a")["status"] == "asleep"
        assert reached(server)["actor_idle_ms"] == 1
        assert api.ok("POST", "/actors/counter/event/add?key=a", b"{}")["state"] == {"count": 2}


def test_sockets_that_do_not_close_are_cut_when_the_server_ends(serve):
    with serve("drain_ms = 200") as server:
        with Socket(server) as open_one:
            assert open_one.join("counter:a")["status"] == "ok"
            # A client that does not answer the close frame: its bytes are not even read.
            silent = socket.create_connection(("127.0.0.1", server.port), timeout=20)
            silent.sendall(
                b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            assert silent.recv(1000).startswith(b"HTTP/1.1 101")
            assert server.stop() == 0
            silent.close()
        server.wait_for(r"did not end within 200 ms and were cut: 1")
