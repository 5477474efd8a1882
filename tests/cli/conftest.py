"""What the tests of the commands share: a folder for each test, and one cache of compiled code for all."""

import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from troupe import binary  # noqa: E402

# Longer than any command takes on a busy machine that compiles the core for the first time.
COMMAND_SECONDS_MAX = 300


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Commands without a data folder keep compiled code here, not in the home folder."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    return folder


@pytest.fixture
def troupe(tmp_path):
    """Runs the program in the test's folder, to its end."""

    def run(*arguments, stdin="", cwd=tmp_path):
        return subprocess.run(
            [binary(), *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX)

    return run
