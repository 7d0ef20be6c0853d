"""Reads the requirements from the text of the specification itself."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

TEXT = "flurfunk-1.md"
GRAMMAR = "flurfunk-1.abnf"
SESSIONS = "sessions"

_HEADING = re.compile(r"#{2,3} (\d+(?:\.\d+)*)\. (.+)")
_ITEM = re.compile(
    r"- \*\*\[(?P<id>[A-Z]+-\d+)\]\*\* \*\((?P<level>MUST|SHOULD|MAY), (?P<binds>server|client|both)"
    r"(?:, (?P<condition>[a-z-]+))?\)\* (?P<text>.+)"
)


class SpecNotFoundError(Exception):
    """No directory with the specification was found."""


@dataclass(frozen=True)
class Requirement:
    """One numbered sentence of the specification."""

    id: str
    section: str
    title: str
    level: str
    binds: str
    condition: str | None
    text: str

    @property
    def digest(self) -> str:
        """A check's mark of the sentence that it tests: 12 hexadecimal digits of its SHA-256."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    def concerns(self, kind: str) -> bool:
        """Whether a `server`, or a `client`, has to meet it."""
        return self.binds in (kind, "both")


def find_spec(given: Path | None = None) -> Path:
    """Return the directory of the specification; raise SpecNotFoundError where there is none.

    Looked for: `given` or else the variable FLURFUNK_SPEC, and only there; then beside this package; then inside it.
    """
    named = given or os.environ.get("FLURFUNK_SPEC")
    package = Path(__file__).resolve().parents[1]
    candidates = [Path(named)] if named else [package.parent / "spec", package / "spec"]
    for candidate in candidates:
        if (candidate / TEXT).is_file() and (candidate / GRAMMAR).is_file():
            return candidate
    raise SpecNotFoundError(f"no {TEXT} with its grammar in {' or '.join(map(str, candidates))}; say where with --spec")


def read_requirements(directory: Path) -> dict[str, Requirement]:
    """Return all requirements by identifier, in the order of the text; raise ValueError where one stands twice."""
    requirements: dict[str, Requirement] = {}
    for requirement in parse_requirements((directory / TEXT).read_text(encoding="utf-8")):
        if requirement.id in requirements:
            raise ValueError(f"{requirement.id} stands twice in {TEXT}")
        requirements[requirement.id] = requirement
    return requirements


def parse_requirements(text: str) -> list[Requirement]:
    """Return the requirements of a text in their order, each with the section in which it stands."""
    found: list[Requirement] = []
    section, title = "", ""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if heading := _HEADING.fullmatch(line):
            section, title = heading.groups()
        elif item := _ITEM.fullmatch(line):
            sentence = " ".join([item["text"], *_continuation(lines[number + 1 :])])
            plain = " ".join(sentence.split())
            found.append(
                Requirement(item["id"], section, title, item["level"], item["binds"], item["condition"], plain)
            )
    return found


def _continuation(lines: list[str]) -> list[str]:
    """Return the lines at the beginning that are indented, as the rest of a list item is."""
    rest: list[str] = []
    for line in lines:
        if not line.startswith("  "):
            break
        rest.append(line)
    return rest
