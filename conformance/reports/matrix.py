"""Several reports as one table: implementations side by side, a row for each requirement."""

import argparse
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from conformance.reports.badge import message_and_colour
from conformance.reports.cards import verdict
from conformance.reports.document import FORMAT, FORMAT_VERSION, Document, clean
from conformance.reports.page import shell
from conformance.reports.progress import complain, say
from conformance.reports.reached import Reached, reached

_USAGE = 2


class NoReportError(Exception):
    """The given file is no report of this suite; the message says why, in one line."""


def main(argv: Sequence[str]) -> int:
    """Print the table, and write it as HTML; return 0, or 2 where a report cannot be read or the page not written."""
    parser = argparse.ArgumentParser(
        prog="flurfunk-conformance matrix",
        description="Makes one table of the reports of several implementations, those that are farthest first.",
    )
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIR", help="what --report wrote")
    parser.add_argument("--output", type=Path, metavar="FILE.html", help="write the table as a page, too")
    arguments = parser.parse_args(argv)
    try:
        read = [read_report(directory) for directory in arguments.directories]
        names = _names([report for report, _ in read], arguments.directories)
        ranked = sorted(zip(read, names, strict=True), key=lambda one: (-one[0][1].held, one[1]))
        reports, far = [report for (report, _), _ in ranked], [held for (_, held), _ in ranked]
        names = [name for _, name in ranked]
        if arguments.output:
            arguments.output.write_text(html(reports, names, far), encoding="utf-8")
    except NoReportError as error:
        return complain(error, _USAGE)
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}", _USAGE)
    say(text(reports, names, far))
    return 0


def read_report(directory: Path) -> tuple[Document, Reached]:
    """Return the report in a directory, and how far it says that one is; raises NoReportError or OSError."""
    path = directory / "report.json"
    try:
        report: Document = json.loads(path.read_bytes())
        if (report["format"], report["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise NoReportError(
                f"{path}: is a {report['format']} {report['format_version']}, not a {FORMAT} {FORMAT_VERSION}"
            )
        for requirement in report["requirements"]:
            verdict_, identifier = requirement["verdict"], requirement["id"]
            if not isinstance(identifier, str) or not (verdict_ is None or str(verdict_).isalpha()):
                raise ValueError
        counts = {str(verdict): int(count) for verdict, count in report["totals"]["checks"].items()}
        implementation = dict(report.get("implementation") or {})
        if not isinstance(report["conclusion"], str):
            raise ValueError
        return {**report, "totals": {"checks": counts}, "implementation": implementation}, reached(report)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoReportError(f"{path}: is no report of this suite") from error


def text(reports: Sequence[Document], names: Sequence[str], far: Sequence[Reached]) -> str:
    """Return how far each implementation is, and the table, as lines of text."""
    head = ["", "", *names]
    rows = [[identifier, level, *cells] for identifier, level, cells in _rows(reports)]
    last = ["conclusion", "", *(message_and_colour(report)[0] for report in reports)]
    widths = [max(len(row[column]) for row in (head, *rows, last)) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]
    width = max(map(len, names))
    steps = [f"{name:<{width}}  {one}" for name, one in zip(names, far, strict=True)]
    return "\n".join(
        [
            *steps,
            "",
            *lines,
            "",
            "  ".join(cell.ljust(width) for cell, width in zip(last, widths, strict=True)).rstrip(),
        ]
    )


def html(reports: Sequence[Document], names: Sequence[str], far: Sequence[Reached]) -> str:
    """Return how far each implementation is, and the table, as one page."""
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    conclusions = "".join(f"<td>{escape(message_and_colour(report)[0])}</td>" for report in reports)
    body = "\n".join(
        f'<tr><th scope="row">{escape(identifier)}<small>{escape(level)}</small></th>'
        + "".join(f"<td>{verdict(cell) if cell != '-' else cell}</td>" for cell in cells)
        + "</tr>"
        for identifier, level, cells in _rows(reports)
    )
    steps = "\n".join(
        f'<li><b>{escape(name)}</b> <progress value="{one.held}" max="{one.steps}"></progress> '
        f"<span>{escape(str(one))}</span></li>"
        for name, one in zip(names, far, strict=True)
    )
    count = f"{len(reports)} implementation{'' if len(reports) == 1 else 's'}"
    return shell(
        "Flurfunk/1 conformance",
        f"""\
<header><p class="kicker"><span>Flurfunk/1 conformance</span><span>{count}</span></p>
<h1>Who meets which requirement</h1></header>
<main id="main">
<h2>How far each is</h2>
<ol class="steps">
{steps}
</ol>
<h2>All requirements</h2>
<div class="matrix" tabindex="0" role="region" aria-label="Requirements by implementation"><table>
<thead><tr><th scope="col">Requirement</th>{heads}</tr>
<tr class="conclusions"><th scope="row">Conclusion</th>{conclusions}</tr></thead>
<tbody>
{body}
</tbody></table></div>
</main>""",
    )


def _rows(reports: Sequence[Document]) -> list[tuple[str, str, list[str]]]:
    """Return identifier, level and a verdict (or -) for each report, for each requirement that any report has."""
    levels = {str(one["id"]): clean(str(one.get("level", ""))) for report in reports for one in report["requirements"]}
    verdicts = [{one["id"]: clean(str(one["verdict"] or "-")) for one in report["requirements"]} for report in reports]
    return [(clean(one), level, [known.get(one, "-") for known in verdicts]) for one, level in levels.items()]


def _names(reports: Sequence[Document], directories: Sequence[Path]) -> list[str]:
    """Return what each implementation is called: as its report says, or like its directory."""
    names = []
    for report, directory in zip(reports, directories, strict=True):
        implementation = report.get("implementation") or {}
        told = " ".join(str(implementation[key]) for key in ("name", "version") if implementation.get(key))
        names.append(clean(told or directory.resolve().name).replace("\n", " "))
    return names
