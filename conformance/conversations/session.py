"""Reads the example conversations of the specification, and plays them against a server."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from conformance.judging.check import Check
from conformance.stage.server import Stage
from conformance.text.requirements import SESSIONS
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, octets
from conformance.wire.standing import is_brought, of_receiving

CITED, DIGEST = "CONF-1", "e737029b67c9"  # every session is a check of this sentence
PASSWORD_SECONDS, END_SECONDS = 4, 2  # that a session takes with wrong passwords, or to the end of the server
OPERATOR = "operator"
_LONGEST_TYPED = 1000  # characters of a line that every terminal takes

_HEAD = re.compile(r"([a-z]+): *(.*)")
_STEP = re.compile(
    r"(?P<who>[a-z]+) (?:(?P<arrow>->|=>|<-|<~)(?: (?P<what>.*))?"
    r"|connects(?: as (?P<name>\S+)(?: in (?P<room>\S+))?)?|(?P<plain>half-closes|closes|resets))"
)
_STRING = re.compile(r'\s*"((?:[^"\\]|\\.)*)"(?:\s*\*\s*(\d+))?')
_ESCAPE = re.compile(rb'\\(?:x([0-9a-fA-F]{2})|([nrt"\\]))')
_SINGLE = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"\\": b"\\"}


class SessionSyntaxError(ValueError):
    """A session file is not as its description says."""


@dataclass(frozen=True)
class Step:
    """One line of a session: `verb` is connects, ->, =>, <-, <~, half-closes, closes or resets."""

    number: int
    who: str
    verb: str
    what: str = ""
    name: str = ""
    room: str = ""


@dataclass(frozen=True)
class Session:
    """One session file."""

    name: str
    title: str
    shows: tuple[str, ...]
    names: tuple[str, ...]
    rooms: tuple[str, ...]
    needs: tuple[str, ...]
    steps: tuple[Step, ...]
    password: str = ""  # that the server wants


def session_checks(directory: Path) -> list[Check]:
    """Return a check for each session file below the specification's directory."""
    return [session_check(read_session(path)) for path in sorted((directory / SESSIONS).glob("*.session"))]


def read_session(path: Path) -> Session:
    """Read one file; raises SessionSyntaxError with file and line."""
    try:
        return parse_session(path.stem, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise SessionSyntaxError(f"{path} is no UTF-8") from error


def parse_session(name: str, text: str) -> Session:
    """Read the text of a session; raises SessionSyntaxError with its name and the line's number."""
    lines = text.split("\n")
    body = lines.index("") if "" in lines else len(lines)
    head: dict[str, str] = {}
    for number, line in enumerate(lines[:body], 1):
        match = _HEAD.fullmatch(line)
        if not match or match[1] not in ("title", "shows", "names", "rooms", "needs", "password"):
            raise SessionSyntaxError(f"{name}.session:{number}: {line!r} is no line of a head")
        head[match[1]] = match[2]
    steps = [
        _parse_step(name, number, line)
        for number, line in enumerate(lines[body:], body + 1)
        if line.strip() and not line.startswith("#")
    ]
    if ("password" in head.get("needs", "").split()) != bool(head.get("password")):
        raise SessionSyntaxError(f"{name}.session: a password stands in its head, and that it needs one, or neither")
    words = {key: tuple(head.get(key, "").split()) for key in ("shows", "names", "rooms", "needs")}
    connected: set[str] = set()
    for step in steps:
        if problem := _problem(step, connected, words["needs"]):
            raise SessionSyntaxError(f"{name}.session:{step.number}: {problem}")
    return Session(name, head.get("title", ""), steps=tuple(steps), password=head.get("password", ""), **words)


def parse_octets(text: str) -> bytes:
    """Return the octets of `"STRING" * COUNT "STRING" ...`; raises SessionSyntaxError."""
    result, position = b"", 0
    while position < len(text.rstrip()):
        match = _STRING.match(text, position)
        if not match:
            raise SessionSyntaxError(f"{text!r} is no string")
        raw = match[1].encode()
        if b"\\" in _ESCAPE.sub(b"", raw):
            raise SessionSyntaxError(f"{text!r} has an unknown escape in it")
        piece = _ESCAPE.sub(lambda e: bytes.fromhex(e[1].decode()) if e[1] else _SINGLE[e[2]], raw)
        result += piece * int(match[2] or 1)
        position = match.end()
    return result


def _problem(step: Step, connected: set[str], needs: tuple[str, ...]) -> str:
    """Return what is wrong with a step, nothing if it can be played; keep who has `connected`."""
    if step.who == OPERATOR:
        if step.verb not in ("->", "<-"):
            return f"the operator cannot do {step.verb!r}"
        return "" if "console" in needs else "the head does not say that it needs a console"
    if step.verb == "connects":
        connected.add(step.who)
    elif step.who not in connected:
        return f"{step.who} has not connected"
    if step.verb == "=>":
        try:
            parse_octets(step.what)
        except SessionSyntaxError as error:
            return str(error)
    return ""


def _parse_step(name: str, number: int, line: str) -> Step:
    match = _STEP.fullmatch(line)
    if not match:
        raise SessionSyntaxError(f"{name}.session:{number}: {line!r} is no step")
    verb = match["arrow"] or match["plain"] or "connects"
    return Step(number, match["who"], verb, match["what"] or "", match["name"] or "", match["room"] or "")


def session_check(session: Session) -> Check:
    """Return a check that plays the session."""

    def play(stage: Stage) -> None:
        Player(session, stage).play()

    ends = any(step.who == OPERATOR and step.what == "exit" for step in session.steps)
    slow = PASSWORD_SECONDS if session.password else END_SECONDS * ends
    return Check(CITED, DIGEST, session.name, session.title, play, needs=session.needs, slow=slow)


class Player:
    """Plays one session, with names and rooms that nobody else uses."""

    def __init__(self, session: Session, stage: Stage) -> None:
        self._session = session
        self._stage = stage
        self._peers: dict[str, Peer] = {}
        self._made_up: dict[str, str] = {}  # what {ann} stands for
        self._actor = ""
        self._open_line: set[str] = set()  # who sent the beginning of a line
        self._leaving: set[str] = set()  # who sent exit
        self._fresh: set[str] = set()  # who has sent nothing yet; octets may have to be the very first
        self._silent: set[str] = set()  # who has only connected: nothing of them has to take effect
        self._gone: set[str] = set()  # who closed, or ends its sending
        self._words = replacement(session.names, session.rooms, f"-{stage.suffix}")
        # `=>` steps of a client are one stream: a name can be cut between them.
        self._pieces = self._replaced_pieces()

    def play(self) -> None:
        """Play all steps; raises Failed with the line's number."""
        if "console" in self._session.needs or self._session.password:
            typed = [step.what for step in self._session.steps if step.who == OPERATOR]
            terminal = max(map(len, typed), default=0) < _LONGEST_TYPED
            self._stage.start(terminal=terminal, password=self._session.password)
        steps = list(self._session.steps)
        while steps:
            step = steps.pop(0)
            try:
                if step.verb == "<~":
                    group = [step]
                    while steps and (steps[0].verb, steps[0].who) == ("<~", step.who):
                        group.append(steps.pop(0))
                    self._expect_any_order(group)
                else:
                    self._step(step)
            except Failed as failed:
                note = f"line {step.number} of sessions/{self._session.name}.session"
                raise Failed(failed.expected, failed.received, note) from failed
        for who, peer in self._peers.items():
            if who not in self._gone and not peer.ended:
                self._settle(who)
                self._no_lines(peer)

    def _step(self, step: Step) -> None:
        if step.verb in ("<-", "<~"):
            self._expect(step)
            return
        self._change_actor(step.who)
        if step.verb == "connects":
            self._connect(step)
        elif step.who == OPERATOR:
            self._stage.server.say(self._text(step.what))
        elif step.verb == "->":
            if step.who in self._fresh:
                peer = self._peers[step.who]
                peer.settle()
                peer.inbox.extend(peer.take())  # the INFO lines of the greeting are no news
            self._send(step.who, self._text(step.what).encode() + b"\n")
        elif step.verb == "=>":
            self._send(step.who, self._pieces[step.number])
        else:
            self._gone.add(step.who)
            peer = self._peers[step.who]
            {"half-closes": peer.half_close, "closes": peer.close, "resets": peer.reset}[step.verb]()

    def _connect(self, step: Step) -> None:
        peer = self._stage.connect(step.who)
        self._peers[step.who] = peer
        self._made_up[step.who] = peer.name
        if step.name:
            name = self._text(step.name)
            peer.send(f"/nick {name}")
            peer.expect(f"NAME {name}")
        if step.room:
            room = self._text(step.room)
            peer.send(room)
            peer.expect(f"ROOM {room}")
        self._fresh.add(step.who)
        if not (step.name or step.room):
            self._silent.add(step.who)

    def _send(self, who: str, data: bytes) -> None:
        self._fresh.discard(who)
        self._silent.discard(who)
        self._peers[who].send_octets(data)
        (self._open_line.discard if data.endswith(b"\n") else self._open_line.add)(who)
        if b"\nexit\n" in b"\n" + data:
            self._leaving.add(who)

    def _change_actor(self, who: str) -> None:
        if self._actor not in ("", who):
            self._settle(self._actor)
        self._actor = who

    def _settle(self, who: str) -> None:
        """Wait until this client's acts have taken effect; without a ping, later steps wait for its lines."""
        peer = self._peers.get(who)
        if peer is None or who in self._gone | self._open_line | self._silent or peer.ended:
            return
        if who in self._leaving:
            peer.wait_end()
        else:
            peer.settle()

    def _expect(self, step: Step) -> None:
        if step.who == OPERATOR:
            status = self._stage.server.wait(10)
            if status != 0:
                raise Failed("the program ends with exit status 0", f"it ends with {status}")
            return
        peer = self._peers[step.who]
        if step.what == "end":
            peer.expect_end()
        elif step.what == "nothing":
            self._settle(self._actor)
            peer.settle()
            self._no_lines(peer)
        else:
            self._next(peer, self._text(step.what))

    def _expect_any_order(self, group: list[Step]) -> None:
        peer = self._peers[group[0].who]
        wanted = [self._text(step.what) for step in group]
        self._stage.needs(*(one for line in wanted for one in of_receiving(octets(line))))
        while wanted:
            line = self._receive(peer, f"{peer.label} <- {' or '.join(wanted)}")
            text = line.decode("utf-8", "replace")
            if text not in wanted:
                raise Failed(f"{peer.label} <- {' or '.join(wanted)}", f"{peer.label} <- {text}")
            wanted.remove(text)

    def _next(self, peer: Peer, wanted: str) -> None:
        self._stage.needs(*of_receiving(octets(wanted)))
        if not wanted.startswith("INFO"):
            self._skip_foreign(peer, wanted, provable=is_brought(octets(wanted)))
        peer.expect(wanted)

    def _receive(self, peer: Peer, what: str) -> bytes:
        self._skip_foreign(peer, what, provable=True)  # these are the answers that come in any order
        return peer.receive(what=what, provable=True)

    def _skip_foreign(self, peer: Peer, what: str, *, provable: bool) -> None:
        """Pass over LIVE lines of rooms that the head does not name; others may use the server."""
        while True:
            line = peer.receive(what=what, provable=provable)
            words = line.split(b" ")
            if words[0] != b"LIVE" or words[1:2] in [[room.encode()] for room in self._rooms()]:
                peer.inbox.appendleft(line)
                return

    def _no_lines(self, peer: Peer) -> None:
        if lines := peer.take():
            raise Failed(f"{peer.label} <- nothing", f"{peer.label} <- {lines[0].decode('utf-8', 'replace')}")

    def _rooms(self) -> list[str]:
        return [self._text(room) for room in self._session.rooms]

    def _text(self, text: str) -> str:
        for who, name in self._made_up.items():
            text = text.replace(f"{{{who}}}", name)
        return self._words(text.encode()).decode()

    def _replaced_pieces(self) -> dict[int, bytes]:
        """Return the octets of each `=>` step by its line's number, with the replacements made over the whole run.

        A run is what a client sends so before it does anything else, whatever others do meanwhile.
        """
        pieces: dict[int, bytes] = {}
        runs: dict[str, list[Step]] = {}
        for step in self._session.steps:
            if step.verb == "=>":
                runs.setdefault(step.who, []).append(step)
            elif step.verb not in ("<-", "<~"):
                pieces.update(self._replace_run(runs.pop(step.who, [])))
        for run in runs.values():
            pieces.update(self._replace_run(run))
        return pieces

    def _replace_run(self, run: list[Step]) -> dict[int, bytes]:
        """Replace in one stream, and cut it where it was cut; what a word grows by goes after it."""
        parts = [parse_octets(step.what) for step in run]
        whole, start = b"".join(parts), 0
        cuts: list[bytes] = []
        ends = [sum(map(len, parts[: number + 1])) for number in range(len(parts))]
        spans = _grown(self._words, whole)
        for end in ends:
            cut = sum(len(new) if stop <= end else max(end - begin, 0) for begin, stop, new in spans)
            cuts.append(b"".join(new for _, _, new in spans)[start:cut])
            start = cut
        return {step.number: piece for step, piece in zip(run, cuts, strict=True)}


Replacement = Callable[[bytes], bytes]
_WORD = re.compile(rb"[A-Za-z0-9_-]+|[^A-Za-z0-9_-]+")


def replacement(names: Iterable[str], rooms: Iterable[str], suffix: str) -> Replacement:
    """Return what appends the suffix to each name and room that stands as a whole word; rooms in whatever case."""
    exact = {octets(name) for name in names}
    folded = {octets(room).lower() for room in rooms}

    def replace(text: bytes) -> bytes:
        return b"".join(
            word + suffix.encode() if word in exact or word.lower() in folded else word for word in _WORD.findall(text)
        )

    return replace


def _grown(replace: Replacement, text: bytes) -> list[tuple[int, int, bytes]]:
    """Return for each word of a text where it begins and ends, and what it is replaced by."""
    return [(match.start(), match.end(), replace(match[0])) for match in _WORD.finditer(text)]
