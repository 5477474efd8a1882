"""Plays every transcript in this folder against one server; README.md has the format."""

import codecs
import pathlib
import re
import sys

import pytest
import websockets.exceptions
from websockets.sync.client import connect

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from troupe import Server  # noqa: E402

FRAME_SECONDS_MAX = 20
LINE = re.compile(r"(?P<name>[a-z])?(?P<what><~|=<|[><=*+!-])(?: (?P<text>.*))?$")
PATH = "/socket/websocket?vsn=2.0.0"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(HERE / "troupe.toml", tmp_path_factory.mktemp("data")) as server:
        yield server


def split_headers(text):
    """`/path {Name: value} {Name: value}` as path and headers."""
    headers = dict(re.findall(r"\{([^:{}]+): ([^{}]*)\}", text))
    return text.split(" {")[0].strip(), headers


class Player:
    def __init__(self, server):
        self.server = server
        self.open = {}
        self.captured = {}

    def connect(self, path, headers=None):
        headers = dict(headers or {})
        protocols = headers.pop("Sec-WebSocket-Protocol", None)
        return connect(self.server.url(path), additional_headers=headers, max_size=None, compression=None,
                       subprotocols=protocols.split(", ") if protocols else None)

    def socket(self, name):
        if name not in self.open:
            self.open[name] = self.connect(PATH)
        return self.open[name]

    def fill(self, text):
        return re.sub(r"\$\{(\w+)\}", lambda match: self.captured[match[1]], text)

    def play(self, name, what, text):
        if what == "!":
            request, status = text.rsplit(" -> ", 1)
            path, headers = split_headers(request.removeprefix("GET "))
            with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
                self.connect(path, headers).close()
            assert refused.value.response.status_code == int(status)
        elif what == "+":
            self.open[name] = self.connect(*split_headers(text))
        elif what == ">":
            self.socket(name).send(self.fill(text))
        elif what == "=":
            self.socket(name).send(codecs.decode(text, "unicode_escape").encode("latin-1"))
        elif what == "=<":
            assert self.socket(name).recv(FRAME_SECONDS_MAX) == codecs.decode(text, "unicode_escape").encode("latin-1")
        elif what == "<":
            assert self.socket(name).recv(FRAME_SECONDS_MAX) == self.fill(text)
        elif what == "<~":
            frame = self.socket(name).recv(FRAME_SECONDS_MAX)
            match = re.fullmatch(self.fill(text), frame)
            assert match, f"{frame}\ndoes not match\n{text}"
            self.captured.update(match.groupdict())
        elif what == "*":
            with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
                raise AssertionError(f"instead of closing: {self.socket(name).recv(FRAME_SECONDS_MAX)}")
            assert closed.value.rcvd and closed.value.rcvd.code == int(text)
            del self.open[name]
        elif what == "-":
            self.open.pop(name).close()

    def expect_silence(self):
        for name, socket in self.open.items():
            socket.send('[null,"last","phoenix","heartbeat",{}]')
            frame = socket.recv(FRAME_SECONDS_MAX)
            assert frame == '[null,"last","phoenix","phx_reply",{"response":{},"status":"ok"}]', name
            socket.close()


@pytest.mark.parametrize("path", sorted(HERE.glob("*.transcript")), ids=lambda path: path.stem)
def test_transcript(server, path):
    player = Player(server)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.match(line)
        assert match, f"{path.name}:{number}: not a line of a transcript: {line}"
        try:
            player.play(match["name"] or "a", match["what"], match["text"] or "")
        except Exception as error:
            raise AssertionError(f"{path.name}:{number}: {line}\n{error}") from error
    player.expect_silence()
