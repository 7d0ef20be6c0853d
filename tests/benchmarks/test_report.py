"""The results that the benchmarks make of measurements: tables, figures for programs, and the chart."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

from benchmarks import chart, report
from benchmarks.run import Measurement
from benchmarks.server import Command

SVG = "{http://www.w3.org/2000/svg}"
NASTY = '<b>&"x"|</b>'


def measurement(server: str, rep: int, cost: float, *said: str) -> Measurement:
    errors = {"missing": 1} if said else {}
    figures = {"deliveries_per_second": 1e6 / cost, "cpu_us_per_delivery": cost, "threads": None}
    return Measurement(server, "fanout", rep, 50, 1.0, figures, errors, list(said))


def result(*measurements: Measurement) -> report.Result:
    names = dict.fromkeys(one.server for one in measurements)
    return report.Result([Command(name, f"./{name} {{port}}") for name in names], measurements)


THREE_REPS = result(
    *(measurement("a", rep, cost) for rep, cost in enumerate((0.1, 0.3, 0.2), 1)),
    *(measurement(NASTY, rep, cost) for rep, cost in enumerate((0.5, 0.1, 0.9), 1)),
)


def test_medians_and_ratios_to_the_first_server() -> None:
    key = "cpu_us_per_delivery"
    assert THREE_REPS.median("fanout", "a", key) == 0.2
    assert THREE_REPS.median("fanout", NASTY, key) == 0.5
    assert THREE_REPS.ratio("fanout", NASTY, key) == 2.5
    assert THREE_REPS.median("fanout", "a", "threads") is None


def test_the_table_has_what_was_measured_and_says_what_is_not_known() -> None:
    lines = report.as_text(THREE_REPS).splitlines()
    assert "fanout: 50 in one room, 20 talk as fast as they can, 10 messages of each on the way" in lines
    (cost,) = [line.split() for line in lines if line.lstrip().startswith("processor us/delivery")]
    assert cost == ["processor", "us/delivery", "0.200", "0.500", "2.50x"]
    (threads,) = [line.split() for line in lines if line.lstrip().startswith("threads")]
    assert threads == ["threads", "n/a", "n/a"]


def test_what_a_wrong_server_costs_is_not_told() -> None:
    wrong = result(measurement("a", 1, 0.1), measurement("b", 1, 0.2), measurement("b", 2, 0.2, "missing: one"))
    text = report.as_text(wrong)
    assert "WRONG  fanout, b, rep 2: missing: one" in text.splitlines()
    assert wrong.median("fanout", "b", "cpu_us_per_delivery") is None
    summary = json.loads(report.as_json(wrong))["summary"]
    assert [(one["server"], one["wrong"]) for one in summary] == [("a", False), ("b", True)]


def test_rows_of_the_markdown_table_have_the_same_number_of_cells() -> None:
    rows = [line for line in report.as_markdown(THREE_REPS).splitlines() if line.startswith("|")]
    assert len(rows) == 5
    assert {row.replace("\\|", "").count("|") for row in rows} == {6}


def test_results_are_written_and_read_back(tmp_path: Path) -> None:
    report.write(THREE_REPS, tmp_path)
    read = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert len(read["measurements"]) == 6
    assert read["servers"][1] == {"name": NASTY, "command": f"./{NASTY} {{port}}"}
    texts = [text.text for text in ET.parse(tmp_path / "chart.svg").iter(f"{SVG}text")]
    assert NASTY in texts
    assert "2.50x (0.500)" in [" ".join((text or "").split()) for text in texts]


def test_bars_begin_at_one_and_go_right_for_more_and_left_for_less() -> None:
    bars = [chart.Bar("first", 1.0, "1"), chart.Bar("more", 8.0, "8"), chart.Bar("less", 0.25, "0.25")]
    drawn = ET.fromstring(chart.svg([chart.Group("fanout", [*bars, chart.Bar("wrong", None, "wrong")])]))
    (one,) = [float(line.attrib["x1"]) for line in drawn.iter(f"{SVG}line") if line.attrib["class"] == "one"]
    rects = [rect.attrib for rect in drawn.iter(f"{SVG}rect") if rect.attrib["class"].startswith("c")]
    places = [(float(rect["x"]), float(rect["x"]) + float(rect["width"])) for rect in rects]
    assert len(places) == 3
    assert places[1][0] == one == places[2][1]
    assert places[1][1] > one > places[2][0]


def test_a_chart_of_nothing_and_of_one_server_can_be_drawn() -> None:
    ET.fromstring(chart.svg([]))
    ET.fromstring(chart.svg([chart.Group("fanout", [chart.Bar("alone", 1.0, "1")])]))


def test_the_chart_has_colours_for_light_and_dark_ground() -> None:
    assert "@media (prefers-color-scheme: dark)" in chart.svg([])
