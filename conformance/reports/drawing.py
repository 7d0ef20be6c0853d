"""A failed check as a sequence diagram for a terminal, in plain characters; its picture has the same places."""

import unicodedata
from dataclasses import dataclass, replace
from itertools import pairwise

from conformance.judging.result import Result
from conformance.reports.sequence import Drawing, Row, Said, drawing_of

MARGIN = 2  # characters, for the mark of a wrong line
TEXT_AT = 6  # characters from a client to the text on its arrow
_BESIDE = 10  # characters of an arrow that are not its text
_NOTE_AT = 3  # characters from the server to a note
_WIDEST = 20  # characters between two clients
_LEAST = 4  # characters of a text that are shown, however narrow it is
_ARROWS = {"sent": ("----", "-", "->"), "got": ("<---", "-", "--"), "missing": ("<. .", " .", " ")}


@dataclass(frozen=True)
class Placed:
    """A drawing with places, in characters from the left: of each client, of the server; texts as long as they fit."""

    drawing: Drawing
    places: dict[str, int]
    server: int


def drawn(result: Result, width: int = 100) -> str:
    """Return a failed check as lines of text, none wider than `width` columns of a terminal.

    These are a heading of one or two lines, and at most 12 rows. Where nothing was sent or received, it is empty.
    """
    transcript = result.transcript
    said = [Said(entry.who, entry.arrow, entry.text) for entry in transcript.entries]
    left_out = transcript.count - len(said)
    expected, received = result.expected, result.received
    drawing = drawing_of(result.kind, said, expected, received, suffix=transcript.suffix, left_out=left_out)
    return "\n".join(_written(placed(drawing, width), width)) if drawing.columns else ""


def placed(drawing: Drawing, width: int) -> Placed:
    """Return a drawing with places so that it is no wider than `width` characters; long texts are shortened."""
    labels = [max(len(column.who), len(column.name) + 2 if column.name else 0) for column in drawing.columns]
    notes = max(
        (len(row.beside) + _NOTE_AT for row in drawing.rows if row.beside), default=len(drawing.subject) // 2 + 1
    )
    first = MARGIN + labels[0] // 2
    last = width - 1 - notes
    gaps = [(one + 1) // 2 + other // 2 + 2 for one, other in pairwise(labels)]
    needs = {
        column.who: max((cells(row.text) for row in drawing.rows if row.who == column.who), default=0) + _BESIDE
        for column in drawing.columns
    }
    spare = last - first - sum(gaps) - needs[drawing.columns[-1].who]
    gaps = [max(gap, min(_WIDEST, gap + max(0, spare) // len(gaps))) for gap in gaps]
    places = {}
    for column, gap in zip(drawing.columns, [*gaps, 0], strict=True):
        places[column.who] = first
        first += gap
    nearest = max(places.values()) + labels[-1] // 2 + len(drawing.subject) // 2 + 2
    server = min(last, max(nearest, *(place + needs[who] for who, place in places.items())))
    rows = [replace(row, text=_shortened(row.text, _room(row, places, server, width))) for row in drawing.rows]
    return Placed(replace(drawing, rows=rows), places, server)


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(map(_cell, text))


def _cell(character: str) -> int:
    wide = unicodedata.east_asian_width(character) in "WF"
    return 0 if unicodedata.category(character) in ("Mn", "Me") else 2 if wide else 1


def _room(row: Row, places: dict[str, int], server: int, width: int) -> int:
    if row.who not in places:
        return (server if row.who else width) - MARGIN - 2
    return server - places[row.who] - _BESIDE + 1


def _shortened(text: str, room: int) -> str:
    """Return a text with its middle left out where it takes more columns than there are."""
    room = max(room, _LEAST)
    if cells(text) <= room:
        return text
    head, tail = text, text[len(text) - room // 3 :]
    while cells(head) + 3 + cells(tail) > room and (head or tail):
        head, tail = (head[:-1], tail) if head else (head, tail[1:])
    return f"{head}...{tail}"


def _written(picture: Placed, width: int) -> list[str]:
    columns, server = picture.drawing.columns, picture.server
    heads = [Line(width), Line(width)]
    for column in columns:
        heads[0].centred(picture.places[column.who], column.who)
        heads[1].centred(picture.places[column.who], f"({column.name})" if column.name else "")
    heads[0].centred(server, picture.drawing.subject)
    lines = [line for line in map(str, heads) if line]
    return [*lines, *(_row(row, picture, width) for row in picture.drawing.rows)]


def _row(row: Row, picture: Placed, width: int) -> str:
    line, server = Line(width), picture.server
    if not row.who:
        line.put(MARGIN, row.text)
        return str(line)
    for place in (*picture.places.values(), server):
        line.put(place, "|")
    if row.note and row.kind != "missing":
        line.put(0, "!")
    if row.kind == "event":
        own = picture.places.get(row.who)
        line.put(server - cells(row.text) - 3 if own is None else own + 2, f"({row.text})")
    else:
        begin, middle, end = _ARROWS[row.kind]
        start = picture.places[row.who] + 1
        line.put(start, (middle * width)[: server - start])
        line.put(start, begin)
        line.put(start + TEXT_AT - 2, f" {row.text} ")
        line.put(server - len(end), end)
    line.put(server + _NOTE_AT, row.beside)
    return str(line)


class Line:
    """A line of a terminal, in which texts are put at places; what stands beyond its end is left out."""

    def __init__(self, width: int) -> None:
        self._cells = [" "] * width

    def put(self, place: int, text: str) -> None:
        """Put a text there, over what stands there."""
        for character in text:
            size = _cell(character)
            if place < 0 or place + max(size, 1) > len(self._cells):
                return
            if size:
                self._cells[place : place + size] = [character, *[""] * (size - 1)]
            else:
                self._cells[place - 1] += character
            place += size

    def centred(self, place: int, text: str) -> None:
        """Put a text around a place."""
        self.put(max(0, place - len(text) // 2), text)

    def __str__(self) -> str:
        return "".join(self._cells).rstrip()
