"""The drawing of a failed check: the clients, the last lines, what is wrong among them, and what did not come."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from conformance.reports.document import clean

MAX_ROWS = 12
_MAX_CLIENTS = 4
_OWN = 3  # lines at most that a client which fails has sent, and that nothing has answered
_FEW = 2  # rows that are the same, one after the other, and are all drawn
_MAX_MARKED = 3  # lines that did not come, and wrong lines, that are drawn in any case
_HELPER = "pacer"  # a client of the suite's own: what it does matters where the failure is told of it alone
_TO_HELPER = re.compile(rf"(?<![\w-]){_HELPER}(?:, [^<\"]*,)? <- ")
_OPERATOR = "operator"
_CONSOLE = "console"
_END = "the end of the connection"
_ENDINGS = {_END: "end of stream", "a reset of the connection": "connection broken"}
_NOTHING = re.compile(r"nothing\b")
_QUOTED = r'"(?:[^"\\]|\\.)*"(?: \.\.\. "(?:[^"\\]|\\.)*" \(\d+ octets\))?'
_LIST = re.compile(rf"{_QUOTED}(?:, {_QUOTED})*", re.DOTALL)
_LINE = re.compile(r"[A-Z]{3,} [^\"]+")  # of a server, where it is not quoted
_LABELLED = re.compile(r"(?P<who>[^\s<>\",]+)(?:, [^<\"]*,)? <- (?P<what>.+)", re.DOTALL)
_OWN_TOKEN = re.compile(r"barrier-[\w-]+")
_OWN_PING = re.compile(r"(?:/ping|PONG) (barrier-.*)")


class Said(NamedTuple):
    """One entry of a transcript, without its time."""

    who: str
    arrow: str
    text: str


@dataclass(frozen=True)
class Row:
    """One row: an arrow between a client and the server, an event, or words.

    `kind`: sent, got, missing (expected and not received), event, or words (these belong to no client);
    `note`: what is to be noticed about it; `times`: how many rows it stands for that are the same.
    """

    who: str
    kind: str
    text: str
    note: str = ""
    times: int = 1

    @property
    def beside(self) -> str:
        """The text beside it."""
        return " ".join(filter(None, (self.note, f"x {self.times}" if self.times > 1 else "")))


@dataclass(frozen=True)
class Column:
    """A client: its label, and the name by which the server knows it, where that is another."""

    who: str
    name: str = ""


@dataclass(frozen=True)
class Drawing:
    """The drawn events; `subject` is at the other end of each arrow."""

    columns: Sequence[Column]
    subject: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class _Lines:
    """Lines that a client was to receive, or has received; `lines`: None where it is told in other words."""

    who: str
    lines: list[str] | None


def drawing_of(
    kind: str, said: Iterable[Said], expected: str, received: str, *, suffix: str = "", left_out: int = 0
) -> Drawing:
    """Return what is drawn of a check.

    `kind`: what was checked, server or client; `said`: its transcript; `expected` and `received`: as in its result;
    `suffix`: what stands after names and rooms, with a `-`; it is not drawn; `left_out`: entries that `said` lacks.
    """
    rows = _rows(said, expected, received)
    clients = list(dict.fromkeys(row.who for row in rows if row.kind in ("sent", "got")))
    rows = [
        row if row.who in (*clients, kind) else Row("", "words", f"{row.who}: {row.text}")
        for row in rows
        if row.text != "connects" or row.who not in clients  # the first arrow shows it
    ]
    named = (row for row in rows if row.kind == "got" and row.text.startswith("NAME "))
    names = {row.who: row.text.removeprefix("NAME ") for row in named}
    missing, wrong = _compared(rows, _told(expected, clients), _told(received, clients), received)
    about = [*(row.who for _, row in missing), *(rows[number].who for number in wrong)]
    shown = _important(clients, names, rows[: min((place for place, _ in missing), default=len(rows))], about, expected)
    marked, failing = _marked(rows, missing, wrong, {*shown, kind, ""})
    below = []
    if expected and not missing:
        below.append(Row("", "words", f"expected: {expected}"))
    if others := len(clients) - len(shown):
        below.append(Row("", "words", f"({others} more client{'s' if others > 1 else ''} not drawn)"))

    def short(text: str) -> str:
        own = re.sub(f"-{re.escape(suffix)}", "", text, flags=re.IGNORECASE) if suffix else text
        return clean(own.replace("\n", " "))

    columns = [Column(one, "" if short(names.get(one, one)) == one else short(names[one])) for one in shown]
    folded = _folded(*_counted(marked, failing), MAX_ROWS - len(below), left_out)
    return Drawing(columns, kind, [replace(row, text=short(row.text)) for row in (*folded, *below)])


def _rows(said: Iterable[Said], expected: str, received: str) -> list[Row]:
    """Return all that a check said, a row for each line; without the suite's own pings, and words for people.

    The suite's helper is left out, too, except where the failure is about what it receives.
    """
    told = f"{expected} {received}"
    tokens = set(_OWN_TOKEN.findall(told))  # of pings that the failure is about
    rows = []
    for who, arrow, text in said:
        if who == _HELPER and not _TO_HELPER.search(told):
            continue
        if arrow == "--":
            rows.append(Row(who, "event", text))
            continue
        kind = "sent" if arrow == "->" else "got"
        for line in _lines(text) if kind == "sent" else [_plain(text)]:
            own = _OWN_PING.fullmatch(line)
            if (own and own[1] not in tokens) or (kind == "got" and line.startswith("INFO ") and "INFO" not in told):
                continue
            rows.append(Row(_CONSOLE if who == _OPERATOR else who, kind, line))
    return rows


def _lines(text: str) -> list[str]:
    r"""Return the lines in a quoted text, which end with `\n`; the last one can be without."""
    if not re.fullmatch(r'"(?:[^"\\]|\\.)*"', text):
        return [_plain(text)]
    lines = [""]
    for character in re.findall(r"\\.|[^\\]", text[1:-1]):
        if character == r"\n":
            lines.append("")
        else:
            lines[-1] += character
    *whole, rest = [_plain(f'"{line}"') for line in lines]
    return [*whole, f"{rest} (no line end)"] if lines[-1] else whole


def _plain(text: str) -> str:
    """Return a quoted text without its quotes, where it can be read without them."""
    if len(text) < 2 or text[0] != '"':
        return text
    if text[-1] != '"':  # a long one without its middle
        return re.sub(r'"(.*)" \.\.\. "(.*)" (\(\d+ octets\))', r"\1 ... \2 \3", text, flags=re.DOTALL)
    inner = text[1:-1]
    return inner.replace('\\"', '"') if inner and inner == inner.strip() else text


def _told(text: str, clients: Sequence[str]) -> _Lines | None:
    """Return who is to receive which lines, as an expectation tells it; None where it is told in another form."""
    found = _LABELLED.fullmatch(text)
    if not found or found["who"] not in clients:
        return None
    who, what = found["who"], found["what"]
    if what == _END:
        return _Lines(who, [what])
    if _NOTHING.match(what):
        return _Lines(who, [])
    if listed := _LIST.match(what):
        rest = what[listed.end() :]
        if rest.startswith(" or ") or "<-" in rest:
            return None
        return _Lines(who, _items(listed[0]))
    pieces = what.split(", ")
    return _Lines(who, pieces if all(map(_LINE.fullmatch, pieces)) else None)


def _items(text: str) -> list[str]:
    return [_plain(one) for one in re.findall(_QUOTED, text, re.DOTALL)]


def _compared(
    rows: Sequence[Row], expected: _Lines | None, received: _Lines | None, words: str
) -> tuple[list[tuple[int, Row]], list[int]]:
    """Return the rows that are missing, each with the place where it should have come; and the wrong rows' places.

    `words`: what was received, as it was told.
    """
    wanted = (expected.lines if expected else None) or []
    who = (received or expected or _Lines("", None)).who  # nobody: whoever received it
    came = received.lines if received else [] if _NOTHING.match(words) else _items(words) or None
    further, absent = list(came or []), []
    for line in wanted:
        if same := next((one for one in further if _like(one, line)), ""):
            further.remove(same)
        else:
            absent.append(line)
    got = [(n, row.who, row.text) for n, row in enumerate(rows) if row.kind == "got"]
    wrong: set[int] = set()
    for line in reversed(further):
        places = (n for n, whose, text in got if whose == (who or whose) and text == line and n not in wrong)
        wrong |= {max(places, default=-1)}
    if words in _ENDINGS:
        ends = (n for n, row in enumerate(rows) if row.who == who and row.text.startswith(_ENDINGS[words]))
        wrong |= {max(ends, default=-1)}
    wrong -= {-1}
    if further and not wrong:
        return [], []  # the transcript is of a repetition, or its middle is left out: it tells nothing of this
    if absent:
        wrong = {n for n in wrong if _is_instead(rows, n, absent)}
    place = min(wrong, default=len(rows))
    after = place if came is not None or wrong else -1  # what comes after it has come, if too late
    missing: list[tuple[int, Row]] = []
    left = list(came or [])
    for line in reversed(wanted):
        if same := next((one for one in left if _like(one, line)), ""):
            left.remove(same)
            place = min(place, max((n for n, whose, text in got if (whose, text) == (who, same)), default=place))
        elif not any(n > after and whose == who and _like(text, line) for n, whose, text in got):
            missing.insert(0, (place, Row(who, "missing", line, "did not come")))
    return missing, sorted(wrong)


def _is_instead(rows: Sequence[Row], number: int, absent: Sequence[str]) -> bool:
    """Whether an unexpected row stands where one of the absent lines should be, and did not come rightly before."""
    row = rows[number]
    if row.kind == "event" or not any(later.kind == "sent" for later in rows[number:]):
        return True
    word, _, token = row.text.partition(" ")
    if word == "PONG" and any(one.who == row.who and one.text == f"/ping {token}" for one in rows):
        return False
    return word in {"ERROR", *(line.partition(" ")[0] for line in absent)}


def _like(line: str, wanted: str) -> bool:
    """Whether it is the line that is wanted; `...` at the end of that stands for any words."""
    return line.startswith(wanted[:-3]) if wanted.endswith(" ...") else line == wanted


def _important(
    clients: list[str], names: dict[str, str], before: Sequence[Row], about: Sequence[str], expected: str
) -> list[str]:
    """Return the clients that are drawn: all of a few, or else those that fail, are named, and sent last `before`."""
    if len(clients) <= _MAX_CLIENTS:
        return clients
    words = set(re.findall(r"[\w-]+", expected))
    senders = [row.who for row in reversed(before) if row.kind == "sent"][:1]
    named = [one for one in clients if one in words or names.get(one) in words]
    chosen = [*dict.fromkeys((*about, *senders, *named))][:_MAX_CLIENTS]
    return [one for one in clients if one in chosen]


def _marked(
    rows: Sequence[Row], missing: Sequence[tuple[int, Row]], wrong: Sequence[int], shown: Collection[str]
) -> tuple[list[Row], list[int]]:
    """Return the rows of those that are shown, with what is missing; and the places of those that are drawn always."""
    marked: list[Row] = []
    failing: list[int] = []
    for number in range(len(rows) + 1):
        for place, line in missing[:_MAX_MARKED]:
            if place == number:
                failing.append(len(marked))
                marked.append(line)
        if number < len(rows) and rows[number].who in shown:
            if number in wrong[:_MAX_MARKED]:
                failing.append(len(marked))
            note = ("came instead" if missing else "not expected") if number in wrong else ""
            marked.append(replace(rows[number], note=note))
    return marked, failing


def _counted(rows: Sequence[Row], failing: Collection[int]) -> tuple[list[Row], list[int]]:
    """Return rows with one in place of many that are the same, one after the other; and the places of the failing."""
    counted: list[Row] = []
    places: list[int] = []
    # One that fails stands by itself.
    for fails, run in groupby(enumerate(rows), lambda item: (item[0] if item[0] in failing else -1, item[1])):
        same = [row for _, row in run]
        if fails[0] >= 0:
            places.append(len(counted))
        counted += same if len(same) <= _FEW else [replace(same[0], times=len(same))]
    return counted, places


def _folded(rows: list[Row], failing: Sequence[int], limit: int, left_out: int) -> list[Row]:
    """Return at most so many rows: those that fail, what was sent before them, and those around; the rest folded."""
    if len(rows) <= limit:
        return rows
    first, last = min(failing, default=len(rows)), max(failing, default=len(rows) - 1)
    sent = [number for number, row in enumerate(rows[:first]) if row.kind == "sent"]
    kept = {*failing, *sent[-1:]}
    for who in dict.fromkeys(rows[number].who for number in failing):
        unanswered = _unanswered(rows[:first], who)
        kept.update(number for number in unanswered if len(_runs({*kept, number}, len(rows))) <= limit)
    for number in (last + 1, *range(last, -1, -1), *range(last + 2, len(rows))):
        if number < len(rows) and len(_runs({*kept, number}, len(rows))) > limit:
            break
        kept.add(number)
    folded = []
    for run in _runs({number for number in kept if number < len(rows)}, len(rows)):
        count = sum(rows[number].times for number in run) + (left_out if len(run) > 1 else 0)
        left_out = 0 if len(run) > 1 else left_out
        folded.append(rows[run[0]] if len(run) == 1 else Row("", "words", f"... {count} more lines ..."))
    return folded


def _unanswered(rows: Sequence[Row], who: str) -> list[int]:
    """Return the places of the last lines that a client has sent, and that nothing has answered."""
    places: list[int] = []
    for number, row in enumerate(rows):
        if row.who == who and row.kind == "got":
            places.clear()
        elif row.who == who and row.kind == "sent":
            places.append(number)
    return places[-_OWN:]


def _runs(kept: Collection[int], total: int) -> list[range]:
    """Return the numbers up to `total` in runs: each that is kept by itself, those between them together."""
    runs, begin = [], 0
    for number in sorted({*kept, total}):
        if begin < number:
            runs.append(range(begin, number))
        if number < total:
            runs.append(range(number, number + 1))
        begin = number + 1
    return runs
