"""Journals of every version of the format are opened for ever: tests/golden/make_journal.py has made them."""

import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE.parent / "golden"
sys.path.insert(0, str(HERE.parent / "support"))
from troupe import Server, binary  # noqa: E402

JOURNALS = sorted(GOLDEN.glob("journal-v*.db"))


def troupe(*arguments):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True)


def test_there_are_some():
    assert JOURNALS


@pytest.mark.parametrize("journal", JOURNALS, ids=lambda path: path.stem)
def test_says_what_it_has_always_said(journal, tmp_path):
    copy = tmp_path / "journal.db"
    shutil.copy(journal, copy)
    dumped = troupe("journal", "dump", "--json", "--data", copy)
    assert dumped.returncode == 0, dumped.stderr
    assert dumped.stdout == journal.with_suffix(".ndjson").read_text()
    verified = troupe("journal", "verify", "--data", copy)
    assert verified.returncode == 0, verified.stdout


@pytest.mark.parametrize("journal", JOURNALS, ids=lambda path: path.stem)
def test_a_server_goes_on_with_it(journal, tmp_path):
    shutil.copy(journal, tmp_path / "journal.db")
    with Server(HERE / "troupe.toml", tmp_path):
        pass
    verified = troupe("journal", "verify", "--data", tmp_path)
    assert verified.returncode == 0, verified.stdout
