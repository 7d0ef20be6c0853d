"""One connection to the server, as octets and lines, with deadlines and the barrier of section 9.2."""

import contextlib
import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from conformance.text.vectors import MAX_LINE
from conformance.wire import standing
from conformance.wire.failure import BarrierBrokenError, Failed
from conformance.wire.tls import Connection
from conformance.wire.transcript import Transcript, shown

_CHUNK = 65536  # octets that are read at once
_WRITE = 16384  # octets that are written at once, so that reading keeps up with what they bring
_LOOKED_AT = 200  # lines of what is sent at once: floods repeat themselves
_LONGEST_KEPT = 1 << 18  # octets of a line that is received and does not end
_LONGEST_BEGUN = MAX_LINE + 2  # octets of a line that has not ended: enough to know that it is too long


class Surroundings(Protocol):
    """The needs of a peer from the scene in which it plays."""

    selector: selectors.BaseSelector
    transcript: Transcript
    barrier_used: bool

    @property
    def peers(self) -> "Sequence[Peer]":
        """All connections of the scene, those too that have ended."""

    def give_turn(self) -> None:
        """Let the subject run at least once."""

    def wait_for(self, peer: "Peer", condition: Callable[[], bool], what: str, *, provable: bool = False) -> None:
        """Return when the condition holds or the peer's connection ended; raise Failed where it will not hold.

        `provable`: what is awaited comes because of a client's line, so that pings tell when it will not come.
        """

    def stands_on(self, *requirements: str) -> None:
        """Note what the check uses on its way; raise NotReached where that would end the subject."""

    def needs(self, *requirements: str) -> None:
        """Note it, and raise NotReached where one of them is known not to hold."""

    def next_token(self) -> bytes:
        """Return a ping token that was not used before."""

    def hold_against_grammar(self, line: bytes) -> None:
        """Note what is wrong with a line of the subject."""

    def violates(self, requirement: str, received: str) -> None:
        """Note a violation of a requirement that every line is held against."""


class Peer:
    """A client of the suite. Lines are octets without LF; where text is given, it is sent and compared as UTF-8."""

    def __init__(self, stage: "Surroundings", label: str, connection: Connection) -> None:
        """`label`: what the transcript calls it; `connection`: connected, and owned by this object from now on."""
        self.label = label
        self.name = ""  # the user name that the server knows it by
        self.names: list[bytes] = []  # folded, that the server has given it, the last one at the end
        self.features: tuple[str, ...] = ()
        self.inbox: deque[bytes] = deque()  # lines received and not yet looked at
        self.ended = ""  # how the connection ended: "end", "reset" or "closed" by us
        self.stalled = False
        self.octets_received = 0
        self._stage = stage
        self._socket = connection
        self._socket.setblocking(False)
        self._rest = b""
        self._output = bytearray()
        self._pongs: set[bytes] = set()
        self._left = False  # we have closed it, or reset it
        self._refused = False  # the operating system takes nothing more: the other side has reset the connection
        self._begun: bytes | None = (
            None  # of the line that is being sent, as far as a line can be long; None: nothing was
        )
        self._room = b""  # in which it is, as far as what was sent tells; nothing for the lobby
        self._last_words = (
            False  # was sent: exit, the end of sending, or what ends the connection as a foreign protocol
        )
        self._bye = False  # it has received BYE
        self._ends_by: tuple[
            str, ...
        ] = ()  # what asks the server to close the connection, if anything was sent that does
        self._latest = b""  # the PONG to the ping after which nothing was sent
        self._quiet = True  # all that was sent has had its effect: that PONG has come
        self._watched = selectors.EVENT_READ  # what the selector waits for, on this connection
        stage.selector.register(connection, self._watched, self)

    # ------------------------------------------------------------ sending

    def send(self, *lines: str | bytes) -> None:
        """Send lines, each with LF, all in one segment as far as TCP allows."""
        self.send_octets(b"".join(octets(line) + b"\n" for line in lines))

    def send_octets(self, *pieces: bytes) -> None:
        """Send octets; each piece in a segment of its own, with a turn of the server between them."""
        for number, piece in enumerate(pieces):
            if number:
                self._stage.give_turn()
            self._stage.transcript.sent(self.label, piece)
            self._note(piece)
            self._queue(piece)
            self._await_reading()

    def _await_reading(self) -> None:
        """Wait until all that was queued is taken."""
        if self._output:
            self._stage.wait_for(self, lambda: not self._output, "what is sent is read")

    def offer(self, piece: bytes) -> None:
        """Queue octets without waiting for the server to read them; the stage sends them while it waits."""
        self._stage.transcript.sent(self.label, piece, waits=False)
        self._note(piece)
        self._queue(piece)

    @property
    def port(self) -> int:
        """The port from which the connection, which has not ended, comes."""
        return int(self._socket.getsockname()[1])

    @property
    def unsent(self) -> int:
        """How many octets of what was offered have not yet been taken by the operating system."""
        return len(self._output)

    @property
    def unfinished(self) -> bytes:
        """The octets of a line that has begun to come, and has no LF so far."""
        return self._rest

    @property
    def refused(self) -> bool:
        """Whether the other side has broken the connection: what is sent goes nowhere, be it that nothing is read."""
        return self._refused

    def half_close(self) -> None:
        """End the sending direction; go on receiving."""
        self._last_words, self._quiet = True, False
        self._ends_by = self._ends_by or ("NET-4",)
        self._stage.stands_on(*standing.HALF_CLOSE)
        self._stage.transcript.event(self.label, "ends its sending")
        with contextlib.suppress(OSError):  # broken already: reading tells
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection, without exit."""
        if not self._left:
            self._left = True
            self._quiet = self._quiet and bool(self.ended or not self._room)
            self._stage.stands_on(*(() if self.ended else standing.LOSS))
            self._stage.transcript.event(self.label, "closes")
            self._leave("closed")

    def part(self) -> None:
        """End the sending, and read on: the check is over, and nothing of this belongs to it."""
        self.stalled = False
        self._output.clear()
        self._watch()
        with contextlib.suppress(OSError):  # it has ended: reading tells
            self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break the connection with a TCP RST."""
        self._left, self._quiet = True, False
        self._stage.stands_on(*standing.LOSS)
        self._stage.transcript.event(self.label, "resets")
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._leave("closed")

    def stall(self, *, stalled: bool = True) -> None:
        """Stop reading what the server sends, or go on reading."""
        self._stage.transcript.event(self.label, "stops reading" if stalled else "reads again")
        self.stalled = stalled
        self._watch()

    @property
    def can_ping(self) -> bool:
        """Whether a ping sent now would be a line of its own, and its PONG would be read."""
        return not (self.ended or self.stalled or self._begun or self._last_words or self._refused)

    @property
    def is_quiet(self) -> bool:
        """Whether all that this client did has had its effect on others [ORDER-8, ORDER-9]."""
        return self._quiet

    # ------------------------------------------------------------ receiving

    def receive(self, *, info: bool = False, what: str = "a line", provable: bool = False) -> bytes:
        """Return the next line; INFO lines are passed over unless asked for.

        Raises Failed at the end or a deadline; or as soon as pings tell that no line will come, where it is `provable`
        by them since a client's line brings it.
        """
        while True:
            if not self.inbox:
                self._stage.wait_for(self, lambda: bool(self.inbox), what, provable=provable)
                if not self.inbox:
                    raise Failed(what, self.ending())
            line = self.inbox.popleft()
            if info or not is_info(line):
                return line

    def expect(self, *lines: str | bytes) -> None:
        """Receive exactly these lines; `...` at the end of one stands for any words."""
        for wanted in map(octets, lines):
            if self.inbox and like(self.inbox[0], wanted):  # as in every line of a flood
                self._stage.needs(*standing.of_receiving(wanted))
                self.inbox.popleft()
                continue
            what = f"{self.label} <- {shown(wanted)}"
            with self._awaiting(wanted):
                line = self.receive(info=is_info(wanted), what=what, provable=standing.is_brought(wanted))
                if not like(line, wanted):
                    failed = Failed(what, f"{self.label} <- {shown(line)}")
                    failed.asks = standing.of_refusal(line)
                    raise failed

    def expect_any_order(self, *lines: str | bytes) -> None:
        """Receive these lines in any order."""
        wanted = sorted(octets(line) for line in lines)
        with self._awaiting(*wanted):
            provable = all(map(standing.is_brought, wanted))
            received = sorted(
                self.receive(what=f"{self.label} <- {shown(wanted[0])}", provable=provable) for _ in wanted
            )
            if received != wanted:
                raise Failed(f"{self.label} <- {listed(wanted)} in any order", f"{self.label} <- {listed(received)}")

    @contextlib.contextmanager
    def _awaiting(self, *lines: bytes) -> Iterator[None]:
        """Let what fails tell which requirement asks for the lines; raise NotReached where that does not hold.

        Where nothing comes, and the lines tell of others, that requirement is broken, whatever the check is about.
        """
        asking = [one for line in lines for one in standing.of_receiving(line)]
        self._stage.needs(*asking, *(one for line in lines for one in self._freeing(line)))
        try:
            yield
        except Failed as failed:
            failed.asks = failed.asks or next(iter(asking), "")
            failed.preparing = failed.preparing or (failed.silent and all(map(standing.is_told, lines)))
            raise

    def _freeing(self, line: bytes) -> Iterator[str]:
        """Yield what lets this client have the name of a NAME line, where another one of the check had that name."""
        name = line.removeprefix(b"NAME ").lower()
        if name != line.lower() and name not in self.names:
            for other in self._stage.peers:
                if name in other.names:
                    yield "NAME-9" if name == other.names[-1] else "NAME-8"

    def expect_error(self, code: str) -> None:
        """Receive an ERROR with this code."""
        self.expect(f"ERROR {code} ...")

    def settle(self) -> None:
        """Send a ping and wait for its PONG: what was sent before is dealt with, and all that it brings has come."""
        self._stage.barrier_used = True
        self._stage.needs(*standing.BARRIER)
        self.round_trip()

    def round_trip(self) -> None:
        """Send a ping and wait for its PONG, without drawing a conclusion from it."""
        self.await_pong(self.ping())

    def ping(self) -> bytes:
        """Send a ping of the suite's own; return the PONG for which `await_pong` waits."""
        # Earlier octets can be in the same segment.
        self._stage.needs("ORDER-6", "PING-1", standing.LINES_TOGETHER)
        pong = self.ask()
        self._await_reading()
        return pong

    def ask(self) -> bytes:
        """Send a ping without waiting for the server to read it; return its PONG."""
        token = self._stage.next_token()
        pong = b"PONG " + token
        self._pongs.add(pong)
        self.offer(b"/ping " + token + b"\n")
        self._latest = pong
        return pong

    def awaits(self, pong: bytes) -> bool:
        """Whether this PONG has not come yet."""
        return pong in self._pongs

    def await_pong(self, pong: bytes) -> None:
        """Wait for the PONG of a ping; raise Failed at the end of the connection, BarrierBrokenError at a deadline."""
        try:
            self._stage.wait_for(self, lambda: pong not in self._pongs, f"{self.label} <- {shown(pong)}")
        except Failed as failed:
            broken = BarrierBrokenError(failed.expected, failed.received)
            broken.asks = "PING-1"
            raise broken from failed
        if pong in self._pongs:
            raise Failed(f"{self.label} <- {shown(pong)}", self.ending())

    def settled(self) -> list[bytes]:
        """Settle, and return all lines that came and were not yet looked at, INFO lines left out."""
        self.settle()
        return self.take()

    def take(self) -> list[bytes]:
        """Return the lines that came so far and were not yet looked at, INFO lines left out."""
        lines = [line for line in self.inbox if not is_info(line)]
        self.inbox.clear()
        return lines

    def expect_nothing(self) -> None:
        """Prove by the barrier that nothing more came."""
        if lines := self.settled():
            raise Failed(f"{self.label} <- nothing more", f"{self.label} <- {listed(lines)}")

    def expect_end(self, *, clean: bool = False) -> None:
        """The server closes the connection, with nothing before; `clean`: by an end of stream, not a reset."""
        self.wait_end()
        if lines := self.take():
            raise Failed(f"{self.label} <- the end of the connection", f"{self.label} <- {listed(lines)}")
        if clean and self.ended != "end":
            raise Failed(f"{self.label} <- the end of the connection", self.ending())

    def expect_last(self, wanted: str) -> None:
        """The server closes the connection, and this line is the last that it sends."""
        self._stage.needs(*standing.of_receiving(octets(wanted)))
        self.wait_end()
        lines = self.take()
        if lines[-1:] != [octets(wanted)]:
            received = shown(lines[-1]) if lines else self.ending()
            raise Failed(f"{self.label} <- {shown(octets(wanted))} as the last line", f"{self.label} <- {received}")

    def wait_end(self, *, cut: bool = False) -> None:
        """Wait until the server has closed the connection; lines that come before stay to be looked at.

        `cut`: the last line may have been cut, as it can be for a client that did not read.
        """
        what = f"{self.label} <- the end of the connection"
        self._stage.needs(*self._ends_by, *(standing.CLOSING if self._bye else ()))
        try:
            self._stage.wait_for(self, lambda: bool(self.ended), what)
        except Failed as failed:
            if self._bye:
                failed.asks, failed.preparing = standing.CLOSING[0], True
            if self._drop_greeting():
                failed.received = self.waiting() or "nothing after the greeting"
            raise
        if self._rest and self.ended == "end" and not cut:
            self._stage.violates("LINE-1", f"the last line has no LF: {shown(self._rest)}")

    def _drop_greeting(self) -> bool:
        """Drop the lines of a greeting that was not looked at, which are no fault; return whether there was one."""
        begun = bool(self.inbox) and self.inbox[0].startswith(b"HELLO ")
        while begun and self.inbox and self.inbox[0].startswith((b"HELLO ", b"NAME ", b"INFO ")):
            self.inbox.popleft()
        return begun

    def ending(self) -> str:
        """Return in words how the connection ended, and what came of a line before."""
        how = {"end": "the end of the connection", "reset": "a reset of the connection"}.get(self.ended, "nothing")
        return f"{_cut(self._rest)}, and {how}" if self._rest and self.ended else how

    def waiting(self) -> str:
        """Return in words what came and was not yet looked at; nothing where nothing did."""
        return ", ".join([*([listed(self.inbox)] if self.inbox else []), *([_cut(self._rest)] if self._rest else [])])

    def is_read(self) -> bool:
        """Whether the server still takes what is sent after the end of its own sending: it gets an empty line."""
        try:
            self._socket.send(b"\n")
        except OSError:
            return False
        return True

    # ------------------------------------------------------------ what the stage calls

    def on_ready(self, mask: int) -> None:
        """Read or write as far as the socket allows now."""
        if mask & selectors.EVENT_WRITE and self._output:
            self._write()
        if mask & selectors.EVENT_READ:
            self._read()

    def _write(self) -> None:
        try:
            written = self._socket.send(memoryview(self._output)[: None if self.stalled else _WRITE])
        except BlockingIOError:
            self._watch()
            return
        except OSError as error:
            # Earlier lines of the server may still be unread, a BYE for instance: reading goes on.
            self._stage.transcript.event(self.label, f"cannot send: {error.strerror}")
            self._refused = True
            written = len(self._output)
        del self._output[:written]
        self._watch()

    def _read(self) -> None:
        try:
            self._arrived(self._socket.recv(_CHUNK))
        except BlockingIOError:
            return
        except OSError as error:
            self._stage.transcript.event(self.label, f"connection broken: {error.strerror}")
            self._leave("reset")

    # ------------------------------------------------------------ inside

    def _note(self, piece: bytes) -> None:
        """Note what is sent: what it stands on, where it leaves this client, and that its effect is not yet known."""
        if not piece:
            return
        used: set[str] = set()
        if self._begun is None:
            used.update(standing.of_opening(piece))
            piece = piece.removeprefix(standing.BOM)
            self._ends_by = tuple(used.intersection(standing.FOREIGN))
            self._last_words = bool(self._ends_by)
        elif self._begun:
            used.add("NET-3")
        *lines, begun = ((self._begun or b"") + piece).split(b"\n")
        self._begun = begun[:_LONGEST_BEGUN]
        for line in lines[:_LOOKED_AT]:
            used.update(standing.of_sending(line, self._room))
            self._room = standing.room_behind(line, self._room)
        self._stage.stands_on(*used)
        if lines and not self._last_words:
            self._latest, self._quiet = b"", False
            self._last_words = b"exit" in lines or b"exit\r" in lines
            self._ends_by = ("EXIT-1",) if self._last_words else ()
            if len(lines) > 1:
                self._stage.stands_on(*standing.SEVERAL, *([standing.PASTE] if len(lines) > standing.MANY else []))

    def _queue(self, piece: bytes) -> None:
        if piece and not self.ended:
            self._output += piece
            self._write()

    def _watch(self) -> None:
        if self.ended:
            return
        wanted = (0 if self.stalled else selectors.EVENT_READ) | (selectors.EVENT_WRITE if self._output else 0)
        if wanted == self._watched:
            return
        selector = self._stage.selector
        if not wanted:
            selector.unregister(self._socket)
        elif self._watched:
            selector.modify(self._socket, wanted, self)
        else:
            selector.register(self._socket, wanted, self)
        self._watched = wanted

    def _leave(self, how: str) -> None:
        self._unwatch()
        self.ended = self.ended or how
        self._output.clear()
        self._socket.close()

    def _unwatch(self) -> None:
        if self._watched:
            self._stage.selector.unregister(self._socket)
            self._watched = 0

    def _arrived(self, data: bytes) -> None:
        if not data:
            self._stage.transcript.event(self.label, "end of stream")
            if self._refused:
                self._leave("reset")
                return
            self._unwatch()
            self.ended = "end"
            self._output.clear()
            return
        self.octets_received += len(data)
        if len(self._rest) + len(data) > _LONGEST_KEPT and b"\n" not in data:
            # It would go on for ever: what has come shows what is wrong.
            self._stage.transcript.event(self.label, f"receives {len(self._rest) + len(data)} octets and no LF")
            self._stage.hold_against_grammar(self._rest + data)
            self._leave("closed")
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)

    def _line(self, line: bytes) -> None:
        self._stage.transcript.received(self.label, line)
        self._stage.hold_against_grammar(line)
        line = line.removesuffix(b"\r")  # noted by now; every other check would fail for the same reason
        word = line[:4]
        if word == b"PONG" and line in self._pongs:
            self._pongs.remove(line)
            self._quiet = self._quiet or line == self._latest
            return
        if word == b"NAME":
            self.names.append(line[5:].lower())
        if word[:3] == b"BYE":
            self._quiet = self._quiet or line == b"BYE exit"
            self._bye = True
        self.inbox.append(line)


def _cut(rest: bytes) -> str:
    return f"{shown(rest)}, and no LF after it"


def octets(line: str | bytes) -> bytes:
    """Return a line as octets; a text as UTF-8."""
    return line.encode() if isinstance(line, str) else line


def is_info(line: bytes) -> bool:
    """Whether it is a line that is for people only."""
    return line.startswith(b"INFO ")


def like(line: bytes, wanted: str | bytes) -> bool:
    """Whether a line is the one wanted, where `...` at the end of `wanted` stands for any words."""
    wanted = octets(wanted)
    if b" {" in wanted:
        line = _with_places(line, wanted)
    if wanted.endswith(b" ..."):
        return line.startswith(wanted[:-3]) and len(line) > len(wanted) - 3
    return line == wanted


def _with_places(line: bytes, wanted: bytes) -> bytes:
    """Return a line with `{time}` and `{number}` in their places; nothing where no digits stand there."""
    words = line.split(b" ")
    for place, word in enumerate(wanted.split(b" ")[: len(words)]):
        if word in (b"{time}", b"{number}"):
            if not words[place].isdigit():
                return b""
            words[place] = word
    return b" ".join(words)


def listed(lines: Iterable[bytes]) -> str:
    """Return lines in words, for a report; only the first few of many."""
    lines = list(lines)
    few = 8 if sum(map(len, lines[:8])) < 800 else 2
    more = f" and {len(lines) - few} more" if len(lines) > few else ""
    return ", ".join(map(shown, lines[:few])) + more if lines else "nothing"
