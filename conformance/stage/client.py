"""The stage for a check of a client: the client in its terminal, and a server that says what the check says."""

import contextlib
import itertools
import re
import selectors
import socket
import string
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from conformance.stage.scene import HARD_FACTOR, Scene
from conformance.stage.spares import Clients, Door, Spare
from conformance.stage.terminal import COLUMNS, Terminal
from conformance.text.grammar import Grammar
from conformance.text.vectors import MAX_LINE
from conformance.wire import client_standing as standing
from conformance.wire.address import Address
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed, octets
from conformance.wire.process import UnreachableError
from conformance.wire.standing import ALL_HOLD
from conformance.wire.tls import Connection, Identity, reason
from conformance.wire.transcript import shown

ENTER = b"\r"
ME, ROOM = "Guest", "main"
_FEATURES = " who rooms"  # of the server, each after a blank
_FORBIDDEN = {*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029}
_MOVING = (b"NAME ", b"ROOM ")  # lines that change what the client is called, or where it is
# Lines that a client may send by itself, and gets an answer to.
_OWN = re.compile(rb"/(ping|nick|who|rooms|help)( .*)?", re.DOTALL)
_WORD = re.compile("q[a-z]{5}x")  # what `ClientScene.word` returns
_BLOCK = 3  # letters of a word that number those of one check; the two before number the checks
_SETTLING = itertools.product(string.ascii_lowercase, repeat=4)  # for words that no check asks for; all begin with qz
BREAK = r"\n\W*"  # from one row of a text to its next: indented, or with a mark of the client's
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")
_CUTTING = 2.0  # seconds that sending in pieces can take: no client waits for ever for a whole greeting
# How Linux is asked for one connection: see sock_diag(7).
_SOCK_DIAG, _BY_FAMILY, _REQUEST, _ALL_STATES, _ANY_INTERFACE = 4, 20, 1, 0xFFFFFFFF, b"\0" * 4 + b"\xff" * 8
_HEADER, _RECEIVE_QUEUE, _ANSWER = 16, 72, 4096  # octets: before a message, before the number in it, at most
# Octets: with the least of both, a client's system keeps 0.4 MB that is not taken, and not 4 MB.
_NARROW, _SMALL_SEGMENT, _WIDE = 1024, 88, 1 << 20
_TRIES = 2  # of typing a room's name: some programs drop what was typed while they began


class ClientScene(Scene):
    """One check's surroundings: a listening server of its own, and the client, which can be started several times."""

    def __init__(
        self,
        command: Callable[[Address], list[str]],
        grammar: Grammar,
        *,
        deadline: float,
        seed: int,
        broken: Mapping[str, str] = ALL_HOLD,
        tls: Identity | None = None,
        columns: int = COLUMNS,
        clients: Clients,
        alone: bool = False,
        number: int = 0,
    ) -> None:
        """`command`: returns the client's words for an address; `tls`: who the server is; `columns`: the terminal's.

        `clients`: those that other checks have left; `alone`: the check is to have none but its own. `number`: the
        check's, so that it makes up the same words in each run, and no other check does.
        """
        super().__init__(grammar, deadline=deadline, seed=seed, broken=broken)
        self._command = command
        self._tls = tls
        self._columns = columns
        self._clients = clients
        self._alone = alone
        first, second = divmod(number, len(string.ascii_lowercase))
        block = string.ascii_lowercase[first], string.ascii_lowercase[second]
        self._words = ("".join((*block, *rest)) for rest in itertools.product(string.ascii_lowercase, repeat=_BLOCK))
        self.went_on = False  # with a client that was left in a room
        self._door = self._watched(Door())
        self._terminal: Terminal | None = None
        self._wire: Peer | None = None
        self._connection: socket.socket | None = None  # what the wire is on,
        self._channel: Connection | None = None  # be it inside TLS
        self._in_room = False
        self._typing = False  # what was pressed last was not Enter
        self._typed: set[bytes] = set()  # lines of the user that have not yet come
        self.me = ME  # what the client is called
        self.by_itself: list[bytes] = []  # the lines that the client sent and nobody typed
        self._half = ""  # what was typed last, and is no news
        self._informed = ""  # what the client was last informed of in the lobby
        self._dismissed = False  # a BYE was sent

    @property
    def address(self) -> Address:
        """Where this check's server listens."""
        host, port = self._door.socket.getsockname()
        return host, port

    @property
    def terminal(self) -> Terminal:
        """The terminal of the client that was started last."""
        if self._terminal is None:
            raise RuntimeError("no client was started")
        return self._terminal

    @property
    def wire(self) -> Peer:
        """The connection of the client that was started last."""
        if self._wire is None:
            raise RuntimeError("no client has connected")
        return self._wire

    @property
    def connected(self) -> bool:
        """Whether a client has a connection that it has not ended."""
        return self._wire is not None and not self._wire.ended

    def close(self) -> None:
        """End the client, and note what its screen shows for the transcript."""
        self._stop()
        super().close()
        self._door.close()

    # ------------------------------------------------------------ from the start into a room

    def start(self) -> None:
        """Start the client, and let it connect; nothing is sent to it."""
        self.hand_on()
        self._clients.take(new=True)
        self._start()

    def _start(self) -> None:
        try:
            self._let_connect()
        finally:
            self._clients.started()

    def _let_connect(self) -> None:
        self._stop()
        self.me = ME
        try:
            command = self._command(self.address)
            self._terminal = Terminal(command, self.transcript, self.selector, self._columns)
        except OSError as error:
            raise UnreachableError(f"the client cannot be started: {error}") from error
        self.until(lambda: bool(self._door.come), "the client connects")
        connection = self._door.come.pop()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(self.deadline)
        try:
            channel = self._tls.channel(connection) if self._tls else connection
        except OSError as error:
            connection.close()
            raise Failed("the client does the TLS handshake", reason(error)) from error
        self._connect(connection, channel)

    def narrow(self) -> None:
        """Let little be on the way of a client that is started now: small segments, and few of them unread."""
        self._door.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW)
        self._door.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SMALL_SEGMENT)

    def widen(self) -> None:
        """Read again what the client sends, and quickly, after `narrow`."""
        if self._connection is not None:
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WIDE)
        self.wire.stall(stalled=False)

    def lobby(self, *more: str, features: str = _FEATURES) -> None:
        """Start the client and greet it; returns when it has dealt with that.

        `more`: lines of the greeting; `features`: what HELLO names, each after a blank.
        """
        self.start()
        self._greet(*more, features=features)

    def _greet(self, *more: str, features: str = _FEATURES) -> None:
        self.needs(*standing.GREETED, *(standing.FEATURES if features else ()))
        if features not in ("", _FEATURES):
            self.needs(*standing.UNKNOWN_FEATURES)
        self.send(f"HELLO flurfunk/1{features}", f"NAME {ME}", *more)
        with contextlib.suppress(Failed):  # it need not: it may ask for a user name before it reads on
            self.settle_lobby()

    def in_room(self) -> None:
        """Have a client in a room, where Bob has said a word: one that was left there in order, or else a new one."""
        self.hand_on()
        while spare := self._clients.take(new=self._alone):
            if self._goes_on(spare):
                return
        self._start()
        self.enter()

    def enter(self) -> None:
        """Greet the client that was started, and let it into a room."""
        self._greet()
        self.choose_room()

    def start_in_room(self) -> None:
        """Start the client, let its user choose a room, whatever the client asks first, and Bob say a word there."""
        self.lobby()
        self.choose_room()

    def choose_room(self) -> None:
        """Type the name of a room, and let the client in; Bob says a word there."""
        self.type_room()
        self.send(f"ROOM {ROOM}")
        self.settle_screen()
        self._in_room = True
        if not self.shows_info:
            self._clients.show_info = False  # it has come past it

    def type_room(self) -> None:
        """Type the name of a room, until the client has sent it, bare or with /cd; the answer is the check's matter."""
        self.needs(*standing.TYPED)
        end = time.monotonic() + self.deadline
        for _ in range(_TRIES):
            line = self._chosen_when_admitted(end)
            if line:
                break
        if line not in (ROOM.encode(), b"/cd " + ROOM.encode()):
            raise Failed(f'server <- "{ROOM}" or "/cd {ROOM}"', f"server <- {shown(line)}" if line else self.seen())

    def _chosen_when_admitted(self, end: float) -> bytes:
        """Type a room's name; return the line that the client sends then; nothing if none comes.

        A client that shows no INFO lines may have read ADMITTED, and not yet dealt with it: what is typed then is a
        password to it. The server says ADMITTED again [PASS-9], and the name is typed anew.
        """
        while True:
            self.type(ROOM)
            line = self._chosen()
            if line.startswith(b"/nick "):  # it asks for a user name first
                self._answer(line)
                self.settle_lobby()
                self.type(ROOM)
                line = self._chosen()
            if line != b"/password " + ROOM.encode() or self.shows_info or time.monotonic() > end:
                return line
            self.send("ADMITTED")
            self.give_turn()

    def _chosen(self) -> bytes:
        """Return the line that the client sends when a room's name was typed; nothing if none comes."""
        self._typed.add(f"/nick {ROOM}".encode())
        with contextlib.suppress(Failed):
            self.until(self._foreign, "a line")
        return self.wire.inbox.popleft() if self.wire.inbox else b""

    def hand_on(self) -> None:
        """Leave the client to another check, where it is in a room and nothing about it is unusual."""
        if self._alone or not self._in_room or not self.connected or self.violations:
            return
        terminal, wire = self.terminal, self.wire
        unfinished = terminal.ended or terminal.unsent or self._typing or wire.unsent or wire.inbox
        if unfinished or terminal.changed_size or self._connection is None or self._channel is None:
            return
        terminal.leave()
        self.selector.unregister(self._channel)
        self._peers.remove(wire)
        self.selector.unregister(self._door.socket)
        self._clients.leave(Spare(self._door, terminal, self._connection, self._channel, self.me))
        self._terminal = self._wire = None
        self._door = self._watched(Door())

    def _goes_on(self, spare: Spare) -> bool:
        """Go on with a client; whether it is in order still."""
        self._stop()
        self.selector.unregister(self._door.socket)
        self._door.close()
        self._door, self._terminal, self.me = self._watched(spare.door), spare.terminal, spare.me
        self._terminal.enter(self.transcript, self.selector)
        self._connect(spare.connection, spare.channel)
        self.went_on = self._in_room = True
        self.transcript.event("user", "goes on with a client that is in a room already")
        try:
            self.settle_screen(or_closed=True)
        except Failed:
            return False
        return self.connected

    def _watched(self, door: Door) -> Door:
        self.selector.register(door.socket, selectors.EVENT_READ, door)
        return door

    def _connect(self, connection: socket.socket, channel: Connection) -> None:
        self._connection, self._channel = connection, channel
        self._wire = self.adopt("server", channel)

    # ------------------------------------------------------------ the server's side

    def send(self, *lines: str | bytes) -> None:
        """Send lines to the client, each with LF."""
        if len(lines) > 1:
            self.needs(*standing.SEVERAL, *(standing.MANY_LINES if len(lines) > standing.MANY else ()))
        if sum(map(len, lines)) > standing.LARGE:
            self.needs(*standing.HALVES)
        if any(octets(line).startswith(b"ANNOUNCE ") for line in lines):
            self.needs(*standing.ANNOUNCING)
        if any(octets(line).startswith(b"BYE") for line in lines):
            self._dismissed = True
        if any(octets(line).startswith(_MOVING) for line in lines):
            self._in_room = False  # not in the usual one, or not under the usual name
        self.wire.send(*lines)

    def judges(self, line: str) -> None:
        """Note that this line of the server is judged now, although more was sent after it."""
        self.transcript.awaits_answer(self.wire.label, octets(line) + b"\n")

    def send_cut(self, pieces: list[bytes]) -> None:
        """Send octets in these pieces, each when the client has read the one before; fewer on a slow machine."""
        end = time.monotonic() + _CUTTING
        for number, piece in enumerate(pieces):
            if time.monotonic() > end:
                self.transcript.event("server", "sends the rest in one piece, since the machine is slow")
                self.wire.send_octets(b"".join(pieces[number:]))
                return
            self.wire.send_octets(piece)
            self.give_turn()

    def expect(self, *lines: str | bytes) -> None:
        """The client sends exactly these lines next, between such as it may send by itself."""
        for line in lines:
            self.expect_one_of(line)

    def expect_one_of(self, *lines: str | bytes) -> bytes:
        """The client sends one of these lines next; return which."""
        self.needs(*standing.TYPED)
        wanted = [octets(line) for line in lines]
        what = f"server <- {' or '.join(map(shown, wanted))}"
        self.until(self._foreign, what)
        if not self.wire.inbox:
            self.wire.wait_end()  # which notes half a line before it
            raise Failed(what, f"server <- {self.wire.ending()}")
        line = self.wire.inbox.popleft()
        self._typed.difference_update(wanted)
        if line not in wanted:
            raise Failed(what, f"server <- {shown(line)}")
        return line

    def until_closed(self) -> None:
        """The client ends its side of the connection."""
        self.needs(*(standing.CLOSING if self._dismissed else ()))
        self.until(lambda: bool(self.wire.ended), "the client closes the connection")
        self.wire.wait_end()

    def give_turn(self) -> None:
        """Let the client read what was sent and pressed, as far as the operating system tells whether it has."""
        end = time.monotonic() + self.deadline
        while not self.wire.ended and time.monotonic() < end and self._connection:
            if not _unread(self._connection) and not self.terminal.unread:
                return
            self.pump(0.001)

    def hold_against_grammar(self, line: bytes) -> None:
        """Hold a line of the client against [LINE-1], [LINE-11], [TEXT-7]."""
        if line.endswith(b"\r"):
            self.violates("LINE-1", f"a CR before the LF: {shown(line)}")
            line = line[:-1]
        if len(line) > MAX_LINE:
            self.violates("LINE-11", shown(line))
        try:
            if _FORBIDDEN.intersection(map(ord, line.decode())):
                self.violates("TEXT-7", f"a forbidden character: {shown(line)}")
        except UnicodeDecodeError:
            self.violates("TEXT-7", f"ill-formed UTF-8: {shown(line)}")

    # ------------------------------------------------------------ the user's side

    def press(self, keys: str | bytes) -> None:
        """Press keys."""
        self._typing = not octets(keys).endswith(ENTER)
        self.terminal.press(octets(keys))
        self.until(lambda: not self.terminal.unsent, "the client reads what is typed")

    def type(self, line: str | bytes) -> None:
        """Type a line, and Enter."""
        self._typed.add(octets(line))
        self.press(octets(line) + ENTER)

    def say(self, line: str) -> None:
        """Type a line, which the client sends as it is."""
        self.type(line)
        self.expect(line)

    def word(self) -> str:
        """Return a word that nobody has used before, and that is part of no other: the same in each run."""
        return f"q{next(self._words)}x"

    def _settling_word(self) -> str:
        """Return another such word; how many of them it takes depends on what other checks have left."""
        return f"qz{''.join(next(_SETTLING))}x"

    def until_shown(self, *texts: str) -> None:
        """These texts are to be seen, be it in rows that have scrolled out."""
        self.needs(*standing.SHOWN)
        for text in texts:
            self.until(lambda text=text: self.shows(text), f"{shown(text.encode())} on the screen")  # type: ignore[misc]

    def shows(self, text: str) -> bool:
        """Whether a text is to be seen, see `in_rows`."""
        return bool(self.rows_with(text)) or bool(re.search(in_rows(text), "\n".join(self.terminal.rows)))

    def rows_with(self, text: str) -> list[str]:
        """Return the rows in which a text stands."""
        return [row for row in self.terminal.rows if text in row]

    def told_rows(self, text: str) -> str:
        """Return the rows in which a text stands, and the row before each, as they are told in a failure."""
        rows = ["", *self.terminal.rows]
        return listed_rows(one for pair in pairwise(rows) if text in pair[1] for one in pair if one)

    def seen_rows(self) -> Counter[str]:
        """Return how often each row is to be seen, with `#` for each digit: times and numbers are no difference."""
        return Counter(_DIGIT.sub("#", row) for row in self.terminal.rows)

    def rows_without_words(self) -> frozenset[str]:
        """Return the rows that are to be seen, with WORD for each word that a check made up."""
        return frozenset(_WORD.sub("WORD", row) for row in self.seen_rows())

    def before_news(self, half: str = "") -> Counter[str]:
        """Type half a line, a word unless it is given, and see it; return the rows that are no news from now on.

        A client can draw its prompt anew after each line that it shows. The typed text stands after the prompt, so
        the prompt is there when that is to be seen, and is not taken for news when it is drawn later.
        """
        self._half = half or self.word()
        self.press(self._half)
        with contextlib.suppress(Failed):  # that it is shown is another check's matter
            self.until_shown(self._half)
        rows = self.seen_rows()
        rows.update(_DIGIT.sub("#", row.partition(self._half)[0]).rstrip() for row in self.rows_with(self._half))
        return rows

    def news(self, before: Counter[str], *besides: str) -> set[str]:
        """Return the rows that were not there `before`, and that have none of the texts `besides` in them."""
        no_news = [*besides, *([self._half] if self._half else [])]
        rows = self.seen_rows() - before
        return {row for row in rows if _LETTER.search(row) and not any(text in row for text in no_news)}

    def until_told(self, before: Counter[str], what: str = "news for the user on the screen", *besides: str) -> None:
        """There are news, see `news`."""
        self.until(lambda: bool(self.news(before, *besides)), what)

    def until_told_at_end(self, before: Counter[str]) -> None:
        """There are news when the client has ended the connection; returns when all of them are there."""
        self.until_closed()
        self.until_told(before)
        self.ends_by_itself()

    # ------------------------------------------------------------ proving that something did not happen

    def settle_screen(self, *, or_closed: bool = False) -> str:
        """Let somebody say a word, and wait until it is shown: what was sent before has been dealt with.

        `or_closed`: it is as good that the client ends the connection. Returns the word.
        """
        self.needs(*standing.SHOWN)
        word = self._settling_word()
        self.send(f"SAID Bob {word}")
        self.until(
            lambda: bool(self.rows_with(word)) or (or_closed and bool(self.wire.ended)), f'"{word}" on the screen'
        )
        return word

    @property
    def shows_info(self) -> bool:
        """Whether what the client was last informed of in the lobby is to be seen."""
        return bool(self.rows_with(self._informed))

    def settle_lobby(self) -> None:
        """Let the server inform of a word, and wait until it is shown: what it sent before has been dealt with.

        Keys and lines reach a client on two ways: what is typed after a line can be read before it. Where a client
        does not show what it is informed of, which it need not, it is waited until it has read it.
        """
        self._informed = self._settling_word()
        self.send(f"INFO {self._informed}")
        if self._clients.show_info:
            with contextlib.suppress(
                Failed
            ):  # it need not show it: on a busy machine, that is not known from the start
                self.until_shown(self._informed)
                return
        self.give_turn()

    def settle_wire(self) -> str:
        """Type a word, and wait until it comes as the next line: what was typed before brought no other."""
        word = self._type_word()
        self.expect(word)
        self.send(f"SAID {self.me} {word}")
        return word

    def pass_over_lines(self) -> None:
        """Type a word, and wait until it comes, whatever comes before it."""
        word = self._type_word()
        while self.expect_line() != word.encode():
            pass

    def expect_line(self) -> bytes:
        """The client sends a line of its user; return it."""
        self.needs(*standing.TYPED)
        self.until(self._foreign, "a line of the user")
        if not self.wire.inbox:
            raise Failed("a line of the user", f"server <- {self.wire.ending()}")
        return self.wire.inbox.popleft()

    def _type_word(self) -> str:
        self.needs(*standing.TYPED, *standing.WHILE_TYPING)
        word = self.word()
        self.type(word)
        return word

    # ------------------------------------------------------------ how it ends

    def until_ended(self, *, within: float = 0) -> None:
        """The program ends; `within`: seconds, if they are more than the usual deadline."""
        self.until(lambda: self.terminal.ended, "the client's program ends", within=within)

    def ends_by_itself(self) -> bool:
        """Whether the program ends, without a key; waits for it until the deadline."""
        with contextlib.suppress(Failed):
            self.until_ended()
        return self.terminal.ended

    def mode_is_restored(self) -> None:
        """The terminal is in the mode in which the client found it."""
        if changed := self.terminal.changed_mode():
            raise Failed("the terminal in the mode in which the client found it", f"changed: {changed}")

    # ------------------------------------------------------------ waiting

    def until(self, condition: Callable[[], bool], what: str, *, within: float = 0) -> None:
        """Return when the condition holds; raise Failed at the deadline, or when the program has ended.

        The deadline begins anew whenever something comes from the client, or is taken by it.
        """
        now = time.monotonic()
        patience = max(within, self.deadline)
        hard, end = now + HARD_FACTOR * patience, now + patience
        progress = self._progress()
        while not condition():
            ended = self.terminal.ended and (self._wire is None or bool(self._wire.ended))
            if ended or now > min(end, hard):
                raise Failed(what, self.seen())
            self.pump(end - now)
            self._serve()
            now = time.monotonic()
            if progress != self._progress():
                progress, end = self._progress(), now + patience

    def seen(self) -> str:
        """Return in words what there is instead of what is waited for."""
        rows = self.terminal.rows[-6:]
        said = [f"the screen shows {shown(' / '.join(rows).encode()) if rows else 'nothing'}"]
        if self._wire is not None and self._wire.inbox:
            said.append(f"server <- {listed(self._wire.inbox)}")
        if self.terminal.ended:
            said.append(f"the program has ended, with status {self.terminal.status}")
        return "; ".join(said)

    def _progress(self) -> tuple[int, ...]:
        wire = (self._wire.octets_received, self._wire.unsent) if self._wire else ()
        return self.terminal.received, self.terminal.unsent, *wire

    def _serve(self) -> None:
        """Answer what the client sends by itself, as a server does."""
        if self._wire is not None and self._wire.inbox:
            self._foreign()

    def _foreign(self) -> bool:
        """Answer what the client sent by itself; whether there is a line of its user then, or the end."""
        wire = self.wire
        while wire.inbox and wire.inbox[0] not in self._typed and _OWN.fullmatch(wire.inbox[0]):
            self._answer(wire.inbox.popleft())
        return bool(wire.inbox or wire.ended)

    def _answer(self, line: bytes) -> None:
        self.by_itself.append(line)
        command, _, argument = line.decode("utf-8", "replace").partition(" ")
        if command == "/nick":
            self.me = argument
        answers = {
            "/ping": [f"PONG {argument}"],
            "/nick": [f"NAME {argument}"],
            "/who": ["MEMBER Bob", f"MEMBER {self.me}", f"MEMBERS {ROOM} 2"],
            "/rooms": [f"LIVE {ROOM} 2", "ROOMS 1"],
            "/help": ["INFO There is no help."],
        }
        self.send(*answers[command])

    def _stop(self) -> None:
        if self._terminal is not None:
            for row in list(filter(None, self._terminal.shown)) or [""]:
                self.transcript.event("screen", f"| {row}")
            self._terminal.close()
        if self._wire is not None:
            self._wire.close()
        self._door.turn_away()
        self._terminal = self._wire = None
        self._in_room = self._typing = False
        self._half = self._informed = ""
        self._dismissed = False
        self._typed.clear()


def listed_rows(rows: Iterable[str]) -> str:
    """Return rows of a screen as they are told in a failure."""
    return " / ".join(f'"{row}"' for row in rows) or "nothing of it"


def in_rows(text: str) -> str:
    """Return a pattern of a text in the rows that show it: any of them can end within it, and the next be indented.

    A row can end in place of blanks, too, but none of them is lost within a row.
    """
    pieces = re.findall(" +|[^ ]", text)
    return rf"(?:{BREAK})?".join(f"(?:{one}|{BREAK})" if one.isspace() else re.escape(one) for one in pieces)


def _unread(connection: socket.socket) -> int:
    """Return how many octets, sent on a connection to this machine, its other end has not yet read.

    Only Linux tells that; elsewhere it is always 0.
    """
    if not sys.platform.startswith("linux"):
        return 0
    try:
        ends = (connection.getpeername(), connection.getsockname())
        ports, hosts = [port for _, port in ends], [socket.inet_aton(host) for host, _ in ends]
        which = struct.pack("!HH16s16s", *ports, *hosts) + _ANY_INTERFACE
        question = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, _ALL_STATES) + which
        header = struct.pack("=IHHII", _HEADER + len(question), _BY_FAMILY, _REQUEST, 0, 0)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
            kernel.send(header + question)
            answer = kernel.recv(_ANSWER)
    except OSError:
        return 0
    found = struct.unpack_from("=IH", answer)[1] == _BY_FAMILY
    return struct.unpack_from("=I", answer, _RECEIVE_QUEUE)[0] if found else 0
