"""The suite blames what is broken, and nothing else: conforming servers from which one thing was taken out."""

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from conformance.checks.registry import all_checks
from tests import half_finished
from tests.half_finished import Case, Outcome, is_asked, leads
from tests.half_finished_servers import SERVERS

# `python -m tests.half_finished` tries more.
NAMED = ("no-joined", "no-left", "no-nick", "no-pong", "no-room", "no-said-self", "no-error", "no-bye")
UNFOLDED = ("rooms-unfolded", "no-who")
CHOSEN = ("no-ping", "no-say", "no-cd", "no-nick-command", "no-rooms", "no-help", "no-name-answer", "pong-lowered")
AT_THE_CONSOLE = ("no-announce", "no-kick")
CASES = half_finished.cases([*SERVERS, *NAMED, *UNFOLDED, *CHOSEN, *AT_THE_CONSOLE])
NODE = shutil.which("node")
LINES = 60  # printed at most of a server that lacks one line


@pytest.fixture(scope="module")
def looked(request: pytest.FixtureRequest) -> Iterator[dict[Case, Future[Outcome]]]:
    """The suite's verdicts on the cases whose tests are run, several at a time."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    asked = [item.callspec.params["case"] for item in items if "looked" in item.fixturenames]
    wanted = [case for case in CASES if case in asked and (case.server != "node" or NODE)]
    wanted.sort(key=lambda case: case.thing)  # one server is waited for most of the time: others are at work meanwhile
    with ProcessPoolExecutor(half_finished.AT_ONCE) as pool:
        yield {case: pool.submit(half_finished.look, case, shared=True) for case in wanted}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.server}-{case.thing}")
def test_what_is_broken_is_blamed_and_nothing_else(case: Case, looked: dict[Case, Future[Outcome]]) -> None:
    if case.server == "node" and not NODE:
        pytest.skip("Node.js is not installed: the server in JavaScript was not looked at")
    # On a machine that has too much to do, a look can go wrong; two in a row do not.
    assert looked[case].result().wrong == [] or half_finished.look(case, shared=True).wrong == []


def test_each_server_has_as_many_things_taken_out() -> None:
    assert len(CASES) == len(SERVERS) * len({case.thing for case in CASES}) == 60


def test_all_checks_are_taken_to_each_server_and_to_each_thing() -> None:
    for check in all_checks():
        asked = [case for case in CASES if is_asked(case, check)]
        assert {case.server for case in asked} == set(SERVERS)
        assert {case.thing for case in asked} == {case.thing for case in CASES}


def test_what_costs_much_are_checks_that_exist() -> None:
    assert {check.id for check in all_checks()} >= half_finished.COSTLY | half_finished.ONCE
    assert half_finished.ONE_SERVER in SERVERS


@pytest.mark.parametrize("case", [case for case in CASES if case.thing in ("no-joined", "no-nick") and leads(case)])
def test_one_missing_line_is_told_in_a_few(case: Case, looked: dict[Case, Future[Outcome]]) -> None:
    assert looked[case].result().lines <= LINES


@pytest.mark.parametrize("case", half_finished.cases(), ids=lambda case: f"{case.server}-{case.thing}")
def test_no_edit_is_out_of_date(case: Case) -> None:
    server = SERVERS[case.server]
    with half_finished.copied(server, server.edits[case.thing]) as folder:
        assert folder.is_dir()


def test_an_edit_that_is_out_of_date_is_noticed() -> None:
    (edit, *_) = SERVERS["node"].edits["no-joined"]
    with pytest.raises(half_finished.StaleEditError, match="0 times"):
        half_finished.edited("something else", edit, "server.mjs")
