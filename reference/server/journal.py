"""The log, and what a console shows: written by a thread, so that nobody waits for a stopped terminal or a full disk.

The fate of clients comes as events of the chat.  There may be tens of thousands of them in a second: they are
put into words, and written many at a time, by that thread alone.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import accumulate
from queue import Empty, SimpleQueue

from reference.server.chat import Record

MOST = 10_000  # entries that wait to be written; further ones are dropped, and counted
PAUSE = 0.05  # seconds between two writes
LAST_WRITE = 1.0  # seconds that the end of the program waits for what is not written yet
WORDS = {
    "connected": "{name} connected",
    "gone": "{name} is gone ({reason})",
    "entered": "{name} entered {room}",
    "admitted": "{name} gave the password",
    "denied": "{name} gave a wrong password",
    "renamed": "{old} is now {name}",
    "said": "{room}: {line}",
    "refused": "refused a connection ({reason})",
    "foreign": "refused a connection that speaks {protocol}",
    "locked": "no new clients from now on",
    "unlocked": "new clients are let in again",
    "stats": "{clients} clients, {rooms} rooms, {messages} messages, {waiting} octets waiting, {dropped} dropped",
}

Entry = tuple[float, str, Record]  # seconds since the epoch, level


class Journal(logging.Handler):
    """Writes events of the chat, records of `logging`, and on a console what is to be shown there."""

    def __init__(self, write: Callable[[str], None], form: str = "text") -> None:
        """Begin to write: `write` may wait as long as it likes, and fail with OSError; `form`: one of FORMS."""
        super().__init__()
        self._write = write
        self._put_down = FORMS[form]
        self._entries: SimpleQueue[Entry | None] = SimpleQueue()
        self._lost = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def note(self, event: Record, level: str = "info") -> None:
        """Leave an event to the thread; never waits."""
        if self._entries.qsize() < MOST:
            self._entries.put((time.time(), level, event))
        else:
            self._lost += 1

    def emit(self, record: logging.LogRecord) -> None:
        """Leave a record of `logging`, a traceback included, to the thread; never waits."""
        self.note(Record("log", {"text": self.format(record)}), record.levelname.lower())

    def show(self, text: str = "") -> None:
        """Leave a text to the thread, to be written as it is; an empty one has a console drawn anew.  Never waits."""
        self.note(Record("shown", {"text": text}))

    def close(self) -> None:
        """Wait, for a short time, until all is written; not once more where that was done before."""
        if not self._ending.is_set():
            self._entries.put(None)
            self._ending.set()
            self._thread.join(LAST_WRITE)
        super().close()

    def _run(self) -> None:
        going = True
        while going:
            entries = [self._entries.get()]  # the only place where an entry wakes the thread
            with contextlib.suppress(Empty):
                while len(entries) < MOST:
                    entries.append(self._entries.get_nowait())
            going = None not in entries
            events = [entry for entry in entries if entry is not None]
            lost, self._lost = self._lost, 0
            text = f"{lost} lines of the log are lost: they could not be written"
            told = [(time.time(), "warning", Record("log", {"text": text}))] if lost else []
            try:
                self._write(self._put_down([*events, *told]))
            except OSError as error:
                self._lost += lost + len(events) - self._kept(events, getattr(error, "octets", 0))
            self._ending.wait(PAUSE)

    def _kept(self, entries: Iterable[Entry], octets: int) -> int:
        """Return how many of these entries are whole in so many octets of what was written."""
        ends = accumulate(len(_encoded(self._put_down([entry]))) for entry in entries)
        return sum(end <= octets for end in ends) if octets else 0


class NotWrittenError(OSError):
    """A file did not take all; `octets`: how many of them it has, which are whole lines."""

    octets = 0


def write(descriptor: int, lines: str) -> None:
    """Write all of a text to a file descriptor; raises NotWrittenError where that does not take it."""
    octets = rest = _encoded(lines)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        begun = octets[: len(octets) - len(rest)]
        failure = NotWrittenError(error.errno, error.strerror)
        failure.octets = begun.rfind(b"\n") + 1
        _take_back(descriptor, len(begun) - failure.octets)
        raise failure from error


def _take_back(descriptor: int, octets: int) -> None:
    """Remove the half line that a full disk has taken; what is no file keeps it."""
    with contextlib.suppress(OSError):
        end = os.lseek(descriptor, 0, os.SEEK_CUR)
        if octets and end == os.fstat(descriptor).st_size:
            os.ftruncate(descriptor, end - octets)
            os.lseek(descriptor, end - octets, os.SEEK_SET)


def _encoded(lines: str) -> bytes:
    return lines.encode("utf-8", "backslashreplace")


def _text(event: Record) -> str:
    return WORDS[event.name].format(**event.details) if event.name in WORDS else str(event.details["text"])


def _as_text(entries: Iterable[Entry]) -> str:
    """Return a line for each entry, as `2026-11-23 14:05:09,123 Ann entered main`, in local time."""
    lines: list[str] = []
    second, stamp = -1, ""
    for moment, _, event in entries:
        if int(moment) != second:
            second = int(moment)
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        lines.append(f"{stamp},{int(moment * 1000) % 1000:03d} {_text(event)}\n")
    return "".join(lines)


def _as_json(entries: Iterable[Entry]) -> str:
    """Return a JSON object on a line for each entry: time (UTC), level, event and what belongs to it."""
    import json  # only where it is wanted: a server starts faster without

    return "".join(
        json.dumps(
            {
                "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(moment))}.{int(moment * 1000) % 1000:03d}Z",
                "level": level,
                "event": event.name,
                **event.details,
            }
        )
        + "\n"
        for moment, level, event in entries
    )


def _as_shown(entries: Iterable[Entry], as_json: bool = False) -> str:
    """Return what a console shows: texts as they are, events as `14:05:09 Ann entered main`, or as JSON."""
    lines: list[str] = []
    for entry in entries:
        moment, _, event = entry
        if event.name != "shown":
            stamp = time.strftime("%H:%M:%S", time.localtime(moment))
            lines.append(_as_json([entry]) if as_json else f"{stamp} {_text(event)}\n")
        elif text := event.details["text"]:
            lines.append(f"{text}\n")
    return "".join(lines)


FORMS: dict[str, Callable[[Iterable[Entry]], str]] = {
    "text": _as_text,
    "json": _as_json,
    "text on a console": _as_shown,
    "json on a console": partial(_as_shown, as_json=True),
}
