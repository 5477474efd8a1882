"""Includes point down the path of an event and never back, and each big library is met in one folder only."""

import re
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"

# From the top down: a folder may include itself and what stands on a later line. src/README.md has the same table.
LAYERS = [
    ["cli"],
    ["server"],
    ["socket"],
    ["channel"],
    ["actor"],
    ["guest"],
    ["state"],
    ["journal"],
    ["wire", "shard"],
    ["base"],
]
LEVEL = {folder: level for level, layer in enumerate(LAYERS) for folder in layer}

# Headers of a library and the folder that may include them (libcurl: plugins ask through one, commands through the
# other); its types go no further.
HOMES = {
    r"boost/beast": "socket",
    r"wasm\.h|wasmtime": "guest",
    r"curl/": ("guest", "cli"),
    r"toml\+\+|toml\.hpp": "server",
    r"CLI/": "cli",
    r"prometheus/": "server",
    r"sqlite3": "journal",
    r"zstd\.h": ("guest", "journal"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def sources(folder="."):
    return sorted(p for p in (SRC / folder).rglob("*") if p.suffix in (".h", ".hh", ".cc", ".inc"))


def includes(path):
    text = path.read_text()
    for found in INCLUDE.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found[1] == '"', found[2]


def broken_rules(root, paths):
    for path in paths:
        folder = path.relative_to(root).parts[0]
        for line, ours, header in includes(path):
            where = f"src/{path.relative_to(root)}:{line}"
            target = header.split("/")[0]
            if target in LEVEL and (ours or "/" in header):
                if target != folder and LEVEL[target] <= LEVEL[folder]:
                    yield f"{where} includes {header}: {folder} stands below {target} or beside it"
            for pattern, home in HOMES.items():
                homes = (home,) if isinstance(home, str) else home
                if re.match(pattern, header) and folder not in homes:
                    yield f"{where} includes <{header}>: only src/{' and src/'.join(homes)} may"


def test_every_folder_of_src_has_its_place():
    folders = {p.name for p in SRC.iterdir() if p.is_dir()}
    assert folders - LEVEL.keys() == set(), "src/ has folders that LAYERS does not place"


def test_includes_point_down_and_libraries_stay_at_home():
    assert sources(), "there is nothing in src/"
    assert list(broken_rules(SRC, sources())) == []


@pytest.mark.parametrize(
    "folder, line",
    [
        ("state", '#include "guest/engine.h"'),
        ("shard", '#include "wire/frame.h"'),
        ("actor", "#include <wasmtime/config.hh>"),
        ("channel", "#include <boost/beast/core.hpp>"),
    ],
)
def test_a_forbidden_include_is_found(tmp_path, folder, line):
    file = tmp_path / folder / "bad.cc"
    file.parent.mkdir()
    file.write_text(f"// A file.\n{line}\n")
    (complaint,) = broken_rules(tmp_path, [file])
    assert f"src/{folder}/bad.cc:2" in complaint
