"""Inputs of the chat as octets of the log, and back.

Pure.  An entry of the log is what one node has to say at a time: several inputs in their order.  It is JSON:
`[FORMAT, node, number, [input, ...], time]`.  Only what every node must do alike is an input.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

from reference.wire import ErrorCode, Message, Password, Refused

FORMAT = 1  # of entries and snapshots; nodes of another one do not share a log
# How many words each kind of input has after its first, which names it; those of a client begin with its number.
CLIENT_INPUTS = {"come": 4, "lines": 2, "end": 1, "introduce": 1, "idle": 1, "slow": 1, "denied": 1}
NODE_INPUTS = {"node": 1, "beat": 0, "leave": 0, "dead": 2, "snapshot": 1}
OPERATOR_INPUTS = {"announce": 2, "kick": 1, "lock": 1, "forget": 1, "exit": 0}
_WORDS = {**CLIENT_INPUTS, **NODE_INPUTS, **OPERATOR_INPUTS}
_MESSAGES: dict[str, Any] = {kind.__name__: kind for kind in get_args(Message)}
_RIGHT = "right"

Input = Sequence[Any]


class BadEntryError(ValueError):
    """An entry of the log that this version cannot carry out; the message says why."""


class Entry(NamedTuple):
    """All that one node has to say at a time."""

    node: str  # its incarnation: another one each time it joins
    number: int  # the next after that of the node's last entry; otherwise the entry does not count
    inputs: list[Input]
    time: int = 0  # at the node, in milliseconds since 1970: what is said has it on all nodes


def encode_entry(entry: Entry) -> bytes:
    """Return an entry as it stands in the log."""
    return json.dumps([FORMAT, *entry], ensure_ascii=False, separators=(",", ":")).encode()


def decode_entry(octets: bytes) -> Entry:
    """Return an entry of the log; raises BadEntryError."""
    try:
        words = json.loads(octets)
    except ValueError:
        raise BadEntryError("it is no entry of Flurfunk") from None
    if not isinstance(words, list) or not words or not isinstance(words[0], int):
        raise BadEntryError("it is no entry of Flurfunk")
    if words[0] != FORMAT:
        raise BadEntryError(f"it has format {words[0]}, and this version knows {FORMAT}")
    match words[1:]:
        case [str(node), int(number), list(inputs), int(time)]:
            for one in inputs:
                _check(one)
            return Entry(node, number, inputs, time)
    raise BadEntryError("its form is unknown")


def _check(one: object) -> None:
    if not isinstance(one, list) or not one or not isinstance(one[0], str):
        raise BadEntryError("an input in it has no name")
    if len(one) - 1 != _WORDS.get(one[0]):
        raise BadEntryError(f"this version does not know the input {one[0]!r} in that form")
    if one[0] in CLIENT_INPUTS and not isinstance(one[1], int):
        raise BadEntryError(f"the input {one[0]!r} names no client")


def pack_message(message: Message, verdict: bool) -> list[str]:
    """Return a client's message as an input has it.

    The words of a password stay out of the log [PASS-10]: `verdict` says whether they are right.
    """
    if isinstance(message, Password):
        return ["Password", (_RIGHT if verdict else "wrong") if message.words else ""]
    return [type(message).__name__, *message]


def unpack_message(words: Sequence[str]) -> Message:
    """Return the message that `pack_message` put in; raises BadEntryError."""
    try:
        message: Message = _MESSAGES[words[0]](*words[1:])
    except (LookupError, TypeError):
        raise BadEntryError(f"this version does not know the message {words!r:.60}") from None
    if isinstance(message, Refused):
        try:
            return Refused(ErrorCode(message.code), message.text)
        except ValueError:
            raise BadEntryError(f"this version does not know the error {message.code!r:.60}") from None
    return message


def is_right(words: str) -> bool:
    """Whether the words of a `Password` from the log say that the password was right."""
    return words == _RIGHT
