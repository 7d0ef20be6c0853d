"""Makes a session file, and a shell script, of what a check did: whoever has one of them can do it again.

The sent octets are taken from the transcript, octet for octet. The model says what has to come back, so a file
fails on the server on which the check failed, as far as its steps can say what went wrong, and holds on one that
conforms.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from conformance.conversations.session import OPERATOR
from conformance.conversations.shell import script
from conformance.conversations.world import BOM, Effect, Expected, Past, World, is_foreign, lines_of, refusal
from conformance.judging.result import Result
from conformance.judging.verdict import Verdict
from conformance.wire.transcript import Act, Transcript

_BARRIER = b"/ping barrier-"
_PACER = "pacer"
_LONGEST = 29  # octets of a name that is made unique anew: it must have room for that
_WORD = re.compile(rb"[A-Za-z0-9_-]+")
_RUN = re.compile(r"(.)\1{29,}", re.DOTALL)
_INVISIBLE = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"  # and what stands for ill-formed octets
_PLAIN = re.compile(rf"[^{_INVISIBLE}]*[^ {_INVISIBLE}]")
_FAILED = (Verdict.FAIL, Verdict.WARN, Verdict.XFAIL)
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def write_replays(result: Result, directory: Path) -> list[Path]:
    """Write a session file and a shell script for a check that failed; return their paths.

    There are none where nothing was sent, and for a server that wants a password, which the model does not know;
    and there is no script where the connections are inside TLS, since nc has none.

    Raises OSError where the directory cannot be written.
    """
    acts = own_acts(result.transcript)
    if (
        result.kind != "server"
        or result.verdict not in _FAILED
        or "password" in result.transcript.features
        or not any(act.verb in ("sends", "types") for act in acts)
    ):
        return []
    directory.mkdir(parents=True, exist_ok=True)
    session, shell = (directory / f"{result.id.replace('/', '-')}{ending}" for ending in (".session", ".sh"))
    writer = _Writer(result.transcript, acts)
    session.write_text(_session(result, writer), encoding="utf-8")
    if result.transcript.inside_tls:
        return [session]
    shell.write_text(script(acts, writer.received, [result.id, *_told(result)]), encoding="utf-8")
    shell.chmod(0o755)
    return [session, shell]


def own_acts(transcript: Transcript) -> list[Act]:
    """Return what was done, each connection under a label of letters of its own, the pacer's deeds left out.

    The suite's own pings have the verb `settles`.
    """
    labels: dict[str, str] = {}
    acts: list[Act] = []
    for act in transcript.acts:
        if act.who == _PACER:
            continue
        if act.verb == "connects":
            labels[act.who] = _label(act.who, {*labels.values(), *(one.who for one in acts)})
        who = labels.get(act.who, act.who)
        verb = "settles" if act.verb == "sends" and act.octets.startswith(_BARRIER) else act.verb
        acts.append(Act(who, verb, act.octets, act.waits))
    return acts


def session_text(result: Result) -> str:
    """Return the session file of a check that failed."""
    return _session(result, _Writer(result.transcript, own_acts(result.transcript)))


def _session(result: Result, writer: "_Writer") -> str:
    body = writer.body()
    head = [
        f"title: {result.id}: {result.title}",
        f"shows: {result.requirement.id}",
        f"names: {' '.join(sorted(writer.names))}".rstrip(),
        f"rooms: {' '.join(sorted(writer.rooms))}".rstrip(),
        *([f"needs: {needs}"] if (needs := writer.needs()) else []),
    ]
    return "\n".join([*head, "", *(f"# {line}" for line in _told(result)), "", *body, ""])


def _told(result: Result) -> list[str]:
    """Return what went wrong, for comments."""
    told = [f"expected {result.expected}", f"received {result.received}", *result.reason.splitlines()]
    return ["".join(c if c.isprintable() else " " for c in line) for line in told if line]


@dataclass
class _Stream:
    """The octets that a client has sent: the line that has not ended, and whether one has."""

    rest: bytes = b""
    begun: bool = False


class _Writer:
    """Lets the model do what was done, and writes down both."""

    def __init__(self, transcript: Transcript, acts: list[Act]) -> None:
        self.names: set[str] = set()
        self.rooms: set[str] = set()
        self.received: list[tuple[str, bytes]] = []  # by whom, and which line; `...` at its end stands for any words
        self._acts = acts
        self._inside_tls = transcript.inside_tls
        self._suffix = f"-{transcript.suffix}".encode()
        self._world = World(features=frozenset(transcript.features))
        self._streams: dict[str, _Stream] = {}
        self._made_up: dict[bytes, bytes] = {}
        self._lines: list[str] = []
        self._expected: list[str] = []
        self._features: set[str] = set()
        self._sent = self._shortened()

    def body(self) -> list[str]:
        """Return the steps, each after what the one before brings."""
        actor = ""
        for number, act in enumerate(self._acts):
            if act.verb in ("settles", "is called"):
                continue
            if actor not in ("", act.who):
                self._flush()
            actor = act.who
            self._do(number, act)
        self._flush()
        self.names -= self.rooms
        return self._lines

    def needs(self) -> str:
        """Return what the head says that the server must have."""
        console = {"console"} if any(act.verb == "types" for act in self._acts) else set()
        return " ".join(sorted(self._features | console))

    # ------------------------------------------------------------ steps

    def _do(self, number: int, act: Act) -> None:
        if act.verb == "connects":
            self._connect(number, act.who)
        elif act.verb == "types":
            self._type(act.octets)
        elif self._world.get(act.who) is not None:
            if act.verb == "sends":
                self._send(number, act)
                return
            self._lines.append(f"{act.who} {act.verb}")
            self._world, told = self._world.leave(act.who, "lost")
            self._expect(told, end=act.who if act.verb == "half-closes" else "")

    def _connect(self, number: int, who: str) -> None:
        called = (act.octets for act in self._acts[number:] if (act.who, act.verb) == (who, "is called"))
        name = next(called, f"new-{who}".encode())
        self._flush()
        self._made_up[name] = f"{{{who}}}".encode()
        self._world = self._world.connect(who, name.decode("utf-8", "replace"))
        self._streams[who] = _Stream()
        self._lines.append(f"{who} connects")

    def _send(self, number: int, act: Act) -> None:
        stream = self._streams[act.who]
        # A step of text comes after the suite has pinged: what has to be the very first is written octet by octet.
        whole = not stream.rest and (stream.begun or not act.octets.startswith(BOM))
        self._lines.append(f"{act.who} {self._step(self._sent[number], whole=whole)}")
        data = stream.rest + act.octets
        if not stream.begun and is_foreign(data, inside_tls=self._inside_tls):
            self._world, _ = self._world.leave(act.who, "lost")
            self._expect([], end=act.who)
            return
        *lines, stream.rest = data.split(b"\n")
        for line in lines:
            self._line(act.who, line if stream.begun else line.removeprefix(BOM))
            stream.begun = True

    def _line(self, who: str, line: bytes) -> None:
        if self._world.get(who) is None:
            return
        word = line.split(b" ")[0]
        if line in (b"/who", b"/rooms") or word in (b"/history", b"/tell"):
            self._features.add(word[1:].decode())
        self._world, effects = self._world.act(who, line.removesuffix(b"\r"))
        self._expect(effects, end="" if self._world.get(who) else who)

    def _type(self, octets: bytes) -> None:
        for line in lines_of(octets):
            if refusal(line)[0]:
                self._lines.append("# the operator types what is no text, for which there is no step")
                continue
            self._lines.append(f"{OPERATOR} -> {self._plain(line)}" if line else f"{OPERATOR} ->")
            if line == b"exit":
                bye = Expected(b"BYE shutdown", "OPER-2")
                for client in self._world.clients:
                    self._expect([(client.label, bye)], end=client.label)
                self._expected.append(f"{OPERATOR} <- end")
                self._world = World(features=self._world.features)
                continue
            self._world, effects, kicked = self._world.command(line)
            self._expect(effects, end=kicked)

    # ------------------------------------------------------------ what comes back

    def _expect(self, effects: list[Effect], *, end: str = "") -> None:
        """Note what is received, and the end of a connection."""
        for who, expected in effects:
            for line in expected.before:
                plain = self._plain(line)
                self.received.append((who, line.split(b" ")[0] + b" ..."))
                if not line.startswith(b"LIVE ") or plain.split(" ")[1] in self.rooms:
                    self._expected.append(f"{who} <~ {plain}")
            if expected.past is not None:
                self._expect_past(who, expected.past)
            line = b"ROOMS" if expected.line.startswith(b"ROOMS ") else expected.line
            more = " ..." if expected.open or line == b"ROOMS" else ""
            self.received.append((who, line + more.encode()))
            self._expected.append(f"{who} <- {self._plain(line)}{more}")
        if end:
            self._expected.append(f"{end} <- end")

    def _expect_past(self, who: str, past: Past) -> None:
        """Note the PAST lines that come where a server keeps all that it has to keep, and nothing more."""
        for event in past.known[len(past.known) - past.least :]:
            self.received.append((who, b"PAST ..."))
            self._expected.append(f"{who} <- PAST {{time}} {self._plain(event)}")

    def _flush(self) -> None:
        self._lines += self._expected
        self._expected.clear()

    # ------------------------------------------------------------ texts

    def _step(self, octets: bytes, *, whole: bool) -> str:
        """Return octets as a step: a line as text where that says all, or else as strings."""
        text = octets.removesuffix(b"\n").decode("utf-8", "surrogateescape")
        if whole and octets.endswith(b"\n") and len(text) < 200 and (not text or _PLAIN.fullmatch(text)):
            return f"-> {self._with_made_up(octets[:-1]).decode()}".rstrip()
        return f"=> {quoted(octets.decode('utf-8', 'surrogateescape'))}"

    def _plain(self, line: bytes) -> str:
        """Return a line with names and rooms as plain words, which are noted for the head."""
        return self._with_made_up(_WORD.sub(self._word, line)).decode("utf-8", "replace")

    def _with_made_up(self, line: bytes) -> bytes:
        return _WORD.sub(lambda match: self._made_up.get(match[0], match[0]), line)

    def _word(self, match: re.Match[bytes]) -> bytes:
        word = match[0]
        plain = word[: -len(self._suffix)] if word.lower().endswith(self._suffix) else b""
        if not plain or len(word) > _LONGEST:
            return word
        is_room = any(client.room == word.decode().lower() for client in self._world.clients)
        (self.rooms if is_room else self.names).add(plain.decode())
        return plain

    def _shortened(self) -> dict[int, bytes]:
        """Return what each act sends, with plain words: made of a client's stream, since a word can be cut in it."""
        result: dict[int, bytes] = {}
        runs: dict[str, list[int]] = {}
        for number, act in enumerate(self._acts):
            if act.verb == "connects":
                result |= self._shortened_run(runs.pop(act.who, []))
            elif act.verb == "sends":
                runs.setdefault(act.who, []).append(number)
        for run in runs.values():
            result |= self._shortened_run(run)
        return result

    def _shortened_run(self, run: list[int]) -> dict[int, bytes]:
        whole = b"".join(self._acts[number].octets for number in run)
        words = [(match.start(), match.end(), self._word(match)) for match in _WORD.finditer(whole)]
        result: dict[int, bytes] = {}
        end, taken, text, at = 0, 0, _WORD.sub(self._word, whole), 0
        gone = 0  # octets by which the words before are shorter
        for number in run:
            end += len(self._acts[number].octets)
            while at < len(words) and words[at][1] <= end:
                gone += words[at][1] - words[at][0] - len(words[at][2])
                at += 1
            cut = end - gone
            if at < len(words) and words[at][0] < end:
                cut = min(cut, words[at][0] - gone + len(words[at][2]))
            result[number], taken = text[taken:cut], cut
        return result


def quoted(text: str) -> str:
    """Return a text, in which surrogates stand for octets that are no UTF-8, as the strings of a session file."""
    parts: list[str] = []
    at = 0
    for run in _RUN.finditer(text):
        if run.start() > at:
            parts.append(f'"{_escaped(text[at : run.start()])}"')
        parts.append(f'"{_escaped(run[1])}" * {len(run[0])}')
        at = run.end()
    if at < len(text) or not parts:
        parts.append(f'"{_escaped(text[at:])}"')
    return " ".join(parts)


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(c) or (c if c.isprintable() else _octets(c)) for c in text)


def _octets(character: str) -> str:
    return "".join(f"\\x{octet:02x}" for octet in character.encode("utf-8", "surrogateescape"))


def _label(label: str, used: set[str]) -> str:
    """Return a label of letters that no other connection has."""
    letters = "".join(c for c in label.lower() if c.isascii() and c.isalpha()) or "client"
    number, candidate = 0, letters
    while candidate in used or candidate == OPERATOR:
        number += 1
        candidate = letters + "".join(chr(ord("a") + int(digit)) for digit in str(number))
    return candidate
