"""Plugins that send HTTP requests, and the secrets the host fills in: the value is where it belongs, and nowhere else.
And what the operator has fetched: modules of a manifest by URL."""

import hashlib
import http.server
import json
import os
import ssl
import subprocess
import threading

import pytest
from websockets.sync.client import connect

from program import Running

SECRET = "value/of the-secret?42"
IN_URL = "value%2Fof%20the-secret%3F42"

# Every event sends what it is told to, and keeps the answer; what it logs and throws is the plugin's own to choose.
PLUGIN = """
import { handler } from "troupe";
export const init = handler(() => ({ answers: [] }));
export const send = handler(({ request, body }, { answers }) => {
  const answer = Http.request(request, body);
  console.log("answered", answer.status, answer.body);
  return { answers: [...answers, { status: answer.status, body: answer.body }] };
});
export const send_and_throw = handler(({ request, body }) => {
  const answer = Http.request(request, body);
  throw new Error(`no use for ${answer.body}`);
});
"""

CONFIG = """
[plugins.sender]
source = "sender.js"
behaviour = "live_state"
allowed_hosts = ["127.0.0.1"]
secrets = { KEY = { from = "env:TROUPE_TEST_KEY", hosts = ["127.0.0.1"] }, OTHER = { from = "file:other", hosts = ["a.example"] } }
timeout_ms = 20000

[[topics]]
match = "send:*"
plugin = "sender"
actor = "{topic}"
"""


@pytest.fixture(autouse=True)
def proxy(monkeypatch):
    """Of the environment, and not used: requests would end there."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    return server, thread


@pytest.fixture
def target():
    """A server on this machine that hands back whatever it is sent."""
    received = []

    class Echo(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, dict(self.headers), body))
            echo = json.dumps([self.path, dict(self.headers), body]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(echo)))
            self.send_header("X-Echo", self.headers["Authorization"] or "")
            self.end_headers()
            self.wfile.write(echo)

        def log_message(self, *_):
            pass

    server, thread = serve(Echo)
    thread.start()
    server.received = received
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Client:
    def __init__(self, server):
        self.socket = connect(server.url(), max_size=None, proxy=None)
        self.socket.send(json.dumps(["1", "1", "send:all", "phx_join", {}]))
        self.recv()
        self.state = self.recv()[4]["state"]

    def recv(self):
        return json.loads(self.socket.recv(60))

    def event(self, name, url, headers={}, body=""):
        request = {"url": url, "method": "POST", "headers": headers}
        self.socket.send(json.dumps(["1", "2", "send:all", "lvs_evt:" + name, {"request": request, "body": body}]))
        _, _, _, event, payload = self.recv()
        return event, payload


def files_with(folder, texts):
    """The files anywhere in the folder that have one of the texts in them."""
    found = []
    for path, _, names in os.walk(folder, followlinks=True):
        for name in names:
            content = open(os.path.join(path, name), "rb").read()
            found += [(name, text) for text in texts if text.encode() in content]
    return found


def test_a_secret_reaches_the_named_host_and_nothing_else(tmp_path, cache, target, monkeypatch):
    monkeypatch.setenv("TROUPE_TEST_KEY", SECRET)
    (tmp_path / "sender.js").write_text(PLUGIN)
    (tmp_path / "other").write_text("another secret\n")
    (tmp_path / "troupe.toml").write_text(CONFIG)
    with Running(tmp_path, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0") as server:
        client = Client(server)
        headers = {"Authorization": "Bearer {{secret.KEY}}"}
        event, payload = client.event("send", target.url + "/p?k={{secret.KEY}}", headers, "body {{secret.KEY}}")
        assert event == "state:patch", payload
        shown = json.dumps(payload)
        assert "Bearer {{secret.KEY}}" in shown and "body {{secret.KEY}}" in shown
        path, received, body = target.received[0]
        assert path == "/p?k=" + IN_URL
        assert received["Authorization"] == "Bearer " + SECRET
        assert body == "body " + SECRET

        errors = [
            client.event("send_and_throw", target.url + "/{{secret.KEY}}", headers, "{{secret.KEY}}"),
            client.event("send", target.url, {"X": "{{secret.OTHER}}"}),
            client.event("send", "http://127.0.0.1:1/{{secret.KEY}}", headers, "{{secret.KEY}}"),
            client.event("send", "http://{{secret.KEY}}/"),
            client.event("send", target.url, {"X": "{{secret.UNKNOWN}}"}),
            client.event("send", "http://user:{{secret.KEY}}@127.0.0.1:1/"),
        ]
        assert [event for event, _ in errors] == ["error"] * len(errors)
        shown += json.dumps(errors)
        assert "{{secret.OTHER}} may not be sent to 127.0.0.1" in shown
        assert "there is no secret UNKNOWN" in shown
        # Each error undid its turn, and the turn before ran again from its record: nothing was sent twice.
        event, payload = client.event("send", target.url + "/last", body="last")
        assert event == "state:patch", payload
        assert [path for path, _, _ in target.received] == ["/p?k=" + IN_URL, "/" + IN_URL, "/last"]
        keys = [headers["Idempotency-Key"] for _, headers, _ in target.received]
        assert len(set(keys)) == 3
        server.wait_for("answered 200")

        log = server.output()
        for text in (SECRET, IN_URL, "another secret"):
            assert text not in shown
            assert text not in log
    (tmp_path / "other").unlink()
    assert files_with(tmp_path, [SECRET, IN_URL, "another secret"]) == []


def test_a_plugin_without_allowed_hosts_reaches_nobody(tmp_path, cache, target, monkeypatch):
    monkeypatch.setenv("TROUPE_TEST_KEY", SECRET)
    (tmp_path / "sender.js").write_text(PLUGIN)
    (tmp_path / "other").write_text("another secret")
    (tmp_path / "troupe.toml").write_text(CONFIG.replace('allowed_hosts = ["127.0.0.1"]\n', ""))
    with Running(tmp_path, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0") as server:
        event, payload = Client(server).event("send", target.url)
        assert event == "error"
        assert payload["message"].endswith(f"HTTP request to {target.url}/ is not allowed")
    assert target.received == []


def test_a_server_that_nobody_vouches_for_gets_nothing(tmp_path, cache, monkeypatch):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, check=True, capture_output=True)
    received = []

    class Note(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(self.path)

    target, thread = serve(Note)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    target.socket = context.wrap_socket(target.socket, server_side=True)
    target.handle_error = lambda *_: None
    thread.start()
    monkeypatch.setenv("TROUPE_TEST_KEY", SECRET)
    (tmp_path / "sender.js").write_text(PLUGIN)
    (tmp_path / "other").write_text("another secret")
    (tmp_path / "troupe.toml").write_text(CONFIG)
    with Running(tmp_path, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0") as server:
        event, payload = Client(server).event(
            "send", f"https://127.0.0.1:{target.server_address[1]}/", {"Authorization": "{{secret.KEY}}"})
        assert event == "error"
        assert "certificate" in payload["message"]
    target.shutdown()
    thread.join()
    target.server_close()
    assert received == []


def test_mistakes_about_secrets_do_not_repeat_them(tmp_path, troupe):
    (tmp_path / "sender.js").write_text(PLUGIN)
    (tmp_path / "troupe.toml").write_text(CONFIG.replace("env:TROUPE_TEST_KEY", "sk_live_mistake"))
    (tmp_path / "other").write_text("short")
    result = troupe("check")
    assert result.returncode == 1
    assert "plugins.sender.secrets.KEY.from: must be" in result.stderr
    assert "the value of the secret OTHER has 5 bytes" in result.stderr
    assert "sk_live_mistake" not in result.stderr + result.stdout


# The same in Node and in a plugin: BASE is the server's URL.
FETCHING = """
export async function main(print) {
  const show = async (url, init) => {
    const answer = await fetch(BASE + url, init);
    const text = await answer.text();
    print(answer.status, answer.ok, answer.headers.get("x-note"), answer.headers.get("content-type"), text);
  };
  await show("/get?a=1&b=%20");
  await show("/post", { method: "POST", body: "plain é" });
  await show("/post", { method: "POST", body: new URLSearchParams({ a: "1 2", b: "é" }) });
  await show("/put", { method: "put", headers: { "Content-Type": "application/json", "X-Mine": "m" }, body: JSON.stringify({ a: [1] }) });
  await show("/bytes", { method: "POST", body: new Uint8Array([0, 255, 128]) });
  await show("/delete", { method: "DELETE" });
  await show("/status/404");
  await show("/status/503", { method: "POST", body: "x" });
  await show("/status/204");
  await show("/redirect/302", { method: "POST", body: "lost" });
  await show("/redirect/307", { method: "POST", body: "kept" });
  const json = await (await fetch(new Request(BASE + "/get", { headers: new Headers([["x-mine", "1"], ["x-mine", "2"]]) }))).json();
  print(JSON.stringify(json));
  const bytes = new Uint8Array(await (await fetch(BASE + "/large")).arrayBuffer());
  print(bytes.length, bytes[0], bytes[299999]);
  const all = await Promise.all([1, 2, 3].map((n) => fetch(`${BASE}/get?n=${n}`).then((answer) => answer.json())));
  print(all.map((each) => each.path).join());
  const controller = new AbortController();
  controller.abort();
  print(await fetch(BASE + "/get", { signal: controller.signal }).then(() => "answered", (error) => error.name));
  print(await fetch("nonsense").then(() => "answered", (error) => error.name));
}
"""


class Shown(http.server.BaseHTTPRequestHandler):
    """Answers with what it got."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        kind, _, value = self.path.strip("/").partition("/")
        status = int(value) if kind in ("status", "redirect") else 200
        text = b"x" * 300_000 if kind == "large" else b"" if status == 204 else json.dumps(
            {"method": self.command, "path": self.path, "type": self.headers["Content-Type"], "mine": self.headers["X-Mine"],
             "body": body.decode("latin1")}).encode()
        self.send_response(status)
        if kind == "redirect":
            self.send_header("Location", "/shown")
        self.send_header("X-Note", "noted")
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def shown():
    server, thread = serve(Shown)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetch_does_the_same_as_in_node(tmp_path, troupe, shown):
    program = f"const BASE = {json.dumps(shown)};\n" + FETCHING
    (tmp_path / "program.mjs").write_text(program)
    (tmp_path / "in_node.mjs").write_text(
        'import { main } from "./program.mjs";\nawait main((...values) => console.log(values.join(" ")));\n')
    (tmp_path / "in_troupe.mjs").write_text(
        'import { main } from "./program.mjs";\nexport async function run() {\n  const lines = [];\n'
        '  await main((...values) => lines.push(values.join(" ")));\n  Host.outputString(lines.join("\\n"));\n}\n')
    node = subprocess.run(["node", "in_node.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert node.returncode == 0, node.stderr
    ours = troupe("call", "in_troupe.mjs", "run", "--allow-host", "127.0.0.1", "--enable-http-response-headers")
    assert ours.returncode == 0, ours.stderr
    assert len(node.stdout.splitlines()) > 15
    assert ours.stdout.splitlines() == node.stdout.splitlines()


COUNT = """(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory 1)
  (func (export "run") (result i32) (local $block i64)
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (i32.const 55))
    (call $output_set (local.get $block) (i64.const 1))
    (i32.const 0)))
"""


@pytest.fixture
def modules():
    """A server that has COUNT at /count.wat for who has the token, and sends /moved there."""

    class Module(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/count.wat")
                self.end_headers()
            elif self.headers["Authorization"] == "Bearer t" or self.path == "/open.wat":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(COUNT.encode())
            else:
                self.send_error(401)

        def log_message(self, *_):
            pass

    server, thread = serve(Module)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_modules_are_fetched_as_the_manifest_says(tmp_path, troupe, modules):
    def call(**module):
        (tmp_path / "manifest.json").write_text(json.dumps({"wasm": [module]}))
        return troupe("call", "-m", "manifest.json", "run")

    token = {"Authorization": "Bearer t"}
    good = call(url=modules + "/count.wat", headers=token, hash=hashlib.sha256(COUNT.encode()).hexdigest())
    assert (good.returncode, good.stdout) == (0, "7\n"), good.stderr
    assert call(url=modules + "/moved", headers=token).stdout == "7\n"
    refused = call(url=modules + "/count.wat")
    assert refused.returncode == 1
    assert "/count.wat: the server answered with status 401" in refused.stderr
    other = call(url=modules + "/count.wat", headers=token, hash="0" * 64)
    assert other.returncode == 1
    assert "wasm[0]: Hash mismatch" in other.stderr


def test_a_module_and_what_it_is_linked_with_may_be_urls(troupe, modules):
    assert troupe("call", modules + "/open.wat", "run").stdout == "7\n"
    linked = troupe("call", modules + "/open.wat", "run", "--link", f"other={modules}/open.wat")
    assert linked.stdout == "7\n", linked.stderr


def test_a_github_token_goes_to_nobody_else(troupe, modules, monkeypatch):
    refused = troupe("call", modules + "/count.wat", "run", "--github-token", "t")
    assert refused.returncode == 1 and "status 401" in refused.stderr
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    refused = troupe("call", modules + "/count.wat", "run")
    assert refused.returncode == 1 and "status 401" in refused.stderr
