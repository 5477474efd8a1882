"""Four shards at once: actors shared by viewers of all of them, viewers that come and go, guests that fail.

Run on a build with a sanitizer, which is what watches; the counts show that no event was lost or doubled.
"""

import asyncio
import json
import pathlib
import sys

from websockets.asyncio.client import connect

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from troupe import Server  # noqa: E402

SOCKETS = 16
TOPICS = 4  # shared ones, each joined on every socket
EVENTS = 20  # of each kind, on each socket and topic
SECONDS_MAX = 300


class Client:
    """One socket; `counts` is the last count of each topic, `errors` and `told` count what came back."""

    def __init__(self, socket):
        self.socket = socket
        self.counts = {}
        self.errors = self.told = self.refs = 0

    async def send(self, topic, event, payload):
        self.refs += 1
        await self.socket.send(json.dumps([topic, str(self.refs), topic, event, payload]))

    async def take(self):
        """Takes the next frame in."""
        join_ref, _, topic, event, payload = json.loads(await self.socket.recv())
        if event == "phx_reply":
            assert payload["status"] == "ok", payload
        elif event == "state:change":
            self.counts[topic] = payload["state"]["count"]
        elif event == "state:patch":
            for operation in payload["patch"]:
                assert operation["op"] == "replace" and operation["path"] == "/count", operation
                assert operation["value"] > self.counts[topic], "turns out of order"
                self.counts[topic] = operation["value"]
        elif event == "error":
            self.errors += 1
        elif event == "you":
            self.told += 1
        else:
            assert event == "all", (event, payload)

    async def take_until(self, done):
        while not done():
            await self.take()


async def visitor(url, stop):
    """Joins, sends, and is gone without a word, again and again."""
    while not stop.is_set():
        async with connect(url, compression=None) as socket:
            client = Client(socket)
            for topic in ("shared:0", "own:visitor"):
                await client.send(topic, "phx_join", {})
                await client.send(topic, "lvs_evt:raise", {})
            await client.take_until(lambda: client.errors == 2)
            socket.transport.abort()


async def play(url):
    shared = [f"shared:{number}" for number in range(TOPICS)]
    clients = [Client(await connect(url, compression=None)) for _ in range(SOCKETS)]
    stop = asyncio.Event()
    visits = asyncio.create_task(visitor(url, stop))

    async def one(client, number):
        topics = [*shared, f"own:{number}"]
        for topic in topics:
            await client.send(topic, "phx_join", {})
        await client.take_until(lambda: len(client.counts) == len(topics))
        for _ in range(EVENTS):
            told, errors = client.told, client.errors
            for topic in topics:
                await client.send(topic, "lvs_evt:add", {})
                await client.send(topic, "lvs_evt:tell", {})
                await client.send(topic, "lvs_evt:raise", {})
            await client.take_until(lambda: client.told == told + len(topics) and client.errors == errors + len(topics))
        await client.send(topics[-1], "lvs_evt:exhaust", {})
        errors = client.errors
        await client.take_until(lambda: client.errors == errors + 1)
        total = 2 * EVENTS * SOCKETS
        await client.take_until(lambda: all(client.counts[topic] == total for topic in shared))
        assert client.counts[topics[-1]] == 2 * EVENTS

    await asyncio.gather(*(one(client, number) for number, client in enumerate(clients)))
    stop.set()
    await visits
    return clients


async def with_bound(url):
    return await asyncio.wait_for(play(url), SECONDS_MAX)


def test_four_shards_lose_no_event_and_end_cleanly(tmp_path):
    with Server(HERE / "troupe.toml", tmp_path) as server:
        clients = asyncio.run(with_bound(server.url()))
        assert len(clients) == SOCKETS
