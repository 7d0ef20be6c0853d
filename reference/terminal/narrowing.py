"""Whether a terminal that became narrower has divided the line being typed into more rows, and into how many.

Pure.  Most terminals do so, and a few cut their rows.  The place of the cursor tells, and the terminal is asked for it.
It is asked before the line is drawn anew, and answers later, among the keys: then what is left above is known.
"""

from collections.abc import Sequence

QUESTION = "\x1b[6n"  # the answer is `ESC [ ROW ; COLUMN R`


class Narrowing:
    """The line as it was drawn last, and the question that is not yet answered."""

    def __init__(self) -> None:
        self._columns = 0
        self._widths: Sequence[int] = [0]
        self._left = 0
        self._asked: tuple[int, int, int] | None = None  # columns, rows above the line, its cells up to the cursor
        self._divides: bool | None = None  # what this terminal does, once that is known
        self._above = 0

    def drawn(self, columns: int, widths: Sequence[int], left: int) -> None:
        """Take how wide the terminal is, how many cells each row takes down to the cursor, and how many are left of it.

        Where a wide character or one of no width is among them, that is about right.
        """
        self._columns, self._widths, self._left = columns, widths, left

    def question(self, columns: int, shows: bool) -> str:
        """Return what to ask the terminal, which is so wide now, before the line is erased; mostly nothing.

        `shows`: rows are written in its place: what is left stands above them then, and stays.
        """
        # Behind a row that is full to its last cell, the cursor still stands in that row.
        own = (self._left - (self._left == self._widths[-1])) // columns
        above = sum(max(width - 1, 0) // columns for width in self._widths[:-1]) + max(own, 0)
        if shows:
            self._asked = None
        if shows or columns >= self._columns or not above:
            return ""
        self._asked = columns, above, self._left
        return QUESTION

    def answered(self, columns: int, column: int) -> None:
        """Take the column of the cursor, from 1, in a terminal that is so wide now."""
        asked, self._asked = self._asked, None
        if not asked or asked[0] != columns:
            return
        _, above, left = asked
        if left > columns and left % columns not in (0, columns - 1):
            self._divides = column < columns  # where rows are cut, the cursor is in the last column
        if self._divides is not False:
            self._above = above

    def above(self) -> int:
        """Return how many rows above the line are left of it, once; only right after an answer."""
        above, self._above = self._above, 0
        return above
