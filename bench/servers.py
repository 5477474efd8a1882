"""The servers that can be measured: how each is made ready, started, found ready and stopped."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
BUILD = ROOT / "build" / "bench"
COUNTER = BUILD / "counter.wasm"
TROUPE = ROOT / "build" / "release" / "troupe"

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 15  # Troupe drains for up to 10 s
POLL_SECONDS = 0.02

SOCKET_URL = "ws://127.0.0.1:{port}/socket/websocket?vsn=2.0.0"
OBJECT_URL = "ws://127.0.0.1:{port}/channel/counter:{{i}}/websocket?vsn=2.0.0"


class Absent(Exception):
    """A server, or a tool, that cannot be had here; the text says why and what to install."""


class Broken(Exception):
    """Something that is here and does not do what it must."""


@dataclass(frozen=True)
class Place:
    """What one start of a server may use: its ports, and a folder that is gone after its end."""

    port: int
    admin_port: int
    folder: Path


@dataclass(frozen=True)
class Server:
    """One row of the table.

    `prepare` builds or installs what the server needs and raises Absent where it cannot; `command`
    is the process whose CPU and memory are measured.
    """

    name: str
    what: str
    prepare: Callable[[], None]
    command: Callable[[Place], list]
    url: str = SOCKET_URL
    load: tuple = ()  # arguments of phxload for this server alone
    health: str = ""  # a path that answers 200 when the server is ready; else its port is tried
    by_default: bool = True


@dataclass
class Process:
    """A server that runs: `pid` for the meters, `url` for the load, `place` for whoever asks it something."""

    server: Server
    pid: int
    url: str
    log: Path
    place: Place
    exit_status: int | None = field(default=None)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)


def run_tool(command, remedy, cwd=ROOT):
    """Runs a build step with its output on standard error; Absent, with the remedy, when it fails."""
    command = [str(part) for part in command]
    if not shutil.which(command[0]):
        raise Absent(f"{command[0]} is not installed; {remedy}")
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        raise Absent(f"`{' '.join(command)}` failed (its output is above); {remedy}")


def build_counter():
    run_tool([ROOT / "tools" / "cargo-wasm", BENCH / "counter", COUNTER], "see tools/cargo-wasm")


def build_phxload():
    """The load generator; its path."""
    manifest = BENCH / "phxload" / "Cargo.toml"
    target = BUILD / "phxload"
    run_tool(
        ["cargo", "build", "--release", "--quiet", "--manifest-path", manifest, "--target-dir", target],
        "install a Rust: apt-get install cargo-web rustc-web",
    )
    return target / "release" / "phxload"


def build_echo(name="echo"):
    """One of the two echoes, as build/bench/NAME-beast."""
    folder = BENCH / "peers" / "echo-beast"
    source = folder / f"{name}.cc"
    binary = BUILD / f"{name}-beast"
    newest = max(file.stat().st_mtime for file in (source, folder / "accept.h"))
    if binary.exists() and binary.stat().st_mtime > newest:
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    run_tool(
        ["g++", "-std=c++20", "-O2", "-DNDEBUG", source, "-o", binary, "-pthread"],
        "apt-get install g++ libboost1.81-dev",
    )


def install_peer(name):
    """Puts what a rival's package.json names into its node_modules, once for each version of that file."""
    folder = BENCH / "peers" / name
    wanted = (folder / "package.json").read_bytes()
    stamp = folder / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_bytes() == wanted:
        return
    shutil.rmtree(folder / "node_modules", ignore_errors=True)
    run_tool(
        ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"],
        "it needs npm, Node 20 or newer and a package registry",
        cwd=folder,
    )
    stamp.write_bytes(wanted)


def need_node():
    if not shutil.which("node"):
        raise Absent("node is not installed; it needs Node 20 or newer")


def prepare_node_ws():
    need_node()
    install_peer("node-ws")


def prepare_node_extism():
    need_node()
    build_counter()
    install_peer("node-extism")


WORKERD = BENCH / "peers" / "workerd-do"


def workerd_binary():
    found = sorted(WORKERD.glob("node_modules/@cloudflare/workerd-linux-*/bin/workerd"))
    return found[0] if found else None


def prepare_workerd():
    install_peer("workerd-do")
    if not workerd_binary():
        raise Absent("npm installed no workerd; it has binaries for Linux on x86-64 and arm64 alone")


def workerd(configuration, place, *more):
    return [
        workerd_binary(),
        "serve",
        f"--socket-addr=http=127.0.0.1:{place.port}",
        *more,
        WORKERD / "config.capnp",
        configuration,
    ]


def troupe(binary, name="troupe", config="troupe.toml", what="one shard, the counter plugin in Rust", by_default=True):
    """The server of this repository, from the given binary."""

    def prepare():
        if not binary.exists():
            shown = binary.relative_to(ROOT) if binary.is_relative_to(ROOT) else binary
            raise Absent(f"there is no {shown}; ./dev build makes build/release/troupe")
        build_counter()

    def command(place):
        return [
            binary,
            "serve",
            *("--config", BENCH / "troupe" / config),
            *("--listen", f"127.0.0.1:{place.port}"),
            *("--admin", f"127.0.0.1:{place.admin_port}"),
            *("--data", place.folder / "data"),
        ]

    return Server(
        name,
        f"this server, {what}",
        prepare,
        command,
        url=SOCKET_URL,
        health="/healthz",
        by_default=by_default,
    )


def known(troupe_binary):
    """All servers by name, in the order of a round: those compared most stand side by side."""
    servers = [
        Server(
            "workerd-sql",
            "workerd, a Durable Object for each topic, each event in SQLite",
            prepare_workerd,
            lambda place: workerd("sql", place, f"--directory-path=disk={place.folder}"),
            url=OBJECT_URL,
            by_default=False,
        ),
        Server(
            "workerd",
            "workerd, a Durable Object for each topic, state in memory",
            prepare_workerd,
            lambda place: workerd("memory", place),
            url=OBJECT_URL,
        ),
        Server(
            "node-ws",
            "Node, handlers in plain JavaScript",
            prepare_node_ws,
            lambda place: ["node", BENCH / "peers" / "node-ws" / "server.mjs", place.port],
        ),
        Server(
            "echo",
            "Boost.Beast, echoes each message: the floor",
            build_echo,
            lambda place: [BUILD / "echo-beast", place.port],
            load=("--protocol", "raw-echo"),
        ),
        troupe(troupe_binary),
        troupe(
            troupe_binary,
            "troupe-durable",
            "durable.toml",
            "an actor for each topic, each turn in the journal before it is shown",
            by_default=False,
        ),
        troupe(
            troupe_binary,
            "troupe-ungated",
            "ungated.toml",
            "an actor for each topic, and no journal",
            by_default=False,
        ),
        Server(
            "node-extism",
            "Node, the same plugin by Extism's JavaScript host",
            prepare_node_extism,
            lambda place: ["node", BENCH / "peers" / "node-extism" / "server.mjs", place.port, COUNTER],
        ),
    ]
    return {server.name: server for server in servers}


@contextmanager
def running(server, kept=None):
    """Starts a prepared server with fresh ports and an empty folder, or with one that is kept, and ends it afterwards."""
    BUILD.mkdir(parents=True, exist_ok=True)
    log = BUILD / f"{server.name}.log"
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=f"{server.name}-") as folder, log.open("ab") as output:
        place = Place(*free_ports(2), kept or Path(folder))
        child = subprocess.Popen(
            [str(part) for part in server.command(place)], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        process = Process(server, child.pid, server.url.format(port=place.port), log, place)
        try:
            wait_ready(server, child, place, log)
            yield process
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                process.exit_status = child.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                raise Broken(f"{server.name} did not end within {STOP_SECONDS_MAX} s of SIGTERM; see {log}") from None


def free_ports(count):
    """Ports that nobody listens on now. They are closed again, so another process could take one first;
    the server then fails to start and says so."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def wait_ready(server, child, place, log):
    deadline = time.monotonic() + START_SECONDS_MAX
    while not is_ready(server, place):
        if child.poll() is not None:
            raise Broken(f"{server.name} ended with status {child.returncode} at its start; see {log}")
        if time.monotonic() > deadline:
            raise Broken(f"{server.name} was not ready after {START_SECONDS_MAX} s; see {log}")
        time.sleep(POLL_SECONDS)


def is_ready(server, place):
    try:
        if server.health:
            url = f"http://127.0.0.1:{place.port}{server.health}"
            with urllib.request.urlopen(url, timeout=1) as answer:
                return answer.status == 200
        socket.create_connection(("127.0.0.1", place.port), timeout=1).close()
        return True
    except (OSError, urllib.error.HTTPError):
        return False
