"""A failed check as a sequence diagram in SVG, for a page; the rows and their places are those of the text."""

from html import escape

from conformance.reports.document import Document
from conformance.reports.drawing import MARGIN, TEXT_AT, Placed, cells, placed
from conformance.reports.sequence import Drawing, Row, Said, drawing_of

_WIDTH = 100  # characters
_CELL = 8  # units of the picture that a character has
_ROW = 26  # units, and so for the heading's lines
_HEAD = 2 * _ROW
_ABOVE = 6  # units from an arrow up to its text
_TIP = 7  # units


def picture(check: Document) -> str:
    """Return an SVG element for a failed check of a report; nothing where nothing was sent or received."""
    said = [Said(entry["who"], entry["arrow"], entry["text"]) for entry in check["transcript"]]
    drawing = drawing_of(
        check["kind"],
        said,
        check["expected"],
        check["received"],
        suffix=check.get("suffix", ""),
        left_out=check["transcript_left_out"],
    )
    return _svg(check["id"], placed(drawing, _WIDTH)) if drawing.columns else ""


def _svg(identifier: str, picture: Placed) -> str:
    drawing = picture.drawing
    foot = _HEAD + len(drawing.rows) * _ROW
    extent = max((cells(row.text) + MARGIN for row in drawing.rows if not row.who), default=0)
    width = max(picture.server + max(len(row.beside) for row in drawing.rows) + 6, extent) * _CELL
    who = f"drawing-{escape(identifier)}"
    lines = "".join(
        f'<path class="life" d="M{_CELL * place} {_HEAD}V{foot}"/>'
        for place in (*picture.places.values(), picture.server)
    )
    heads = "".join(
        _text("name", picture.places[column.who], _ROW - _ABOVE, column.who, middle=True)
        + _text("soft", picture.places[column.who], _HEAD - _ABOVE, f"({column.name})" * bool(column.name), middle=True)
        for column in drawing.columns
    ) + _text("name", picture.server, _ROW - _ABOVE, drawing.subject, middle=True)  # fmt: skip
    rows = "".join(_row(row, picture, _HEAD + (number + 1) * _ROW) for number, row in enumerate(drawing.rows))
    return (
        f'<svg class="drawn" width="{width}" viewBox="0 0 {width} {foot + _ROW // 2}" role="img"'
        f' aria-labelledby="{who}" aria-describedby="{who}-rows">'
        f'<title id="{who}">Where {escape(identifier)} failed</title>'
        f'<desc id="{who}-rows">{escape(_told(drawing))}</desc>{lines}{heads}{rows}</svg>'
    )


def _row(row: Row, picture: Placed, y: int) -> str:
    kind = f"{row.kind} wrong" if row.note and row.kind != "missing" else row.kind
    note = _text("note", picture.server + 2, y - _ABOVE // 2, row.beside) if row.beside else ""
    if row.who not in picture.places or row.kind == "event":
        own = picture.places.get(row.who, MARGIN - 2 if not row.who else picture.server - cells(row.text) - 4)
        text = f"({row.text})" if row.kind == "event" else row.text
        return f'<g class="{kind}">{_text("said", own + 2, y - _ABOVE // 2, text)}{note}</g>'
    client, server = _CELL * picture.places[row.who], _CELL * picture.server
    tip, back = (server, -_TIP) if row.kind == "sent" else (client, _TIP)
    head = f"M{tip + back} {y - _TIP // 2}L{tip} {y}L{tip + back} {y + _TIP // 2}"
    arrow = f'<path class="arrow" d="M{client} {y}H{server}"/><path class="tip" d="{head}"/>'
    said = _text("said", picture.places[row.who] + TEXT_AT // 2, y - _ABOVE, row.text)
    return f'<g class="{kind}">{arrow}{said}{note}</g>'


def _text(kind: str, place: int, y: int, text: str, *, middle: bool = False) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    return f'<text class="{kind}" x="{place * _CELL}" y="{y}"{anchor}>{escape(text)}</text>'


def _told(drawing: Drawing) -> str:
    """Return the rows in words."""
    return " ".join(_row_told(row, drawing.subject) for row in drawing.rows)


def _row_told(row: Row, subject: str) -> str:
    ways = {"sent": f"{row.who} to {subject}: ", "got": f"{subject} to {row.who}: ", "event": f"{row.who}: "}
    way = ways.get(row.kind, f"{subject} to {row.who}: " if row.who else "")
    return f"{way}{row.text}{f' ({row.beside})' if row.beside else ''};"
