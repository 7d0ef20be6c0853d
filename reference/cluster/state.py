"""The state that all nodes share: the chat, the nodes, and whose each client is; changed by entries of the log alone.

Pure: the same entries in the same order make the same state on each node.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from reference.cluster.entries import FORMAT, BadEntryError, Entry, Input, is_right, unpack_message
from reference.server.chat import Chat, Effect
from reference.server.history import History
from reference.wire import ByeReason, LeftReason

NUMBERS = 32  # bits of a user's number that its node counts; those above are of the node


class Node(NamedTuple):
    """A server program that serves some of the clients."""

    label: str  # for people
    base: int  # of the numbers of its users: the place of its first entry in the log
    number: int  # of its last entry


class Place(NamedTuple):
    """Where a client is connected, for the operator."""

    label: str
    address: str
    since: float  # seconds since the epoch


class Refuse(NamedTuple):
    """A client that came is not served: `number` is that which its node gave it."""

    node: str
    number: int
    reason: ByeReason


class Down(NamedTuple):
    """A node serves nobody any more: what it has of clients is worth nothing."""

    node: str
    label: str


class Ended(NamedTuple):
    """All nodes end."""


class Done(NamedTuple):
    """The outcome of one input."""

    user: int | None  # whom it concerns, if anybody
    effects: list[Effect | Refuse | Down | Ended]


class State:
    """All that the log has led to."""

    def __init__(self, wants_password: bool, history: History | None = None) -> None:
        """`wants_password`: whether the nodes want one; each compares words with its own.

        `history`: with nothing in it yet, where the nodes keep what is said.
        """
        self._wants_password = wants_password
        self.chat = Chat(is_right if wants_password else None, history)
        self.nodes: dict[str, Node] = {}  # the first one has joined first
        self.places: dict[int, Place] = {}  # of all users
        self.locked = False
        self.seq = 0  # place in the log of the last entry that led here
        self.snapshots = (0, 0)  # places of the last but one, and the last, of the snapshots

    def apply(self, seq: int, entry: Entry) -> list[Done] | None:
        """Carry out the entry at a place of the log; return what came of each input.

        None for one that does not count: it came twice, or from a node that was given up.  Raises BadEntryError.
        """
        self.seq = seq
        node = self.nodes.get(entry.node)
        if node is None:
            if entry.number or not entry.inputs or entry.inputs[0][0] != "node":
                return None
            node = Node(str(entry.inputs[0][1]), seq, 0)
        elif entry.number != node.number + 1:
            return None
        self.nodes[entry.node] = node._replace(number=entry.number)
        self.chat.tick(entry.time)
        return [self._carry_out(entry.node, node, one) for one in entry.inputs]

    def _carry_out(self, token: str, node: Node, one: Input) -> Done:
        match one:
            case ["lines", int(number), list(lines)]:
                user = node.base << NUMBERS | number
                messages = [unpack_message(words) for words in lines]
                return Done(user, [effect for message in messages for effect in self.chat.handle(user, message)])
            case ["come", int(number), str(address), float(since) | int(since), int(most)]:
                user = node.base << NUMBERS | number
                if self.locked or (most and len(self.chat.numbers()) >= most):
                    return Done(user, [Refuse(token, number, ByeReason.FULL)])
                if len(self.places) > 2 * len(self.chat.numbers()) + 100:
                    self._forget_the_gone()
                self.places[user] = Place(node.label, address, since)
                return Done(user, [*self.chat.connect(user)])
            case [str(kind), int(number)] if kind in ("end", "introduce", "idle", "slow", "denied"):
                user = node.base << NUMBERS | number
                return Done(user, [*self._of_client(kind, user)])
            case ["announce", str(text), str() | None as room]:
                return Done(None, [*self.chat.announce(text, room)])
            case ["kick", str(name)]:
                found = self.chat.find(name)
                return Done(found, [] if found is None else [*self.chat.dismiss(found, ByeReason.REMOVED)])
            case ["lock", bool(locked)]:
                self.locked = locked
                return Done(None, [])
            case ["snapshot", int(seq)]:
                self.snapshots = (self.snapshots[1], seq)
                return Done(
                    None, [*self.chat.expire()]
                )  # now and then is enough: an answer passes over what is too old
            case ["forget", str(room)]:
                return Done(None, [*self.chat.forget(room)])
            case ["dead", str(other), int(number)]:
                # Only where nothing came from it meanwhile: all judge alike.
                gone = other in self.nodes and self.nodes[other].number == number
                return Done(None, [*self._take_out(other)] if gone else [])
            case ["leave"]:
                return Done(None, [*self._take_out(token)])
            case ["exit"]:
                self.nodes.clear()
                self.places.clear()
                return Done(None, [Ended(), *self.chat.shut_down()])
            case ["node", str()] | ["beat"]:
                return Done(None, [])
        raise BadEntryError(f"this version cannot carry out the input {one[0]!r}")

    def _of_client(self, kind: str, user: int) -> list[Effect]:
        match kind:
            case "end":
                return self.chat.disconnect(user, LeftReason.LOST)
            case "introduce":
                return self.chat.introduce(user)
            case "idle":
                return self.chat.dismiss(user, ByeReason.IDLE) if self.chat.room_of(user) is None else []
            case "slow":
                return self.chat.dismiss(user, ByeReason.SLOW)
        return self.chat.refuse_password(user)

    def _forget_the_gone(self) -> None:
        """Drop where users were whom the chat does not know any more."""
        self.places = {user: self.places[user] for user in self.chat.numbers()}

    def _take_out(self, token: str) -> Iterator[Effect | Down]:
        """Forget a node; all its clients are lost."""
        node = self.nodes.pop(token)
        yield Down(token, node.label)
        for user in [user for user in self.chat.numbers() if user >> NUMBERS == node.base]:
            yield from self.chat.disconnect(user, LeftReason.LOST)

    # ------------------------------------------------------------ snapshots

    def dump(self) -> bytes:
        """Return all of it, as `load` takes it."""
        self._forget_the_gone()
        state = {
            "format": FORMAT,
            "seq": self.seq,
            "snapshots": self.snapshots,
            "locked": self.locked,
            "nodes": self.nodes,
            "places": list(self.places.items()),
            "chat": self.chat.dump(),
            "history": None if self.chat.history is None else self.chat.history.dump(),
        }
        return json.dumps(state, ensure_ascii=False, separators=(",", ":")).encode()

    def load(self, octets: bytes) -> None:
        """Begin anew from a snapshot; raises BadEntryError."""
        try:
            state: dict[str, Any] = json.loads(octets)
            if state["format"] != FORMAT:
                raise BadEntryError(f"it has format {state['format']}, and this version knows {FORMAT}")
            self.seq = state["seq"]
            self.snapshots = (state["snapshots"][0], state["snapshots"][1])
            self.locked = state["locked"]
            self.nodes = {token: Node(*node) for token, node in state["nodes"].items()}
            self.places = {user: Place(*place) for user, place in state["places"]}
            history = self.chat.history
            self.chat = Chat(is_right if self._wants_password else None, history)
            self.chat.load(state["chat"])
            if history is not None:
                history.take_over(state["history"])
        except BadEntryError:
            raise
        except (ValueError, LookupError, TypeError) as error:
            raise BadEntryError(f"its form is unknown ({type(error).__name__})") from None
