"""Things that the faults of `faults_missed` remember and decide; a server without them has no use for it."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.asyncserver.faults import fault

if TYPE_CHECKING:
    from tests.asyncserver.connection import Connection

_MOVES, _RENAMES = 128, 64  # in one segment


@dataclass
class ClientSlips:
    """The things remembered of one client."""

    old_case: str = ""  # of its name, before a change of the case alone
    named: bool = False  # by /nick
    chose_bare: bool = False  # its first room, without /cd
    was_reset: bool = False
    doomed: str = ""  # the reason of the BYE that it is to get
    guessed: bool = False  # its last line was a wrong password
    guessed_at: float = 0.0  # when the last wrong password was answered
    heard: float = field(default_factory=time.monotonic)  # when something was last received
    told: float = 0.0  # when something was last queued
    kinds: Counter[bytes] = field(default_factory=Counter)  # of the lines in the last segment

    def hear(self) -> None:
        """Take notice of a segment."""
        self.heard = time.monotonic()
        self.guessed = False
        self.kinds.clear()

    def is_flood(self, line: bytes) -> bool:
        """Tell whether a segment has too many lines of this kind."""
        word = line.split(b" ")[0]
        self.kinds[word] += 1
        if word == b"/cd" and fault("moves-dropped"):
            return self.kinds[word] > _MOVES
        return word == b"/nick" and fault("renames-dropped") and self.kinds[word] > _RENAMES

    def keeps_name(self, *, recased: bool) -> bool:
        """Tell whether a client that takes a name keeps its old one for ever; `recased`: the same in another case."""
        if recased:
            return False
        return bool(self.old_case and fault("case-change-keeps-name")) or (
            not self.named and fault("made-up-name-kept")
        )

    def forgives(self, seconds: float) -> bool:
        """Take notice of a wrong password; tell whether those before are forgotten after so many seconds."""
        before, self.guessed_at, self.guessed = self.guessed_at, time.monotonic(), True
        return fault("wrong-passwords-forgiven") and self.guessed_at - before > seconds


@dataclass
class HubSlips:
    """The things remembered of all clients."""

    stuck: set[str] = field(default_factory=set)  # folded names of clients that left
    rooms_seen: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # announcements

    def leaves(self, client: "Connection", reason: str) -> int:
        """Take notice of a client that leaves, and keep its name where a fault does; return the places it keeps."""
        if self._keeps_name(client, reason):
            self.stuck.add(client.name.lower())
        return int(reason == "lost" and self._keeps_place(client)) + int(
            client.slips.doomed == "idle" and fault("idle-keeps-place")
        )

    def _keeps_place(self, client: "Connection") -> bool:
        return (
            (client.unfinished and fault("half-line-keeps-place"))
            or (client.mark_alone and fault("mark-alone-keeps-place"))
            or (client.room is None and client.slips.was_reset and fault("lobby-reset-keeps-place"))
        )

    def _keeps_name(self, client: "Connection", reason: str) -> bool:
        slips = client.slips
        if slips.old_case and fault("case-change-kept-when-gone"):
            return True
        if slips.doomed == "denied" and fault("denied-keeps-name"):
            return True
        if slips.guessed and not slips.doomed and fault("guess-end-keeps-name"):
            return True
        if client.room is not None:
            return reason == "removed" and fault("removed-keeps-name")
        return (reason == "lost" and fault("lobby-end-keeps-name")) or (
            reason == "exit" and fault("lobby-exit-keeps-name")
        )
