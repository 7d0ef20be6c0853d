"""Failures by cause: each cause once, and no more than a person reads."""

from dataclasses import replace

from conformance.judging.result import Result
from conformance.judging.verdict import Verdict
from conformance.reports.causes import IN_FULL, by_cause, causes, cut_off, table
from conformance.reports.text import WIDTH
from conformance.text.requirements import find_spec, read_requirements
from conformance.wire.transcript import Transcript

REQUIREMENTS = read_requirements(find_spec())
MUSTS = [one.id for one in REQUIREMENTS.values() if one.level == "MUST" and one.concerns("server")]


def result(requirement: str, name: str = "x", lines: int = 1, *, because: str = "") -> Result:
    """Return a failure whose transcript has so many lines; or what was not reached `because` of another."""
    transcript = Transcript()
    for number in range(lines):
        transcript.received("ann", b"SAID bob %d" % number)
    verdict = Verdict.INCONCLUSIVE if because else Verdict.FAIL
    found = REQUIREMENTS[requirement]
    return Result(
        f"{requirement}/{name}",
        found,
        "A title.",
        verdict=verdict,
        expected="this",
        received="that",
        transcript=transcript,
        because=because,
    )


def text(*results: Result) -> str:
    return by_cause(results, ["--server", "127.0.0.1:1"], lambda result: [])


def test_each_cause_is_told_once_with_the_shortest_transcript_and_what_it_hides() -> None:
    told = text(
        result("LINE-4"),
        result("ROOM-2", "long", 9),
        result("ROOM-2", "short", 2),
        result("WHO-1", because="ROOM-2"),
        result("NICK-2", because="ROOM-2"),
    )
    assert told.startswith("FAIL  ROOM-2/short ")  # it keeps others from being reached: first
    assert told.count("FAIL  ROOM-2") == 1
    assert "  also      1 more check: ROOM-2/long\n" in told
    assert "  hides     2 checks, not reached because of it: WHO NICK\n" in told
    assert "WHO-1" not in told


def test_of_many_causes_most_get_a_line() -> None:
    told = text(*(result(identifier, lines=30) for identifier in MUSTS[:70]))
    assert told.count("  sentence  ") < IN_FULL
    assert len(told.splitlines()) <= 120
    assert all(f"FAIL  {identifier}" in told for identifier in MUSTS[:70])
    assert all(len(line) <= WIDTH for line in told.splitlines() if line.startswith("FAIL") and "/" not in line)


def test_at_most_ten_causes_are_told_in_full() -> None:
    short = [
        replace(result(identifier), expected="", received="", transcript=Transcript()) for identifier in MUSTS[:14]
    ]
    assert text(*short).count("  sentence  ") <= IN_FULL


def test_nothing_failed() -> None:
    passed = replace(result("ROOM-2"), verdict=Verdict.PASS)
    assert (causes([passed]), text(passed), table([passed])) == ([], "", "")


def test_the_table_has_what_is_not_met() -> None:
    results = [result("ROOM-2"), result("ROOM-2", because="STATE-2"), result("WHO-1", because="ROOM-2")]
    skipped = replace(result("BYE-4"), verdict=Verdict.SKIP, reason="no limits")
    assert table([*results, skipped, replace(result("LINE-4"), verdict=Verdict.PASS)]).splitlines() == [
        "FAIL          ROOM-2",
        "SKIP          BYE-4 (no limits)",
        "INCONCLUSIVE  WHO-1 (not reached)",
    ]


def test_a_run_that_is_cut_off_tells_what_ran() -> None:
    assert cut_off({"A-1/x": 2.4, "B-1/y": 63.0}, 7) == (
        "7 checks had not ended; these ran: B-1/y for 63 s, A-1/x for 2 s."
    )
