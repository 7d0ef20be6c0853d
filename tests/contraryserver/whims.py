"""Everything that chance decides: names, texts, orders, delays and sizes."""

import re
import string
from collections.abc import Iterable
from random import Random
from typing import TypeVar

_T = TypeVar("_T")

MAX_LINE = 8192  # octets of a server's line [LINE-8]
_SIGNS = string.ascii_letters + string.digits
_WORDS = ("main", "lounge", "exit", "lost", "moved", "all", "HELLO", "SAID", "guest", "nobody", "flurfunk", "0")
_NOT_MADE_UP = frozenset({"operator", "server", "ann", "anna", "bob", "bobby", "cyd"})  # [NAME-6], [CONF-1]
_TEXTS = (
    *(".", " ", "\t", "x", "  two blanks first", "blanks at the end  ", "-", "/", "//", "0"),
    *("Das geht so nicht.", "そのようにはできません。", "Так нельзя.", "هذا غير ممكن", "यह संभव नहीं है", "זה לא אפשרי"),
    *("BYE exit", "ERROR bad-room x", "SAID operator hello", "/cd main", "exit", "MEMBERS main 2", "NAME Ann"),
    *("\U0001f600", "\ufeff", "\u200b", "\u202e!", "\uffff", "\U0010ffff", "\u00a0", "e\u0301", "\ufdd0 \u0378"),
)
_GREETINGS = (
    "Type a room's name, for example: main",
    "Gib den Namen eines Raums ein, zum Beispiel: main",
    "部屋の名前を入力してください。例: main",
    "Введите название комнаты, например: main",
    "اكتب اسم غرفة، مثلا: main",
)
_PASSWORD = "/password ************ "
_FILLING = ("x", ".", "\u00e9", "\u20ac", "\U0001f600", "two words ", "語")
_CONSOLE = ("?", "¿?", "nein", "いいえ", "нет", "¯\\_(ツ)_/¯")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class Whims:
    """A source of chance."""

    def __init__(self, seed: int, *, names: str = "mixed") -> None:
        """`names`: `smallest` for the smallest free `guest-N` always, `random` for never, or `mixed`."""
        self._random = Random(seed)
        self._names = names

    def happens(self, probability: float) -> bool:
        """Return whether something happens."""
        return self._random.random() < probability

    def shuffled(self, things: Iterable[_T]) -> list[_T]:
        """Return the things in another order."""
        return self._random.sample(each := list(things), len(each))

    def one(self, things: Iterable[_T]) -> _T:
        """Return one of the things, of which there has to be one."""
        return self._random.choice(list(things))

    # ------------------------------------------------------------ names and texts

    def name(self, taken: Iterable[str]) -> str:
        """Return a name that is free [NAME-7]; `taken` are the folded names of others."""
        others = {*taken, *_NOT_MADE_UP}
        if self._names == "smallest" or (self._names == "mixed" and self.happens(0.5)):
            return next(name for n in range(1, len(others) + 2) if (name := f"guest-{n}") not in others)
        while (name := self._odd_name()).lower() in others:
            pass
        return name

    def _odd_name(self) -> str:
        letters = "".join(self._random.choices(string.ascii_letters, k=self._random.randint(2, 12)))
        long = self._random.choice(_SIGNS) + "".join(self._random.choices(f"{_SIGNS}-_", k=31))
        digits = str(self._random.randrange(10 ** self._random.randint(1, 32)))
        return self._random.choice((letters, letters, long, digits, self._random.choice(_SIGNS), self.one(_WORDS)))

    def text(self, most: int) -> str:
        """Return any text of at most so many octets, which are 40 at least."""
        return self._filled("", most) if self.happens(0.08) else self._random.choice(_TEXTS)

    def help(self) -> list[str]:
        """Return the texts of the answer to `/help` [HELP-1]: never more than may wait for a client [FLOW-4]."""
        count = self._random.choice((1, 1, 2, 30))
        return [self.text(MAX_LINE - 5 if count < 30 else 4000) for _ in range(count)]

    def greeting(self, *, password: bool) -> list[str]:
        """Return the texts of a greeting; one of them at least tells a person what to type [STATE-3]."""
        useful = (_PASSWORD if password else "") + self._random.choice(_GREETINGS)
        form = self._random.randrange(4)
        if form == 0:
            return self.shuffled([useful, *(self._random.choice(_TEXTS) for _ in range(11))])
        return [self._filled(f"{useful} ", MAX_LINE - 5) if form == 1 else useful]

    def console(self) -> str:
        """Return what the operator is told who typed something wrong."""
        return self._random.choice(_CONSOLE)

    def _filled(self, beginning: str, most: int) -> str:
        """Return a text as long as it can be."""
        filling = self._random.choice(_FILLING)
        return beginning + filling * ((most - len(beginning.encode())) // len(filling.encode()))

    # ------------------------------------------------------------ times, in seconds

    def hold(self) -> float:
        """Return for how long output is held that begins to wait."""
        draw = self._random.random()
        if draw > 0.25:
            return 0.0
        return 0.25 if draw < 0.003 else self._random.uniform(0.01, 0.04) if draw < 0.05 else 0.001

    def pause(self, waiting: int) -> float:
        """Return the time between two pieces of output; `waiting`: octets of it."""
        return 0.001 if waiting < 4096 and self.happens(0.1) else 0.0

    def thinking(self) -> float | None:
        """Return for how long an answer is thought over; None for not at all, 0 for one turn."""
        draw = self._random.random()
        if draw > 0.25:
            return None
        return self._random.uniform(0.01, 0.03) if draw < 0.015 else 0.001 if draw < 0.05 else 0.0

    def notice(self) -> float:
        """Return how long it takes until a client's end of sending is noticed."""
        return self._random.uniform(0.01, 0.06) if self.happens(0.3) else 0.0

    def password_wait(self) -> float:
        """Return how long a wrong password takes [PASS-5]."""
        return self._random.uniform(1.1, 2.2)

    def linger(self) -> float:
        """Return for how long a connection is read after its BYE [NET-6]."""
        return self._random.choice((1.1, 4.5))

    def silence(self) -> float:
        """Return how long it takes until somebody gets an INFO line."""
        return self._random.uniform(0.01, 0.2)

    # ------------------------------------------------------------ sizes, in octets

    def read_size(self) -> int:
        """Return how much is read at once."""
        return self._random.choices((1, 3, 17, 1024, 16384), (1, 1, 1, 4, 8))[0]

    def write_size(self, waiting: bytearray) -> int:
        """Return how much of what waits is written at once: odd pieces, but not where much waits."""
        if len(waiting) > 4096 or self.happens(0.5):
            return min(len(waiting), 16384)
        if match := _NOT_ASCII.search(waiting):
            return match.end()  # within a character
        return 1 if self.happens(0.3) else self._random.randint(1, len(waiting))
