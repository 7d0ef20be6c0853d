"""Conversations of two to five clients, drawn by chance.

Hypothesis draws for each a source of chance, from which all in it is drawn evenly. It could draw each thing by itself,
but would then look for new conversations near old ones: of 10,000 steps 1,500 were different ones, and are 6,000 so.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hypothesis import strategies as st

from conformance.conversations.steps import GUESTS, LABELS, NAMES, ROOMS, Step
from conformance.text.vectors import ALLOWED, FORBIDDEN, ILL_FORMED, MAX_LINE

_ODD_TEXTS = (
    *(f"{text} " if text.isalnum() else text for text in ALLOWED),
    *("exit now", "exit ", " exit", "Exit!", "help", "GET x", "POST / HTTP/1.1", "get", "GET"),
    *("x" * MAX_LINE, "\U0001f600" * (MAX_LINE // 4), "\u00e9" * 300, "\u20ac " * 200, "x" * 600),
)
_ROOM_WORDS = (*ROOMS, *ROOMS, "MAIN", "Lounge", "{32}", "{31}", "operator", "Server", "lobby")
_BAD_NAMES = ("{33}", "-a", "_a", "Ann.", "main ", " main", "a b", "\u00e4", "A\u00e9", "Ann!", "main\t", "x" * 64)
_USER_WORDS = (*NAMES, *NAMES, "{32}", "{31}", "7{30}", "a_-b{20}", "main", "operator", "Operator", "SERVER")
_COMMANDS = (
    *("/who", "/who", "/who", "/rooms", "/rooms", "/help", "/help me", "/ping x", "/ping  a  b ", "/ping \u20ac Ab"),
    *(
        "/ping " + "t" * 100,
        "/who ",
        "/who x",
        "/rooms ",
        "/rooms x",
        "/cd",
        "/cd ",
        "/say",
        "/say ",
        "/nick",
        "/nick ",
    ),
    *(
        "/ping",
        "/ping ",
        "/",
        "//",
        "/no-such",
        "/password x",
        "/CD main",
        "/c main",
        "/cd\tmain",
        "/WHO",
        "/Ping x",
        "/ cd",
        "/sa x",
    ),
    *("", "", "EXIT", "Exit", "/say exit", "/say /cd lounge", "/say  two", "/say  ", "/say /nick Fay"),
)
_OPENINGS = (
    *(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nmain\n", b"POST / HTTP/1.1\r\n\r\nmain\nhi\n", b"PRI * HTTP/2.0\r\n\r\n"),
    *(
        b"GET ",
        b"OPTIONS * ",
        b"\xef\xbb\xbfGET /",
        b"\x16\x03\x01\x02\x00\n",
        b"get x\n",
        b"GET\n",
        b"get\n",
        b"/ping x\n",
        b"exit\n",
    ),
    *(b"\xef\xbb\xbf/ping x\n", b"\xef\xbb\xbfmain\n", b"\xef\xbb\xbf\xef\xbb\xbfmain\n", b"\xef\xbb\xbf\n", b"\n"),
    *(b"\xef\xbb\xbf\x16\n", b"\xef\xbb\xbf"),
    *(b"DELETE x", b"TRACE x", b"PATCH x", b"CONNECT a:1 HTTP/1.1", b"HEAD / ", b"PUT / "),
)
_TYPED = (
    *(
        b"Back at noon.\n",
        b"  lunch \n",
        b"caf\xc3\xa9\n",
        b"noon\r\n",
        b"exit \n",
        b" exit\n",
        b"exit now\n",
        b"Exit\n",
    ),
    *(
        b"\n",
        b"\r\n",
        b"/\n",
        b"/no-such\n",
        b"/who\n",
        b"/rooms\n",
        b"/help\n",
        b"/kick\n",
        b"/kick -nobody\n",
        b"/no-such x\n",
    ),
    *(
        b"a\x07b\n",
        b"one\rtwo\n",
        b"caf\xe9\n",
        b"\xff\n",
        b"\xc2\x85\n",
        b"x" * MAX_LINE + b"\n",
        b"x" * (MAX_LINE + 1) + b"\n",
    ),
)
_TEXTS = tuple(f"text {number}" for number in range(100))
_FORMS: tuple[tuple[str, Sequence[str]], ...] = (
    *(("{}", _TEXTS), ("{}", _TEXTS), ("/say {}", _TEXTS), ("{}", _ODD_TEXTS), ("{}", ROOMS)),
    *(("/cd {}", _ROOM_WORDS), ("/cd {}", _ROOM_WORDS), ("/nick {}", _USER_WORDS), ("/nick {{{}}}", LABELS)),
    *(("{}", _COMMANDS), ("{}", _COMMANDS), ("{}", _BAD_NAMES), ("/cd {}", _BAD_NAMES), ("/nick {}", _BAD_NAMES)),
)
_RACING_FORMS: tuple[tuple[str, Sequence[str]], ...] = (
    *(("{}", _TEXTS), ("{}", _TEXTS), ("/cd {}", ROOMS[:2]), ("/nick {}", NAMES[:6])),
    ("{}", ("/who", "/rooms", "/ping x", "/no-such", "/nick B.B.", "/help")),
)
_BAD_CHARACTERS = (*(one.encode() for one in FORBIDDEN), *ILL_FORMED, b"\r")
# Forms in which something bad could be taken for good.
_BAD_FORMS = (b"a %s b", b"%s b", b"a %s", b"/say %s", b"/nick %s", b"/ping a%sb", b"%s")
_LONG = (
    *(b"x" * (MAX_LINE + 1), "\U0001f600".encode() * (MAX_LINE // 4) + b"x", b"/say " + b"y" * MAX_LINE),
    *("\u20ac".encode() * 1400, b"x" * 9000, b"\xff" * 5000, b"/ping " + b"\x00" * 5000),
)
_ENDS = (b"\n", b"\n", b"\n", b"\r\n")
_BEHIND_EXIT = (b"", b"late words\n/nick Fay\n", (b"x" * 4000 + b"\n") * 100, b"exit\n")
_LAST_HALVES = (b"", b"half a line", b"exit")
_LAST_WORDS = (b"", b"half a line", b"hi\n/ping x\nhalf", b"/ping x\nexit", b"hi\n" * 20, b"hi\nexit\n")


def conversation(random: Random) -> tuple[Step, ...]:
    """Return a conversation."""
    return _Conversation(random).draw()


conversations: st.SearchStrategy[tuple[Step, ...]] = st.randoms(use_true_random=True).map(conversation)


class _Conversation:
    """A conversation while it is drawn: who is there is known as far as it can be, so that few steps are in vain."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._present: list[str] = []

    def draw(self) -> tuple[Step, ...]:
        """Return the whole conversation."""
        some, many = self._random.randint(2, len(LABELS)), self._random.randint(20, 40)
        steps = [*(self._connects() for _ in range(some)), *(self._step() for _ in range(many))]
        end = Step("ends", line=self._random.choice(("", "", "SIGTERM", "SIGINT")))
        return (*steps, end) if self._random.randrange(20) == 0 else tuple(steps)

    def _step(self) -> Step:
        """Draw one step; where nobody or everybody is there, somebody enters or says something."""
        kinds = {
            self._sends: 56,
            self._connects: 12,
            self._together: 8,
            self._leaves: 8,
            self._opens: 8,
            self._types: 8,
            self._exits: 4,
            self._volume: 1,
        }
        draw = self._random.choices(list(kinds), list(kinds.values()))[0]
        if len(self._present) < 2:
            draw = self._connects
        elif draw == self._connects and len(self._present) == len(LABELS):
            draw = self._sends
        return draw()

    # ------------------------------------------------------------ steps

    def _connects(self) -> Step:
        who = self._random.choice([label for label in LABELS if label not in self._present])
        self._present.append(who)
        return Step("connects", who, line=self._random.choice(("main", "main", "lounge", "")))

    def _opens(self) -> Step:
        return self._cut(Step("connects", self._random.choice(GUESTS), self._random.choice(_OPENINGS)))

    def _sends(self) -> Step:
        lines = 1 if self._random.randrange(3) else self._random.randint(2, 5)
        octets = b"".join(self._line() for _ in range(lines))
        return self._cut(Step("sends", self._random.choice(self._present), octets))

    def _exits(self) -> Step:
        return Step("sends", self._goes(), b"exit\n" + self._random.choice(_BEHIND_EXIT))

    def _leaves(self) -> Step:
        verb = self._random.choice(("closes", "resets", "half-closes", "half-closes"))
        last = _LAST_WORDS if verb == "half-closes" else _LAST_HALVES
        return Step(verb, self._goes(), self._random.choice(last))

    def _goes(self) -> str:
        return self._present.pop(self._random.randrange(len(self._present)))

    def _together(self) -> Step:
        speakers = self._random.sample(self._present, self._random.randint(2, min(3, len(self._present))))
        batches = [[self._formed(_RACING_FORMS) + b"\n" for _ in range(self._random.randint(1, 5))] for _ in speakers]
        parts = (Step("sends", who, b"".join(lines)) for who, lines in zip(speakers, batches, strict=True))
        return Step("together", parts=tuple(parts))

    def _volume(self) -> Step:
        speakers = self._random.sample(self._present, 2)
        return Step("together", parts=tuple(Step("sends", who, _numbered(150)) for who in speakers))

    def _types(self) -> Step:
        if self._random.randrange(3) == 0:
            return Step("types", octets=f"/kick {self._random.choice(NAMES[:7])}\n".encode())
        return Step("types", octets=self._random.choice(_TYPED))

    # ------------------------------------------------------------ lines

    def _line(self) -> bytes:
        line = self._formed(_FORMS) if self._random.randrange(3) else self._refused()
        return line + self._random.choice(_ENDS)

    def _formed(self, forms: Sequence[tuple[str, Sequence[str]]]) -> bytes:
        form, words = self._random.choice(forms)
        return form.format(self._random.choice(words)).encode()

    def _refused(self) -> bytes:
        if self._random.randrange(4) == 0:
            return self._random.choice(_LONG)
        return self._random.choice(_BAD_FORMS) % self._random.choice(_BAD_CHARACTERS)

    def _cut(self, step: Step) -> Step:
        """Draw where a stream is cut: mostly nowhere, everywhere if it is short, or somewhere in it."""
        size, random = len(step.octets), self._random
        ways: list[Sequence[int]] = [(), (), ()]
        if size > 400:
            ways += [(1,), (size - 1,), (size // 2,), (size - 2, size - 1)]
        else:
            ways += [random.choices(range(1, max(size, 2)), k=random.randint(1, 3)), range(1, min(size, 40))]
        return replace(step, cuts=tuple(random.choice(ways)))


def _numbered(count: int) -> bytes:
    return b"".join(b"number %d\n" % number for number in range(count))


def volume() -> list[tuple[Step, ...]]:
    """Return conversations for rare faults: many lines of two clients in two rooms, and many moves."""
    people = [
        Step("connects", who, line=room)
        for who, room in zip(LABELS, ("main", "lounge", "main", "lounge"), strict=False)
    ]
    texts = _numbered(150)
    apart = Step("together", parts=(Step("sends", "ann", texts), Step("sends", "bob", texts)))
    in_one = Step("together", parts=(Step("sends", "ann", texts), Step("sends", "cyd", texts)))
    moves = Step("sends", "ann", b"/cd lounge\n/cd main\n" * 12)
    return [(*people, apart), (*people, in_one), (*people, moves)]
