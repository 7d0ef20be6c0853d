"""Which requirement a failure counts for."""

from conformance.judging.blame import Blame
from conformance.judging.check import Check
from conformance.judging.result import Result
from conformance.judging.verdict import Verdict
from conformance.text.requirements import find_spec, read_requirements
from conformance.wire.standing import LINES_TOGETHER

REQUIREMENTS = read_requirements(find_spec())


def result(requirement: str, *used: str, verdict: Verdict = Verdict.FAIL, asks: str = "") -> Result:
    """Return what came out of a check that used some requirements; `asks`: at which it failed while it prepared."""
    found = REQUIREMENTS[requirement]
    return Result(
        f"{requirement}/x", found, "x", verdict=verdict, used=frozenset(used), asks=asks, preparing=bool(asks)
    )


def ground(blame: Blame, *results: Result) -> list[Result]:
    """Let results be those of the ground."""
    return blame.ground([Check(one.requirement.id, "", "x", "", lambda stage: None) for one in results], results)


def test_what_does_not_hold_is_blamed_and_what_needs_it_is_not_reached() -> None:
    blame = Blame()
    counted = ground(blame, result("ROOM-2"), result("NICK-2", "ROOM-2"), result("SAY-2", verdict=Verdict.PASS))
    assert [one.verdict for one in counted] == [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS]
    assert blame.broken == {"ROOM-2": "ROOM-2", "NICK-2": "ROOM-2"}
    other = blame.counted(result("WHO-1", "SAY-2", "ROOM-2"))
    assert (other.verdict, other.because) == (Verdict.INCONCLUSIVE, "ROOM-2")
    assert other.reason == "not reached: ROOM-2 does not hold"


def test_what_is_broken_and_not_used_excuses_nothing() -> None:
    blame = Blame()
    ground(blame, result("ROOM-2"))
    assert blame.counted(result("LINE-4", "SAY-2")).verdict is Verdict.FAIL
    assert blame.counted(result("ROOM-2", "ROOM-2")).verdict is Verdict.FAIL


def test_without_a_greeting_nothing_is_reached() -> None:
    blame = Blame()
    ground(blame, result("STATE-2"))
    assert blame.counted(result("LINE-4")).because == "STATE-2"


def test_a_check_that_fails_while_it_prepares_says_nothing_about_its_own_sentence() -> None:
    counted = Blame().counted(result("WHO-1", asks="ROOM-2"))
    assert (counted.verdict, counted.because) == (Verdict.INCONCLUSIVE, "ROOM-2")
    assert Blame().counted(result("ROOM-2", asks="ROOM-2")).verdict is Verdict.FAIL


def test_a_check_whose_own_requirement_is_known_to_be_broken_in_part_blames_no_other() -> None:
    blame = Blame()
    blame.broken[LINES_TOGETHER] = "NET-3"
    assert blame.counted(result("NET-3", asks="PING-1")).because == "NET-3"
