"""The method: who is compared with whom, and when a report may not count."""

from measure import complaint, only_lagged, order_of_round, paired_ratios, summary_of_rounds

RIGHT = {
    "errors": 0,
    "lost": 0,
    "wrong_versions": 0,
    "wrong_values": 0,
    "wrong_last_states": 0,
    "first_errors": [],
    "joined": 64,
}


def runs(*rates):
    return [{"events_per_server_cpu_s": rate, "latency_us": {"p50": rate, "p99": 2 * rate}} for rate in rates]


def test_every_other_round_goes_backwards_and_neighbours_stay_neighbours():
    names = ["node", "echo", "troupe"]
    assert [order_of_round(names, number) for number in range(3)] == [names, ["troupe", "echo", "node"], names]


def test_a_ratio_is_taken_inside_its_round():
    # The machine halves its speed after the first round: the ratio does not see it.
    reports = {"troupe": runs(80, 40, 40), "echo": runs(100, 50, 50)}
    assert paired_ratios(reports, "troupe", "echo") == [0.8, 0.8, 0.8]


def test_a_summary_is_the_median_round_and_keeps_all_ratios():
    reports = {"troupe": runs(70, 10, 80), "echo": runs(100, 100, 100)}
    figures = summary_of_rounds(reports, "troupe", ("echo", "node-extism"))
    assert figures["events_per_cpu_s"] == 70
    assert figures["ratio"] == {"echo": 0.7}
    assert figures["ratios"] == {"echo": [0.7, 0.1, 0.8]}
    assert summary_of_rounds(reports, "echo", ("echo",))["ratio"] == {}


def test_falling_behind_is_told_from_a_wrong_answer():
    assert only_lagged(RIGHT | {"lost": 3})
    assert not only_lagged(RIGHT)
    assert not only_lagged(RIGHT | {"lost": 3, "wrong_versions": 1})


def test_a_complaint_names_every_fault():
    text = complaint(RIGHT | {"errors": 2, "lost": 3, "wrong_values": 4, "first_errors": ["connection 1: reset"]})
    assert text == "2 errors; 4 wrong values; 3 events without an answer; connection 1: reset"
    assert complaint(RIGHT | {"joined": 7}) == "only 7 channels joined"
