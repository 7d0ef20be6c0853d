"""How a check tells that the subject is wrong, or that nothing can be said: exceptions."""


class Failed(Exception):  # noqa: N818 - a verdict, not an error of the program
    """The subject does not do what the cited sentence asks for."""

    def __init__(self, expected: str, received: str, note: str = "", *, cites: str = "") -> None:
        """`cites`: the requirement, where it is another than the one that the check cites."""
        super().__init__(f"expected {expected}, received {received}{f' ({note})' if note else ''}")
        self.expected = expected
        self.received = received
        self.note = note
        self.cites = cites
        self.asks = ""  # the requirement that asks for what was expected, where one can be told
        self.silent = False  # whether nothing came, and pings have shown that nothing will
        self.timed = False  # whether a deadline has passed, so that a busy machine can be the reason
        self.preparing = False  # whether the check was still preparing: then it says nothing about its own requirement

    def by_the_clock(self) -> bool:
        """Whether this, or what it was raised from, tells that a deadline has passed."""
        before = self.__cause__
        return self.timed or (isinstance(before, Failed) and before.by_the_clock())


class BarrierBrokenError(Failed):
    """A ping is not answered at all, or its PONG stands at a wrong place: nothing is proven by waiting for one."""


class Inconclusive(Exception):  # noqa: N818
    """A thing that the check needs in order to say anything did not happen."""


class NotReached(Inconclusive):
    """A requirement that the check needs on its way does not hold, as another check has shown."""

    def __init__(self, because: str) -> None:
        """`because`: the requirement that does not hold."""
        super().__init__(f"not reached: {because} does not hold")
        self.because = because


class Skipped(Exception):  # noqa: N818
    """The check does not apply, or cannot be run here; `missing` tells that it should have been run."""

    def __init__(self, reason: str, *, missing: bool) -> None:
        super().__init__(reason)
        self.missing = missing
