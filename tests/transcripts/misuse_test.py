"""Clients that misbehave: each gets the documented answer, the others notice nothing, memory stays bounded."""

import json
import pathlib
import sys
import threading

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from troupe import Server  # noqa: E402

SECONDS_MAX = 30
MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(HERE / "troupe.toml", tmp_path_factory.mktemp("data")) as server:
        yield server


class Client:
    def __init__(self, server, **options):
        self.socket = connect(server.url(), max_size=None, compression=None, **options)
        self.refs = 0

    def send(self, topic, event, payload, join_ref="1"):
        self.refs += 1
        ref = str(self.refs)
        self.socket.send(json.dumps([join_ref, ref, topic, event, payload]))
        return ref

    def recv(self):
        return json.loads(self.socket.recv(SECONDS_MAX))

    def join(self, topic, params=None):
        self.send(topic, "phx_join", params or {})
        reply = self.recv()
        assert reply[4]["status"] == "ok", reply
        return self.recv()[4]["state"]

    def event(self, topic, name, payload):
        self.send(topic, "lvs_evt:" + name, payload)
        return self.recv()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


@pytest.fixture
def bystander(server):
    """Somebody else, who must go on as if nothing had happened."""
    with Client(server) as client:
        client.join("list:bystander")

        def proves_well():
            answer = client.event("list:bystander", "same", {})
            assert answer[3] == "state:patch", answer

        client.proves_well = proves_well
        proves_well()
        yield client
        proves_well()


def test_a_payload_of_50_mb_closes_its_socket_with_1009_and_costs_no_memory(server, bystander):
    before = server.rss_bytes()
    with Client(server) as client:
        with pytest.raises(ConnectionClosed) as closed:
            client.send("list:a", "phx_join", {"x": "y" * (50 * MIB)})
            client.recv()
        assert closed.value.rcvd and closed.value.rcvd.code == 1009
    bystander.proves_well()
    assert server.rss_bytes() - before < 16 * MIB


def test_10_000_joins_on_one_socket_are_answered_and_100_accepted(server, bystander):
    accepted = refused = 0
    with Client(server) as client:
        def send_all():
            for number in range(10_000):
                client.send(f"list:{number}", "phx_join", {})

        sender = threading.Thread(target=send_all)
        sender.start()
        while accepted + refused < 10_000:
            frame = client.recv()
            if frame[3] != "phx_reply":
                continue
            if frame[4]["status"] == "ok":
                accepted += 1
            else:
                # More than a socket may have; or, while they come this fast, more than it may ask for in a second.
                assert frame[4]["response"] in (
                    {"reason": "too many channels joined"}, {"reason": "busy", "retry_ms": 1000})
                refused += 1
        sender.join()
    assert (accepted, refused) == (100, 9_900)


def test_endless_loops_do_not_keep_others_waiting(server, bystander):
    spinners = [Client(server) for _ in range(4)]
    try:
        for client in spinners:
            client.join("list:spin")
            client.send("list:spin", "lvs_evt:spin", {})
        # Their plugin's and every other actor goes on while they spin.
        for _ in range(20):
            bystander.proves_well()
        for client in spinners:
            answer = client.recv()
            assert answer[3] == "error" and answer[4]["type"] == "timeout", answer
            assert client.event("list:spin", "same", {})[3] == "state:patch"
    finally:
        for client in spinners:
            client.socket.close()


def test_leaving_in_the_middle_of_an_endless_loop_ends_it(server, bystander):
    with Client(server) as client:
        client.join("list:spin")
        client.send("list:spin", "lvs_evt:spin", {})
        client.send("list:spin", "phx_leave", {})
        assert client.recv()[3:] == ["phx_reply", {"response": {}, "status": "ok"}]
        assert client.recv()[3] == "phx_close"


def test_more_than_64_events_in_a_row_are_answered_busy_and_each_has_an_answer(server, bystander):
    count = 300
    with Client(server) as client:
        client.join("list:flood")
        client.send("list:flood", "lvs_evt:spin", {})  # for 300 ms nothing is handled
        for _ in range(count):
            client.send("list:flood", "lvs_evt:same", {})
        answers = [client.recv() for _ in range(count + 1)]
    kinds = [answer[4].get("type", answer[3]) for answer in answers]
    assert kinds.count("timeout") == 1
    assert kinds.count("busy") >= 1
    assert kinds.count("busy") + kinds.count("state:patch") == count
    assert kinds.count("state:patch") >= 63


def test_a_client_that_never_reads_costs_bounded_memory_and_gets_the_state_when_it_reads_again(server, bystander):
    before = server.rss_bytes()
    with Client(server, max_queue=1) as sleeper, Client(server) as writer:
        assert sleeper.join("shared:slow") == {"items": []}
        writer.join("shared:slow")
        rounds = 200  # 40 MB of patches
        for number in range(rounds):
            answer = writer.event("shared:slow", "set", {"items": [f"{number:08}" * 25_600]})
            assert answer[3] == "state:patch"
        assert server.rss_bytes() - before < 32 * MIB

        writer.event("shared:slow", "set", {"items": ["done"]})
        # It reads again: some patches from before it stopped, then the state whole, at its own version.
        frames = 0
        while True:
            frame = sleeper.recv()
            frames += 1
            if frame[3] == "state:change":
                break
        assert frames < rounds
        assert frame[4]["state"] == {"items": ["done"]}
        assert frame[4]["version"] == rounds + 1
        # And goes on with patches.
        writer.event("shared:slow", "set", {"items": ["more"]})
        frame = sleeper.recv()
        assert frame[3] == "state:patch" and frame[4]["version"] == rounds + 2


def test_custom_events_nobody_reads_close_the_socket_with_1013(server, bystander):
    big = {"x": "x" * (200 * 1024)}
    with Client(server, max_queue=1) as sleeper, Client(server) as writer:
        sleeper.join("shared:deaf")
        writer.join("shared:deaf")
        for _ in range(100):
            frame = writer.event("shared:deaf", "announce", big)
            while frame[3] != "state:patch":
                frame = writer.recv()
        with pytest.raises(ConnectionClosed):
            while True:
                sleeper.recv()


def test_frames_that_never_end_are_closed_when_they_are_too_long(server, bystander):
    with Client(server) as client:
        with pytest.raises(ConnectionClosed) as closed:
            client.socket.send("x" * 65536 for _ in range(32))  # fragments of one message
            client.recv()
        assert closed.value.rcvd and closed.value.rcvd.code == 1009
