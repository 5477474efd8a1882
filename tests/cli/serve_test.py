"""check and serve: a configuration, and the server made of it."""

import http.client
import json
import os
import pathlib
import signal
import socket

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from program import Running
from troupe import STOP_SECONDS_MAX

ROOT = pathlib.Path(__file__).resolve().parents[2]

COUNTER = """
import { handler } from "troupe";
export const init = handler(() => ({ count: 0 }));
export const add = handler((_, { count }) => ({ count: count + 1 }));
"""

CONFIG = """
[plugins.counter]
source = "counter.js"
behaviour = "live_state"

[[topics]]
match = "counter:*"
plugin = "counter"
actor = "{topic}"
"""

FREE_PORTS = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]


@pytest.fixture
def counter(tmp_path, cache):
    (tmp_path / "counter.js").write_text(COUNTER)
    (tmp_path / "troupe.toml").write_text(CONFIG)
    share_cache(tmp_path / "troupe-data", cache)


def share_cache(data, cache):
    """Lets a data folder find what was compiled before, since the core takes a second or more each time."""
    shared = cache / "of-servers"
    shared.mkdir(mode=0o700, exist_ok=True)
    data.mkdir(mode=0o700)
    (data / "cache").symlink_to(shared)


def get(port, path, headers={}, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def admin_port(server):
    return int(server.wait_for(r"http://127\.0\.0\.1:(\d+) for operators")[1])


class Viewer:
    """A browser on one topic: joined, and told what it hears."""

    def __init__(self, server, topic):
        self.topic = topic
        self.socket = connect(server.url())
        self.socket.send(json.dumps(["1", "1", topic, "phx_join", {}]))
        joined = self.hear()
        assert joined[3:] == ["phx_reply", {"response": {}, "status": "ok"}], joined
        self.state = self.hear()[4]["state"]

    def hear(self):
        return json.loads(self.socket.recv(timeout=20))

    def send(self, event, payload={}):
        self.socket.send(json.dumps(["1", "2", self.topic, f"lvs_evt:{event}", payload]))
        return self.hear()[3:]


class TestCheck:
    @pytest.mark.usefixtures("counter")
    def test_says_that_a_sound_file_is_sound(self, troupe):
        result = troupe("check")
        assert (result.returncode, result.stdout) == (0, "troupe.toml is sound: 1 plugin, 1 topic\n"), result.stderr

    @pytest.mark.usefixtures("counter")
    def test_prints_who_serves_which_topic(self, troupe):
        printed = troupe("check", "--print").stdout
        assert printed.splitlines()[0].split() == ["topic", "plugin", "behaviour", "actor", "shared", "by", "durability"]
        assert "counter:*  counter  live_state  {topic}  all viewers of the topic  commit" in printed
        (row,) = json.loads(troupe("check", "--json").stdout)
        assert row == {"topic": "counter:*", "plugin": "counter", "behaviour": "live_state", "actor": "{topic}",
                       "shared_by": "all viewers of the topic", "durability": "commit"}

    def test_names_every_mistake_with_its_place(self, troupe, tmp_path):
        (tmp_path / "troupe.toml").write_text('dta_dir = "x"\n[plugins.a]\nsource = "a.js"\nbehaviour = "live_state"\n')
        result = troupe("check")
        assert result.returncode == 1
        assert result.stdout == ""
        assert 'troupe.toml:1:1: dta_dir: unknown key, did you mean "data_dir"?\n' in result.stderr
        assert "troupe.toml:3:10: plugins.a.source: there is no file a.js\n" in result.stderr
        assert "topics: there is none" in result.stderr

    @pytest.mark.usefixtures("counter")
    def test_names_what_is_wrong_in_each_plugin(self, troupe, tmp_path):
        (tmp_path / "bare.js").write_text("export function bump() {}\n")
        (tmp_path / "bad.js").write_text("export const = 1;\n")
        (tmp_path / "troupe.toml").write_text(
            CONFIG + 'events = ["addd", "init"]\n'
            '[plugins.bare]\nsource = "bare.js"\nbehaviour = "live_state"\n'
            '[plugins.bad]\nsource = "bad.js"\nbehaviour = "live_state"\n')
        result = troupe("check")
        assert result.returncode == 1
        assert "troupe.toml:11:10: plugins.bare: bare.js exports bump, but not init" in result.stderr
        assert "troupe.toml:14:10: plugins.bad: " in result.stderr and "bad.js:1:14" in result.stderr
        assert 'topics[0].events: "addd" is not exported by the plugin "counter", did you mean "add"?' in result.stderr
        assert 'topics[0].events: "init" is none' in result.stderr

    def test_the_examples_are_sound(self, troupe, monkeypatch):
        monkeypatch.setenv("FORM_TOKEN", "what the example of the form wants")
        for config in (ROOT / "examples").glob("*/troupe.toml"):
            for crate in config.parent.glob("*/Cargo.toml"):
                assert list(crate.parent.glob("*.wasm")), f"tools/cargo-wasm {crate.parent} makes its plugin"
            result = troupe("check", "--config", str(config))
            assert result.returncode == 0, result.stderr


@pytest.mark.usefixtures("counter")
class TestServe:
    def serve(self, folder, *arguments):
        return Running(folder, "serve", *FREE_PORTS, *arguments)

    def test_prints_a_table_and_its_addresses_and_ends_well(self, tmp_path):
        server = self.serve(tmp_path)
        with server:
            assert "counter:*  counter  live_state  {topic}  all viewers of the topic  commit" in server.output()
            assert get(server.port, "/healthz")[0].status == 200
            assert get(admin_port(server), "/healthz")[0].status == 200
            assert get(admin_port(server), "/readyz")[0].status == 200
            assert get(server.port, "/readyz")[0].status == 404
        assert server.process.returncode == 0

    def test_sends_its_clients_away_with_1012(self, tmp_path):
        with self.serve(tmp_path) as server:
            viewer = Viewer(server, "counter:a")
            assert viewer.send("add")[0] == "state:patch"
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                viewer.hear()
            assert closed.value.rcvd.code == 1012
            assert server.process.wait(STOP_SECONDS_MAX) == 0

    def test_a_second_server_on_the_same_data_is_refused_by_the_firsts_pid(self, troupe, tmp_path):
        with self.serve(tmp_path) as server:
            second = troupe("serve", *FREE_PORTS)
            assert second.returncode == 1
            assert f"in use by another troupe, pid {server.process.pid};" in second.stderr
        with self.serve(tmp_path):
            pass

    def test_an_address_that_is_taken_is_named(self, troupe):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            result = troupe("serve", "--listen", address, "--admin", "127.0.0.1:0")
            assert result.returncode == 1
            assert address in result.stderr and "--listen" in result.stderr

    def test_does_not_start_with_a_mistake(self, troupe, tmp_path):
        (tmp_path / "troupe.toml").write_text(CONFIG + "maxversion = 3\n")
        result = troupe("serve", *FREE_PORTS)
        assert result.returncode == 1
        assert 'troupe.toml:10:1: topics[0].maxversion: unknown key, did you mean "max_version"?' in result.stderr

    def test_the_browser_module_is_answered_once(self, tmp_path):
        with self.serve(tmp_path) as server:
            response, body = get(server.port, "/troupe.js")
            assert response.status == 200
            assert response.headers["Content-Type"].startswith("text/javascript")
            assert "troupeDev = true" not in body
            again, nothing = get(server.port, "/troupe.js", {"If-None-Match": response.headers["ETag"]})
            assert (again.status, nothing) == (304, "")
            assert get(server.port, "/troupe.js.map")[0].status == 200
            assert get(server.port, "/dev/events")[0].status == 404

    def test_keeps_its_session_key_and_compiled_modules_in_the_data_folder(self, tmp_path):
        with self.serve(tmp_path, "--data", "elsewhere"):
            key = tmp_path / "elsewhere/session.key"
            first = key.read_bytes()
            assert key.stat().st_mode & 0o777 == 0o600
            assert any((tmp_path / "elsewhere/cache/modules").iterdir())
        with self.serve(tmp_path, "--data", "elsewhere"):
            assert key.read_bytes() == first
        assert not (tmp_path / "troupe-data/session.key").exists()

    def test_sighup_applies_changed_plugins_and_topics(self, tmp_path):
        with self.serve(tmp_path) as server:
            viewer = Viewer(server, "counter:a")
            assert viewer.send("add")[1]["patch"] == [{"op": "replace", "path": "/count", "value": 1}]
            (tmp_path / "counter.js").write_text(COUNTER.replace("count + 1", "count + 10"))
            (tmp_path / "troupe.toml").write_text(CONFIG + '[[topics]]\nmatch = "other"\nplugin = "counter"\n')
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("troupe.toml is applied")
            assert viewer.send("add")[1]["patch"] == [{"op": "replace", "path": "/count", "value": 11}]
            assert Viewer(server, "other").state == {"count": 0}

    def test_sighup_with_a_mistake_changes_nothing(self, tmp_path):
        with self.serve(tmp_path) as server:
            (tmp_path / "troupe.toml").write_text(CONFIG + "maxversion = 3\n")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("troupe.toml is not applied")
            server.wait_for('troupe.toml:10:1: topics\\[0\\].maxversion: unknown key')
            assert Viewer(server, "counter:a").state == {"count": 0}


def next_event(stream, kind):
    """The next message of that kind from /dev/events."""
    while True:
        line = stream.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: ") and (message := json.loads(line[6:]))["type"] == kind:
            return message


@pytest.mark.usefixtures("counter")
class TestDev:
    def events(self, server):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", "/dev/events")
        response = connection.getresponse()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        return response

    def test_saving_swaps_the_code_and_keeps_the_state(self, tmp_path):
        with Running(tmp_path, "dev", "counter.js", "--listen", "127.0.0.1:0") as server:
            server.wait_for(r"built counter\.js in \d+ ms, live")
            stream = self.events(server)
            plugin = next_event(stream, "plugin")
            assert (plugin["name"], plugin["topic"], plugin["events"]) == ("counter", "counter:try", ["add"])
            viewer = Viewer(server, "counter:a")
            assert viewer.send("add")[1]["patch"] == [{"op": "replace", "path": "/count", "value": 1}]

            (tmp_path / "counter.js").write_text(COUNTER.replace("count + 1", "count + 10"))
            swapped = next_event(stream, "plugin")
            assert swapped["version"] != plugin["version"]
            assert viewer.send("add")[1]["patch"] == [{"op": "replace", "path": "/count", "value": 11}]

    def test_a_failed_build_is_shown_and_the_old_code_goes_on(self, tmp_path):
        with Running(tmp_path, "dev", "counter.js", "--listen", "127.0.0.1:0") as server:
            stream = self.events(server)
            assert next_event(stream, "build")["ok"] is True
            (tmp_path / "counter.js").write_text(COUNTER + "export const = 1;\n")
            failed = next_event(stream, "build")
            assert failed["ok"] is False
            assert (failed["error"]["file"], failed["error"]["line"]) == ("counter.js", 5)
            assert "^" in failed["error"]["excerpt"]
            server.wait_for(r"counter\.js:5:14")
            assert Viewer(server, "counter:a").send("add")[0] == "state:patch"
            (tmp_path / "counter.js").write_text(COUNTER)
            assert next_event(stream, "build")["ok"] is True

    def test_begins_with_a_broken_plugin_and_takes_it_when_it_is_mended(self, tmp_path):
        (tmp_path / "counter.js").write_text("import './missing.js';\n" + COUNTER)
        with Running(tmp_path, "dev", "counter.js", "--listen", "127.0.0.1:0") as server:
            assert "nothing answers yet" in server.output()
            # The file that was missed comes to be.
            (tmp_path / "missing.js").write_text("export {};\n")
            server.wait_for(r"built counter\.js in \d+ ms, live")
            assert Viewer(server, "counter:a").state == {"count": 0}

    def test_watches_what_is_imported_and_renamed_over(self, tmp_path):
        (tmp_path / "step.js").write_text("export const step = 1;\n")
        (tmp_path / "counter.js").write_text(
            "import { step } from './step';\n" + COUNTER.replace("count + 1", "count + step"))
        with Running(tmp_path, "dev", "counter.js", "--listen", "127.0.0.1:0") as server:
            stream = self.events(server)
            next_event(stream, "plugin")
            viewer = Viewer(server, "counter:a")
            (tmp_path / "step.js.new").write_text("export const step = 5;\n")
            os.replace(tmp_path / "step.js.new", tmp_path / "step.js")
            next_event(stream, "plugin")
            assert viewer.send("add")[1]["patch"] == [{"op": "replace", "path": "/count", "value": 5}]

    def test_typescript_is_stripped_again_on_save(self, tmp_path):
        source = COUNTER.replace("handler(", "handler<any>(", 1)
        (tmp_path / "typed.ts").write_text("type Step = number;\nconst step: Step = 1;\n" + source.replace("count + 1", "count + step"))
        with Running(tmp_path, "dev", "typed.ts", "--listen", "127.0.0.1:0") as server:
            server.wait_for(r"built typed\.ts in \d+ ms, live")
            stream = self.events(server)
            next_event(stream, "plugin")
            viewer = Viewer(server, "typed:a")
            assert viewer.send("add")[1]["patch"] == [{"op": "replace", "path": "/count", "value": 1}]
            (tmp_path / "typed.ts").write_text("const step: = 5;\n" + source)
            server.wait_for(r"typed\.ts:1:")
            assert viewer.send("add")[1]["patch"] == [{"op": "replace", "path": "/count", "value": 2}]
            (tmp_path / "typed.ts").write_text("const step = 5 as number;\n" + source.replace("count + 1", "count + step"))
            next_event(stream, "plugin")
            assert viewer.send("add")[1]["patch"] == [{"op": "replace", "path": "/count", "value": 7}]

    def test_a_module_is_watched_too(self, troupe, tmp_path):
        assert troupe("build", "counter.js").returncode == 0
        with Running(tmp_path, "dev", "counter.wasm", "--listen", "127.0.0.1:0") as server:
            stream = self.events(server)
            next_event(stream, "plugin")
            viewer = Viewer(server, "counter:a")
            (tmp_path / "counter.js").write_text(COUNTER.replace("count + 1", "count + 10"))
            assert troupe("build", "counter.js").returncode == 0
            next_event(stream, "plugin")
            assert viewer.send("add")[1]["patch"] == [{"op": "replace", "path": "/count", "value": 10}]

    def test_serves_the_page_to_try_it_and_says_dev_in_the_module(self, tmp_path):
        with Running(tmp_path, "dev", "counter.js", "--listen", "127.0.0.1:0") as server:
            response, page = get(server.port, "/")
            assert response.status == 200 and "<html" in page
            response, module = get(server.port, "/troupe.js")
            assert module.startswith("globalThis.troupeDev = true;\n")
            again, _ = get(server.port, "/troupe.js", {"If-None-Match": response.headers["ETag"]})
            assert again.status == 304

    def test_with_a_configuration_applies_its_changes(self, tmp_path):
        with Running(tmp_path, "dev", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0") as server:
            (tmp_path / "more.js").write_text(COUNTER)
            (tmp_path / "troupe.toml").write_text(
                CONFIG + '[plugins.more]\nsource = "more.js"\nbehaviour = "live_state"\n'
                '[[topics]]\nmatch = "more"\nplugin = "more"\n')
            server.wait_for("built more.js in")
            assert Viewer(server, "more").state == {"count": 0}

    def test_a_file_that_is_not_there_is_named(self, troupe):
        result = troupe("dev", "none.js")
        assert result.returncode == 1
        assert "there is no file none.js" in result.stderr
