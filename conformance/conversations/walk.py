"""Plays steps against a server, and holds what every client receives against the model.

The client that acts gets a barrier: so one step is done before the next begins, and all that came to this client so
far is compared. The lines that a step brings to others are due, in order, until they act themselves or the
conversation ends. A barrier of all clients after each step would be most of what a conversation costs.
"""

import contextlib
import re
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from conformance.conversations.differences import Past, blamed
from conformance.conversations.orders import Search, Unexplained
from conformance.conversations.steps import LATE, LOOKER, Rendering, Step
from conformance.conversations.world import (
    BOM,
    NAME,
    Client,
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
from conformance.wire.transcript import shown

_MARK = "that was all"  # announced after what the operator types, so that one can wait for it
_NAMING = re.compile(rb"(?:/cd |/nick )?([A-Za-z0-9][A-Za-z0-9_-]{0,31})")
_LINE = re.compile(rb"([^\r\n]*(?:\r(?!\n)[^\r\n]*)*)(\r?\n|\Z)")
_FEW = 6  # steps: of a conversation that was shrunk, in which nothing is left in vain
_MOMENT = 0.1  # seconds in which something comes that comes too late
_MUCH = 60  # lines at once: where one of them brings nothing, and fewer bring all, they were too many
_SMALL = 4096  # octets of the receive buffer of who is late
_CUTS = 3  # at the beginning and at the end of a stream: each costs a round trip
_NOTHING: Mapping[str, str] = {}


class Walk:
    """One conversation. A step that cannot be played, such as sending without a connection, is passed over."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._world = World(fresh=stage.suffix)
        self._peers: dict[str, Peer] = {}
        self._rendering = Rendering(stage.suffix)
        self._due: dict[str, list[tuple[int, Expected]]] = {}  # what has to have come to each, and by which step
        self._number = 0  # of the step that is played
        self._rooms: set[bytes] = set()  # all that can have been entered
        self._texts: set[bytes] = set()  # all that was sent
        self._late: set[str] = set()  # who reads nothing now
        self._left: Client | None = None  # who has said exit, until one has looked what is left of it
        self._past = Past()
        self._form = ""  # which requirement says that the form in which a step is sent has no meaning
        self._actor = ""  # who has acted last
        self._strain: dict[str, str] = {}  # what asks for all that is due to come to a client, however much it is

    def play(self, steps: Sequence[Step]) -> None:
        """Play all steps; raises Failed with the step and the requirement at the first difference."""
        try:
            for self._number, step in enumerate(steps, 1):
                self._form = _form(step) if len(steps) <= _FEW else ""
                self._play(step)
                self._hold_violations()
            self._wake()
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

    def has_left(self) -> bool:
        """Let those who are still connected exit, after something went wrong; whether nobody is left for certain."""
        peers = [peer for peer in self._peers.values() if not peer.ended]
        for peer in peers:
            peer.stall(stalled=False)
            peer.offer(b"\nexit\n")
        with contextlib.suppress(Failed):
            for peer in peers:
                peer.wait_end()
        return all(peer.ended == "end" for peer in self._peers.values())

    def _play(self, step: Step) -> None:
        if step.verb == "connects":
            self._connect(step)
        elif step.verb == "together":
            self._together(step)
        elif step.verb in ("types", "ends"):
            self._operate(step)
        elif self._world.get(step.who) is not None:
            if step.verb == "stalls":
                self._strain[step.who] = "FLOW-1"
                self._late.add(step.who)
                self._peers[step.who].stall()
            elif step.verb == "reads":
                self._wake(step.who)
                self._settle([], step.who)
            else:
                (self._send if step.verb == "sends" else self._leave)(step)

    def _wake(self, *labels: str) -> None:
        """Let some who are late, or all, read again."""
        for label in labels or tuple(self._late):
            self._late.discard(label)
            self._peers[label].stall(stalled=False)

    # ------------------------------------------------------------ steps

    def _connect(self, step: Step) -> None:
        if self._world.get(step.who) is not None:
            if not step.octets:
                return
            self._send(Step("sends", step.who, b"exit\n"))
        octets = self._rendered(step.octets)
        foreign = is_foreign(octets, inside_tls=self._stage.transcript.inside_tls)
        peer = self._stage.dial(step.who, receive_buffer=_SMALL if step.who == LATE else 0)
        self._peers[step.who] = peer
        if foreign:
            self._greet(peer)  # so one knows which name has to be free when the connection has ended
        if octets:
            peer.send_octets(*_pieces(octets, step.cuts))
        if foreign:
            self._expect_foreign(peer)
            return
        self._greet(peer)
        self._world = replace(self._world, features=frozenset(peer.features)).connect(step.who, peer.name)
        effects = self._act(step.who, octets.removeprefix(BOM))
        if step.line and self._world.get(step.who) is not None:
            lines = self._rendered(f"/nick {step.who.capitalize()}\n{step.line}\n".encode())
            peer.send_octets(lines)
            effects += self._act(step.who, lines)
        self._settle(effects, step.who)
        if self._left is not None:
            self._look(self._left)

    def _greet(self, peer: Peer) -> None:
        with _citing("STATE-1"):
            self._stage.greet(peer)
        self._rendering.made_up[peer.label] = peer.name
        self._check_greeting(peer)

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
        self._look(Client(peer.label, peer.name), at_once=False)

    def _send(self, step: Step) -> None:
        self._say(step.who, self._rendered(step.octets, step.who), step.cuts)

    def _say(self, who: str, octets: bytes, cuts: Sequence[int] = ()) -> None:
        """Send a client's lines, and settle; where it leaves by them, look what is left of it."""
        peer = self._peers[who]
        if octets.count(b"\n") > _MUCH:
            self._strain[who] = "FLOW-1"
        if who in self._late:
            peer.offer(octets)
            self._wake(who)
        else:
            *first, last = _pieces(octets, cuts) or [b""]
            peer.send_octets(*first)
            if first and octets.count(b"\n") == 1:
                self._stage.give_turn()
                self._expect_nothing_yet()
            peer.send_octets(last)
        effects = self._act(who, octets)
        self._settle(effects, who)
        if self._left is not None:
            self._look(self._left)

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
        """Let a client end its connection, or its sending, and look what is left of it.

        On a server that others use, somebody can have been given the name that the server made up for the client: where
        nothing else tells that it is gone, it says exit instead.
        """
        client, peer = self._client(step.who), self._peers[step.who]
        told_to = self._world.members(client.room, step.who)
        if not (told_to or step.verb == "half-closes" or self._is_own(client.name)):
            self._say(step.who, b"exit\n")
            return
        was_late = step.who in self._late
        if not was_late:
            self._settle([], step.who)  # what is due would be lost
        elif step.verb != "half-closes":
            self._late.discard(step.who)
            self._due.pop(step.who, None)
            peer.inbox.clear()
        octets = self._rendered(step.octets, step.who)
        peer.offer(octets) if was_late else peer.send_octets(octets)
        {"half-closes": peer.half_close, "closes": peer.close, "resets": peer.reset}[step.verb]()
        self._wake()
        effects = self._act(step.who, octets)
        ends = {step.who: "NET-4"} if step.verb == "half-closes" else _NOTHING
        self._strain.update(ends)
        if self._world.get(step.who) is None:  # `exit` was among the lines, and BYE is as good as a PONG [ORDER-9]
            self._settle(effects, ends=ends)
            self._look(client)
            return
        client = self._client(step.who)
        self._past.note(self._world)
        self._world, told = self._world.leave(step.who, "lost")
        self._settle([*effects, *told], ends=ends, awaited=told)
        self._look(client, at_once=bool(told or ends))

    def _look(self, gone: Client, *, at_once: bool = True) -> None:
        """Look whether the name and the room of a client that is gone are as they have to be.

        `at_once`: false where nothing has told that the server knows that it is gone; then that is waited for.
        """
        self._left = None
        looker = self._looker()
        lines = [f"/nick {gone.name}"] if self._is_own(gone.name) else []
        lines += ["/rooms"] if "rooms" in self._world.features else []
        lines += [f"/nick {looker.name}"]
        octets = "".join(f"{line}\n" for line in lines).encode()
        end = time.monotonic() + self._stage.deadline
        while not at_once and time.monotonic() < end:
            looker.send_octets(octets)
            answers = looker.settled()
            listed = gone.room and not self._world.members(gone.room) and _lists(answers, gone.room)
            at_once = not listed and (len(lines) < 3 or f"NAME {gone.name}".encode() in answers)
        self._say(LOOKER, octets)
        stayed = [member.label for member in self._world.members(gone.room) if member.label not in self._late]
        if stayed and "who" in self._world.features:
            self._say(stayed[-1], b"/who\n")

    def _looker(self) -> Peer:
        """Return who looks: a client in the lobby, which is connected when it is needed first."""
        if self._world.get(LOOKER) is None:
            self._connect(Step("connects", LOOKER))
            name = self._rendering.text(LOOKER.capitalize())
            self._say(LOOKER, f"/nick {name}\n".encode())
            self._peers[LOOKER].name = name
        return self._peers[LOOKER]

    def _is_own(self, name: str) -> bool:
        """Whether nobody but the clients of this conversation can have a name."""
        return self._stage.alone or self._stage.suffix in name

    def _client(self, label: str) -> Client:
        client = self._world.get(label)
        if client is None:
            raise RuntimeError(f"{label} is not connected")
        return client

    def _operate(self, step: Step) -> None:
        """Type at the console: a line, or the end of the server."""
        if not self._stage.alone or self._stage.subject.console != "yes":
            return
        server = self._stage.server
        self._wake()
        if step.verb == "ends":
            if self._labels() == [LOOKER]:  # nobody is to be there
                self._settle_exit(LOOKER)
            self._stage.dismiss_pacer()
            by_signal = step.line and not server.several  # of several programs, a signal ends one alone
            cites = "OPER-9" if by_signal else "OPER-2"
            with _citing(cites):
                server.signal(signal.Signals[step.line]) if by_signal else server.say("exit")
            bye = Expected(b"BYE shutdown", cites)
            byes: list[Effect] = [(client.label, bye) for client in self._world.clients]
            self._world = World(fresh=self._stage.suffix)
            self._settle(byes, ends={label: cites for label, _ in byes})
            with _citing(cites):
                if status := server.wait(STOP_SECONDS):
                    raise Failed("the program ends with exit status 0", f"it ends with {status}")
            return
        typed = self._rendered(step.octets)
        removed = [self._client(label) for label in self._removed_by(lines_of(typed))]
        staying = {client.label for client in self._world.clients if client.room} - {one.label for one in removed}
        # Nobody could tell when the server has read what is for nobody, but that it then removes somebody.
        mark = _MARK if staying else f"/kick {self._looker().name.swapcase()}"
        effects: list[Effect] = []
        for line in (*lines_of(typed), mark.encode()):
            self._past.note(self._world, line=line)
            self._world, news, _ = self._world.command(line)
            effects += news
        server.write(typed + f"{mark}\n".encode())
        last = [effect for effect in effects if effect[1].line in (b"BYE removed", f"ANNOUNCE {_MARK}".encode())]
        ends = {label: "OPER-4" for label, expected in last if expected.line == b"BYE removed"}
        self._settle(effects, ends=ends, awaited=last)
        self._settle_all()  # a client that was removed acts no more
        for client in removed:
            self._look(client)

    def _settle_exit(self, label: str) -> None:
        self._peers[label].send_octets(b"exit\n")
        self._settle(self._act(label, b"exit\n"), label)

    def _removed_by(self, lines: Sequence[bytes]) -> list[str]:
        """Return who is removed by lines of the console."""
        world, removed = self._world, []
        for line in lines:
            world, _, label = world.command(line)
            removed += [label] if label else []
        return removed

    def _together(self, step: Step) -> None:
        """Let several clients send at the same time; any order of their lines that explains everything is right."""
        self._wake()
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
            came = [found.received] if found.received is not None else []
            raise self._different(found.label, found.expected, came, " in whatever order the lines were done")
        self._world = found
        for label in leaving:
            self._peers[label].close()

    # ------------------------------------------------------------ what comes of it

    def _labels(self) -> list[str]:
        return [client.label for client in self._world.clients]

    def _rendered(self, octets: bytes, who: str = "") -> bytes:
        """Return real octets, without lines of which nobody could say what they bring.

        On a server that others use, these are lines that could be about their rooms and names, and lines that ask for a
        name that the server made up and that no client of the conversation has by now: the server may have given it to
        somebody else.
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
            if line.startswith(b"/tell ") and self._is_to_a_stranger(line, renamed=renamed):
                continue
            if end and line.startswith(b"/nick "):
                if self._is_anybodys(line.removeprefix(b"/nick ").removesuffix(b"\r"), who, renamed=renamed):
                    continue
                self._wait_for_stranger(line[6:].removesuffix(b"\r").decode("utf-8", "replace"))
                renamed = True
            self._texts.add(line.removeprefix(b"/say "))
            real += line + end
        return real

    def _is_to_a_stranger(self, line: bytes, *, renamed: bool) -> bool:
        """Whether a `/tell` is for somebody of whom nobody can say for certain that one has that name, or none has."""
        name = line.split(b" ")[1].decode("utf-8", "replace").lower()
        if not NAME.fullmatch(name) or self._stage.suffix in name:
            return False
        made_up = _stem(name) in {_stem(one) for one in self._rendering.made_up.values()}
        owned = any(client.name.lower() == name for client in self._world.clients)
        return (made_up and (renamed or not owned)) or not self._stage.alone

    def _wait_for_stranger(self, name: str) -> None:
        """Wait until a name like those that the server makes up is free, if no client of the conversation has it.

        On a server of the conversation's own, a connection that has ended can still have it, one too that was there
        to see whether the server had started: nobody knows which name that has.
        """
        stems = {_stem(made_up) for made_up in self._rendering.made_up.values()}
        if not self._stage.alone or _stem(name) not in stems or not NAME.fullmatch(name):
            return
        if all(client.name.lower() != name.lower() for client in self._world.clients):
            self._look(Client("", name), at_once=False)

    def _is_anybodys(self, name: bytes, who: str, *, renamed: bool) -> bool:
        """Whether a name was made up by the server, and is not for certain that of a client of this conversation.

        `who` asks for it, and has perhaps `renamed` itself in a line before.
        """
        folded = name.decode("utf-8", "replace").lower()
        if folded.startswith("{"):
            return True  # whose it is has not connected yet
        if self._stage.alone:
            return False
        if folded not in (made_up.lower() for made_up in self._rendering.made_up.values()):
            return False
        owners = [client.label for client in self._world.clients if client.name.lower() == folded]
        return not owners or (owners == [who] and renamed)

    def _act(self, label: str, octets: bytes) -> list[Effect]:
        """Let the model do a client's lines; what stands after exit is not done [EXIT-3]."""
        effects: list[Effect] = []
        for line in lines_of(octets):
            client = self._world.get(label)
            if client is not None:
                self._past.note(self._world, label, line)
                self._world, news = self._world.act(label, line)
                effects += news
                self._left = client if line == b"exit" else None
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
        self._actor = actor
        if actor and self._world.get(actor) is None:
            actor, ends = "", {actor: "EXIT-1"}
        try:
            for label, cites in ends.items():
                self._expect_end(self._peers[label], cites)
            self._await_all(awaited)
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
        pongs = [(self._peers[label], self._peers[label].ping()) for label in labels if label not in self._late]
        for peer, pong in pongs:
            peer.await_pong(pong)

    def _await_all(self, effects: Iterable[Effect]) -> None:
        """Wait for lines up to the first that does not come; then the comparison tells."""
        with contextlib.suppress(Failed):
            for label, expected in effects:
                due = sum(other.line == expected.line for _, other in self._due[label])  # some can be of earlier steps
                come = partial(self._has, label, expected, due)
                self._stage.wait_for(self._peers[label], come, shown(expected.line))

    def _has(self, label: str, expected: Expected, times: int = 1) -> bool:
        return sum(map(expected.matches, self._peers[label].inbox)) >= times

    def _comes_later(self, label: str, expected: Expected) -> bool:
        """Whether a line that has not come comes all the same in a moment."""
        end = time.monotonic() + _MOMENT
        while not self._has(label, expected) and (left := end - time.monotonic()) > 0:
            if not self._stage.pump(left):
                break
        return self._has(label, expected)

    def _with_what_comes_later(self, label: str, expected: Expected, received: Sequence[bytes]) -> list[bytes]:
        """Return what came, and the rest of a list that comes all the same in a moment."""
        end, inbox = time.monotonic() + _MOMENT, self._peers[label].inbox
        while not {*expected.before} <= {*received, *inbox} and (left := end - time.monotonic()) > 0:
            if not self._stage.pump(left):
                break
        return [*received, *_without_info(inbox)]

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
            if label in self._late:
                continue
            peer = self._peers[label]
            received, position = self._taken(peer), 0
            for number, expected in self._due.pop(label, ()):
                position = self._after(received, position, label, number, expected)
            bye = position and received[position - 1].startswith(b"BYE ")
            rest = received[position:] if bye else _without_info(received[position:])
            if rest:
                raise self._different(label, None, rest)
            self._strain.pop(label, None)
            if peer.ended == "end":
                peer.close()

    def _after(self, received: Sequence[bytes], position: int, label: str, number: int, expected: Expected) -> int:
        """Return the position after what a step brings; raise Failed, of that step, where something else stands."""
        following = take(received, position, expected)
        if following is None:
            self._number = number
            raise self._different(label, expected, _without_info(received[position:]))
        return following

    def _different(self, label: str, expected: Expected | None, received: Sequence[bytes], note: str = "") -> Failed:
        wanted = "nothing more" if expected is None else shown(expected.line)
        if expected and expected.past is not None:
            wanted = f"the last {expected.past.most} events as PAST lines at most, then {wanted}"
        if expected and expected.before:
            wanted = f"{', '.join(map(shown, expected.before))} in any order, then {wanted}"
            if received:  # a list that comes late as a whole is another matter
                received = self._with_what_comes_later(label, expected, received)
        came = shown(received[0]) if received else "nothing"
        cites = blamed(self._past, self._world, label, expected, received, self._texts)
        if expected is None:
            cites = "NET-5" if self._strain.get(label) == "NET-4" else cites
        elif not any(map(expected.matches, received)):  # it did not come before the PONG
            if not received and not self._peers[label].ended and self._comes_later(label, expected):
                cites = "ORDER-7" if label == self._actor else "ORDER-8"
            elif not received or not received[0].startswith(b"ERROR "):
                cites = self._strain.get(label, cites)
        if self._form and label == self._actor and not cites.startswith("ORDER"):
            cites = self._form
        return Failed(f"{label} <- {wanted}{note}", f"{label} <- {came}", cites=cites)


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


def _stem(name: str) -> str:
    """Return a name without the number at its end."""
    return name.lower().rstrip("0123456789")


def _form(step: Step) -> str:
    """Return which requirement says that a step means the same in a simpler form, if there is one."""
    return "LINE-6" if step.octets.startswith(BOM) else "NET-3" if step.cuts else ""


def _without_info(received: Iterable[bytes]) -> list[bytes]:
    return [line for line in received if not line.startswith(b"INFO ")]


def _lists(answers: Iterable[bytes], room: str) -> bool:
    return any(line.startswith(b"LIVE %b " % room.encode()) for line in answers)
