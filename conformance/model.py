"""A plain model of rooms and names, and a walk by chance that holds a server against it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.peer import Peer, is_info, like, listed
from conformance.stage import Stage
from conformance.transcript import shown
from conformance.verdict import Failed

RESERVED = ("operator", "server")
_PATTERN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass
class Client:
    """A client as the model knows it; no room: in the lobby."""

    name: str
    room: str = ""


@dataclass
class Model:
    """Who is where under which name. Lines end in ` ...` where any words can follow; sets are sorted answers."""

    features: frozenset[str]
    clients: dict[str, Client] = field(default_factory=dict)

    def members(self, room: str) -> list[str]:
        """Return the labels of those who are in a room."""
        return [label for label, client in self.clients.items() if room and client.room == room]

    def send(self, label: str, line: str) -> dict[str, list[str]]:
        """Let a client send a line; return what each receives because of it, in its order.

        What has no order of its own, MEMBER and LIVE lines, is in the order of the names.
        """
        news: dict[str, list[str]] = {other: [] for other in self.clients}
        client = self.clients[label]
        if line == "":
            return news
        if not line.startswith("/"):
            if client.room:
                self._tell(news, client.room, f"SAID {client.name} {line}")
            else:
                self._enter(news, label, line)
            return news
        word, blank, argument = line.partition(" ")
        news[label] += self._command(news, label, word, blank, argument)
        return news

    def _command(self, news: dict[str, list[str]], label: str, word: str, blank: str, argument: str) -> list[str]:
        """Carry out a command; return the lines for its sender that are not yet in `news`."""
        client = self.clients[label]
        if word == "/help":
            return []  # INFO lines, which the walk passes over
        if word in ("/cd", "/say", "/nick", "/ping"):
            if not argument:
                return ["ERROR bad-argument ..."]
            return self._with_argument(news, label, word, argument)
        if word.removeprefix("/") in self.features & {"who", "rooms"}:
            if blank:
                return ["ERROR bad-argument ..."]
            if word == "/rooms":
                return self._rooms()
            return self._who(client.room) if client.room else ["ERROR no-room ..."]
        return ["ERROR unknown-command ..."]

    def _with_argument(self, news: dict[str, list[str]], label: str, word: str, argument: str) -> list[str]:
        client = self.clients[label]
        if word == "/ping":
            return [f"PONG {argument}"]
        if word == "/nick":
            return self._rename(news, label, argument)
        if word == "/cd":
            self._enter(news, label, argument)
        elif client.room:
            self._tell(news, client.room, f"SAID {client.name} {argument}")
        else:
            return ["ERROR no-room ..."]
        return []

    def _enter(self, news: dict[str, list[str]], label: str, name: str) -> None:
        client = self.clients[label]
        if not is_name(name):
            news[label].append("ERROR bad-room ...")
            return
        room = name.lower()
        news[label].append(f"ROOM {room}")
        if room != client.room:
            self._tell(news, client.room, f"LEFT {client.name} moved", but=label)
            client.room = room
            self._tell(news, room, f"JOINED {client.name}", but=label)

    def _rename(self, news: dict[str, list[str]], label: str, name: str) -> list[str]:
        client = self.clients[label]
        if not is_name(name):
            return ["ERROR bad-name ..."]
        taken = {other.name.lower() for key, other in self.clients.items() if key != label}
        if name.lower() in taken or name.lower() in RESERVED:
            return ["ERROR name-taken ..."]
        old, client.name = client.name, name
        if name != old:
            self._tell(news, client.room, f"NICK {old} {name}", but=label)
        return [f"NAME {name}"]

    def _who(self, room: str) -> list[str]:
        names = sorted(self.clients[label].name for label in self.members(room))
        return [*(f"MEMBER {name}" for name in names), f"MEMBERS {room} {len(names)}"]

    def _rooms(self) -> list[str]:
        rooms = sorted({client.room for client in self.clients.values() if client.room})
        return [*(f"LIVE {room} {len(self.members(room))}" for room in rooms), "ROOMS ..."]

    def _tell(self, news: dict[str, list[str]], room: str, line: str, *, but: str = "") -> None:
        for label in self.members(room):
            if label != but:
                news[label].append(line)


def is_name(text: str) -> bool:
    """Whether the text has the form of a name of section 4."""
    return 0 < len(text) <= 32 and text[0] in _PATTERN and all(character in _PATTERN + "-_" for character in text)


def in_order(lines: list[bytes], own_rooms: set[str]) -> list[bytes]:
    """Return received lines with MEMBER and LIVE lines that follow each other sorted, foreign rooms left out."""
    result: list[bytes] = []
    group: list[bytes] = []
    for line in lines:
        word, _, rest = line.partition(b" ")
        if word == b"LIVE" and rest.partition(b" ")[0].decode("utf-8", "replace") not in own_rooms:
            continue
        if group and group[0].partition(b" ")[0] != word:
            result += sorted(group)
            group = []
        if word in (b"MEMBER", b"LIVE"):
            group.append(line)
        else:
            result.append(line)
    return result + sorted(group)


def walk(t: Stage, *, clients: int, steps: int, burst: int = 1) -> None:
    """Let clients send lines by chance, `burst` at a time, and compare what each receives with the model."""
    chance = random.Random(t.seed)
    peers = {f"client{number}": t.connect(f"client{number}") for number in range(clients)}
    first = next(iter(peers.values()))
    model = Model(frozenset(first.features), {label: Client(peer.name) for label, peer in peers.items()})
    rooms = [t.room(name) for name in ("main", "lounge", "tea")]
    names = [t.name(name) for name in ("Ann", "ANN", "Bob", "bob", "Cyd")]
    t.transcript.event("walk", f"seed {t.seed}")
    for peer in peers.values():
        peer.settle()
        peer.inbox.clear()
    for _ in range(steps):
        label = chance.choice(list(peers))
        lines = [_line(chance, rooms, names) for _ in range(burst)]
        wanted: dict[str, list[str]] = {other: [] for other in peers}
        for line in lines:
            for other, news in model.send(label, line).items():
                wanted[other] += news
        peers[label].send(*lines)
        peers[label].settle()
        for other, peer in peers.items():
            peer.settle()
            _compare(peer, wanted[other], set(rooms), t.seed)


def _line(chance: random.Random, rooms: list[str], names: list[str]) -> str:
    """Return one line by chance, mostly a good one."""
    kinds: list[Callable[[], str]] = [
        lambda: f"text {chance.randrange(1000)}",
        lambda: f"text {chance.randrange(1000)}",
        lambda: f"/say {chance.choice(['exit', '/cd x', '  blanks ', 'hello'])}",
        lambda: f"/cd {chance.choice(rooms)}",
        lambda: f"/cd {chance.choice(rooms).upper()}",
        lambda: chance.choice(rooms),
        lambda: f"/nick {chance.choice(names)}",
        lambda: f"/nick {chance.choice(names)}",
        lambda: "/who",
        lambda: "/rooms",
        lambda: f"/ping {chance.randrange(1000)}",
        lambda: chance.choice(
            ["", "/help", "/cd", "/say", "/nick ", "/ping", "/who x", "/rooms ", "/shrug", "/cd a b"]
        ),
        lambda: chance.choice(["/nick operator", "/nick B.B.", "/nick " + "x" * 33, "no such room!", "Exit now"]),
    ]
    return chance.choice(kinds)()


def _compare(peer: Peer, wanted: list[str], rooms: set[str], seed: int) -> None:
    received = in_order([line for line in peer.inbox if not is_info(line)], rooms)
    peer.inbox.clear()
    for place, want in enumerate(wanted):
        got = received[place] if place < len(received) else None
        if got is None or not like(got, want):
            came = "nothing" if got is None else shown(got)
            raise Failed(f'{peer.label} <- "{want}"', f"{peer.label} <- {came}", f"walk with --seed {seed}")
    if extra := received[len(wanted) :]:
        raise Failed(f"{peer.label} <- nothing more", f"{peer.label} <- {listed(extra)}", f"walk with --seed {seed}")
