"""Plays steps against a server, and holds what every client receives against the model.

The client that acts gets a barrier: so one step is done before the next begins, and all that came to this client so
far is compared. What a step brings to others is due, in order, until they act themselves or the conversation ends. A
barrier of all clients after each step would be most of what a conversation costs.
"""

import contextlib
import re
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from conformance.conversations.orders import Search, Unexplained
from conformance.conversations.steps import Rendering, Step
from conformance.conversations.world import (
    BOM,
    NAME,
    Effect,
    Expected,
    World,
    is_foreign,
    lines_of,
    skip_info,
    take,
    without_foreign_rooms,
)
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer
from conformance.wire.process import STOP_SECONDS
from conformance.wire.standing import of_refusal
from conformance.wire.transcript import shown

_MARK = "that was all"  # announced behind what the operator types, so that one can wait for it
_NAMING = re.compile(rb"(?:/cd |/nick )?([A-Za-z0-9][A-Za-z0-9_-]{0,31})")
_LINE = re.compile(rb"([^\r\n]*(?:\r(?!\n)[^\r\n]*)*)(\r?\n|\Z)")
_EVENTS = {b"JOINED": "ROOM-2", b"LEFT": "LEFT-2", b"NICK": "NICK-2", b"ANNOUNCE": "OPER-1"}
_CUTS = 6  # at the beginning and at the end of a stream: each costs a round trip
_NOTHING: Mapping[str, str] = {}


class Walk:
    """One conversation. A step that cannot be played, such as sending without a connection, is passed over."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._world = World()
        self._peers: dict[str, Peer] = {}
        self._rendering = Rendering(stage.suffix)
        self._due: dict[str, list[tuple[int, Expected]]] = {}  # what has to have come to each, and by which step
        self._number = 0  # of the step that is played
        self._rooms: set[bytes] = set()  # all that can have been entered
        self._texts: set[bytes] = set()  # all that was sent

    def play(self, steps: Sequence[Step]) -> None:
        """Play all steps; raises Failed with the step and the requirement at the first difference."""
        try:
            for self._number, step in enumerate(steps, 1):
                self._play(step)
                self._hold_violations()
            self._settle_all()
            self._hold_violations()
        except Failed as failed:
            note = f"step {self._number} of {len(steps)}: {steps[self._number - 1]}"
            raise Failed(failed.expected, failed.received, note, cites=failed.cites) from failed

    def _hold_violations(self) -> None:
        for cites, received in self._stage.violations.items():
            raise Failed("lines as the specification has them", received, cites=cites)

    def leave(self) -> None:
        """Let all clients exit, so that nothing of this conversation is left when the next one begins [ORDER-9]."""
        staying = [self._peers[client.label] for client in self._world.clients]
        with _citing("EXIT-1"):
            for peer in staying:
                peer.send_octets(b"\nexit\n")  # where half a line is under way, it ends here
            for peer in staying:
                peer.wait_end()

    def _play(self, step: Step) -> None:
        if step.verb == "connects":
            self._connect(step)
        elif step.verb == "together":
            self._together(step)
        elif step.verb in ("types", "ends"):
            self._operate(step)
        elif self._world.get(step.who) is not None:
            (self._send if step.verb == "sends" else self._leave)(step)

    # ------------------------------------------------------------ steps

    def _connect(self, step: Step) -> None:
        if self._world.get(step.who) is not None:
            if not step.octets:
                return
            self._send(Step("sends", step.who, b"exit\n"))
        octets = self._rendered(step.octets)
        peer = self._peers[step.who] = self._stage.dial(step.who)
        if octets:
            peer.send_octets(*_pieces(octets, step.cuts))
        if is_foreign(octets, inside_tls=self._stage.transcript.inside_tls):
            self._expect_foreign(peer)
            return
        with _citing("STATE-1"):
            self._stage.greet(peer)
        self._rendering.made_up[step.who] = peer.name
        self._check_greeting(peer)
        self._world = World(self._world.clients, frozenset(peer.features)).connect(step.who, peer.name)
        effects = self._act(step.who, octets.removeprefix(BOM))
        if step.line:
            lines = self._rendered(f"/nick {step.who.capitalize()}\n{step.line}\n".encode())
            peer.send_octets(lines)
            effects += self._act(step.who, lines)
        self._settle(effects, step.who)

    def _check_greeting(self, peer: Peer) -> None:
        taken = [client.name.lower() for client in self._world.clients]
        if not NAME.fullmatch(peer.name) or peer.name.lower() in taken:
            raise Failed(f"{peer.label} <- NAME with a free name", f"{peer.label} <- NAME {peer.name}", cites="NAME-7")
        if len(set(peer.features)) != len(peer.features):
            raise Failed("HELLO names each feature once", f"HELLO with {' '.join(peer.features)}", cites="OUT-2")

    def _expect_foreign(self, peer: Peer) -> None:
        with _citing("NET-7"):
            peer.wait_end()
        for line in self._taken(peer):
            if line.split(b" ")[0] not in (b"HELLO", b"NAME", b"INFO"):
                raise Failed(f"{peer.label} <- no answer", f"{peer.label} <- {shown(line)}", cites="NET-9")
        self._settle([])

    def _send(self, step: Step) -> None:
        octets = self._rendered(step.octets, step.who)
        *first, last = _pieces(octets, step.cuts) or [b""]
        self._peers[step.who].send_octets(*first)
        if first and octets.count(b"\n") == 1:
            self._stage.give_turn()
            self._expect_nothing_yet()
        self._peers[step.who].send_octets(last)
        self._settle(self._act(step.who, octets), step.who)

    def _expect_nothing_yet(self) -> None:
        """Nobody has anything but what is due, of which something can still be on its way."""
        for label in self._labels():
            received, position = list(self._peers[label].inbox), 0
            due = iter(self._due.get(label, ()))
            while (line := _line_at(received, position)) is not None:
                number, expected = next(due, (self._number, None))
                if expected is None:
                    raise Failed(f"{label} <- nothing before the LF", f"{label} <- {shown(line)}", cites="LINE-7")
                position = self._after(received, position, label, number, expected)

    def _leave(self, step: Step) -> None:
        """Let a client end its connection, or its sending; who is alone, or in the lobby, says exit instead.

        Nobody could tell when the server has noticed that it is gone, and its name is free.
        """
        client, peer = self._world.get(step.who), self._peers[step.who]
        if client is None or not self._world.members(client.room, step.who):
            self._send(Step("sends", step.who, b"exit\n"))
            return
        self._settle([], step.who)  # what is due would be lost
        octets = self._rendered(step.octets, step.who)
        peer.send_octets(octets)
        {"half-closes": peer.half_close, "closes": peer.close, "resets": peer.reset}[step.verb]()
        effects = self._act(step.who, octets)
        ends = {step.who: "NET-4"} if step.verb == "half-closes" else _NOTHING
        if self._world.get(step.who) is None:  # `exit` was among the lines, and BYE is as good as a PONG [ORDER-9]
            self._settle(effects, ends=ends)
            return
        self._world, told = self._world.leave(step.who, "lost")
        self._settle([*effects, *told], ends=ends, awaited=told)

    def _operate(self, step: Step) -> None:
        """Type at the console: a line, or the end of the server."""
        if not self._stage.alone or self._stage.subject.console != "yes":
            return
        server = self._stage.server
        if step.verb == "ends":
            self._stage.dismiss_pacer()
            cites = "OPER-9" if step.line else "OPER-2"
            with _citing(cites):
                server.signal(signal.Signals[step.line]) if step.line else server.say("exit")
            bye = Expected(b"BYE shutdown", cites)
            effects = [(client.label, bye) for client in self._world.clients]
            self._world = World()
            self._settle(effects, ends={label: cites for label, _ in effects})
            with _citing(cites):
                if status := server.wait(STOP_SECONDS):
                    raise Failed("the program ends with exit status 0", f"it ends with {status}")
            return
        typed = self._rendered(step.octets)
        world, effects = self._world, list[Effect]()
        for line in lines_of(typed):
            world, news, _ = world.command(line)
            effects += news
        if not (marks := world.announce(_MARK)):
            return  # nobody could tell when the server has read it
        server.write(typed + f"{_MARK}\n".encode())
        self._world = world
        byes = [effect for effect in effects if effect[1].line == b"BYE removed"]
        self._settle([*effects, *marks], awaited=[*marks, *byes])
        self._settle_all()  # a client that was removed acts no more

    def _together(self, step: Step) -> None:
        """Let several clients send at the same time; any order of their lines that explains everything is right."""
        self._settle_all()
        batches: dict[str, list[bytes]] = {}
        for part in step.parts:
            if self._world.get(part.who) is not None and part.who not in batches:
                octets = self._rendered(part.octets, part.who)
                batches[part.who] = lines_of(octets)
                self._peers[part.who].offer(octets)
        leaving = {label: "EXIT-1" for label, lines in batches.items() if b"exit" in lines}
        with _citing("ORDER-6"):
            pongs = {label: self._peers[label].ping() for label in batches if label not in leaving}
            for label, pong in pongs.items():
                self._peers[label].await_pong(pong)
            for label, cites in leaving.items():
                self._expect_end(self._peers[label], cites)
            self._barrier([label for label in self._labels() if label not in leaving])
        received = {label: self._taken(self._peers[label]) for label in self._labels()}
        found = Search(self._world, batches, received).run()
        if isinstance(found, Unexplained):
            raise self._different(found.label, found.expected, found.received, " in whatever order the lines were done")
        self._world = found
        for label in leaving:
            self._peers[label].close()

    # ------------------------------------------------------------ what comes of it

    def _labels(self) -> list[str]:
        return [client.label for client in self._world.clients]

    def _rendered(self, octets: bytes, who: str = "") -> bytes:
        """Return real octets, without lines of which nobody could say what they bring.

        On a server that others use, these are lines that could be about their rooms and names. On each server, they
        are lines that ask for a name that a server made up and that no client of the conversation has by now: the
        server may have given it to somebody else.
        """
        real = b""
        renamed = False
        for line, end in _LINE.findall(octets):
            line = self._rendering.octets(line)
            match = _NAMING.fullmatch(line.removeprefix(BOM))
            if end and match and line != b"exit":
                if not self._stage.alone and self._stage.suffix.encode() not in line:
                    continue
                self._rooms.add(match[1].lower())
            if end and line.startswith(b"/nick "):
                if self._is_anybodys(line.removeprefix(b"/nick ").removesuffix(b"\r"), who, renamed=renamed):
                    continue
                renamed = True
            self._texts.add(line.removeprefix(b"/say "))
            real += line + end
        return real

    def _is_anybodys(self, name: bytes, who: str, *, renamed: bool) -> bool:
        """Whether a name was made up by the server, and is not for certain that of a client of this conversation.

        `who` asks for it, and has perhaps `renamed` itself in a line before.
        """
        folded = name.decode("utf-8", "replace").lower()
        if folded.startswith("{"):
            return True  # whose it is has not connected yet
        if folded not in (made_up.lower() for made_up in self._rendering.made_up.values()):
            return False
        owners = [client.label for client in self._world.clients if client.name.lower() == folded]
        return not owners or (owners == [who] and renamed)

    def _act(self, label: str, octets: bytes) -> list[Effect]:
        """Let the model do a client's lines; what stands behind exit is not done [EXIT-3]."""
        effects: list[Effect] = []
        for line in lines_of(octets):
            if self._world.get(label) is not None:
                self._world, news = self._world.act(label, line)
                effects += news
        return effects

    def _settle(
        self,
        effects: Sequence[Effect],
        actor: str = "",
        *,
        ends: Mapping[str, str] = _NOTHING,
        awaited: Sequence[Effect] = (),
    ) -> None:
        """Prove by a barrier that a step is done, and that all has come to the client that acted; compare.

        `ends`: whose connection ends, and by which requirement; `awaited`: lines without which the step is not done.
        """
        for label, expected in effects:
            self._due.setdefault(label, []).append((self._number, expected))
        if actor and self._world.get(actor) is None:
            actor, ends = "", {actor: "EXIT-1"}
        try:
            for label, cites in ends.items():
                self._expect_end(self._peers[label], cites)
            for label, expected in awaited:
                self._await(self._peers[label], expected)
            with _citing("ORDER-6"):
                self._barrier([actor] if actor else [])
        except Failed:
            self._compare(self._peers)  # a line that is missing says more than a barrier that does not come
            raise
        self._compare([*ends, *([actor] if actor else [])])

    def _settle_all(self) -> None:
        """Prove by a barrier of all clients that everything has come, and compare."""
        try:
            with _citing("ORDER-6"):
                self._barrier(self._labels())
        except Failed:
            self._compare(self._peers)
            raise
        self._compare(self._peers)

    def _barrier(self, labels: Sequence[str]) -> None:
        self._stage.barrier_used = True
        pongs = [(self._peers[label], self._peers[label].ping()) for label in labels]
        for peer, pong in pongs:
            peer.await_pong(pong)

    def _await(self, peer: Peer, expected: Expected) -> None:
        """Wait for a line; where it does not come, the comparison tells."""
        with contextlib.suppress(Failed):
            self._stage.wait_for(peer, lambda: any(map(expected.matches, peer.inbox)), shown(expected.line))

    def _expect_end(self, peer: Peer, cites: str) -> None:
        with _citing(cites):
            peer.wait_end()
        if peer.ended != "end":
            raise Failed(f"{peer.label} <- the end of the connection", peer.ending(), cites="NET-6")

    def _taken(self, peer: Peer) -> list[bytes]:
        lines = without_foreign_rooms(peer.inbox, self._rooms)
        peer.inbox.clear()
        return lines

    def _compare(self, labels: Iterable[str]) -> None:
        """Hold all that came to some against all that was due to them."""
        for label in sorted(labels, key=lambda label: label not in self._due):  # a miss says more than what is too much
            peer = self._peers[label]
            received, position = self._taken(peer), 0
            for number, expected in self._due.pop(label, ()):
                position = self._after(received, position, label, number, expected)
            bye = position and received[position - 1].startswith(b"BYE ")
            line = next(iter(received[position:]), None) if bye else _line_at(received, position)
            if line is not None:
                raise self._different(label, None, line)
            if peer.ended == "end":
                peer.close()

    def _after(self, received: Sequence[bytes], position: int, label: str, number: int, expected: Expected) -> int:
        """Return the position after what a step brings; raise Failed, of that step, where something else stands."""
        following = take(received, position, expected)
        if following is None:
            self._number = number
            raise self._different(label, expected, _line_at(received, position))
        return following

    def _different(self, label: str, expected: Expected | None, line: bytes | None, note: str = "") -> Failed:
        wanted = "nothing more" if expected is None else shown(expected.line)
        if expected and expected.before:
            wanted = f"{', '.join(map(shown, expected.before))} in any order, then {wanted}"
        received = "nothing" if line is None else shown(line)
        cites = self._cited(label, expected, line)
        return Failed(f"{label} <- {wanted}{note}", f"{label} <- {received}", cites=cites)

    def _cited(self, label: str, expected: Expected | None, line: bytes | None) -> str:
        """Return the requirement that a difference breaks, the most specific one that can be told."""
        word, _, rest = (line or b"").partition(b" ")
        if expected is not None:
            name, _, text = rest.partition(b" ")
            changed = expected.line.split(b" ")[:2] == [b"SAID", name] and word == b"SAID" and text not in self._texts
            return "TEXT-5" if changed else of_refusal(line or b"") or expected.cites
        client = self._world.get(label)
        if client is None:
            return "BYE-2"
        if word in (b"SAID", *_EVENTS) and client.room is None:
            return "STATE-4"
        if word == b"SAID":
            members = [member.name.encode() for member in self._world.members(client.room)]
            return "SAY-2" if rest.split(b" ")[0] in members else "SAY-3"
        return _EVENTS.get(word, "CMD-5")


@contextlib.contextmanager
def _citing(requirement: str) -> Iterator[None]:
    """Let what fails cite a requirement, unless it cites one already."""
    try:
        yield
    except Failed as failed:
        failed.cites = failed.cites or requirement
        raise


def _pieces(octets: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Return octets cut at the places that lie within them; of many places, at the first ones and the last ones."""
    within = sorted({cut for cut in cuts if 0 < cut < len(octets)})
    places = [0, *(within if len(within) <= 2 * _CUTS else within[:_CUTS] + within[-_CUTS:]), len(octets)]
    return [octets[begin:end] for begin, end in pairwise(places)]


def _line_at(received: Sequence[bytes], position: int) -> bytes | None:
    position = skip_info(received, position)
    return received[position] if position < len(received) else None
