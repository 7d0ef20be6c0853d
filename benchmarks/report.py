"""The results, as a table for people, and for programs: medians, and ratios to the first server."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import chart
from benchmarks.catalogue import WORKLOADS
from benchmarks.figures import NAMES
from benchmarks.run import Measurement
from benchmarks.server import Command

WRONG = "wrong"  # in place of a figure: how fast a server is that loses messages does not matter
_UNKNOWN = "n/a"


@dataclass(frozen=True)
class Result:
    """The measurements of a run."""

    commands: Sequence[Command]
    measurements: Sequence[Measurement]

    def works(self) -> list[str]:
        """Return the workloads that were done."""
        return list(dict.fromkeys(one.work for one in self.measurements))

    def of(self, work: str, server: str) -> list[Measurement]:
        """Return all reps of a workload with a server."""
        return [one for one in self.measurements if (one.work, one.server) == (work, server)]

    def figures(self, work: str) -> list[str]:
        """Return the keys of a workload's figures, in order."""
        keys = {key for one in self.measurements if one.work == work for key in one.figures}
        return [key for key in NAMES if key in keys]

    def wrong(self, work: str, server: str) -> bool:
        """Whether deliveries were wrong in any rep."""
        return any(one.errors for one in self.of(work, server))

    def median(self, work: str, server: str, key: str) -> float | None:
        """Return the median of the reps; None where it is not known, or deliveries were wrong."""
        found = [number for one in self.of(work, server) if (number := one.figures.get(key)) is not None]
        return statistics.median(found) if found and not self.wrong(work, server) else None

    def ratio(self, work: str, server: str, key: str) -> float | None:
        """Return the median in relation to that of the first server."""
        first, own = self.median(work, self.commands[0].name, key), self.median(work, server, key)
        return own / first if own is not None and first and first > 0 else None


def as_text(result: Result) -> str:
    """Return the table with aligned columns, what was wrong, and which commands were measured."""
    lines = []
    rows = _rows(result)
    widths = [max(len(row[column]) for _, row in rows) for column in range(len(rows[0][1]))]
    for work, row in rows:
        if work:
            size = result.of(work, result.commands[0].name)[0].clients
            lines += ["", f"{work}: {WORKLOADS[work].text.format(clients=size)}"]
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join([*lines, "", *_foot(result)])


def as_markdown(result: Result) -> str:
    """Return the same as a table in Markdown."""
    rows = _rows(result)
    head = rows[0][1]
    lines = [_line(["workload", *head]), _line(["---", "---", *["---:"] * (len(head) - 1)])]
    work = ""
    for new, row in rows[1:]:
        work = new or work
        lines.append(_line([work if new else "", *row]))
    return "\n".join([*lines, "", *(f"- {line}" for line in _foot(result)), ""])


def as_json(result: Result) -> str:
    """Return all of it: each measurement, and what was made of them."""
    names = [command.name for command in result.commands]
    done = [(work, name) for work in result.works() for name in names if result.of(work, name)]
    summary = [
        {
            "work": work,
            "server": name,
            "wrong": result.wrong(work, name),
            "median": {key: result.median(work, name, key) for key in result.figures(work)},
            "ratio": {key: result.ratio(work, name, key) for key in result.figures(work)},
        }
        for work, name in done
    ]
    document = {
        "protocol": "flurfunk/1",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "python": platform.python_version(),
        },
        "servers": [{"name": command.name, "command": command.line} for command in result.commands],
        "measurements": [asdict(one) for one in result.measurements],
        "summary": summary,
    }
    return json.dumps(document, indent=1) + "\n"


def write(result: Result, directory: Path) -> None:
    """Write results.json, table.md and chart.svg.  Raises OSError."""
    bars = [
        chart.Group(
            f"{work}: {NAMES[key]}",
            [
                chart.Bar(name, result.ratio(work, name, key), _cell(result, work, name, key))
                for name in (command.name for command in result.commands)
            ],
        )
        for work in result.works()
        for key in WORKLOADS[work].compared
        if any(result.ratio(work, command.name, key) for command in result.commands)
    ]
    (directory / "results.json").write_text(as_json(result), encoding="utf-8")
    (directory / "table.md").write_text(as_markdown(result), encoding="utf-8")
    (directory / "chart.svg").write_text(chart.svg(bars), encoding="utf-8")


def _rows(result: Result) -> list[tuple[str, list[str]]]:
    """Return the heads and then a row for each figure, with the workload where it begins."""
    names = [command.name for command in result.commands]
    heads = ["", names[0]]
    for name in names[1:]:
        heads += [name, "ratio"]
    rows = [("", heads)]
    for work in result.works():
        new = work
        for key in result.figures(work) or WORKLOADS[work].compared:
            cells = [NAMES[key], _cell(result, work, names[0], key)]
            for name in names[1:]:
                ratio = result.ratio(work, name, key)
                cells += [_cell(result, work, name, key), "" if ratio is None else f"{_number(ratio)}x"]
            rows.append((new, cells))
            new = ""
    return rows


def _cell(result: Result, work: str, server: str, key: str) -> str:
    return WRONG if result.wrong(work, server) else _number(result.median(work, server, key))


def _foot(result: Result) -> list[str]:
    """Return what was wrong, and what was measured."""
    lines = [f"WRONG  {one.title}: {said}" for one in result.measurements for said in one.said]
    lines += [f"{command.name}: {command.line}" for command in result.commands]
    return lines


def _number(number: float | None) -> str:
    """Return a number with three digits that count."""
    if number is None:
        return _UNKNOWN
    if number == int(number) and abs(number) < 1e6:
        return f"{int(number):,}"
    digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2 if abs(number) >= 1 else 3
    return f"{number:,.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
