"""A server that is killed at random moments, again and again: what it has told anybody stays.

Clients send events with ids of their own, several at a time, while the server gets SIGKILL. After each start everything
that was shown before must be there, once and in the same order; what was sent and not shown is there whole or not at
all. What actors have sent to each other, and published to those that listen, has arrived once, in the order it was sent, and
each timer has rung once.
TROUPE_ROUNDS says how often (default 6), TROUPE_SEED repeats a run's choices.
"""

import asyncio
import http.client
import json
import os
import pathlib
import random
import sys
import threading

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from troupe import Server  # noqa: E402

ROUNDS = int(os.environ.get("TROUPE_ROUNDS", "6"))
SEED = int(os.environ.get("TROUPE_SEED", str(random.SystemRandom().randrange(2**32))))
TOPICS = 5
CLIENTS = 10
ORDERS = 2  # actors that send to another, and set timers; each has a client
OUTSTANDING = 8
ROUNDS_OF_A_TOPIC = 10  # then others are used: states stay small
LISTENERS = 2  # actors that hear what those publish
CALLED = 3  # actors that are called over HTTP
ROUND_SECONDS_MAX = 60


class Story:
    """What was sent to one actor and what of it was seen, over all rounds."""

    def __init__(self):
        self.sent = {}  # by client, in order
        self.shown = []  # the longest that anybody was shown
        self.known = set()

    def send(self, client, number):
        event = f"{client}-{number}"
        self.sent.setdefault(client, []).append(event)
        self.known.add(event)
        return event

    def show(self, log):
        """Anybody was shown this list: it goes on from the longest that was shown, or stops short of it."""
        common = min(len(log), len(self.shown))
        assert log[:common] == self.shown[:common], "two lists that do not agree were shown"
        if len(log) > len(self.shown):
            self.shown = list(log)

    def check(self, log):
        """The list after a start."""
        assert log[: len(self.shown)] == self.shown, "something that was shown is gone, or elsewhere"
        assert len(set(log)) == len(log), "something is there twice"
        assert set(log) <= self.known, "something is there that nobody sent"
        self.shown = list(log)
        for client, sent in self.sent.items():
            there = [event for event in log if event.startswith(f"{client}-")]
            places = [sent.index(event) for event in there]
            assert places == sorted(places), f"the events of {client} are out of order"
            # The connection's end takes what came last, and nothing before it.
            missing = [event for event in sent if event not in set(there)]
            assert sent[: len(there)] == there, f"{missing} of {client} are missing in the middle"
            # What is not there never will be.
            self.sent[client] = there


class Client:
    """Sends to one topic; no more at once than the server is to have waiting."""

    def __init__(self, name, topic, story, choices):
        self.name, self.topic, self.story, self.choices = name, topic, story, choices
        self.log = None
        self.events = self.raised = self.errors = self.own = 0

    def apply(self, patch):
        for operation in patch:
            if operation["path"].startswith("/rung/"):
                continue
            assert operation["op"] == "add" and operation["path"] == f"/log/{len(self.log)}", operation
            self.log.append(operation["value"])
            self.own += operation["value"].startswith(f"{self.name}-")

    async def run(self, url):
        try:
            async with connect(url, compression=None, max_size=None) as socket:
                await self.talk(socket)
        except (ConnectionClosed, OSError):
            pass

    async def talk(self, socket):
        async def send(event, payload):
            await socket.send(json.dumps(["1", "1", self.topic, event, payload]))

        await send("phx_join", {})
        while True:
            if self.log is not None:
                while self.events - self.own + self.raised - self.errors < OUTSTANDING:
                    if self.choices.random() < 0.05 and self.topic.startswith("log:"):
                        self.raised += 1
                        await send("lvs_evt:raise", {})
                    else:
                        self.events += 1
                        await send("lvs_evt:add", {"id": self.story.send(self.name, self.events),
                                                   "after_ms": self.choices.randrange(10, 300)})
            _, _, _, event, payload = json.loads(await socket.recv())
            if event == "state:change":
                self.log = payload["state"]["log"]
                self.own = sum(one.startswith(f"{self.name}-") for one in self.log)
                self.story.show(self.log)
            elif event == "state:patch":
                self.apply(payload["patch"])
                self.story.show(self.log)
            elif event == "error":
                assert payload == {"type": "error", "message": "no"}, payload
                self.errors += 1
            else:
                assert event == "phx_reply" and payload["status"] == "ok", (event, payload)


class Caller(threading.Thread):
    """Calls one actor over HTTP, one call after another, until the server is gone."""

    def __init__(self, port, token, key, name, story):
        super().__init__()
        self.port, self.token, self.key, self.name_of_calls, self.story = port, token, key, name, story
        self.problem = None

    def call(self, connection, text):
        connection.request("POST", f"/api/v1/actors/memory/call/add?key={self.key}", text,
                           {"Authorization": f"Bearer {self.token}"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        told = json.loads(body)
        assert told["count"] == str(len(told["told"])), told
        return told["told"]

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ROUND_SECONDS_MAX)
        try:
            for number in range(1_000_000):
                self.story.show(self.call(connection, self.story.send(self.name_of_calls, number)))
        except (OSError, http.client.HTTPException):
            pass
        except AssertionError as problem:
            self.problem = problem
        finally:
            connection.close()


async def look(url, topic, done=lambda _: True):
    """The state of a topic, as somebody sees it who comes anew and stays until it is as wanted."""
    async with connect(url, compression=None, max_size=None) as socket:
        await socket.send(json.dumps(["1", "1", topic, "phx_join", {}]))
        state = None
        while True:
            _, _, _, event, payload = json.loads(await socket.recv())
            if event == "state:change":
                state = payload["state"]
            elif event == "state:patch":
                for operation in payload["patch"]:
                    _, name, index = operation["path"].split("/")
                    assert operation["op"] == "add" and int(index) == len(state[name]), operation
                    state[name].append(operation["value"])
            else:
                assert event == "phx_reply" and payload["status"] == "ok", (event, payload)
            if state is not None and done(state):
                return state


def look_now(server, topic, done=lambda _: True):
    return asyncio.run(asyncio.wait_for(look(server.url(), topic, done), ROUND_SECONDS_MAX))


def listeners(rounds):
    return [f"log:listener:{rounds}:{index}" for index in range(LISTENERS)]


def subscribe(server, token, rounds):
    """Whoever listens has been told that it does."""
    connection = http.client.HTTPConnection("127.0.0.1", admin_port(server), timeout=ROUND_SECONDS_MAX)
    for key in listeners(rounds):
        connection.request("POST", f"/api/v1/actors/log/event/listen?key={key}", json.dumps({"topic": f"orders:{rounds}"}),
                           {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    connection.close()


def check_orders(server, topics):
    """Everything that was ordered has arrived, once and in order, and has rung once."""
    ordered = {}  # by their rounds, which have a ledger together
    for topic in topics:
        if topic.startswith("order:"):
            state = look_now(server, topic, lambda state: len(state["rung"]) >= len(state["log"]))
            assert sorted(state["rung"]) == sorted(state["log"]), "a timer has rung twice, or another has not"
            ordered.setdefault(topic.split(":")[1], {})[topic] = state["log"]
    total = 0
    for rounds, logs in ordered.items():
        count = sum(map(len, logs.values()))
        for place in [f"log:ledger:{rounds}", *listeners(rounds)]:
            arrived = look_now(server, place, lambda state: len(state["log"]) >= count)["log"]
            assert len(arrived) == count == len(set(arrived)), f"a message has arrived twice at {place}"
            for topic, log in logs.items():
                mine = set(log)
                assert [event for event in arrived if event in mine] == log, f"of {topic}, {place} has lost some, or their order"
        total += count
    return total


async def play(server, stories, number, choices):
    """Until the server is killed, at a random moment."""
    clients = []
    for index in range(CLIENTS):
        topic = f"log:{number // ROUNDS_OF_A_TOPIC}:{index % TOPICS}"
        clients.append(Client(f"r{number}c{index}", topic, stories.setdefault(topic, Story()), choices))
    for index in range(ORDERS):
        topic = f"order:{number // ROUNDS_OF_A_TOPIC}:{index}"
        clients.append(Client(f"r{number}o{index}", topic, stories.setdefault(topic, Story()), choices))
    running = [asyncio.create_task(client.run(server.url())) for client in clients]
    await asyncio.sleep(choices.uniform(0.05, 1.2))  # not to wait for anything: the moment is the test
    server.process.kill()
    await asyncio.wait_for(asyncio.gather(*running), ROUND_SECONDS_MAX)
    return sum(len(client.log or ()) for client in clients)


def admin_port(server):
    return int(server.wait_for(r"http://127\.0\.0\.1:(\d+) for operators")[1])


def check(server, topics, called, token):
    for topic, story in topics.items():
        story.check(look_now(server, topic)["log"])
    for key, story in called.items():
        caller = Caller(admin_port(server), token, key, "check", story)
        connection = http.client.HTTPConnection("127.0.0.1", caller.port, timeout=ROUND_SECONDS_MAX)
        story.check(caller.call(connection, story.send("check", len(story.sent.get("check", [])))))
        connection.close()


def test_what_was_shown_survives_every_kill(tmp_path):
    print(f"TROUPE_SEED={SEED} TROUPE_ROUNDS={ROUNDS}")
    choices = random.Random(SEED)
    topics, called = {}, {}
    seen = 0
    for number in range(ROUNDS):
        server = Server(HERE / "troupe.toml", tmp_path)
        token = (tmp_path / "admin.token").read_text()
        recent = {topic: story for topic, story in topics.items() if topic.split(":")[1] == str(number // ROUNDS_OF_A_TOPIC)}
        check(server, recent, called, token)
        if number % ROUNDS_OF_A_TOPIC == 0:
            subscribe(server, token, number // ROUNDS_OF_A_TOPIC)
        callers = []
        for index in range(CALLED):
            story = called.setdefault(f"m{number // ROUNDS_OF_A_TOPIC}-{index}", Story())
            callers.append(Caller(admin_port(server), token, f"m{number // ROUNDS_OF_A_TOPIC}-{index}",
                                  f"r{number}h{index}", story))
        for caller in callers:
            caller.start()
        seen += asyncio.run(play(server, topics, number, choices))
        for caller in callers:
            caller.join()
            assert caller.problem is None, caller.problem
        server.stop()
    with Server(HERE / "troupe.toml", tmp_path) as server:
        check(server, topics, called, (tmp_path / "admin.token").read_text())
        ordered = check_orders(server, topics)
    told = sum(len(story.shown) for story in called.values())
    print(f"{sum(len(story.shown) for story in topics.values())} events, {ordered} messages and timers, {told} calls after {ROUNDS} kills")
    assert seen > 0 and told > 0 and ordered > 0, "nothing was shown before the kills"
