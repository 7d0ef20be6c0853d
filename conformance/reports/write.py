"""Writes the reports of a run into a directory: JSON, JUnit, HTML and a badge."""

import json
from pathlib import Path

from conformance.reports.badge import badge
from conformance.reports.document import Document
from conformance.reports.junit import junit
from conformance.reports.page import page

NAMES = ("report.json", "junit.xml", "report.html", "badge.svg")


def write_reports(directory: Path, report: Document) -> None:
    """Write all reports, each in one go, so that nobody reads half of one; raises OSError."""
    contents = (
        json.dumps(report, ensure_ascii=False, indent=1).encode(),
        junit(report),
        page(report).encode(),
        badge(report).encode(),
    )
    for name, content in zip(NAMES, contents, strict=True):
        temporary = directory / f".{name}.part"
        temporary.write_bytes(content)
        temporary.replace(directory / name)
