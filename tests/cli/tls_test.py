"""The listener with a certificate: pages, WebSockets and event streams over TLS, and a certificate that is replaced."""

import hashlib
import asyncio
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.asyncio.client import connect

from program import Running
from serve_test import CONFIG, COUNTER, FREE_PORTS, share_cache

MIB = 1 << 20


def make_certificate(folder, name):
    """A key and a certificate for this machine, signed by itself; its SHA-256."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert((folder / "cert.pem").read_text())).hexdigest()


def trust(folder):
    return ssl.create_default_context(cafile=folder / "cert.pem")


@pytest.fixture
def folder(tmp_path, cache):
    (tmp_path / "counter.js").write_text(COUNTER)
    (tmp_path / "public").mkdir()
    (tmp_path / "public/index.html").write_text("<h1>over TLS</h1>")
    (tmp_path / "public/large.bin").write_bytes(os.urandom(5 * MIB))
    (tmp_path / "troupe.toml").write_text(
        '[http]\nstatic = "public"\ntls_certificate = "cert.pem"\ntls_key = "key.pem"\n' + CONFIG)
    share_cache(tmp_path / "troupe-data", cache)
    make_certificate(tmp_path, "first")
    return tmp_path


def get(port, path, context):
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    connection.request("GET", path)
    response = connection.getresponse()
    return response, response.read()


def fingerprint(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        context = ssl._create_unverified_context()
        with context.wrap_socket(plain) as secure:
            return hashlib.sha256(secure.getpeercert(binary_form=True)).hexdigest()


def test_pages_and_files_are_served(folder):
    with Running(folder, "serve", *FREE_PORTS) as server:
        assert f"https://127.0.0.1:{server.port}" in server.output()
        context = trust(folder)
        response, body = get(server.port, "/", context)
        assert (response.status, body) == (200, b"<h1>over TLS</h1>")
        assert "; Secure" in response.headers["Set-Cookie"]
        response, body = get(server.port, "/large.bin", context)
        assert (response.status, body) == (200, (folder / "public/large.bin").read_bytes())
        # Requests one after the other on one connection.
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=context)
        for _ in range(3):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"<h1>over TLS</h1>"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sockets_work_with_frames_of_all_sizes(folder, version):
    with Running(folder, "serve", *FREE_PORTS) as server:
        context = trust(folder)
        context.minimum_version = context.maximum_version = version
        asyncio.run(talk(server, context))


# In one thread: OpenSSL takes no reading and writing at once, and the other client does that in two.
async def talk(server, context):
    async with connect(server.url(scheme="wss"), ssl=context, max_size=None, compression=None) as channel:
        async def answer():
            return json.loads(await asyncio.wait_for(channel.recv(), 20))[4]

        await channel.send(json.dumps(["1", "1", "counter:a", "phx_join", {}]))
        assert (await answer())["status"] == "ok"
        assert (await answer())["state"] == {"count": 0}
        for number, size in enumerate((0, 100, 16_000, 70_000, 900_000), 1):
            await channel.send(json.dumps(["1", "2", "counter:a", "lvs_evt:add", {"x": "x" * size}]))
            assert (await answer())["patch"][0]["value"] == number
        # Many at once, whose answers fill several records.
        for _ in range(60):
            await channel.send(json.dumps(["1", "2", "counter:a", "lvs_evt:add", {}]))
        assert [(await answer())["patch"][0]["value"] for _ in range(60)] == list(range(6, 66))
    # The server ends while a socket is open: the client is told so.
    async with connect(server.url(scheme="wss"), ssl=context, compression=None) as last:
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(last.recv(), 20)
        assert closed.value.rcvd.code == 1012
    assert await asyncio.to_thread(server.process.wait, 20) == 0


def test_who_speaks_no_tls_is_told_and_who_stays_silent_is_alone(folder):
    with Running(folder, "serve", *FREE_PORTS) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, b"use https://" in response.read()) == (400, True)
        with socket.create_connection(("127.0.0.1", server.port)), \
                socket.create_connection(("127.0.0.1", server.port)) as noise:
            noise.sendall(os.urandom(4000))
            noise.settimeout(20)
            try:
                while noise.recv(1000):
                    pass
            except ConnectionResetError:
                pass
            assert get(server.port, "/", trust(folder))[0].status == 200
        old = ssl._create_unverified_context()
        old.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        old.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain, pytest.raises(ssl.SSLError):
            old.wrap_socket(plain)


def test_a_reload_takes_the_new_certificate_and_keeps_the_old_one_when_it_is_broken(folder, troupe):
    with Running(folder, "serve", *FREE_PORTS) as server:
        asyncio.run(replace_certificate(server, folder, troupe))


async def replace_certificate(server, folder, troupe):
    first = fingerprint(server.port)
    async with connect(server.url(scheme="wss"), ssl=trust(folder)) as channel:
        second = make_certificate(folder, "second")
        assert fingerprint(server.port) == first
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("troupe.toml is applied")
        assert fingerprint(server.port) == second != first
        (folder / "cert.pem").write_text("no certificate")
        failed = troupe("reload")
        assert failed.returncode == 1 and "cert.pem is no certificate in PEM that TLS can use" in failed.stderr
        assert fingerprint(server.port) == second
        # A socket of the first certificate stays.
        await channel.send(json.dumps([None, "1", "phoenix", "heartbeat", {}]))
        assert json.loads(await asyncio.wait_for(channel.recv(), 20))[4]["status"] == "ok"


def test_files_that_do_not_fit_are_named_at_start(folder, troupe):
    good = (folder / "key.pem").read_text()
    make_certificate(folder, "other")
    (folder / "key.pem").write_text(good)
    start = troupe("serve", *FREE_PORTS)
    assert start.returncode == 1
    assert "key.pem is not the key of the certificate in" in start.stderr
    (folder / "troupe.toml").write_text('[http]\ntls_key = "key.pem"\n' + CONFIG)
    assert "http.tls_key: TLS needs both tls_certificate and tls_key" in troupe("check").stderr
    (folder / "troupe.toml").write_text('[http]\ntls_certificate = "none.pem"\ntls_key = "key.pem"\n' + CONFIG)
    assert "http.tls_certificate: there is no file none.pem" in troupe("check").stderr
