"""Finds what goes with each requirement: its checks, the faults that break it, and the sessions that show it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conformance.checks.registry import all_checks, client_checks
from conformance.conversations.session import read_session, session_checks
from conformance.text.requirements import SESSIONS
from tests.asyncserver.faults import FAULTS
from tests.asyncserver.faults_missed import MISSED
from tests.plainclient.faults import FAULTS as CLIENT_FAULTS
from tests.plainclient.faults import LACKS


@dataclass
class Evidence:
    """The evidence for one requirement; each a list of a name and a sentence about it."""

    checks: list[tuple[str, str]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    sessions: list[tuple[str, str]] = field(default_factory=list)


def evidence(spec: Path) -> dict[str, Evidence]:
    """Return what goes with each requirement that has any of it, by identifier; `spec`: the folder of the text."""
    found: defaultdict[str, Evidence] = defaultdict(Evidence)
    for check in (*all_checks(), *session_checks(spec), *client_checks()):
        found[check.requirement].checks.append((check.id, check.title))
    for name, text, breaks in _faults():
        for requirement in breaks:
            found[requirement].faults.append((name, text))
    for path in sorted((spec / SESSIONS).glob("*.session")):
        session = read_session(path)
        for requirement in session.shows:
            found[requirement].sessions.append((session.name, session.title))
    return dict(found)


def _faults() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Return the name of each fault, what the program that has it does, and what it breaks."""
    for of_server in (*FAULTS.values(), *MISSED.values()):
        yield of_server.name, f"the server {of_server.text}", of_server.breaks
    for of_client in (*CLIENT_FAULTS.values(), *LACKS.values()):
        yield of_client.name, f"the client {of_client.text}", of_client.breaks
