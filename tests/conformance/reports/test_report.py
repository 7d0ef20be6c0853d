"""Reports: what they hold, that they hold together, and that nothing in them does harm."""

import copy
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema
import pytest

from conformance.reports import matrix
from conformance.reports.badge import badge
from conformance.reports.document import SCHEMA, clean
from conformance.reports.junit import junit
from conformance.reports.page import page
from conformance.reports.reached import STEPS
from conformance.reports.write import NAMES, write_reports
from conformance.text.requirements import find_spec, read_requirements
from conformance.wire.transcript import MAX_ENTRIES, Transcript
from tests.suite import DEADLINE, faulty, suite

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SUBJECT = f"""
[implementation]
name = "<b>tab\\tserver</b>"
version = "0.3"
[server]
command = "{faulty("nick-same-told", "blanks-collapsed", "hint-missing")}"
[[expected-failure]]
check = "TEXT-5/texts-are-relayed-octet-for-octet"
reason = "blanks are collapsed, issue 7"
"""
NASTY = "</script><script>alert(1)</script>\x1b[2J\x00\u202e\ud800]]>&\"'"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of a run with failures of several kinds, through the command line."""
    directory = tmp_path_factory.mktemp("reports")
    path = directory / "subject.toml"
    path.write_text(SUBJECT)
    wanted = ("NICK-3", "TEXT-5/texts-are-relayed-octet-for-octet", "LINE-5", "STATE-1", "PASS-1")
    selected = [word for what in wanted for word in ("--select", what)]
    done = suite("--subject", path, "--report", directory, *selected)
    assert done.returncode == 1, done.stderr
    return directory


@pytest.fixture(scope="module")
def report(directory: Path) -> Any:
    return json.loads((directory / "report.json").read_text(encoding="utf-8"))


@pytest.fixture
def nasty(report: Any) -> Any:
    """The same with texts that would do harm where they were not neutralised."""
    changed = copy.deepcopy(report)
    for check in changed["checks"]:
        check.update(dict.fromkeys(("id", "title", "reason", "expected", "received", "replay"), clean(NASTY)))
        check["transcript"] = [{"seconds": 0, "who": clean(NASTY), "arrow": "->", "text": clean(NASTY)}]
    for requirement in changed["requirements"]:
        requirement["checks"] = []
    changed["implementation"]["name"] = clean(NASTY)
    return changed


def test_the_report_is_as_the_schema_says(report: Any) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(report)


def test_the_report_tells_what_came_out(report: Any, directory: Path) -> None:
    assert (report["conclusion"], report["exit_status"]) == ("not-conformant", 1)
    assert report["implementation"] == {"name": "<b>tab\\x09server</b>", "version": "0.3"}
    assert report["features"] == ["history", "rooms", "tell", "who"]
    checks = {check["id"]: check for check in report["checks"]}
    assert checks["TEXT-5/texts-are-relayed-octet-for-octet"]["verdict"] == "XFAIL"
    failed = [check for check in report["checks"] if check["verdict"] == "FAIL"]
    assert failed
    for check in failed:
        assert check["sentence"] == read_requirements(find_spec())[check["requirement"]].text
        assert check["expected"]
        assert check["received"]
        assert check["transcript"]
        assert check["replay"] == f"python -m conformance --subject {directory / 'subject.toml'} --select {check['id']}"
    assert report["totals"]["checks"]["FAIL"] == len(failed)
    assert sum(report["totals"]["checks"].values()) == len(report["checks"])
    verdicts = {one["id"]: one["verdict"] for one in report["requirements"]}
    assert (verdicts["NICK-3"], verdicts["LINE-5"], verdicts["TEXT-5"], verdicts["ROOM-1"]) == (
        "FAIL",
        "PASS",
        "XFAIL",
        None,
    )


def test_a_transcript_keeps_its_beginning_and_its_end() -> None:
    transcript = Transcript()
    for number in range(MAX_ENTRIES + 100):
        transcript.received("ann", str(number).encode())
    assert len(transcript.entries) == MAX_ENTRIES
    assert (transcript.entries[0].text, transcript.entries[-1].text) == ('"0"', f'"{MAX_ENTRIES + 99}"')
    assert "(100 more)" in str(transcript)


def test_junit_counts_and_names_what_came_out(report: Any, directory: Path) -> None:
    root = Xml.fromstring((directory / "junit.xml").read_bytes())
    cases = root.findall("testsuite/testcase")
    assert [case.get("name") for case in cases] == [check["id"] for check in sorted_by_section(report)]
    assert root.get("failures") == str(len(root.findall(".//failure"))) == str(report["totals"]["checks"]["FAIL"])
    skipped = [int(str(one.get("skipped"))) for one in root.findall("testsuite")]
    assert sum(skipped) == len(root.findall(".//skipped"))
    assert sum(skipped) == report["totals"]["checks"]["XFAIL"] + report["totals"]["checks"]["SKIP"]
    assert (root.get("errors"), root.get("tests")) == ("0", str(len(report["checks"])))
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.text
    assert "again: python -m conformance" in failure.text
    assert str(failure.get("message")).startswith("FAIL: expected ")


def sorted_by_section(report: Any) -> list[Any]:
    order = list(dict.fromkeys(check["section"] for check in report["checks"]))
    return sorted(report["checks"], key=lambda check: order.index(check["section"]))


def test_junit_stays_xml_whatever_stands_in_it(nasty: Any) -> None:
    root = Xml.fromstring(junit(nasty))
    names = {case.get("name") for case in root.iter("testcase")}
    assert names == {clean(NASTY)}


def test_junit_of_a_run_without_checks_is_an_error(report: Any) -> None:
    root = Xml.fromstring(junit({**report, "checks": []}))
    assert root.get("errors") == "1"
    assert len(root.findall(".//error")) == 1


@pytest.mark.parametrize(
    ("conclusion", "counts", "told"),
    [
        ("conformant", {"PASS": 9}, "conformant"),
        ("conformant-but-for-expected-failures", {"XFAIL": 1}, "conformant but for 1 expected failure"),
        ("not-conformant", {"FAIL": 2}, "2 failures"),
        ("not-conformant", {"FAIL": 1}, "1 failure"),
        ("not-conformant", {"XPASS": 1}, "expected failures out of date"),
        ("inconclusive", {}, "inconclusive"),
        ("unreachable", {}, "unreachable"),
    ],
)
def test_the_badge_says_it_in_a_word(conclusion: str, counts: dict[str, int], told: str) -> None:
    svg = Xml.fromstring(badge({"conclusion": conclusion, "totals": {"checks": counts}}))
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["flurfunk/1", told]


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_refers_to_nothing_outside(directory: Path) -> None:
    text = (directory / "report.html").read_text(encoding="utf-8")
    elements = Elements(text).found
    references = [attributes[key] for _, attributes in elements for key in ("src", "href") if attributes.get(key)]
    assert len(references) > 3
    assert [reference for reference in references if not str(reference).startswith(("#", "data:,"))] == []
    assert re.findall(r"url\(|@import", text) == []
    assert "default-src 'none'" in text


def test_requirements_are_links_to_the_page_that_is_named(tmp_path: Path) -> None:
    page_of_all = "https://example.org/spec/flurfunk-1.html?a&b"
    faulty_server = ("--server-cmd", faulty("nick-same-told"))
    done = suite(*faulty_server, "--select", "NICK-3", "--report", tmp_path, "--spec-url", page_of_all)
    assert done.returncode == 1, done.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(report)
    elements = Elements((tmp_path / "report.html").read_text(encoding="utf-8")).found
    links = [str(attributes["href"]) for tag, attributes in elements if tag == "a" and attributes.get("href")]
    outside = [link for link in links if not link.startswith("#")]
    assert {*outside} == {f"{page_of_all}#{one['id']}" for one in report["requirements"] if one["binds"] != "client"}
    assert outside.count(f"{page_of_all}#NICK-3") == 2  # in the table, and beside what failed
    (failure,) = Xml.fromstring((tmp_path / "junit.xml").read_bytes()).iter("failure")
    assert f"{page_of_all}#NICK-3" in str(failure.text).splitlines()


def test_the_page_can_be_used_without_eyes_or_mouse(directory: Path) -> None:
    text = (directory / "report.html").read_text(encoding="utf-8")
    elements = Elements(text).found
    tags = [tag for tag, _ in elements]
    assert ("html", {"lang": "en"}) in elements
    assert tags.count("h1") == tags.count("main") == 1
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    labelled = {attributes.get("for") for tag, attributes in elements if tag == "label"}
    inputs = {attributes["id"] for tag, attributes in elements if tag == "input"}
    assert inputs
    assert inputs == labelled
    targets = {str(attributes["href"])[1:] for tag, attributes in elements if tag == "a"}
    assert targets <= set(ids)


def test_each_failure_has_a_picture_that_can_be_heard(report: Any) -> None:
    pictures = re.findall(r'<svg class="drawn".*?</svg>', page(report), re.DOTALL)
    failed = [check for check in report["checks"] if check["expected"] and check["transcript"]]
    assert len(pictures) == len(failed) > 0
    for text in pictures:
        svg = Xml.fromstring(text)
        told = {element.get("id"): element.text for element in svg if element.tag in ("title", "desc")}
        assert set(told) == {svg.get("aria-labelledby"), svg.get("aria-describedby")}
        assert all(told.values())
        rows = [group for group in svg.iter("g") if group.get("class")]
        assert 0 < len(rows) <= 12
        assert sum(str(one).count(";") for one in told.values()) >= len(rows)


def test_nothing_that_a_server_says_becomes_a_part_of_the_page(nasty: Any) -> None:
    text = page(nasty)
    elements = Elements(text).found
    assert len([tag for tag, _ in elements if tag == "script"]) == 1
    assert "alert(1)&lt;/script&gt;" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    text.encode()


@pytest.fixture
def served(directory: Path) -> Iterator[tuple[str, list[str]]]:
    """The page's address at a web server, and what it is asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(directory))

        def log_message(self, format: str, *arguments: object) -> None:
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/report.html", asked
        server.shutdown()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: the page was not looked at in a browser")
def test_a_browser_shows_the_page_and_asks_for_nothing_else(
    served: tuple[str, list[str]], report: Any, tmp_path: Path
) -> None:
    address, asked = served
    quiet = ["disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-sync"]
    options = [f"--{option}" for option in ("headless", "no-sandbox", *quiet, "disable-component-update")]
    shown = subprocess.run(
        [str(CHROMIUM), *options, f"--user-data-dir={tmp_path}", "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    ).stdout
    assert asked == ["/report.html"]
    assert f"<h1>{report['summary']}</h1>" in shown
    elements = Elements(shown).found
    cards = [attributes for tag, attributes in elements if tag == "details" and attributes.get("class") == "card FAIL"]
    assert len(cards) == report["totals"]["checks"]["FAIL"]
    assert "open" in cards[0]
    buttons = [attributes for tag, attributes in elements if tag == "button"]
    assert buttons
    assert all("hidden" not in button for button in buttons)  # the policy lets the page's own script run


def test_a_matrix_has_a_column_for_each_report(
    directory: Path, report: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {**report, "implementation": {"name": "", "version": ""}, "conclusion": "conformant"}
    other["requirements"] = [{**one, "verdict": "PASS"} for one in report["requirements"]]
    one = {**report["checks"][0], "kind": "server", "verdict": "PASS"}
    other["checks"] = [*report["checks"], *({**one, "id": check} for check in STEPS["server"][0].checks)]
    (tmp_path / "second").mkdir()
    write_reports(tmp_path / "second", other)
    output = tmp_path / "matrix.html"
    assert matrix.main([str(directory), str(tmp_path / "second"), "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    steps, table = printed.split("\n\n", 1)
    assert re.match(r"second +step 2 of 15: .*\n<b>tab.* step 1 of 15: ", steps)  # the one that is farther first
    assert table.splitlines()[0].split()[0] == "second"
    assert re.search(r"^NICK-3 +MUST +PASS +FAIL$", printed, re.MULTILINE)
    assert re.search(r"^ROOM-1 +MUST +PASS +-$", printed, re.MULTILINE)
    html = output.read_text(encoding="utf-8")
    assert "&lt;b&gt;tab\\x09server&lt;/b&gt; 0.3" in html
    rows = Elements(html).found
    assert [attributes.get("value") for tag, attributes in rows if tag == "progress"] == ["1", "0"]
    assert [tag for tag, _ in rows].count("tr") == len(report["requirements"]) + 2


@pytest.mark.parametrize("key", ["totals", "implementation", "requirements", "conclusion"])
def test_a_matrix_of_half_a_report_is_told_in_one_line(
    key: str, report: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text(json.dumps({**report, key: 1 if key != "conclusion" else None}))
    assert matrix.main([str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (
        "",
        f"flurfunk-conformance: {tmp_path / 'report.json'}: is no report of this suite\n",
    )


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"format": "else", "format_version": 1}', "\udcff"])
def test_a_matrix_of_something_else_is_told_in_one_line(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "report.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert matrix.main([str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "report.json" in printed.err


def test_all_reports_are_there(directory: Path) -> None:
    assert {path.name for path in directory.iterdir()} >= {*NAMES}
    assert not list(directory.glob(".*"))
