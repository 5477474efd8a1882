"""100 upgrades, 20 of them broken, on 1,000 live actors under load.

No socket is closed, no event is lost or handled twice, and each broken version is refused while the one before it runs.
"""

import asyncio
import http.client
import json
import pathlib
import sys

from websockets.asyncio.client import connect

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from troupe import Server  # noqa: E402
from wat import MIGRATE, counter  # noqa: E402

SOCKETS = 10
TOPICS = 100  # on each socket, an actor each
UPGRADES = 100
BROKEN_EVERY = 5
SECONDS_MAX = 240

CONFIG = """
[http]
threads = 2
[plugins.counter]
wasm = "counter.wat"
behaviour = "live_state"
[[topics]]
match = "counter:*"
plugin = "counter"
actor = "{topic}"
"""

# What is wrong with a version, and what the refusal says of it.
BROKEN = [
    (lambda version: b"no module at all", 422, "the module"),
    (lambda version: counter(version).replace(b'(export "init")', b""), 422, "but not init"),
    (lambda version: counter(version).replace(b'"input_length"', b'"no_such_thing"'), 422, "no_such_thing"),
    (lambda version: counter(version, '(func (export "migrate") unreachable)'), 409, "migrate failed (trap)"),
    (lambda version: counter(version, '(func (export "migrate"))'), 409, "migrate returned no JSON"),
]


class Api:
    def __init__(self, server, data):
        self.port = int(server.wait_for(r"http://127\.0\.0\.1:(\d+) for operators")[1])
        self.token = (data / "admin.token").read_text()

    def __call__(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, "/api/v1" + path, body, {"Authorization": f"Bearer {self.token}"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


class Page:
    """One socket with many topics; each topic has one event under way."""

    def __init__(self, socket, topics):
        self.socket = socket
        self.counts = dict.fromkeys(topics, 0)
        self.versions = {}
        self.stopping = False

    async def send(self, topic, event):
        await self.socket.send(json.dumps([topic, "1", topic, event, {}]))

    async def run(self, joined):
        for topic in self.counts:
            await self.send(topic, "phx_join")
        at_work = set()
        waiting_for_state = set(self.counts)
        while at_work or waiting_for_state or not self.stopping:
            _, _, topic, event, payload = json.loads(await self.socket.recv())
            if event == "phx_reply":
                assert payload["status"] == "ok", payload
                continue
            if event == "state:change":
                self.check(topic, payload["state"], 0)
                waiting_for_state.remove(topic)
                joined.release()
            else:
                assert event == "state:patch", (event, payload)
                changes = {each["path"][1:]: each["value"] for each in payload["patch"]}
                changes = changes.get("", changes)  # where the whole state was the shorter patch
                # A migration changes the version alone; it is nobody's event.
                if int(changes.get("n", self.counts[topic])) == self.counts[topic]:
                    self.versions[topic] = changes["v"]
                    continue
                self.check(topic, changes, self.counts[topic] + 1)
            at_work.discard(topic)
            if not self.stopping:
                at_work.add(topic)
                await self.send(topic, "lvs_evt:add")
        return sum(self.counts.values())

    def check(self, topic, values, expected):
        assert int(values["n"]) == expected, f"{topic}: expected {expected}, got {values}"
        self.counts[topic] = expected
        self.versions[topic] = values.get("v", self.versions.get(topic))


async def play(server, api):
    pages = [
        Page(await connect(server.url(), compression=None), [f"counter:{page}-{topic}" for topic in range(TOPICS)])
        for page in range(SOCKETS)]
    joined = asyncio.Semaphore(0)
    load = [asyncio.create_task(page.run(joined)) for page in pages]
    for _ in range(SOCKETS * TOPICS):
        await joined.acquire()

    current = None
    refused = {422: 0, 409: 0}
    for number in range(1, UPGRADES + 1):
        for task in load:
            assert not task.done(), task.exception()
        if number % BROKEN_EVERY == 0:
            make, status, reason = BROKEN[number // BROKEN_EVERY % len(BROKEN)]
            got, answer = await asyncio.to_thread(api, "PUT", "/plugins/counter", make(number))
            assert got == status and reason in str(answer["reasons"]), answer
            refused[status] += 1
            _, plugin = await asyncio.to_thread(api, "GET", "/plugins/counter")
            assert plugin["version"] == current
        else:
            code = counter(number, MIGRATE if number % 2 else "")
            got, answer = await asyncio.to_thread(api, "PUT", "/plugins/counter", code)
            assert got == 201, answer
            current = answer["version"]
    for page in pages:
        page.stopping = True
    total = sum(await asyncio.gather(*load))
    assert sum(refused.values()) == UPGRADES // BROKEN_EVERY
    for page in pages:
        for topic, count in page.counts.items():
            _, actor = api("GET", f"/actors/counter?key={topic}")
            assert int(actor["state"]["n"]) == count, (topic, actor)
        await page.socket.close()
    return total


def test_a_hundred_upgrades_under_load_lose_no_event_and_close_no_socket(tmp_path):
    (tmp_path / "counter.wat").write_bytes(counter(0))
    (tmp_path / "troupe.toml").write_text(CONFIG)
    data = tmp_path / "data"
    with Server(tmp_path / "troupe.toml", data) as server:
        total = asyncio.run(asyncio.wait_for(play(server, Api(server, data)), SECONDS_MAX))
        assert total > SOCKETS * TOPICS, "there was no load"
        print(f"{total} events were handled during {UPGRADES} upgrades")
