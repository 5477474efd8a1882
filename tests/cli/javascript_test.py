"""What the JavaScript runtime offers: the same programs run in Node and in `troupe call`, and print the same."""

import difflib
import pathlib
import subprocess

import pytest

PROGRAMS = pathlib.Path(__file__).resolve().parent / "javascript"

# Both call main() with a function that prints its values on a line.
IN_NODE = """
import { main } from "./program.mjs";
await main((...values) => console.log(values.map(String).join(" ")));
"""
IN_TROUPE = """
import { main } from "./program.mjs";
export async function run() {
  const lines = [];
  await main((...values) => lines.push(values.map(String).join(" ")));
  Host.outputString(lines.join("\\n"));
}
"""


# Node has URLPattern only since version 24: what is expected is said here.
PATTERNS = """
const Pattern = globalThis["URL" + "Pattern"];  // not named in this source: it comes when it is needed
export function run() {
  const book = new Pattern({ pathname: "/books/:id(\\\\d+)/:rest*" });
  const hosts = new Pattern("https://*.example.com/:file.js?q=*#:part");
  const found = book.exec("https://x.y/books/12/a/b");
  const refused = (() => { try { new Pattern({ pathname: "/(" }); } catch (error) { return error.name; } })();
  const results = [
    found.pathname.groups, found.hostname.input, book.exec("https://x.y/books/a"), book.test({ pathname: "/books/1" }),
    hosts.exec("https://cdn.example.com/main.js?q=1#top").pathname.groups, hosts.test("http://cdn.example.com/main.js?q=1#top"),
    new Pattern("/a/*", "https://x.y").test("https://x.y/a/b"), new Pattern({ pathname: "/A" }, { ignoreCase: true }).test("/a", "https://x.y"),
    book.hasRegExpGroups, new Pattern({ hostname: "bücher.example" }).hostname, refused,
  ];
  Host.outputString(results.map((each) => JSON.stringify(each)).join("\\n"));
}
"""


@pytest.mark.parametrize("named", [False, True])
def test_urls_are_matched_by_patterns(troupe, tmp_path, named):
    source = PATTERNS.replace('globalThis["URL" + "Pattern"]', "URLPattern") if named else PATTERNS
    (tmp_path / "patterns.js").write_text(source)
    ours = troupe("call", "patterns.js", "run")
    assert ours.returncode == 0, ours.stderr
    assert ours.stdout.splitlines() == [
        '{"id":"12","rest":"a/b"}', '"x.y"', "null", "true", '{"file":"main"}', "false", "true", "true", "true",
        '"xn--bcher-kva.example"', '"TypeError"']


@pytest.mark.parametrize("program", sorted(path.stem for path in PROGRAMS.glob("*.js")))
def test_a_program_does_the_same_as_in_node(troupe, tmp_path, program):
    (tmp_path / "program.mjs").write_text((PROGRAMS / f"{program}.js").read_text())
    (tmp_path / "in_node.mjs").write_text(IN_NODE)
    (tmp_path / "in_troupe.mjs").write_text(IN_TROUPE)
    node = subprocess.run(["node", "in_node.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert node.returncode == 0, node.stderr
    ours = troupe("call", "in_troupe.mjs", "run", "--timeout", "20000")
    assert ours.returncode == 0, ours.stderr
    assert len(node.stdout) > 100, "the program printed next to nothing"
    difference = difflib.unified_diff(node.stdout.splitlines(), ours.stdout.splitlines(), "Node", "Troupe", lineterm="", n=0)
    assert ours.stdout == node.stdout, "\n".join(difference)
