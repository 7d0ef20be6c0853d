"""The suite's reports as other people's programs read them.

`tox -e readers` installs these: junitparser of PyPI, junit-to-ctrf and ajv of npm; without them, what needs them is
left out, visibly. The rules of the xunit plugin for Jenkins are written down here.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema
import pytest

from conformance.reports.document import SCHEMA
from conformance.reports.junit import junit
from tests.suite import DEADLINE, ROOT, faulty

MODULES = Path(os.environ.get("FLURFUNK_READER_MODULES", ROOT / ".tox" / "readers" / "npm" / "node_modules"))
LONGEST = 120.0  # seconds: for a busy machine
ODD = os.fsdecode(b"odd\xff\x1b[2J")  # not UTF-8, and with characters that act on a terminal
# What fails, what should be and is not, and what is skipped.
WANTED = ("SAY-2/said", "LINE-10", "PASS-1", "OUT-1")

needs_npm = pytest.mark.skipif(
    not (shutil.which("node") and all((MODULES / name).is_dir() for name in ("junit-to-ctrf", "ajv-cli"))),
    reason="junit-to-ctrf and ajv of npm are not installed: tox -e readers",
)

# junit-10.xsd of the xunit plugin for Jenkins: for each element what it holds, and its attributes; those that
# have to be there begin with a mark.
XUNIT = {
    "testsuites": ({"testsuite"}, "name time tests failures errors"),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        "!name !tests !failures !errors group time skipped timestamp hostname id package file log url",
    ),
    "testcase": ({"skipped", "error", "failure", "system-out", "system-err"}, "!name time classname group"),
    "skipped": (set(), "type message"),
    "error": (set(), "type message"),
    "failure": (set(), "type message"),
    "system-out": (set(), ""),
}
XUNIT_TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


def against_xunit(element: Xml.Element) -> list[str]:
    """Return what the xunit plugin refuses in an element."""
    holds, told = XUNIT[element.tag]
    attributes = told.replace("!", "").split()
    needed = [one[1:] for one in told.split() if one.startswith("!")]
    wrong = [f"{element.tag}: {one} is not allowed" for one in element.attrib if one not in attributes]
    wrong += [f"{element.tag}: {one} is missing" for one in needed if one not in element.attrib]
    wrong += [f"{element.tag}: {one.tag} is not allowed in it" for one in element if one.tag not in holds]
    if element.tag != "testcase" and not XUNIT_TIME.fullmatch(element.get("time", "")):
        wrong.append(f"{element.tag}: {element.get('time')} is no time")
    return wrong + [told for one in element for told in against_xunit(one)]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of a run with results of several kinds, and odd words in its command line."""
    directory = tmp_path_factory.mktemp("reports")
    selected = [word for what in WANTED for word in ("--select", what)]
    server = f"env 'WORD={ODD}' {faulty('said-doubled', 'hint-missing')}"
    command = [sys.executable, "-m", "conformance", "--server-cmd", server, *selected]
    done = subprocess.run(
        [*command, "--report", directory], cwd=ROOT, capture_output=True, timeout=DEADLINE, check=False
    )
    assert (done.returncode, done.stderr) == (1, b"")
    return directory


@pytest.fixture(scope="module")
def report(directory: Path) -> Any:
    return json.loads((directory / "report.json").read_text(encoding="utf-8"))


def test_the_run_has_results_of_several_kinds(report: Any) -> None:
    assert {"FAIL", "WARN", "SKIP", "PASS"} <= set(report["totals"]["checks"])
    assert "WORD=odd\\u{dcff}\\x1b[2J" in " ".join(report["subject"]["arguments"])


def test_jenkins_refuses_nothing(directory: Path) -> None:
    assert against_xunit(Xml.fromstring((directory / "junit.xml").read_bytes())) == []


def test_jenkins_refuses_nothing_of_a_run_without_checks(report: Any) -> None:
    assert against_xunit(Xml.fromstring(junit({**report, "checks": []}))) == []


def test_moments_tell_their_zone(directory: Path) -> None:
    suites = Xml.fromstring((directory / "junit.xml").read_bytes()).findall("testsuite")
    assert suites
    for suite in suites:
        assert datetime.fromisoformat(str(suite.get("timestamp"))).utcoffset() is not None


def test_a_warning_is_told_in_the_first_line(directory: Path) -> None:
    root = Xml.fromstring((directory / "junit.xml").read_bytes())
    warnings = [case.findtext("system-out") for case in root.iter("testcase") if case.find("system-out") is not None]
    assert warnings
    assert all(str(text).startswith("WARN: ") for text in warnings)


def test_the_schema_has_a_name_by_which_others_refer_to_it(report: Any) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema["$id"]
    jsonschema.Draft202012Validator(schema).validate(report)


def test_junitparser_reads_the_same(directory: Path, report: Any) -> None:
    junitparser = pytest.importorskip("junitparser", reason="junitparser is not installed: tox -e readers")
    read = junitparser.JUnitXml.fromfile(str(directory / "junit.xml"))
    totals = report["totals"]["checks"]
    errors = totals.get("INCONCLUSIVE", 0)
    assert (read.tests, read.failures, read.errors) == (len(report["checks"]), totals["FAIL"], errors)
    cases = {case.name: case for suite in read for case in suite}
    kinds = {"FAIL": ["Failure"], "INCONCLUSIVE": ["Error"], "SKIP": ["Skipped"], "PASS": [], "WARN": []}
    for check in report["checks"]:
        assert [type(one).__name__ for one in cases[check["id"]].result] == kinds[check["verdict"]]


@needs_npm
def test_junit_to_ctrf_reads_the_same(directory: Path, report: Any, tmp_path: Path) -> None:
    written = tmp_path / "ctrf.json"
    command: list[str | Path] = [MODULES / ".bin" / "junit-to-ctrf", directory / "junit.xml", "-o", written]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads(written.read_text(encoding="utf-8"))["results"]["summary"]
    totals = report["totals"]["checks"]
    passed = totals["PASS"] + totals["WARN"]
    assert {key: summary[key] for key in ("tests", "passed", "failed", "skipped")} == {
        "tests": len(report["checks"]),
        "passed": passed,
        "failed": totals["FAIL"] + totals.get("INCONCLUSIVE", 0),
        "skipped": totals["SKIP"],
    }


@needs_npm
def test_ajv_finds_the_report_valid_and_another_not(directory: Path, report: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({**report, "exit_status": 7}), encoding="utf-8")
    for path, status in ((directory / "report.json", 0), (wrong, 1)):
        command: list[str | Path] = [
            MODULES / ".bin" / "ajv",
            "validate",
            "--spec=draft2020",
            "-c",
            "ajv-formats",
            "-s",
            SCHEMA,
            "-d",
            path,
        ]
        done = subprocess.run(command, cwd=MODULES.parent, capture_output=True, text=True, timeout=LONGEST, check=False)
        assert done.returncode == status, done.stdout + done.stderr
