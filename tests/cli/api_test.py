"""The API on the admin address: its rows, its statuses, and what it does to viewers that are there."""

import base64
import http.client
import json
import os
import signal

import pytest

from program import Running
from serve_test import CONFIG, FREE_PORTS, Viewer, admin_port, share_cache

COUNTER = """
import { handler, reply, broadcast } from "troupe";
export const init = handler(() => ({ count: 0 }));
export const add = handler(({ by = 1 }, { count }) => {
  reply("added", { by });
  broadcast("rang", { count });
  return { count: count + by };
});
export const refuse = handler(() => { throw new Error("not today"); });
export const spin = handler(() => { for (;;); });
"""

ECHO = """
export function echo() { Host.outputString(Host.inputString()); }
export function log() { console.log(Host.inputString()); Host.outputString(""); }
"""


@pytest.fixture
def folder(tmp_path, cache):
    (tmp_path / "counter.js").write_text(COUNTER)
    (tmp_path / "echo.js").write_text(ECHO)
    (tmp_path / "troupe.toml").write_text(
        CONFIG + '[plugins.echo]\nsource = "echo.js"\n[plugins.later]\n'
        '[limits]\nupload_bytes = 4194304\nhttp_body_bytes = 65536\n')
    share_cache(tmp_path / "troupe-data", cache)
    return tmp_path


class Api:
    def __init__(self, server, folder):
        self.port = admin_port(server)
        self.token = (folder / "troupe-data/admin.token").read_text()

    def open(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        connection.request(method, "/api/v1" + path, body, headers)
        return connection.getresponse()

    def __call__(self, method, path, body=None, **headers):
        response = self.open(method, path, body, **headers)
        text = response.read()
        kind = response.headers["Content-Type"] or ""
        return response, json.loads(text) if "json" in kind else text

    def ok(self, method, path, body=None):
        response, value = self(method, path, body)
        assert response.status < 300, value
        return value

    def problem(self, status, kind, method, path, body=None, **headers):
        response, value = self(method, path, body, **headers)
        assert response.headers["Content-Type"] == "application/problem+json", value
        assert (response.status, value["status"], value["type"]) == (status, status, kind), value
        assert value["request_id"] and value["title"] and value["detail"]
        return response, value


@pytest.fixture
def served(folder):
    with Running(folder, "serve", *FREE_PORTS) as server:
        yield server, Api(server, folder)


def data_of(stream):
    while True:
        line = stream.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            return json.loads(line[6:])


def build(troupe, folder, name, source):
    (folder / f"{name}.js").write_text(source)
    done = troupe("build", f"{name}.js")
    assert done.returncode == 0, done.stderr
    return (folder / f"{name}.wasm").read_bytes()


def test_calls_and_events_are_answered(served):
    server, api = served
    assert api.ok("POST", "/actors/echo/call/echo?key=a", b"\x00bytes") == b"\x00bytes"
    answer = api.ok("POST", "/actors/counter/event/add?key=counter:a", b'{"by":5}')
    assert answer == {"seq": 2, "state": {"count": 5}, "replies": [{"name": "added", "detail": {"by": 5}}]}
    assert Viewer(server, "counter:a").state == {"count": 5}


def test_each_failure_has_its_status(served):
    _, api = served
    api.problem(401, "unauthorized", "GET", "/actors", Authorization="Bearer no")
    api.problem(400, "bad-json", "POST", "/actors/counter/event/add?key=a", b'{"by":')
    api.problem(400, "bad-key", "POST", "/actors/counter/event/add?key=", b"{}")
    api.problem(404, "missing", "POST", "/actors/nobody/call/echo?key=a", b"")
    api.problem(404, "missing", "POST", "/actors/echo/call/nothing?key=a", b"")
    api.problem(404, "refused", "POST", "/actors/counter/call/add?key=a", b"")
    api.problem(404, "missing", "GET", "/actors/echo?key=nobody")
    api.problem(404, "missing", "GET", "/actors/echo/watch?key=nobody")
    api.problem(404, "missing", "POST", "/actors/later/call/echo?key=a", b"")
    _, error = api.problem(422, "error", "POST", "/actors/counter/event/refuse?key=a", b"{}")
    assert error["detail"] == "not today"
    api.problem(504, "timeout", "POST", "/actors/counter/event/spin?key=a", b"{}")
    api.problem(413, "too-large", "POST", "/actors/echo/call/echo?key=a", b"x" * 70_000)
    response, _ = api.problem(405, "method", "POST", "/actors", b"")
    assert response.headers["Allow"] == "GET"


def test_actors_are_listed_by_pages_and_steered(served):
    _, api = served
    for key in "cab":
        api.ok("POST", f"/actors/echo/call/echo?key={key}", b"")
    page = api.ok("GET", "/actors?plugin=echo&limit=2")
    assert [each["address"] for each in page["actors"]] == ["echo/a", "echo/b"]
    rest = api.ok("GET", f"/actors?plugin=echo&limit=2&after={page['next']}")
    assert ([each["address"] for each in rest["actors"]], rest["next"]) == (["echo/c"], None)
    assert api.ok("POST", "/actors/echo/stop?key=a")["status"] == "asleep"
    assert api.ok("POST", "/actors/echo/restart?key=b")["status"] == "asleep"
    assert api("DELETE", "/actors/echo?key=c")[0].status == 204
    api.problem(404, "missing", "DELETE", "/actors/echo?key=c")


def test_a_watch_shows_an_actor_and_starts_none(served):
    server, api = served
    viewer = Viewer(server, "counter:w")
    stream = api.open("GET", "/actors/counter/watch?key=counter:w")
    assert data_of(stream) == {"type": "state", "version": 0, "state": {"count": 0}}
    viewer.send("add")
    assert data_of(stream) == {"type": "push", "name": "rang", "detail": {"count": 0}}
    assert data_of(stream)["patch"] == [{"op": "replace", "path": "/count", "value": 1}]
    assert api("DELETE", "/actors/counter?key=counter:w")[0].status == 204
    assert data_of(stream) == {"type": "ended", "reason": "over"}


def test_logs_tell_what_was_said_and_what_is(served):
    _, api = served
    api.ok("POST", "/actors/echo/call/log?key=a", b"before")
    stream = api.open("GET", "/actors/echo/logs?key=a")
    assert data_of(stream)["text"] == "before"
    api.ok("POST", "/actors/echo/call/log?key=other", b"of another")
    api.ok("POST", "/actors/echo/call/log?key=a", b"after")
    line = data_of(stream)
    assert (line["level"], line["text"], line["turn"]) == ("info", "after", 2)


def test_a_deploy_switches_live_actors_and_a_refused_one_changes_nothing(served, troupe, folder):
    server, api = served
    viewer = Viewer(server, "counter:a")
    viewer.send("add")
    tens = build(troupe, folder, "tens", COUNTER.replace("by = 1", "by = 10"))
    response, first = api("PUT", "/plugins/counter", tens)
    assert response.status == 201
    assert api("PUT", "/plugins/counter", tens)[0].status == 200
    assert api.ok("POST", "/actors/counter/event/add?key=counter:a", b"{}")["state"] == {"count": 11}
    assert api.ok("GET", "/plugins/counter")["version"] == first["version"]

    _, refused = api.problem(422, "refused", "PUT", "/plugins/counter", build(troupe, folder, "bare", ECHO))
    assert "but not init" in refused["reasons"][0]
    api.problem(422, "refused", "PUT", "/plugins/counter", b"no module")
    api.problem(413, "too-large", "PUT", "/plugins/counter", b"x" * 5_000_000)
    api.problem(404, "missing", "PUT", "/plugins/nobody", tens)
    stubborn = COUNTER + 'export const migrate = handler(() => { throw new Error("never"); });\n'
    _, conflict = api.problem(409, "conflict", "PUT", "/plugins/counter", build(troupe, folder, "stubborn", stubborn))
    assert "never" in conflict["reasons"][0]
    assert api.ok("POST", "/actors/counter/event/add?key=counter:a", b"{}")["state"] == {"count": 21}

    assert api("POST", "/plugins/counter/rollback")[0].status == 200
    assert api.ok("POST", "/actors/counter/event/add?key=counter:a", b"{}")["state"] == {"count": 22}
    api.problem(409, "conflict", "POST", "/plugins/counter/rollback")
    api.problem(409, "conflict", "DELETE", "/plugins/counter")
    assert api("DELETE", "/plugins/counter?force")[0].status == 204
    api.problem(404, "missing", "POST", "/actors/counter/event/add?key=counter:a", b"{}")


COUNT_AND_GREET = """
export function greet() {
  Var.set("n", String(Number(Var.getString("n") ?? "0") + 1));
  Host.outputString(`${Config.get("greeting")} ${Var.getString("n")}MARK`);
}
"""


def manifest(wasm, greeting, **more):
    return json.dumps({"wasm": [{"data": base64.b64encode(wasm).decode()}], "config": {"greeting": greeting}, **more})


def test_manifests_are_versions_with_their_settings(served, troupe, folder):
    _, api = served
    first = build(troupe, folder, "first", COUNT_AND_GREET)
    second = build(troupe, folder, "second", COUNT_AND_GREET.replace("MARK", "!"))
    greet = lambda: api.ok("POST", "/actors/later/call/greet?key=a", b"").decode()  # noqa: E731
    response, hello = api("PUT", "/plugins/later", manifest(first, "hello"))
    assert response.status == 201
    assert greet() == "hello 1MARK"
    assert api("PUT", "/plugins/later", " " + manifest(first, "hello"))[0].status == 200
    response, hi = api("PUT", "/plugins/later", manifest(first, "hi"))
    assert (response.status, hi == hello) == (201, False)
    assert greet() == "hi 2MARK"
    assert api("PUT", "/plugins/later", manifest(second, "hi"))[0].status == 201
    assert greet() == "hi 3!"
    assert api.ok("POST", f"/plugins/later/rollback?to={hello['version']}") == hello
    assert greet() == "hello 4MARK"
    versions = api.ok("GET", "/plugins/later")["versions"]
    assert [(each["kind"], each["current"], each["actors"]) for each in versions] == [
        ("manifest", True, 1), ("manifest", False, 0), ("manifest", False, 0)]
    assert api.ok("GET", "/actors/later?key=a")["version"] == hello["version"]

    for wrong, reason in (
            ({"wasm": [{"path": "/etc/passwd"}]}, "wasm[0].path names a file"),
            ({"wasm": [{"url": "https://example.com/x.wasm"}]}, "wasm[0].url names an address"),
            ({"wasm": [{"data": "AAAA"}], "memroy": {}}, "memroy: unknown key"),
            (json.loads(manifest(first, "x", allowed_paths={"/": "/"})), "allowed_paths opens folders"),
            ({"wasm": [{"data": "AAAA"}]}, "the manifest: ")):
        _, refused = api.problem(422, "refused", "PUT", "/plugins/later", json.dumps(wrong))
        assert reason in refused["reasons"][0]
    assert greet() == "hello 5MARK"


def test_a_manifest_of_the_configuration_is_a_deployment_too(troupe, folder):
    build(troupe, folder, "one", COUNT_AND_GREET)
    other = build(troupe, folder, "other", COUNT_AND_GREET.replace("MARK", "?"))
    (folder / "greeter.json").write_text(json.dumps({"wasm": [{"path": "one.wasm"}], "config": {"greeting": "hello"}}))
    (folder / "troupe.toml").write_text(
        (folder / "troupe.toml").read_text() + '[plugins.greeter]\nmanifest = "greeter.json"\n')
    greet = lambda api: api.ok("POST", "/actors/greeter/call/greet?key=a", b"").decode()  # noqa: E731
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        assert greet(api) == "hello 1MARK"
        (folder / "uploaded.toml").write_text(
            '[[wasm]]\npath = "other.wasm"\n[config]\ngreeting = "uploaded"\n')
        done = troupe("deploy", "greeter", "uploaded.toml")
        assert (done.returncode, "is live" in done.stdout) == (0, True), done.stderr
        assert greet(api) == "uploaded 2?"
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        assert greet(api) == "uploaded 3?"
        (folder / "one.wasm").write_bytes(other)  # a module that the manifest names
        assert troupe("reload").returncode == 0
        assert greet(api) == "hello 4?"
        assert troupe("rollback", "greeter").returncode == 0
        assert greet(api) == "uploaded 5?"


def test_a_deploy_outlives_the_server_until_the_file_changes(troupe, folder):
    echo = build(troupe, folder, "loud", 'export function echo() { Host.outputString("LOUD"); }')
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        assert api("PUT", "/plugins/echo", echo)[0].status == 201
        assert api("PUT", "/plugins/later", echo)[0].status == 201
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        assert api.ok("POST", "/actors/echo/call/echo?key=a", b"quiet") == b"LOUD"
        assert api.ok("POST", "/actors/later/call/echo?key=a", b"quiet") == b"LOUD"
        (folder / "echo.js").write_text(ECHO + "// changed\nexport function more() {}\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("troupe.toml is applied")
        assert api.ok("POST", "/actors/echo/call/echo?key=a", b"quiet") == b"quiet"


def test_metrics_count_by_plugin_and_never_by_key(served):
    server, api = served
    api.ok("POST", "/actors/echo/call/echo?key=secret-key", b"")
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=20)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    text = response.read().decode()
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'troupe_turns_total{plugin="echo",result="done"} 1\n' in text
    assert 'troupe_turn_seconds_count{plugin="echo"} 1\n' in text
    assert "secret-key" not in text
    assert api.token not in server.output()


def test_logs_can_be_json(folder):
    config = (folder / "troupe.toml").read_text()
    (folder / "troupe.toml").write_text(config + '[log]\nformat = "json"\n')
    with Running(folder, "serve", *FREE_PORTS) as server:
        api = Api(server, folder)
        api.ok("POST", "/actors/echo/call/log?key=a", b"hello")
        line = json.loads(server.wait_for(r'^(\{.*"hello".*\})$')[1])
        assert (line["actor"], line["turn"], line["text"], line["level"]) == ("echo/a", 1, "hello", "info")
        response, _ = api("DELETE", "/actors/echo?key=a")
        line = json.loads(server.wait_for(r'^(\{.*"DELETE .*\})$')[1])
        assert line["request_id"] == response.headers["X-Request-Id"]


def test_commands_say_what_is_wrong(troupe, folder):
    gone = troupe("plugins")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "troupe serve" in gone.stderr
    assert troupe("actor", "show", "no-address", "--server", "http://127.0.0.1:1").returncode == 2
    os.environ["TROUPE_TOKEN"] = "x"
    try:
        refused = troupe("plugins", "--server", "http://127.0.0.1:1")
    finally:
        del os.environ["TROUPE_TOKEN"]
    assert refused.returncode == 1
    assert "no server answers at http://127.0.0.1:1; start one with troupe serve" in refused.stderr


def test_commands_print_json_and_reload_says_the_mistakes(served, troupe, folder):
    assert {each["name"] for each in json.loads(troupe("plugins", "--json").stdout)["plugins"]} == {
        "counter", "echo", "later"}
    assert json.loads(troupe("actor", "list", "--json").stdout) == []
    assert troupe("reload").stdout == "the configuration is applied\n"
    (folder / "troupe.toml").write_text("nonsense = 1\n" + (folder / "troupe.toml").read_text())
    mistaken = troupe("reload")
    assert mistaken.returncode == 1
    assert "troupe.toml:1:1: nonsense: unknown key" in mistaken.stderr
