"""Goals are judged by what was measured, and the page keeps what a person wrote."""

import copy

import report


def figures(rate, ratio_echo, ratio_node, cpu_ms):
    at = {
        "events_per_cpu_s": rate,
        "p50_us": 1.0,
        "p99_us": 2.0,
        "ratio": {"echo": ratio_echo, "node-extism": ratio_node},
        "ratios": {"echo": [ratio_echo - 0.1, ratio_echo, ratio_echo + 0.1], "node-extism": [ratio_node]},
    }
    return {
        "p1": at,
        "p8": copy.deepcopy(at),
        "joins": {"cpu_ms": cpu_ms, "p99_us": 3.0, "kb_each": 10.0},
        "open_loop": {"rate": 2000, "p50_us": 100.0, "p99_us": 300.0, "client_lag_p99_us": 50.0},
    }


def results(servers):
    return {goal.name: goal.judge(servers)["result"] for goal in report.GOALS}


def record(servers, absent):
    return {
        "date": "2026-01-02T03:04:05Z",
        "commit": "0123456789",
        "machine": {"cpu": "a CPU", "cores": 2, "memory_gib": 8, "kernel": "6.1"},
        "mode": "full",
        "rounds": 9,
        "seconds": 2,
        "others_cores": 0.04,
        "goals": [goal.judge(servers) for goal in report.GOALS],
        "servers": servers,
        "absent": absent,
    }


def test_a_goal_is_reached_at_its_limit_and_missed_beside_it():
    assert results({"troupe": figures(1000, 0.65, 3.0, 0.12)}) == {
        "echo-1": "pass", "echo-8": "miss", "node-extism-1": "pass", "join": "pass",
    }
    assert results({"troupe": figures(1000, 1.5, 2.999, 0.121)}) == {
        "echo-1": "pass", "echo-8": "pass", "node-extism-1": "miss", "join": "miss",
    }


def test_without_troupe_no_goal_counts_as_reached():
    judged = record({"echo": figures(1, 1, 1, 1)}, {"troupe": "there is no build/release/troupe"})
    assert {goal["result"] for goal in judged["goals"]} == {"not measured"}
    assert not report.passed(judged)


def test_the_text_names_who_was_not_measured_and_why():
    text = report.text(record({"troupe": figures(123456, 0.7, 4, 0.1)}, {"workerd": "npm failed"}))
    assert "Not measured: workerd: npm failed." in text
    assert "| troupe | 123,456 | 0.70 (0.60–0.80) |" in text
    assert "| CPU for a join with an actor of its own, ms | ≤ 0.12 | 0.1 | pass |" in text


def test_a_server_that_falls_behind_has_no_latency():
    servers = {"troupe": figures(1, 1, 1, 1) | {"open_loop": {}}}
    assert "| falls behind |" in report.servers_table(record(servers, {}))


def test_only_what_lies_between_the_marks_is_replaced():
    page = f"before\n{report.BEGIN}\n\nold\n\n{report.END}\nafter\n"
    assert report.with_figures(page, "new") == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"


def test_a_page_without_marks_is_refused():
    for page in ["nothing", f"{report.END}\n{report.BEGIN}", report.BEGIN * 2 + report.END]:
        try:
            report.with_figures(page, "new")
        except ValueError as error:
            assert report.BEGIN in str(error)
        else:
            raise AssertionError(f"{page!r} was taken")
