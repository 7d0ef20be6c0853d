"""Coming back after a lost connection: waiting, connecting, waiting longer."""

import random
import socket
import time
from math import inf

from reference.client.dial import Dialing, Target, why_not
from reference.client.retry import Again, Retries, Silence
from reference.client.texts import Texts


class Comeback:
    """The means of a client on a terminal to stay connected."""

    def __init__(self, target: Target, texts: Texts, wanted: bool | None, ask_after: float) -> None:
        """`wanted`: see Retries; `ask_after`: see Silence."""
        self.retries = Retries(wanted, random.random)
        self.silence = Silence(ask_after)
        self.again = Again()
        self.due = inf  # when to `dial`, in seconds of the monotonic clock
        self.dialing: Dialing | None = None
        self._target = target
        self._texts = texts
        self._why = ""  # there was no connection the last time

    def wait(self) -> float:
        """Wait before the next try; return how many seconds."""
        seconds = self.retries.wait()
        self.due = time.monotonic() + seconds
        return seconds

    def dial(self) -> None:
        """Begin to connect."""
        self.due = inf
        self.dialing = Dialing(self._target, self._texts)

    def dialled(self) -> socket.socket | str:
        """Return the connection, when `dialing` is done, or what to tell the user: empty if that was told before."""
        assert self.dialing
        dialing, self.dialing = self.dialing, None
        try:
            connection = dialing.result()
        except (OSError, ValueError) as error:
            why, told = why_not(error, self._target, self._texts), self._why
            self._why = why
            seconds = max(round(self.wait()), 1)
            return "" if why == told else self._texts.next_try.format(why=why, seconds=seconds)
        self._why = ""
        return connection
