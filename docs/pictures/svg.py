"""A terminal's screen as SVG, which needs nothing from outside.

Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

CELL, ROW = 9, 20  # pixels
LEFT, TOP = 16, 52  # pixels: of the first cell
_BAR = 36  # pixels: the title's height
_BELOW, _BASELINE = 14, 15  # pixels: of the ground below the last row, and of the letters in their row
_GROUND, _INK, _TITLE, _FRAME = "#12171e", "#d6dde6", "#222a34", "#39424e"
_DOTS = ("#ff6b60", "#f5bd4f", "#61c454")
# As pyte calls them: what others call yellow is brown.
_PALETTE = {
    "black": _GROUND,
    "red": "#ff7b72",
    "green": "#6cd07a",
    "brown": "#e9bb4d",
    "blue": "#79b8ff",
    "magenta": "#d2a8ff",
    "cyan": "#5fd3dc",
    "white": _INK,
    "brightblack": "#8b96a5",
}


@dataclass(frozen=True)
class _Look:
    ink: str
    ground: str
    bold: bool
    underlined: bool


@dataclass(frozen=True)
class _Cell:
    column: int
    text: str
    wide: bool
    look: _Look


def svg(screen: Any, title: str) -> str:
    """Return a window of this title with all rows of a pyte.Screen, and the cursor unless that is hidden."""
    width = 2 * LEFT + CELL * screen.columns
    height = TOP + ROW * screen.lines + _BELOW
    dots = "".join(f'<circle cx="{20 + 20 * n}" cy="18" r="6" fill="{dot}"/>' for n, dot in enumerate(_DOTS))
    rows = [drawn for row in range(screen.lines) for drawn in _drawn(screen, row)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            ' role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10" fill="{_GROUND}"'
            f' stroke="{_FRAME}"/>',
            f'<path d="M1 {_BAR}V11A10 10 0 0 1 11 1H{width - 11}A10 10 0 0 1 {width - 1} 11V{_BAR}z"'
            f' fill="{_TITLE}"/>',
            dots,
            '<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace"'
            f' font-size="15" fill="{_INK}">',
            f'<text x="{width // 2}" y="23" font-size="13" text-anchor="middle" opacity=".75">{escape(title)}</text>',
            *rows,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _drawn(screen: Any, row: int) -> Iterator[str]:
    """Yield the elements of a row: the grounds first, so that they cover no letter."""
    cells = list(_cells(screen, row))
    top = TOP + ROW * row
    for ground, same in groupby(cells, lambda cell: cell.look.ground):
        run = list(same)
        if ground != _GROUND:
            width = CELL * (run[-1].column + 1 + run[-1].wide - run[0].column)
            yield f'<rect x="{_left(run[0])}" y="{top}" width="{width}" height="{ROW}" fill="{ground}"/>'
    # A wide character stands alone: no font has to make it as wide as two others.
    for (_, alone), same in groupby(cells, lambda cell: (cell.look, cell.wide and cell.column)):
        for run in _without_gaps(list(same)):
            length = f' textLength="{CELL * len(run)}"' if alone is False and len(run) > 1 else ""
            text = escape("".join(cell.text for cell in run), quote=False)
            yield f'<text x="{_left(run[0])}" y="{top + _BASELINE}"{length}{_style(run[0].look)}>{text}</text>'


def _without_gaps(run: list[_Cell]) -> Iterator[list[_Cell]]:
    """Yield the parts between two and more blanks, of which not every browser would show more than one."""
    for found in re.finditer("[^ ]+(?: [^ ]+)*", "".join(cell.text[0] for cell in run)):
        yield run[found.start() : found.end()]


def _left(cell: _Cell) -> int:
    return LEFT + CELL * cell.column


def _style(look: _Look) -> str:
    ink = f' fill="{look.ink}"' if look.ink != _INK else ""
    return ink + ' font-weight="bold"' * look.bold + ' text-decoration="underline"' * look.underlined


def _cells(screen: Any, row: int) -> Iterator[_Cell]:
    cursor = None if screen.cursor.hidden or screen.cursor.y != row else screen.cursor.x
    chars = [screen.buffer[row][column] for column in range(screen.columns)]
    for column, char in enumerate(chars):
        if char.data:  # none: the second half of a wide character
            wide = chars[column + 1 : column + 2] and not chars[column + 1].data
            yield _Cell(column, char.data, bool(wide), _look(char, column == cursor))


def _look(char: Any, under_cursor: bool) -> _Look:
    ink = _colour(char.fg, _INK)
    ground = _colour(char.bg, _GROUND)
    if char.reverse != under_cursor:
        ink, ground = ground, ink
    return _Look(ink, ground, char.bold, char.underscore)


def _colour(name: str, usual: str) -> str:
    """Return a colour for one of pyte's: `default`, a name, or six hexadecimal digits."""
    if name == "default":
        return usual
    return _PALETTE.get(name) or _PALETTE.get(name.removeprefix("bright")) or f"#{name}"
