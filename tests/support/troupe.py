"""A Troupe server as tests use it: started on free ports, stopped by its pid."""

import os
import pathlib
import re
import signal
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# Long enough for a busy machine that compiles a plugin for the first time.
START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 30


def binary():
    """The program under test; TROUPE names another one."""
    path = pathlib.Path(os.environ.get("TROUPE", ROOT / "build/debug/troupe"))
    assert path.exists(), f"{path} is not there; ./dev test builds it, or TROUPE names another"
    return path


class Server:
    """`troupe serve` with the given configuration. Use it in a with statement."""

    def __init__(self, config, data, *arguments, env=None):
        self.process = subprocess.Popen(
            [binary(), "serve", "--config", config, "--data", data,
             "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            env={**os.environ, **(env or {})})
        self.lines = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.port = int(self.wait_for(r"http://127\.0\.0\.1:(\d+)", START_SECONDS_MAX)[1])
        except BaseException:
            self.stop()
            raise

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self.lines.append(None)
            self._news.notify_all()

    def wait_for(self, pattern, seconds=20, start=0):
        """The first match of the pattern in a line of the output, from line `start` on."""
        with self._news:
            seen = start
            while True:
                while seen < len(self.lines):
                    line = self.lines[seen]
                    if line is None:
                        raise AssertionError(f"the server ended before it said {pattern!r}:\n{self.output()}")
                    if match := re.search(pattern, line):
                        return match
                    seen += 1
                if not self._news.wait(seconds):
                    raise AssertionError(f"no line with {pattern!r} in {seconds} s:\n{self.output()}")

    def output(self):
        return "\n".join(line for line in self.lines if line is not None)

    def url(self, path="/socket/websocket?vsn=2.0.0", scheme="ws"):
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def rss_bytes(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        """Ends the server as an operator would; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the server did not end on SIGTERM:\n{self.output()}") from None
        self._reader.join()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.stop()
        if kind is None:
            assert status == 0, f"the server ended with status {status}:\n{self.output()}"
