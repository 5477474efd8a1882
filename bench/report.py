"""What a run amounts to: the record for bench/history.ndjson, the goals, the tables, the page."""

import platform
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable

from servers import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
HISTORY = ROOT / "bench" / "history.ndjson"
BEGIN = "<!-- bench/run --write-docs writes from here -->"
END = "<!-- to here -->"


@dataclass(frozen=True)
class Goal:
    """A figure Troupe is to reach; `value` finds it in the record's servers, KeyError where it was not measured."""

    name: str
    what: str
    limit: float
    at_least: bool
    value: Callable[[dict], float]

    def judge(self, servers):
        try:
            value = self.value(servers)
        except KeyError:
            return {"name": self.name, "limit": self.limit, "value": None, "result": "not measured"}
        met = value >= self.limit if self.at_least else value <= self.limit
        return {"name": self.name, "limit": self.limit, "value": value, "result": "pass" if met else "miss"}


GOALS = [
    Goal("echo-1", "events for each CPU second over the echo's, one outstanding", 0.65, True,
         lambda servers: servers["troupe"]["p1"]["ratio"]["echo"]),
    Goal("echo-8", "the same, eight outstanding", 1.5, True,
         lambda servers: servers["troupe"]["p8"]["ratio"]["echo"]),
    Goal("node-extism-1", "events for each CPU second over node-extism's, one outstanding", 3, True,
         lambda servers: servers["troupe"]["p1"]["ratio"]["node-extism"]),
    Goal("join", "CPU for a join with an actor of its own, ms", 0.12, False,
         lambda servers: servers["troupe"]["joins"]["cpu_ms"]),
]


def begin():
    """When a run began, and of which sources; taken before it, for both may change meanwhile."""
    return {"date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "commit": commit()}


def record(begun, effort, servers, absent, others_cores):
    """One line of the history: everything needed to compare this run with another."""
    return {
        **begun,
        "machine": machine(),
        "mode": effort.mode,
        "rounds": effort.rounds,
        "seconds": effort.seconds,
        "others_cores": round(others_cores, 2),
        "goals": [goal.judge(servers) for goal in GOALS],
        "servers": servers,
        "absent": absent,
    }


def passed(record):
    return all(goal["result"] == "pass" for goal in record["goals"])


def commit():
    """The commit of the sources, with + when files differ from it."""

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short=10", "HEAD") or "none") + ("+" if changed else "")


def machine():
    with open("/proc/cpuinfo") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    with open("/proc/meminfo") as file:
        kilobytes = int(next(line for line in file if line.startswith("MemTotal")).split()[1])
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(models),
        "memory_gib": round(kilobytes / 1024 / 1024),
        "kernel": platform.release(),
    }


def goals_table(record):
    what = {goal.name: goal for goal in GOALS}
    lines = ["| goal | wanted | measured | |", "|---|---|---|---|"]
    for judged in record["goals"]:
        goal = what[judged["name"]]
        value = "–" if judged["value"] is None else f"{judged['value']:.3g}"
        wanted = f"{'≥' if goal.at_least else '≤'} {goal.limit:g}"
        lines.append(f"| {goal.what} | {wanted} | {value} | {judged['result']} |")
    return "\n".join(lines)


def servers_table(record):
    lines = [
        "| server | events / CPU-s, P=1 | to the echo | events / CPU-s, P=8 | to the echo "
        "| CPU ms a join | KB an idle channel | p50 / p99 µs at 2000/s |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    quickest_first = sorted(record["servers"].items(), key=lambda item: -item[1]["p1"]["events_per_cpu_s"])
    for name, figures in quickest_first:
        cells = [name]
        for pipeline in ("p1", "p8"):
            cells += [f"{figures[pipeline]['events_per_cpu_s']:,}", with_range(figures[pipeline])]
        cells.append(f"{figures['joins']['cpu_ms']:.3f}")
        cells.append(f"{figures['joins']['kb_each']:.1f}")
        cells.append(latencies(figures["open_loop"]))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def with_range(figures):
    """The median ratio to the echo, and the lowest and highest of the rounds."""
    if "echo" not in figures["ratio"]:
        return "1"
    rounds = figures["ratios"]["echo"]
    return f"{figures['ratio']['echo']:.2f} ({min(rounds):.2f}–{max(rounds):.2f})"


def latencies(open_loop):
    return f"{open_loop['p50_us']:.0f} / {open_loop['p99_us']:.0f}" if open_loop else "falls behind"


def absent_list(record):
    return "\n".join(f"Not measured: {name}: {why}." for name, why in record["absent"].items())


def conditions(record):
    machine = record["machine"]
    return (
        f"{record['date'][:10]}, commit {record['commit']}, {machine['cores']} cores of {machine['cpu']}, "
        f"{machine['memory_gib']} GiB, Linux {machine['kernel']}. {record['rounds']} rounds of {record['seconds']:g} s "
        f"({record['mode']}); other programs used {max(0, record['others_cores']):.1f} cores meanwhile."
    )


def text(record):
    parts = [conditions(record), servers_table(record), absent_list(record), goals_table(record)]
    return "\n\n".join(part for part in parts if part)


def with_figures(page, figures):
    """The page with everything between its two marks replaced; ValueError when they are not there once each."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"it needs the line {BEGIN!r} and after it the line {END!r}, once each")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{figures}\n\n{END}{rest.split(END)[1]}"
