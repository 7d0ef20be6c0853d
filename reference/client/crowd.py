"""Several who enter or leave at once, as one line.

Pure.
"""

from collections.abc import Sequence

from reference import wire
from reference.client.texts import Texts

_FEW = 3  # names that are all told


def kind(line: bytes | None) -> str:
    """Return what lines of the server have in common that can be told together; empty for all others."""
    match wire.parse_server(line):
        case ("JOINED", _):
            return "JOINED"
        case ("LEFT", (_, reason)):
            return f"LEFT {reason}"
    return ""


def told(lines: Sequence[bytes | None], texts: Texts) -> str:
    """Return in words what these lines say, which are of one kind."""
    messages = [message for message in map(wire.parse_server, lines) if message]
    names = [message.words[0] for message in messages]
    if len(names) <= _FEW:
        together = texts.names_all.format(names=", ".join(names[:-1]), last=names[-1])
    else:
        together = texts.names_some.format(names=", ".join(names[: _FEW - 1]), count=len(names) - _FEW + 1)
    if messages[0].kind == "JOINED":
        return texts.joined_many.format(names=together)
    reason = messages[0].words[1]
    return texts.left_many.get(reason, texts.left_many_otherwise).format(names=together, reason=reason)
