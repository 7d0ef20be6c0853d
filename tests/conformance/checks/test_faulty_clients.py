"""The checks of clients can fail, and at the right place; two clients that share no code pass them all."""

import re
import shlex
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from conformance.checks.registry import client_checks
from conformance.judging.check import Check
from conformance.judging.client_runner import ClientRunner
from conformance.judging.result import Result, Settings
from conformance.judging.verdict import Verdict
from conformance.reports.text import explained
from conformance.stage.client_subject import ClientSubject, look
from conformance.stage.terminal import COLUMNS
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec, read_requirements
from tests.plainclient.faults import FAULTS, LACKS
from tests.support import ROOT

PLAIN = f"env PYTHONPATH={shlex.quote(str(ROOT))} {{python}} -m tests.plainclient {{host}} {{port}}"
REFERENCE = f"{{python}} {shlex.quote(str(ROOT))}/reference/client/client.py {{host}}:{{port}} --no-reconnect"
NARROW = 30  # columns: many a text needs two rows there
IMPATIENCE = 1.5  # seconds: what a faulty client does not do in time, it does not do
PATIENCE = 4.0  # the factor of the deadlines for clients that are to pass
HALTING = 0.1  # seconds before each output: more than the suite takes to see the one before
ENOUGH_LINES = 30  # for each of some checks, and not for all of them together
ATTEMPTS = 3  # runs in which a fault has to show: some depend on what the operating system does when
AT_ONCE = 8  # faulty clients at the same time: most of the time goes by in waiting
FAILURES = (Verdict.FAIL, Verdict.WARN)
# Conclusions from things missing on a screen, by the check: such a fault has to be seen however late it shows.
CONCLUDED_FROM_ABSENCE = {
    "CLIENT-6/a-closed-connection-is-told": "loss-untold",
    "CLIENT-6/a-broken-connection-is-told": "reset-untold",
    "CLIENT-6/an-end-within-a-line-is-told": "loss-untold",
    "CLIENT-9/attacks-in-bye-and-hello": "bye-raw",
}
UNOBSERVABLE = {"CLIENT-5", "PASS-17"}  # of a client on a terminal, since there a person types
PERMITTED = {"CLIENT-24"}  # nothing can break it

SPEC = find_spec()
REQUIREMENTS = read_requirements(SPEC)
RULES = Grammar(SPEC / GRAMMAR)
CHECKS = client_checks()

Futures = dict[str, Future[dict[str, list[Result]]]]


def run(subject: ClientSubject, checks: list[Check], deadline: float, jobs: int) -> list[Result]:
    settings = Settings(frozenset(), deadline, jobs)
    return ClientRunner(subject, REQUIREMENTS, RULES, settings).run(checks)


def until_caught(fault: str) -> dict[str, list[Result]]:
    """Return, for each requirement that the fault breaks, the results up to the first failure of one of its checks.

    A check with plays is run beside one that is the same, so that these are played.
    """
    found: dict[str, list[Result]] = {}
    for requirement in FAULTS[fault].breaks:
        found[requirement] = []
        citing = sorted((check for check in CHECKS if check.requirement == requirement), key=lambda one: one.slow)
        for check in citing * ATTEMPTS:
            checks = [check, *([replace(check, name=f"{check.name}-again")] if check.plays else [])]
            found[requirement] += run(ClientSubject(f"{PLAIN} --fault {fault}"), checks, IMPATIENCE, 1)
            if any(result.verdict in FAILURES for result in found[requirement]):
                break
    return found


@pytest.fixture(scope="module")
def looked(request: pytest.FixtureRequest) -> Iterator[Futures]:
    """The results of those faults whose tests are run, several at a time."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    wanted = [str(item.callspec.params["fault"]) for item in items if "fault" in item.fixturenames]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {fault: pool.submit(until_caught, fault) for fault in wanted}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_caught_where_it_breaks_something(fault: str, looked: Futures) -> None:
    found = looked[fault].result()
    assert set(found) == set(FAULTS[fault].breaks)
    for requirement, results in found.items():
        failures = [one for one in results if one.requirement.id == requirement and one.verdict in FAILURES]
        assert failures, f"{requirement}: {FAULTS[fault].text}"
        explanation = explained(failures[0], ["--client-cmd", "x"])
        parts = ["sentence", "expected", "received", "transcript", "screen -- |", "again", requirement]
        assert [part for part in parts if part not in explanation] == []


@pytest.mark.parametrize(
    ("client", "columns"),
    [
        (PLAIN, COLUMNS),
        (PLAIN, NARROW),
        (f"{PLAIN} --wrapping", NARROW),
        (f"{PLAIN} --late 0.05", COLUMNS),
        (REFERENCE, COLUMNS),
        (f"{REFERENCE} --editor plain", COLUMNS),
        (f"{REFERENCE} --editor plain", NARROW),
    ],
    ids=["plain", "plain-narrow", "wrapping-narrow", "late", "full", "own-editor", "own-editor-narrow"],
)
def test_client_conforms(client: str, columns: int) -> None:
    subject = ClientSubject(client, columns=columns)
    deadline = look(subject, RULES, time_factor=PATIENCE)
    results = run(subject, CHECKS, deadline, 4)
    assert len(results) >= 50
    assert [explained(result, ["--client-cmd", client]) for result in results if result.verdict != Verdict.PASS] == []


def test_the_row_of_an_event_that_a_text_looks_like_is_told() -> None:
    checks = [check for check in CHECKS if check.requirement == "CLIENT-23"]
    (failed,) = run(ClientSubject(f"{PLAIN} --fault event-rows-like-text"), checks, IMPATIENCE, 1)
    text = explained(failed, ["--client-cmd", "x"], short=True)
    found = re.search(r'expected  no text with a row that looks like "(    .*)", in which "ANNOUNCE ', text)
    assert found, text
    (mark,) = re.findall(rf'received  "Bob: ([a-e])" / "{found[1]}"\n', text)
    assert re.search(rf'sent      server -> "SAID Bob {mark} +{found[1]}\\n"\n', text)
    assert re.search(rf"screen -- \| Bob: {mark}\n.*screen -- \| {found[1]}\n", text)
    assert "first difference" not in text


def test_a_reason_that_a_client_passes_over_is_not_taken_for_a_failure_to_process_it() -> None:
    checks = [check for check in CHECKS if check.requirement == "CLIENT-7"]
    (result,) = run(ClientSubject(f"{PLAIN} --fault bye-known-alone"), checks, IMPATIENCE, 1)
    assert (result.verdict, result.because) == (Verdict.INCONCLUSIVE, "CLIENT-19")


def test_a_check_makes_up_the_same_words_whatever_runs_beside_it() -> None:
    concerned = [check for check in CHECKS if check.requirement == "CLIENT-10" and not check.ground]
    faulty = f"{PLAIN} --fault text-stripped"
    told = set()
    for checks in (concerned, [check for check in concerned if check.name == "what-is-said-is-shown-as-it-is"]):
        results = run(ClientSubject(faulty), checks, IMPATIENCE, AT_ONCE)
        told.add(tuple(result.expected for result in results if result.verdict in FAILURES))
    ((expected,),) = told
    assert re.fullmatch('"  q[a-z]{5}x" on the screen', expected)


@pytest.mark.parametrize("check_id", CONCLUDED_FROM_ABSENCE)
def test_absence_is_concluded_from_what_comes_later(check_id: str) -> None:
    checks = [check for check in CHECKS if check.id == check_id]
    halting = f"{PLAIN} --halting {HALTING}"
    (passed,) = run(ClientSubject(halting), checks, IMPATIENCE * PATIENCE, 1)
    (failed,) = run(ClientSubject(f"{halting} --fault {CONCLUDED_FROM_ABSENCE[check_id]}"), checks, IMPATIENCE, 1)
    assert (passed.verdict, failed.verdict) == (Verdict.PASS, Verdict.FAIL)


def test_no_check_fails_for_what_other_checks_did_to_a_client() -> None:
    concerned = [check for check in CHECKS if check.requirement in ("CLIENT-10", "CLIENT-11") and not check.ground]
    checks = [check for check in concerned if "flood" not in check.name]
    results = run(ClientSubject(f"{PLAIN} --most {ENOUGH_LINES}"), checks, IMPATIENCE, 1)
    assert [explained(result, ["--client-cmd", PLAIN]) for result in results if result.verdict != Verdict.PASS] == []
    went_on = ["goes on with a client" in str(result.transcript) for result in results]
    assert went_on == [False, True, False]


def test_every_requirement_of_clients_has_checks_and_faults() -> None:
    concerned = {one.id for one in REQUIREMENTS.values() if one.concerns("client")}
    assert len(concerned) > 20
    assert {check.requirement for check in CHECKS} == concerned - UNOBSERVABLE - PERMITTED
    assert {broken for fault in FAULTS.values() for broken in fault.breaks} == concerned - UNOBSERVABLE - PERMITTED


def test_checks_have_names_of_their_own() -> None:
    names = [check.id for check in CHECKS]
    assert len(names) == len(set(names))


def test_each_fault_is_in_the_code_and_no_other() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "plainclient").glob("*.py")]
    code = "\n".join(source for source in sources if "_TABLE = (" not in source)
    assert [name for name in FAULTS | LACKS if f'"{name}"' not in code] == []
    asked = set(re.findall(r"""fault\("([a-z0-9-]+)"\)""", code))
    assert len(asked) > 50
    assert asked <= (FAULTS | LACKS).keys()
