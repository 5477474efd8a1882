"""The guide about actors: every command of it, in order, against a server."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from program import Running
from serve_test import FREE_PORTS, share_cache
from troupe import binary

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guides/actors.md"
EXAMPLE = ROOT / "examples/count_vowels"
COMMAND_SECONDS_MAX = 120


def commands(text):
    """(command, lines it prints) of each `$ ` line in a console block."""
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.rstrip("\n").split("\n")
            yield command, lines


def fits(expected, printed):
    """Whether a line is as the guide has it: `...` stands for anything, and columns may be wider."""
    pieces = [re.sub(r"(\\ )+", r"\\s+", re.escape(piece)) for piece in expected.split("...")]
    return re.fullmatch(".*".join(pieces), printed) is not None


def check(command, expected, printed):
    rest = list(printed)
    for line in expected:
        if line == "...":
            return
        assert rest and fits(line, rest[0]), f"$ {command}\nexpected {line!r}, printed:\n" + "\n".join(printed)
        rest.pop(0)
    assert rest == [], f"$ {command}\nprinted more than the guide says:\n" + "\n".join(printed)


@pytest.fixture
def example(tmp_path, cache):
    folder = tmp_path / "count_vowels"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("troupe-data"))
    share_cache(folder / "troupe-data", cache)
    return folder


def run_each(found, folder, tmp_path, select=lambda expected, printed: (expected, printed)):
    """Runs the commands of a guide in a folder, and checks what each prints."""
    bin_folder = tmp_path / "bin"
    if not bin_folder.exists():
        bin_folder.mkdir()
        (bin_folder / "troupe").symlink_to(binary())
    env = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    for command, expected in found:
        done = subprocess.run(command, shell=True, cwd=folder, env=env, text=True, timeout=COMMAND_SECONDS_MAX,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        printed = done.stdout.splitlines()
        if done.returncode != 0:
            printed.append(f"[exit status {done.returncode}]")
        check(command, *select(expected, printed))


def walk(found, folder, tmp_path, select=lambda expected, printed: (expected, printed)):
    """The same where a server of the folder's example runs."""
    with Running(folder, "serve", *FREE_PORTS):
        run_each(found, folder, tmp_path, select)


def test_the_guide_says_what_happens(example, tmp_path):
    found = list(commands(GUIDE.read_text()))
    assert len(found) > 15
    walk(found, example, tmp_path)


def test_a_line_that_differs_is_found():
    assert fits("version ... is live", "version 12ab is live")
    assert fits("a  b  ... c", "a     b   x y c")
    assert not fits("total 3", "total 4")
    with pytest.raises(AssertionError):
        check("x", ["one"], ["one", "two"])
