"""HTTP requests over connections that stay, as plain as can be, so that the server is the busier one."""

import re
import socket
import time
import urllib.request
from contextlib import ExitStack

from servers import Broken

TIMEOUT_SECONDS = 20
READ_BYTES = 65536


def request(path, token="", body="{}"):
    """The bytes of a POST."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}Content-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


class Connections:
    """Connections to one port; each has one request outstanding."""

    def __init__(self, port, count):
        self.port = port
        self.count = count

    def __enter__(self):
        self.stack = ExitStack()
        address = ("127.0.0.1", self.port)
        self.sockets = [
            self.stack.enter_context(socket.create_connection(address, TIMEOUT_SECONDS)) for _ in range(self.count)
        ]
        for each in self.sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def __exit__(self, *_):
        self.stack.close()

    def ask(self, requests):
        """Sends each request, as many at once as there are connections, and takes the answers."""
        for first in range(0, len(requests), self.count):
            batch = requests[first : first + self.count]
            for connection, one in zip(self.sockets, batch):
                connection.sendall(one)
            for connection in self.sockets[: len(batch)]:
                take_answer(connection)

    def repeat(self, one, seconds):
        """How often the request was answered in that time."""
        count = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for connection in self.sockets:
                connection.sendall(one)
            for connection in self.sockets:
                take_answer(connection)
            count += self.count
        return count


def take_answer(connection):
    text = connection.recv(READ_BYTES)
    while (missing := missing_bytes(text)) != 0:
        more = connection.recv(READ_BYTES)
        if not more:
            raise Broken(f"the connection ended {missing or 'some'} bytes before the end of an answer: {text[:200]!r}")
        text += more
    if not text.startswith(b"HTTP/1.1 200 "):
        raise Broken(f"a request was answered with {text[:500]!r}")


def missing_bytes(text):
    """How much of the answer is still to come; nothing when not even that is known."""
    end = text.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = re.search(rb"content-length: *(\d+)", text[:end], re.IGNORECASE)
    return end + 4 + int(length[1] if length else 0) - len(text)


def metric(process, name):
    """A number that Troupe tells of itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{process.place.admin_port}/metrics", timeout=TIMEOUT_SECONDS) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
    raise Broken(f"{process.server.name} has no metric {name}")


def token(process):
    """What Troupe's API wants to see."""
    return (process.place.folder / "data" / "admin.token").read_text().strip()
