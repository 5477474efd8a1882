"""Makes a golden journal: a database of the present format with something of each kind, and what `dump` says of it.

    TROUPE=build/debug/troupe python tests/golden/make_journal.py tests/golden/journal-v1

Once for each version of the format, when that is new; golden_test.py opens all of them for ever.
"""

import http.client
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from troupe import Server, binary  # noqa: E402

CONFIG = HERE.parent / "durability/troupe.toml"


def main(target):
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder)
        with Server(CONFIG, data) as server:
            port = int(server.wait_for(r"http://127\.0\.0\.1:(\d+) for operators")[1])
            token = (data / "admin.token").read_text()

            def ask(method, path, body=b"", expected=(200, 201, 204)):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request(method, "/api/v1" + path, body, {"Authorization": f"Bearer {token}"})
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status in expected, text
                return text

            def event(actor, name, payload, expected=(200,)):
                plugin, key = actor
                return ask("POST", f"/actors/{plugin}/event/{name}?key={key}", json.dumps(payload).encode(), expected)

            for number in range(70):
                event(("log", "log:a"), "add", {"id": f"a{number}"})
            event(("log", "log:a"), "raise", {}, (422,))
            ask("POST", "/actors/memory/call/add?key=m", b"\xff\x00bytes")
            ask("POST", "/actors/memory/call/add?key=m", b"more")
            # A timer that will not have run out, and a message that will have arrived.
            event(("order", "order:a"), "add", {"id": "o1", "after_ms": 30_000_000_000})
            ask("POST", "/actors/log/rewind?key=log:a&turn=40")
            ask("POST", "/actors/log/fork?key=log:a&to=log:b&turn=30")
            event(("log", "log:b"), "add", {"id": "b"})
            ask("DELETE", "/actors/log?key=log:b")
            event(("log", "log:b"), "add", {"id": "again"})
        shutil.copy(data / "journal.db", f"{target}.db")
    dumped = subprocess.run([binary(), "journal", "dump", "--json", "--data", f"{target}.db"],
                            capture_output=True, text=True, check=True).stdout
    pathlib.Path(f"{target}.ndjson").write_text(dumped)


main(sys.argv[1])
