"""Reads subject.toml: how an implementation is started, what it has, and which of its failures are expected."""

import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from conformance.judging.expected import Expectation
from conformance.judging.result import SYNTHETIC

_KEYS: dict[str, dict[str, type]] = {
    "implementation": {"name": str, "version": str},
    "server": {
        "command": str,
        "limited-command": str,
        "password-command": str,
        "address": str,
        "console": bool,
        "tls-ca": str,
        "features": list,
    },
    "client": {"command": str, "tls-cert": str, "tls-key": str},
    "expected-failure": {"check": str, "requirement": str, "reason": str, "match": str, "until": date},
}
_WORDS = {str: "a text", bool: "true or false", list: "a list of texts", date: "a date such as 2027-01-31"}


class SubjectFileError(Exception):
    """A mistake in the file; the message names the file and the mistake, in one line."""


@dataclass(frozen=True)
class SubjectFile:
    """The content of the file."""

    name: str = ""
    version: str = ""
    server_command: str | None = None
    limited_server_command: str | None = None
    password_server_command: str | None = None
    address: str | None = None
    console: bool = True
    tls_ca: str | None = None
    features: tuple[str, ...] = ()  # the server has to advertise them
    client_command: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    expected_failures: tuple[Expectation, ...] = field(default=())

    def unknown(self, checks: Collection[str]) -> list[str]:
        """Return what is expected to fail and does not exist; `checks`: the identifiers of all checks."""
        requirements = {check.partition("/")[0] for check in checks}
        return [
            one.what
            for one in self.expected_failures
            if one.what not in checks
            and one.what not in requirements
            and not (one.what.partition("/")[0] in requirements and one.what.partition("/")[2] in SYNTHETIC)
        ]


def read_subject_file(path: Path) -> SubjectFile:
    """Read the file; raises SubjectFileError."""
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise SubjectFileError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SubjectFileError(f"{path}: {str(error).splitlines()[0]}") from error
    try:
        return _parse(table)
    except ValueError as error:
        raise SubjectFileError(f"{path}: {error}") from error


def _parse(table: dict[str, Any]) -> SubjectFile:
    """Return what a table says; raises ValueError."""
    if unknown := table.keys() - _KEYS.keys():
        raise ValueError(f"[{min(unknown)}] means nothing; known are {_listed(_KEYS)}")
    implementation, server, client = (_section(table, name) for name in ("implementation", "server", "client"))
    if "command" in server and "address" in server:
        raise ValueError("[server] has a command and an address; one of them is enough")
    if any(not isinstance(feature, str) for feature in server.get("features", [])):
        raise ValueError("[server] features: has to be a list of texts")
    if "password" in server.get("features", []):
        raise ValueError("[server] features: password is not for all checks; say password-command instead")
    return SubjectFile(
        name=implementation.get("name", ""),
        version=implementation.get("version", ""),
        server_command=server.get("command"),
        limited_server_command=server.get("limited-command"),
        password_server_command=server.get("password-command"),
        address=server.get("address"),
        console=server.get("console", True),
        tls_ca=server.get("tls-ca"),
        features=tuple(server.get("features", [])),
        client_command=client.get("command"),
        tls_cert=client.get("tls-cert"),
        tls_key=client.get("tls-key"),
        expected_failures=tuple(_expected(table.get("expected-failure", []))),
    )


def _section(table: dict[str, Any], name: str) -> dict[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise ValueError(f"{name} has to be a table: [{name}]")
    _hold_against_keys(f"[{name}]", section, _KEYS[name])
    return section


def _expected(entries: object) -> Iterator[Expectation]:
    if not isinstance(entries, list):
        raise ValueError("expected-failure has to be a list of tables: [[expected-failure]]")
    seen = set()
    for number, entry in enumerate(entries, 1):
        where = f"[[expected-failure]] number {number}"
        if not isinstance(entry, dict):
            raise ValueError(f"{where}: has to be a table")
        _hold_against_keys(where, entry, _KEYS["expected-failure"])
        if ("check" in entry) == ("requirement" in entry):
            raise ValueError(f"{where}: has to have either check or requirement")
        what = entry.get("check") or entry.get("requirement") or ""
        if ("/" in what) != ("check" in entry):
            raise ValueError(f"{where}: {what!r} is no {'check' if 'check' in entry else 'requirement'}")
        if not entry.get("reason", "").strip():
            raise ValueError(f"{where} ({what}): has no reason")
        if what in seen:
            raise ValueError(f"{where}: {what} stands twice")
        seen.add(what)
        yield Expectation(what, entry["reason"].strip(), entry.get("match", ""), entry.get("until"))


def _hold_against_keys(where: str, table: dict[str, Any], keys: dict[str, type]) -> None:
    for key, value in table.items():
        if key not in keys:
            raise ValueError(f"{where} {key}: means nothing; known are {_listed(keys)}")
        if type(value) is not keys[key]:  # a bool is no number here, nor a date with a time a date
            raise ValueError(f"{where} {key}: has to be {_WORDS[keys[key]]}")


def _listed(words: Collection[str]) -> str:
    return ", ".join(words)
