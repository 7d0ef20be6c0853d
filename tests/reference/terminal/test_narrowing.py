"""reference/terminal/narrowing.py: how much of a line is left above it, by what the terminal answers."""

import pytest

from reference.terminal.narrowing import QUESTION, Narrowing


def left_above(widths: list[int], left: int, columns: int, column: int, shows: bool = False) -> int:
    """Return how many rows are erased above a line that was drawn in 80 columns, after such an answer."""
    narrowing = Narrowing()
    narrowing.drawn(80, widths, left)
    narrowing.question(columns, shows)
    narrowing.answered(columns, column)
    return narrowing.above()


@pytest.mark.parametrize(
    ("widths", "left", "columns", "column", "above"),
    [
        ([79], 70, 40, 31, 1),  # the cursor is in the second row
        ([79], 30, 40, 31, 0),  # in the first one: the rest is below, and erased in any case
        ([79], 75, 20, 16, 3),
        ([79], 70, 40, 40, 0),  # the row was cut, and the cursor is in the last column
        ([79], 79, 40, 40, 1),  # it would be there in either case
        ([40], 40, 40, 40, 0),  # the row is full, and the cursor in it
        ([79], 40, 40, 1, 1),
        ([80, 20], 20, 40, 21, 1),  # the upper row is two
        ([80, 80, 20], 20, 20, 20, 6),
        ([0, 20], 20, 40, 21, 0),
    ],
)
def test_what_is_left(widths: list[int], left: int, columns: int, column: int, above: int) -> None:
    assert left_above(widths, left, columns, column) == above


def test_nothing_is_erased_that_was_shown_meanwhile() -> None:
    assert left_above([79], 70, 40, 31, shows=True) == 0
    narrowing = Narrowing()
    narrowing.drawn(80, [79], 70)
    assert narrowing.question(40, shows=False) == QUESTION
    narrowing.drawn(40, [30], 30)
    narrowing.question(40, shows=True)
    narrowing.answered(40, 31)
    assert narrowing.above() == 0


def test_a_terminal_that_cuts_its_rows_goes_on_doing_so() -> None:
    """Also where the cursor does not tell it."""
    narrowing = Narrowing()
    for widths, left, column in ([79], 70, 40), ([80, 20], 20, 21):
        narrowing.drawn(80, widths, left)
        assert narrowing.question(40, shows=False) == QUESTION
        narrowing.answered(40, column)
        assert narrowing.above() == 0


@pytest.mark.parametrize("columns", [80, 100])
def test_a_terminal_that_is_not_narrower_is_not_asked(columns: int) -> None:
    narrowing = Narrowing()
    narrowing.drawn(80, [80, 80, 80], 79)
    assert narrowing.question(columns, shows=False) == ""
    narrowing.answered(columns, 5)
    assert narrowing.above() == 0


def test_an_answer_from_before_another_size_tells_nothing() -> None:
    narrowing = Narrowing()
    narrowing.drawn(80, [79], 70)
    narrowing.question(40, shows=False)
    narrowing.answered(30, 11)
    assert narrowing.above() == 0
