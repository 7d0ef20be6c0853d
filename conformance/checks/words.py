"""The words of a server's line, for checks that take lines apart, and lines that no server knows."""

from conformance.peer import Peer
from conformance.scene import Scene
from conformance.transcript import shown
from conformance.verdict import Failed

STANDARD = frozenset({"who", "rooms", "password"})  # the features of section 11


def words_of(t: Scene, peer: Peer, line: bytes) -> list[str]:
    """Return the words of a line that came to a client; raise Failed, of [OUT-1], where it is none of the grammar.

    So there are as many of them as the first one says, and a number is one.
    """
    if not t.grammar.matches("server-line", line):
        raise Failed(f"{peer.label} <- a line of section 7", f"{peer.label} <- {shown(line)}", cites="OUT-1")
    return line.decode().split(" ")


def unknown(t: Scene) -> str:
    """Return a command that no server knows: features of a server's own can have commands of any name [section 15]."""
    return f"/zz-{t.suffix}"


def has_own_features(client: Peer) -> bool:
    """Whether the server named a feature that is not of section 11, and so may know further commands."""
    return not STANDARD.issuperset(client.features)
