"""The suite blames what is broken, and nothing else: conforming servers from which one thing was taken out."""

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from tests import half_finished
from tests.half_finished import Case, Outcome
from tests.half_finished_servers import SERVERS

# What is taken out of the asyncio server here; `python -m tests.half_finished` tries much more, of three servers.
THINGS = ("no-left", "no-nick", "no-pong", "no-room", "no-said-self", "no-error")
CASES = half_finished.cases(["asyncio", *THINGS])
LINES = 60  # printed at most of a server that lacks one line


@pytest.fixture(scope="module")
def looked() -> Iterator[dict[Case, Future[Outcome]]]:
    """What the suite says of each of them, several at a time."""
    with ProcessPoolExecutor(half_finished.AT_ONCE) as pool:
        yield {case: pool.submit(half_finished.look, case) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.server}-{case.thing}")
def test_what_is_broken_is_blamed_and_nothing_else(case: Case, looked: dict[Case, Future[Outcome]]) -> None:
    assert looked[case].result().wrong == []


def test_one_missing_line_is_told_in_a_few(looked: dict[Case, Future[Outcome]]) -> None:
    assert looked[Case("asyncio", "no-nick")].result().lines <= LINES


def test_an_edit_that_is_out_of_date_is_noticed() -> None:
    (edit, *_) = SERVERS["node"].edits["no-joined"]
    with pytest.raises(half_finished.StaleEditError, match="0 times"):
        half_finished.edited("something else", edit, "server.mjs")
