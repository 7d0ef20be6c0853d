"""Classic slips of those who build a server: which one explains what failed, where that can be proved.

Some are told from the failure or the server's console alone. Others are proved by a probe: new connections to a server
of its own, on which the slip shows and everything else is ruled out. Nothing is told that is merely likely.
"""

import contextlib
import re
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence

from conformance.judging.result import Result
from conformance.stage.server_subject import Subject
from conformance.text.exceptions import exceptions
from conformance.wire.address import Address, endpoint
from conformance.wire.process import Running, UnreachableError, named, plain
from conformance.wire.transcript import Act

_WAIT = 1.0  # seconds that a probe waits for something, at most
_SOON = 0.5  # seconds: less than what has passed in vain
_PAUSE = 0.2  # seconds without anything, after which a server has said what it has to say
_MOST_ACTS = 10  # of a check that a probe does again
_TAIL = 5.0  # seconds in which a console still shows what a check has done, on a busy machine
_FLOOD_SECONDS = 3.0  # that it takes, at most
_FLOOD = 8 << 20  # octets, more than is on the way between a server and a client
_SMALL = 4096  # octets for SO_RCVBUF
_LONGEST = 1000  # octets of a line that was not cut by the size of a buffer

_CUT = re.compile(r"(\"(?:[^\"\\]|\\.)*\"), and no (?:LF after it|end of a line)")
_GLUED = re.compile(r'(?:<- |^)"([A-Z]+ [^"]*?)(PONG barrier-[^" ]+)"')
_AWAITED = re.compile(r'(\w+) <- "([A-Z]+)')
_TOLD_NAME = re.compile(r'\w+ <- "((?:NAME|NICK|JOINED|LEFT|MEMBER) [^"]*)".*')
_IN_USE = re.compile(r".*(?:EADDRINUSE|[Aa]ddress already in use|Only one usage of each socket address).*")
_OF_THE_END = re.compile(r"ConnectionReset|BrokenPipe|ConnectionAborted|ECONNRESET|EPIPE|reset by peer|[Bb]roken pipe")
_AN_END = re.compile(r"closes the connection|breaks the connection|and closes")
_NO_GREETING = re.compile(r"sends nothing for|closes the connection at once")
_GREETING = b"HELLO flurfunk/1"
_BESIDE = "while other checks ran"  # in the reason of what was not tried alone


def slip(subject: Subject, failure: Result | None, reason: str) -> str:
    """Return in a sentence or two which slip is proved to be the cause, and what to do; nothing where none is.

    `failure`: what failed; None where nothing spoke the protocol at all, because of `reason`.
    """
    programs = tuple(subject.programs())  # those of the probes will not count
    told = _of_failure(failure, programs) if failure else _of_reason(reason, programs)
    if told or subject.tls:
        return told
    probes = _probes(failure) if failure else _first_probes(reason)
    with contextlib.suppress(OSError, UnreachableError):
        for probe in probes:
            with _connecting(subject) as connect:
                if told := probe(connect):
                    return told
    is_silent = _is_silent(failure) and not _greeted(failure) if failure else _NO_GREETING.search(reason)
    return _on_the_console(programs) if is_silent else ""


# ---------------------------------------------------------------- told by what is known


def _of_reason(reason: str, programs: Sequence[Running]) -> str:
    """Return what explains that nothing speaks the protocol."""
    console = plain(programs[-1].output) if programs else ""
    ended = programs[-1].ended_by_itself if programs else None
    if cut := _CUT.search(reason):
        return _no_lf(cut[1])
    if '"HELLO flurfunk/1\\r\\n' in reason or re.search(r'"HELLO flurfunk/1 [^"]*?\\r\\n', reason):
        return _CR_LF
    if "listens at port" in reason:
        return "Listen at the port that stands in the command in place of {port}. It is another one each time."
    if "and the suite connects to" in reason:
        return "Listen at 127.0.0.1, or at all addresses (0.0.0.0)."
    if "listens nowhere" in reason:
        return "Let the program bind the port that stands in the command in place of {port}, listen, and accept."
    if ended is not None:
        return _of_the_end(ended, console)
    if not programs or not reason.startswith("no Flurfunk/1 server"):
        return ""
    # Many a program tells why a connection ended only after that end.
    wait = _TAIL if _AN_END.search(reason) else 0
    thrown = exceptions(programs[-1].shows_in_the_end(lambda shown: bool(exceptions(shown)), 0, wait))
    return f"The program's console showed: {thrown[-1]}" if thrown else ""


def _of_the_end(status: int, console: str) -> str:
    """Return what explains that a program has ended."""
    if used := [line for line in console.splitlines() if _IN_USE.fullmatch(line)]:
        return (
            f"The port is in use already: {used[-1].strip()!r}. Listen at the port that stands in the command in place "
            "of {port}, and bind it only once. That one was free when the program was started."
        )
    if thrown := exceptions(console):
        return f"The program ended because of this: {thrown[-1]}"
    if status == 0:
        return "The program came to its end, and there was no error. Let it wait for clients until somebody ends it."
    return ""


def _of_exceptions(lines: Sequence[str]) -> str:
    """Return what explains a failure, of the exceptions that a console showed while the check ran, the best first."""
    # That a connection broke is told by many a server that copes with it.
    thrown = [line for line in lines if not _OF_THE_END.search(line)]
    return f"While this check ran, the program's console showed: {thrown[0]}" if thrown else ""


_CR_LF = "End each line with LF alone (\\n): these lines came with CR LF (\\r\\n)."


def _no_lf(octets: str) -> str:
    return f"End each line with LF (\\n): these octets came without one: {octets}"


def _of_failure(failure: Result, programs: Sequence[Running]) -> str:
    """Return what explains a failure, by what was received and by what the server's console showed meanwhile."""
    if (cut := _CUT.fullmatch(failure.received)) and len(cut[1]) < _LONGEST:
        return _no_lf(cut[1])
    if (glued := _GLUED.search(failure.received)) and not glued[1].startswith("SAID"):
        octets = f'"{glued[1]}"'
        return f"{_no_lf(octets)}. The next line began right after them."
    if failure.received.startswith("a CR before the LF: "):
        return _CR_LF
    if told := _of_case(failure):
        return told
    server = next((one for one in reversed(programs) if one.address[1] == failure.transcript.port), None)
    if _BESIDE in failure.reason:
        return ""  # what the console showed can be of another check
    if server is None:
        ends = [(one.ended_by_itself, plain(one.output)) for one in programs]
        return next((_of_the_end(status, console) for status, console in ends if status is not None), "")
    since = server.mark_at(failure.transcript.began)
    broken = any(entry.text == "end of stream" or "broken" in entry.text for entry in failure.transcript.entries)
    text = server.shows_in_the_end(lambda shown: bool(exceptions(shown)), since, _TAIL)
    if (ended := server.ended_by_itself) is not None:
        last = _sent_before_the_end(failure)
        how = f"The program ended by itself, with {named(ended)}{f', after it was sent {last}' if last else ''}"
        thrown = exceptions(text)
        return f"{how}. Its console showed: {thrown[-1]}" if thrown else f"{how}{server.last_words()}."
    until = server.mark_at(failure.transcript.began + failure.seconds)
    meanwhile, after = plain(server.shown_between(since, until)), text if broken else ""
    return _of_exceptions([*exceptions(meanwhile)[-1:], *exceptions(after)[:1]])


def _sent_before_the_end(failure: Result) -> str:
    """Return the last that was sent before a connection ended, as the transcript shows it."""
    last = ""
    for entry in failure.transcript.entries:
        if entry.text == "end of stream" or entry.text.startswith("connection broken"):
            return last
        last = entry.text if entry.arrow == "->" else last
    return ""


def _of_case(failure: Result) -> str:
    """Return what explains that a name came in another case than it was given."""
    wanted, came = _TOLD_NAME.fullmatch(failure.expected), _TOLD_NAME.fullmatch(failure.received)
    if not wanted or not came or wanted[1] == came[1] or wanted[1].lower() != came[1].lower():
        return ""
    for name, other in zip(wanted[1].split(" "), came[1].split(" "), strict=True):
        if name != other and any(f"/nick {other}\\n" in entry.text for entry in failure.transcript.entries):
            return (
                f"Keep the new letters when a client changes the case of its name alone: it is {name} from then on, "
                f"and was still called {other}."
            )
        if name != other:
            return f"Keep each name as it was written, and fold it only to compare: {name} came back as {other}."
    return ""


def _on_the_console(programs: Sequence[Running]) -> str:
    """Return what explains silence: the greeting stands on the console."""
    lines = plain(programs[-1].output).splitlines() if programs else []
    if any(line.encode().startswith(_GREETING) for line in lines):
        return (
            "Send the lines on the client's connection: HELLO flurfunk/1 came on the program's console, and not there."
        )
    return ""


def _is_silent(failure: Result) -> bool:
    """Whether nothing came where something was awaited."""
    return failure.received.startswith("nothing") or failure.received.endswith("<- nothing")


def _greeted(failure: Result) -> set[str]:
    """Return the clients that have received anything."""
    return {entry.who for entry in failure.transcript.entries if entry.arrow == "<-"}


# ---------------------------------------------------------------- proved by probes


class _Client:
    """A connection of a probe."""

    def __init__(self, address: Address, receive_buffer: int = 0) -> None:
        family, place = endpoint(address)
        self._socket = socket.socket(family)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(_WAIT)
        try:
            self._socket.connect(place)
        except OSError:
            self._socket.close()
            raise
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.ended = False
        self.close = self._socket.close

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, octets: bytes) -> None:
        self._socket.settimeout(_WAIT)
        self._socket.sendall(octets)

    def offer(self, octets: bytes) -> int:
        """Send as much as can be sent at once; return how much that was."""
        self._socket.setblocking(False)
        return self._socket.send(octets)

    def half_close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def gets(self, word: bytes, seconds: float = _WAIT, since: int = 0) -> bool:
        """Read until a line that begins with a word has come whole; false where it does not within so many seconds."""
        line = re.compile(rb"^" + re.escape(word) + rb"\b.*\n", re.MULTILINE)
        end = time.monotonic() + seconds
        while not line.search(self.received, since):
            if not self.reads(end - time.monotonic()):
                return False
        return True

    def rests(self) -> None:
        """Read until nothing has come for a while."""
        while self.reads(_PAUSE):
            pass

    def forgets(self) -> None:
        """Keep of what was received no more than the line that has not ended."""
        self.received = self.received[self.received.rfind(b"\n") + 1 :]

    def reads(self, seconds: float) -> bool:
        """Wait until more has come; false where nothing does within so many seconds, or the connection has ended."""
        if self.ended:
            return False
        self._socket.settimeout(max(seconds, 0.001))
        try:
            octets = self._socket.recv(65536)
        except TimeoutError:
            return False
        except OSError:
            octets = b""
        self.ended = not octets
        self.received += octets
        return bool(octets)


_Connect = Callable[..., _Client]
_Probe = Callable[[_Connect], str]


@contextlib.contextmanager
def _connecting(subject: Subject) -> Iterator[_Connect]:
    """Yield what connects clients to a server of their own, where one can be started; all is closed at the end."""
    other = subject.another()
    with contextlib.ExitStack() as stack:
        if other is not subject:
            stack.callback(other.close)

        def connect(receive_buffer: int = 0) -> _Client:
            client = _Client(other.address(), receive_buffer)
            stack.callback(client.close)
            return client

        yield connect


def _first_probes(reason: str) -> list[_Probe]:
    """Return the probes that fit where nothing speaks the protocol."""
    if "sends nothing by itself, and answers" in reason and _GREETING.decode() in reason:
        return [_greets_late]
    if "sends nothing for" in reason:
        return [lambda connect: _holds_back(connect, [Act("ann", "connects")], "ann", b"HELLO")]
    return []


def _probes(failure: Result) -> list[_Probe]:
    """Return the probes that fit a failure."""
    transcript = failure.transcript
    acts = [act for act in transcript.acts if act.verb in ("connects", "sends")]
    awaited = re.match(r"(\w+) <- ", failure.expected)
    silent = _is_silent(failure)
    probes: list[_Probe] = []
    greeted = _greeted(failure)
    if awaited and silent and awaited[1] not in greeted and not any(act.verb == "sends" for act in acts):
        probes.append(_greets_late)
    if awaited and silent and awaited[1] not in greeted and sum(act.verb == "connects" for act in acts) > 1:
        probes.append(_one_at_a_time)
    if any(act.octets.count(b"\n") > 1 for act in acts):
        probes.append(_takes_two_for_one)
    if any(entry.text == "stops reading" for entry in transcript.entries):
        probes.append(_waits_for_a_reader)
    wanted = _AWAITED.match(failure.expected)
    # Where the PONG to a later ping has come, nothing is in a buffer.
    if wanted and failure.received.startswith("nothing for") and len(acts) <= _MOST_ACTS:
        who, word = wanted[1], wanted[2].encode()
        probes.append(lambda connect: _holds_back(connect, acts, who, word))
    return probes


def _greets_late(connect: _Connect) -> str:
    """Of two silent clients, the one that sends a line is greeted, and the other is not."""
    ann, bob = connect(), connect()
    if ann.gets(b"HELLO", _SOON) or bob.gets(b"HELLO", _PAUSE):
        return ""
    for one, other in ((bob, ann), (ann, bob)):  # a server can serve the first alone
        one.send(b"/ping x\n")
        if one.gets(b"HELLO", _SOON) and not other.gets(b"HELLO", _PAUSE):
            return "Send HELLO as soon as a client connects: it came only when the client had sent a line."
    return ""


def _one_at_a_time(connect: _Connect) -> str:
    """A second client is greeted as soon as the first has gone, and not before."""
    ann = connect()
    if not ann.gets(b"HELLO", _SOON):
        return ""
    bob = connect()
    if bob.gets(b"HELLO"):
        return ""
    ann.close()
    if not bob.gets(b"HELLO", _SOON):
        return ""
    return (
        "Serve several clients at the same time, for instance each in a thread of its own: a second one was greeted "
        "only when the first had gone."
    )


def _takes_two_for_one(connect: _Connect) -> str:
    """Two lines in one segment are not both answered, and the same two in two segments are."""
    together, apart = connect(), connect()
    for client in (together, apart):
        client.rests()
    together.send(b"/ping one\n/ping two\n")
    if together.gets(b"PONG one", _SOON) and together.gets(b"PONG two", _SOON):
        return ""
    for word in (b"one", b"two"):
        apart.send(b"/ping " + word + b"\n")
        if not apart.gets(b"PONG " + word):
            return ""
    if together.gets(b"PONG one", _PAUSE) and together.gets(b"PONG two", _PAUSE):
        return ""
    return (
        "Split what one read brings at each LF: two lines that came in one segment were not both answered, and the "
        "same two in two segments were."
    )


def _waits_for_a_reader(connect: _Connect) -> str:
    """While a member does not read, another is not answered; and it is as soon as that member has gone."""
    cyd, ann, bob = connect(_SMALL), connect(), connect()
    for client in (cyd, ann, bob):
        client.send(b"/cd probe\n")
        client.rests()
    if not _is_blocked(bob, ann):
        return ""
    ann.send(b"/ping still-there\n")
    if ann.reads(_WAIT):
        return ""
    cyd.close()
    if not ann.reads(_WAIT):
        return ""
    return (
        "Let nobody wait for a member that does not read: collect what it does not take, for it alone. The others got "
        "nothing while it read nothing, and went on as soon as it had gone."
    )


def _is_blocked(speaker: _Client, listener: _Client) -> bool:
    """Let one say much to a room in which it and another read; return whether all comes to a stop."""
    pending, sent, end = b"", 0, time.monotonic() + _FLOOD_SECONDS
    while sent < _FLOOD and time.monotonic() < end:
        readers, writers, _ = select.select([speaker, listener], [speaker], [], _WAIT)
        if not readers and not writers:
            return True
        for reader in readers:
            if not reader.reads(0):
                return False
            reader.forgets()
        if writers:
            pending = pending or (b"/say " + b"x" * 1000 + b"\n") * 64
            taken = speaker.offer(pending)
            pending, sent = pending[taken:], sent + taken
    return False


def _holds_back(connect: _Connect, acts: Sequence[Act], who: str, word: bytes) -> str:
    """A line does not come while its client waits, and does as soon as that has ended its sending."""
    # The end of the sending comes first: where it brings nothing, there is no reason to wait for what does not come.
    for patience in (0, _WAIT):  # and not because a second has passed: at once, the first time
        client, since = _done_again(connect, acts, who)
        if client is None or (patience and client.gets(word, patience, since)):
            return ""
        had = len(client.received) if patience else since
        client.half_close()
        if not client.gets(word, _SOON, had):
            return ""
        client.close()
    return f"Flush after each line: {word.decode()} came only when the client had ended its sending."


def _done_again(connect: _Connect, acts: Sequence[Act], who: str) -> tuple[_Client | None, int]:
    """Do again what clients did; return the one that is meant, and how much it had received before the last act."""
    clients: dict[str, _Client] = {}
    had = 0
    for act in acts:
        for client in clients.values():
            client.rests()
        had = len(clients[who].received) if who in clients else 0
        if act.verb == "connects":
            clients[act.who] = connect()
        elif act.who in clients:
            clients[act.who].send(act.octets)
    return clients.get(who), had
