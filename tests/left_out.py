"""Tests that were left out: a plugin of pytest that counts them by their reasons, and fails where they could run.

`FLURFUNK_LEFT_OUT` names a file to which it appends a line for each reason.  `FLURFUNK_WITHOUT` is set where the
programs of tests/programs.py were installed, to the packages that could not be had: then each reason that is neither
theirs nor in skips.toml fails the run.
"""

import os
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.programs import PACKAGES

FILE, WITHOUT = "FLURFUNK_LEFT_OUT", "FLURFUNK_WITHOUT"
ALLOWED = tuple(
    one["skip"] for one in tomllib.loads(Path(__file__).with_name("skips.toml").read_text(encoding="utf-8"))["allowed"]
)
_FOUND = pytest.StashKey[Counter[str]]()


def unexpected(reasons: Iterable[str], without: Iterable[str]) -> list[str]:
    """Return the reasons for which no test may be left out where all packages are there but these."""
    missing = set(without)
    known = ALLOWED + tuple(package.skip for package in PACKAGES if package.name in missing)
    return [reason for reason in reasons if not reason.startswith(known)]


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return why a test was left out, as the test says it."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Count, note and judge; not in a worker of xdist, which has seen a part."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    found = Counter(reason(report) for report in reporter.stats.get("skipped", []))
    if FILE in os.environ:
        with open(os.environ[FILE], "a", encoding="utf-8") as file:
            file.writelines(f"{count} {why}\n" for why, count in found.items())
    if WITHOUT in os.environ:
        session.config.stash[_FOUND] = wrong = Counter(
            {why: found[why] for why in unexpected(found, os.environ[WITHOUT].split())}
        )
        if wrong and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests could have run."""
    for why, count in config.stash.get(_FOUND, Counter()).items():
        terminalreporter.write_line(f"left out although it can run here (tests/skips.toml): {count} x {why}", red=True)
