"""A command that runs until it is told to end, beside those that come back."""

import os
import subprocess
import threading

from troupe import START_SECONDS_MAX, Server, binary


class Running(Server):
    """`troupe ARGUMENTS` in a folder, ready when it has printed its address."""

    def __init__(self, cwd, *arguments):
        self.process = subprocess.Popen(
            [binary(), *arguments], cwd=cwd, env=os.environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.port = int(self.wait_for(r"https?://127\.0\.0\.1:(\d+)$", START_SECONDS_MAX)[1])
        except BaseException:
            self.stop()
            raise
