"""Where an answer ends, and when a request has gone wrong."""

import socket
import threading

import pytest
from keepalive import Connections, missing_bytes, request
from servers import Broken

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


def test_an_answer_ends_where_its_length_says():
    assert missing_bytes(ANSWER[:-1]) is None
    assert missing_bytes(ANSWER) == 5
    assert missing_bytes(ANSWER + b"hello") == 0
    assert missing_bytes(b"HTTP/1.1 204 No Content\r\n\r\n") == 0


def test_requests_name_their_length_and_who_asks():
    assert request("/a", "t", "xy") == (
        b"POST /a HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer t\r\nContent-Length: 2\r\n\r\nxy")


def answering(answer):
    """A server that gives this answer, in two pieces, to the first request of one connection, and closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with listener, connection:
            connection.recv(1000)
            connection.sendall(answer[:20])
            connection.sendall(answer[20:])

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def test_an_answer_in_pieces_is_taken_whole():
    with Connections(answering(ANSWER + b"hello"), 1) as connections:
        connections.ask([request("/")])


@pytest.mark.parametrize("answer", [ANSWER + b"hell", ANSWER.replace(b"200", b"500") + b"hello", b""])
def test_anything_else_is_no_figure(answer):
    with Connections(answering(answer), 1) as connections, pytest.raises(Broken):
        connections.ask([request("/")])
