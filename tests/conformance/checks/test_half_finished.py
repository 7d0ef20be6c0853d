"""The suite blames what is broken, and nothing else: conforming servers from which one thing was taken out."""

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from tests import half_finished
from tests.half_finished import Case, Outcome
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
    """What the suite says of those whose tests are run, several at a time."""
    params = [getattr(item, "callspec", None) and item.callspec.params for item in request.session.items]  # type: ignore[attr-defined]
    wanted = [case for case in CASES if {"case": case} in params and (case.server != "node" or NODE)]
    with ProcessPoolExecutor(half_finished.AT_ONCE) as pool:
        yield {case: pool.submit(half_finished.look, case) for case in wanted}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.server}-{case.thing}")
def test_what_is_broken_is_blamed_and_nothing_else(case: Case, looked: dict[Case, Future[Outcome]]) -> None:
    if case.server == "node" and not NODE:
        pytest.skip("Node.js is not installed: the server in JavaScript was not looked at")
    # On a machine that has too much to do, a look can go wrong; two in a row do not.
    assert looked[case].result().wrong == [] or half_finished.look(case).wrong == []


def test_each_server_has_as_many_things_taken_out() -> None:
    assert len(CASES) == len(SERVERS) * len({case.thing for case in CASES}) == 60


@pytest.mark.parametrize("thing", ["no-joined", "no-nick"])
def test_one_missing_line_is_told_in_a_few(thing: str) -> None:
    assert half_finished.look(Case("asyncio", thing)).lines <= LINES


@pytest.mark.parametrize("case", half_finished.cases(), ids=lambda case: f"{case.server}-{case.thing}")
def test_no_edit_is_out_of_date(case: Case) -> None:
    server = SERVERS[case.server]
    with half_finished.copied(server, server.edits[case.thing]) as folder:
        assert folder.is_dir()


def test_an_edit_that_is_out_of_date_is_noticed() -> None:
    (edit, *_) = SERVERS["node"].edits["no-joined"]
    with pytest.raises(half_finished.StaleEditError, match="0 times"):
        half_finished.edited("something else", edit, "server.mjs")
