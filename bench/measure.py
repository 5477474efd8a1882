"""The measurements: rounds in which the servers take turns, joins on fresh processes, an open loop.

What is compared is events for each second of the server's CPU, not of the clock: that holds on a
machine that does other work too. Each round measures every server once, and a ratio is taken inside a
round, between runs that are seconds apart; the result is the median of the rounds.
"""

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from servers import Broken, running

CONNECTIONS = 64
PIPELINES = (1, 8)  # outstanding events of each connection
JOINS = 2000
OPEN_LOOP_RATE = 2000  # events each second, an easy load for every server
IDLE_SECONDS = 1
LOAD_SECONDS_MAX = 300


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    mode: str
    rounds: int
    seconds: float
    warmup_seconds: float
    join_runs: int


FULL = Effort("full", rounds=9, seconds=2, warmup_seconds=0.5, join_runs=3)
QUICK = Effort("quick", rounds=3, seconds=2, warmup_seconds=0.5, join_runs=1)


class Load:
    """Runs phxload against servers. Every answer is verified: wrong answers have no speed."""

    def __init__(self, phxload):
        self.phxload = phxload

    def command(self, process, *arguments):
        command = [self.phxload, "--url", process.url, "--pid", process.pid, "--json"]
        return [str(part) for part in [*command, *process.server.load, *arguments]]

    def run(self, process, *arguments, may_lag=False, verify=True):
        """phxload's report. A server that lost or falsified anything is Broken; one that fell behind an
        open loop is so only without `may_lag`. Only counters can be verified."""
        server = process.server
        command = self.command(process, *(["--verify"] if verify else []), *arguments)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LOAD_SECONDS_MAX)
        if not done.stdout:
            raise Broken(f"phxload said nothing: {' '.join(command)}")
        report = json.loads(done.stdout)
        if not report["ok"] and not (may_lag and only_lagged(report)):
            raise Broken(f"{server.name} answered wrongly: {complaint(report)} (its log: {process.log})")
        return report

    def settle(self, process):
        """One channel and its first events, so that what a server makes at its first use is made."""
        self.run(process, "--conns", 1, "--warmup", 0, "--duration", 0.5)


def cpu_seconds(pid):
    """CPU time of a process, by the kernel's clock of it."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9  # CLOCK_PROCESS_CPUTIME_ID of another process


def resident_bytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


FAULTS = {
    "errors": "errors",
    "wrong_versions": "wrong versions",
    "wrong_values": "wrong values",
    "wrong_last_states": "wrong last states",
}


def only_lagged(report):
    return report["lost"] > 0 and not any(report[fault] for fault in FAULTS)


def complaint(report):
    said = [f"{report[fault]} {words}" for fault, words in FAULTS.items() if report[fault]]
    if report["lost"]:
        said.append(f"{report['lost']} events without an answer")
    return "; ".join(said + report["first_errors"]) or f"only {report['joined']} channels joined"


def order_of_round(names, number):
    """Every other round goes backwards, so that no server always follows the same neighbour."""
    return list(names) if number % 2 == 0 else list(reversed(names))


def rounds(load, processes, pipeline, effort, progress):
    """For each server the reports of its rounds, in the order of the rounds. One round before them is not
    counted: in it Node and workerd compile what is hot."""
    reports = {name: [] for name in processes}
    for number in range(effort.rounds + 1):
        progress(f"{pipeline} outstanding, round {number} of {effort.rounds}")
        for name in order_of_round(processes, number):
            measured = load.run(
                processes[name],
                *("--conns", CONNECTIONS, "--pipeline", pipeline),
                *("--warmup", effort.warmup_seconds, "--duration", effort.seconds),
            )
            if number > 0:
                reports[name].append(measured)
    return reports


def paired_ratios(reports, name, base):
    """Events for each second of server CPU, over those of `base` in the same round."""
    pairs = zip(reports[name], reports[base], strict=True)
    return [mine["events_per_server_cpu_s"] / other["events_per_server_cpu_s"] for mine, other in pairs]


def joins(load, server, effort):
    """Joins on fresh processes, each with a connection and an actor of its own, and the memory they hold."""
    reports = []
    for _ in range(effort.join_runs):
        with running(server) as process:
            load.settle(process)
            reports.append(
                load.run(process, "--idle", "--conns", JOINS, "--warmup", 0, "--duration", IDLE_SECONDS)
            )
    return {
        "cpu_ms": round(statistics.median(r["join_server_cpu_s"] * 1000 / r["joined"] for r in reports), 4),
        "p99_us": statistics.median(r["join_us"]["p99"] for r in reports),
        "kb_each": round(statistics.median(r["rss_bytes_per_channel"] for r in reports) / 1024, 1),
    }


def open_loop(load, process, effort):
    """Latency at a fixed rate; empty for a server that cannot keep it up here."""
    report = load.run(
        process,
        *("--conns", CONNECTIONS, "--rate", OPEN_LOOP_RATE),
        *("--warmup", effort.warmup_seconds, "--duration", effort.seconds),
        may_lag=True,
    )
    if report["lost"]:
        return {}
    return {
        "rate": OPEN_LOOP_RATE,
        "p50_us": report["latency_us"]["p50"],
        "p99_us": report["latency_us"]["p99"],
        "client_lag_p99_us": report["lag_us"]["p99"],
    }


def summary_of_rounds(reports, name, bases):
    """One server's rounds at one pipeline; ratios to each base that was measured with it."""
    mine = reports[name]
    ratios = {base: paired_ratios(reports, name, base) for base in bases if base in reports and base != name}
    return {
        "events_per_cpu_s": round(statistics.median(r["events_per_server_cpu_s"] for r in mine)),
        "p50_us": statistics.median(r["latency_us"]["p50"] for r in mine),
        "p99_us": statistics.median(r["latency_us"]["p99"] for r in mine),
        "ratio": {base: round(statistics.median(values), 3) for base, values in ratios.items()},
        "ratios": {base: [round(value, 3) for value in values] for base, values in ratios.items()},
    }


def others_cpu(reports):
    """Cores that neither client nor server used, as the mean of all runs: how busy the machine was."""
    runs = [report for of_server in reports.values() for report in of_server]
    return sum(r["others_cpu_s"] for r in runs) / sum(r["seconds"] for r in runs)
