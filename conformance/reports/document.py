"""A run as a document of plain values: what report.json holds, and what the other reports are made of."""

import hashlib
import importlib.metadata
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conformance.judging.outcome import Conclusion
from conformance.judging.result import Result
from conformance.judging.verdict import Verdict
from conformance.reports.text import command, verdict_of
from conformance.text.requirements import GRAMMAR, SESSIONS, TEXT, Requirement
from conformance.wire.transcript import Transcript

FORMAT, FORMAT_VERSION = "flurfunk-conformance-report", 1
SCHEMA = Path(__file__).with_name("report.schema.json")
_HEAD, _TAIL = 200, 400  # entries of a transcript that are kept
_HEAD_OF_PASS, _TAIL_OF_PASS = 20, 20

Document = dict[str, Any]


@dataclass
class Run:
    """The known facts of a run; filled while it goes on."""

    requirements: Mapping[str, Requirement]
    spec: Path
    arguments: list[str]  # of the command line, which name the subject
    options: Mapping[str, object]  # select, level, jobs, seed, time_factor
    kind: str = "server"  # or "client", or "server and client"
    name: str = ""
    version: str = ""
    spec_url: str = ""  # of the page with the specification, if there is one to link to
    features: frozenset[str] | None = None  # None: not known
    results: list[Result] = field(default_factory=list)
    status: int = 0
    concluded: Conclusion = Conclusion.CONFORMANT
    sentence: str = ""
    seconds: float = 0.0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))


def document(run: Run) -> Document:
    """Return a run as the published schema describes it; every text is free of control characters."""
    known = run.requirements.values()
    told: Document = _cleaned(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "conclusion": str(run.concluded),
            "summary": run.sentence,
            "exit_status": run.status,
            "implementation": {"name": run.name, "version": run.version},
            "subject": {"kind": run.kind, "arguments": run.arguments},
            "versions": {
                "suite": suite_version(),
                "specification": "flurfunk/1",
                "specification_digest": spec_digest(run.spec),
                **({"specification_url": run.spec_url} if run.spec_url else {}),
                "python": platform.python_version(),
            },
            "features": None if run.features is None else sorted(run.features),
            "run": {
                "began": run.began.isoformat(timespec="seconds"),
                "seconds": round(run.seconds, 3),
                "options": dict(run.options),
                "replay": command(run.arguments),
            },
            "totals": {
                "checks": _counted(result.verdict for result in run.results),
                "requirements": _counted(verdict_of(_of(run, one)) for one in known),
            },
            "requirements": [_requirement(one, _of(run, one)) for one in known],
            "checks": [_check(result, run.arguments) for result in run.results],
        }
    )
    return told


def _cleaned(value: Any) -> Any:
    """Return a value with all its texts cleaned: a word of the command line can have any octets in it."""
    match value:
        case str():
            return clean(value)
        case Mapping():
            return {key: _cleaned(one) for key, one in value.items()}
        case list() | tuple():
            return [_cleaned(one) for one in value]
    return value


def url_of(report: Document, requirement: str) -> str:
    """Return the address of a requirement in the specification that a report links to; empty where it links to none."""
    page = report["versions"].get("specification_url", "")
    return f"{page}#{requirement}" if page else ""


def clean(text: str) -> str:
    """Return a text in which everything invisible but LF and blank is written as an escape."""
    return "".join(c if c.isprintable() or c == "\n" else _escape(c) for c in text)


def suite_version() -> str:
    """Return the version of this software; `checkout` where it is not installed."""
    try:
        return importlib.metadata.version("flurfunk")
    except importlib.metadata.PackageNotFoundError:
        return "checkout"


def spec_digest(directory: Path) -> str:
    """Return the SHA-256 of the specification: its text, grammar and example conversations, 64 hexadecimal digits."""
    total = hashlib.sha256()
    for path in (directory / TEXT, directory / GRAMMAR, *sorted((directory / SESSIONS).glob("*.session"))):
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _of(run: Run, requirement: Requirement) -> list[Result]:
    return [result for result in run.results if result.requirement.id == requirement.id]


def _counted(verdicts: Iterable[Verdict | None]) -> dict[str, int]:
    found = list(verdicts)
    return {str(verdict): found.count(verdict) for verdict in Verdict if verdict in found}


def _requirement(requirement: Requirement, results: list[Result]) -> Document:
    verdict = verdict_of(results)
    return {
        "id": requirement.id,
        "section": requirement.section,
        "title": requirement.title,
        "level": requirement.level,
        "binds": requirement.binds,
        "condition": requirement.condition,
        "text": requirement.text,
        "digest": requirement.digest,
        "verdict": None if verdict is None else str(verdict),
        "verdicts": {
            kind: str(verdict_of([result for result in results if result.kind == kind]))
            for kind in sorted({result.kind for result in results})
        },
        "checks": [result.id for result in results],
    }


def _check(result: Result, arguments: list[str]) -> Document:
    requirement = result.requirement
    entries, left_out = _entries(result)
    return {
        "id": result.id,
        "kind": result.kind,
        "requirement": requirement.id,
        "level": requirement.level,
        "section": requirement.section,
        "sentence": requirement.text,
        "title": result.title,
        "verdict": str(result.verdict),
        "reason": result.reason.rstrip(),
        **({"because": result.because} if result.because else {}),
        "expected": result.expected,
        "received": result.received,
        "missing": result.missing,
        "seconds": round(result.seconds, 4),
        **({"suffix": result.transcript.suffix} if result.transcript.suffix else {}),
        "transcript": entries,
        "transcript_left_out": left_out,
        "replay": command(arguments, result.seen_in or result.id),
    }


def _entries(result: Result) -> tuple[list[Document], int]:
    """Return the beginning and the end of a transcript, and how many entries between them are left out."""
    transcript: Transcript = result.transcript
    entries = transcript.entries
    passed = result.verdict in (Verdict.PASS, Verdict.SKIP)
    head, tail = (_HEAD_OF_PASS, _TAIL_OF_PASS) if passed else (_HEAD, _TAIL)
    kept = entries if len(entries) <= head + tail else entries[:head] + entries[-tail:]
    return [
        {"seconds": round(one.seconds, 4), "who": one.who, "arrow": one.arrow, "text": one.text} for one in kept
    ], transcript.count - len(kept)


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{{{number:x}}}"
