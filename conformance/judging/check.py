"""A check: a function that cites the one requirement that it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

AnyFunction = Callable[[Any], None]  # of what a check of a server, or of a client, plays on


@dataclass(frozen=True)
class Check:
    """One check of the suite."""

    requirement: str
    digest: str  # of the sentence that it was written for
    name: str
    title: str
    function: AnyFunction
    needs: tuple[str, ...] = ()  # features and conditions, besides the requirement's own
    ground: int = 0  # others stand on it: 1 runs first, then 2 and 3; 4 needs a server of its own; 0: no other does
    fact: str = ""  # what it shows, where that is less than its requirement; see `conformance.wire.standing`
    slow: int = 0  # is about time, that which the server takes, or a client to read: the seconds, about; 0: it is not
    patient: int = 0  # seconds that it takes, where these are so many that it runs only when it is asked for
    plays: tuple[AnyFunction, ...] = ()  # where each of these goes well, the check passes; others can share them
    number: int = 0  # of the checks of clients, in the order of the specification's sections

    @property
    def id(self) -> str:
        """The check's name on the command line and in reports."""
        return f"{self.requirement}/{self.name}"
