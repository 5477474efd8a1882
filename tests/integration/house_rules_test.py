"""What no tracked file may hold: addresses of package registries, and paths of one machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FORBIDDEN = {
    "the address of a package registry": re.compile(
        r"https?://[\w.-]*\b(registry\.npmjs|registry\.yarnpkg|npmjs\.com|pypi\.org|pythonhosted|crates\.io|"
        r"proxy\.golang|sum\.golang|deb\.debian|security\.debian|ftp\.\w+\.debian|repo1?\.maven)"
    ),
    "a path of one machine": re.compile(r"(?<![\w./$}>~-])/(work|home|Users)/\w"),
}
LOCK_FILES = re.compile(r"(^|/)Cargo\.lock$")


def tracked():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    return [name for name in names.decode().split("\0") if name and (ROOT / name).is_file()]


def complaints(name, text):
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in FORBIDDEN.items():
            if pattern.search(line):
                yield f"{name}:{number} holds {what}: {line.strip()[:120]}"


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine():
    names = tracked()
    assert names, "git lists no file"
    found = []
    for name in names:
        try:
            text = (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue  # a picture or a module
        found += complaints(name, text)
    assert found == []


def test_no_lock_file_of_cargo_is_tracked():
    assert [name for name in tracked() if LOCK_FILES.search(name)] == []


@pytest.mark.parametrize(
    "line",
    [
        '"resolved": "https://' + 'registry.npmjs.org/lit/-/lit-3.3.3.tgz"',
        "cp build/troupe " + "/home/" + "ann/bin",
        "-DTROUPE_WASMTIME=" + "/work/" + "wasmtime",
    ],
)
def test_a_forbidden_line_is_found(line):
    assert len(list(complaints("file", line))) == 1
