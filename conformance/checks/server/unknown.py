"""Commands that no server knows, and those that a server of its own may know."""

from conformance.stage.scene import Scene
from conformance.wire.peer import Peer

STANDARD = frozenset({"who", "rooms", "password", "history", "tell"})  # the features of section 11


def unknown(t: Scene) -> str:
    """Return a command that no server knows: features of a server's own can have commands of any name [section 15]."""
    return f"/zz-{t.suffix}"


def has_own_features(client: Peer) -> bool:
    """Whether the server named a feature that is not of section 11, and so may know further commands."""
    return not STANDARD.issuperset(client.features)
