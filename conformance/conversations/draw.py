"""Conversations of two to six clients, drawn by chance: all in one from a source of chance of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle, islice
from random import Random

from conformance.conversations.steps import GUESTS, LABELS, LATE, ROOMS, Step
from conformance.text.name_space import BLANKS, CHANGING, GROUPS, INVISIBLE, WORDS, drawn_names, near
from conformance.text.vectors import ALLOWED, FORBIDDEN, ILL_FORMED, MAX_LINE

_ODD_TEXTS = (
    *(f"{text} " if text.isalnum() else text for text in ALLOWED),
    *("exit now", "exit ", " exit", "Exit!", "help", "GET x", "POST / HTTP/1.1", "get", "GET"),
    *("x" * MAX_LINE, "\U0001f600" * (MAX_LINE // 4), "\u00e9" * 300, "\u20ac " * 200, "x" * 600),
)
_SPECIAL_ROOMS = ("{32}", "{31}", "operator", "Server", "lobby")
_SPECIAL_NAMES = ("{32}", "{31}", "7{30}", "a_-b{20}", "main", "operator", "Operator", "SERVER")
_USUAL_NAMES = ("Ann", "Bob", "Cyd", "Fay")
_BAD_NAMES = ("{33}", "-a", "_a", "Ann.", "main ", " main", "a b", "\u00e4", "A\u00e9", "Ann!", "main\t", "x" * 64)
# Characters that some languages take for a letter, a digit, a blank or nothing.
_STRANGE = (CHANGING, BLANKS, INVISIBLE, "\u00fa\u00ea\u00f5\u00aa\u00b5\u00ba", "!#$%&'()*+,.:;<=>?@[\\]^`{|}~")
_STRANGE_FORMS = ("/nick {}", "/nick {}", "/cd {}", "/cd {}", "{}")
_AROUND = ("%s", "a%sn", "%sann", "ann%s", "%sann%s")
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
    *("/history 20", "/history 20", "/history 3", "/history 1", "/history 9", "/history 2"),
    *("/history", "/history ", "/history 0", "/history 10000", "/history 05", "/history -1", "/history 3 "),
    *("/history x", "/tell", "/tell ", "/tell x", "/tell x ", "/tell  x", "/tell -nobody x", "/tell B.B. x"),
    *("", "", "EXIT", "Exit", "/say exit", "/say /cd lounge", "/say  two", "/say  ", "/say /nick Fay", "/say 0"),
    *("/ping 0", "/nick 0", "0", "exit ", "exit now", "/help " + "h" * 1200),
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
    *(b"\xef\xbb\xbf\x16\n", b"\xef\xbb\xbf", b"\xef\n", b"\xef\xbb\n", b"\xef\xbbmain\n", b"\n\xef\xbb\xbfmain\n"),
    *(
        b"\n\nGET / HTTP/1.1\n",
        b"GET\r\n",
        b"\xef\xbb\xbfGET\n",
        b"G\n",
        b"PO\n",
        b"GETS\n",
        b"OPTIONS\n",
        b"\xef\xbb\xbfGET ",
    ),
    *(b"x" * 1025 + b"\n", b"/ping " + b"t" * 4000 + b"\n", b"x" * 9000 + b"\n", b"x" * (MAX_LINE + 1) + b"\n"),
    *(b"\xef\xbb\xbf/ping " + b"t" * (MAX_LINE - size) + b"\n" for size in (6, 5)),
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
        b"x" * 9000 + b"\n",
    ),
)
_TEXTS = tuple(f"text {number}" for number in range(100))
_RACING_FORMS: tuple[tuple[str, Sequence[str]], ...] = (
    *(("{}", _TEXTS), ("{}", _TEXTS), ("/cd {}", ROOMS[:2]), ("/nick {}", ("Ann", "Bob", "Cyd", "Dan", "Eve", "Fay"))),
    ("/tell {} psst", ("Ann", "Bob", "Cyd", "Dan")),
    ("{}", ("/history 20", "/history 2", "/who", "/rooms", "/ping x", "/no-such", "/nick B.B.", "/help")),
)
_BAD_CHARACTERS = (*(one.encode() for one in FORBIDDEN), *ILL_FORMED, *[b"\r"] * 12)
# Forms in which something bad could be taken for good.
_BAD_FORMS = (b"a %s b", b"%s b", b"a %s", b"/say %s", b"/nick %s", b"/ping a%sb", b"%s")
_LONG = (
    *(b"x" * (MAX_LINE + 1), "\U0001f600".encode() * (MAX_LINE // 4) + b"x", b"/say " + b"y" * MAX_LINE),
    *("\u20ac".encode() * 1400, b"x" * 9000, b"\xff" * 5000, b"/ping " + b"\x00" * 5000),
)
_ENDS = (b"\n", b"\n", b"\n", b"\r\n")
_BEHIND_EXIT = (b"", b"late words\n/nick Fay\n", (b"x" * 4000 + b"\n") * 20, b"exit\n")
_LAST_HALVES = (b"", b"half a line", b"exit")
_LAST_WORDS = (b"x" * 5000, b"", b"half a line", b"hi\n/ping x\nhalf", b"/ping x\nexit", b"hi\n" * 20, b"hi\nexit\n")


# Lines of which a client sends many at once; several of one kind take turns.
_MANY = {
    "texts": (b"%d", b"/say %d", b"%d\r"),
    "names": (b"/nick Fay", b"/nick FAY", b"/nick {ann}"),
    "moves": (b"/cd lounge", b"/cd main"),
    "pings": (b"/ping %d",),
    "questions": (b"/who", b"/rooms", b"/help", b"/history 5"),
    "tellings": (b"/tell {bob} %d",),
    "nothing": (b"", b"\r"),
    "refused": (b"/nick B.B.", b"/cd -", b"/no-such", b"/ping", b"\xff"),
}
_WAITING = 60  # long texts that wait for who is late: together less than every server lets wait [FLOW-4]
_CROWD = tuple(f"m{number}" for number in range(1, 37))
_TOGETHER = 20  # of the crowd: in one room


def conversation(random: Random) -> tuple[Step, ...]:
    """Return a conversation."""
    return _Conversation(random).draw()


class _Conversation:
    """A conversation while it is drawn: who is there is known as far as it can be, so that few steps are in vain."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._present: list[str] = []
        names, rooms = self._words(self._random.choice(_USUAL_NAMES)), self._words("main")
        self._names, self._rooms = names, rooms
        self._forms: tuple[tuple[str, Sequence[str]], ...] = (
            *(("{}", _TEXTS), ("{}", _TEXTS), ("/say {}", _TEXTS), ("{}", _ODD_TEXTS), ("{}", rooms)),
            *(("/cd {}", rooms), ("/cd {}", rooms), ("/cd {}", _SPECIAL_ROOMS)),
            *(("/cd {}", WORDS), ("/nick {}", WORDS), ("/{} 0", ("say", "ping", "nick", "cd"))),
            *(("/nick {}", names), ("/nick {}", names), ("/nick {}", _SPECIAL_NAMES), ("/nick {{{}}}", LABELS)),
            *(
                ("/tell {} /x  y", names),
                ("/tell {} psst", (*_USUAL_NAMES, "ANN", "Dan")),
                ("/tell {{{}}} psst", LABELS),
            ),
            *(
                ("{}", _COMMANDS),
                ("{}", _COMMANDS),
                ("{}", _BAD_NAMES),
                ("/cd {}", _BAD_NAMES),
                ("/nick {}", _BAD_NAMES),
            ),
        )

    def draw(self) -> tuple[Step, ...]:
        """Return the whole conversation."""
        some, many = self._random.randint(2, len(LABELS) - 1), self._random.randint(14, 28)
        steps = [self._connects() for _ in range(some)]
        while len(steps) < many:
            steps += self._steps()
        if self._random.randrange(25) == 0:
            if self._random.randrange(2):
                steps += self._empties()
            steps.append(Step("ends", line=self._random.choice(("", "", "SIGTERM", "SIGINT"))))
        return tuple(steps)

    def _words(self, usual: str) -> list[str]:
        """Draw a few names of which some differ in little, or are unusual, each in several cases."""
        random = self._random
        (drawn,) = drawn_names(random, 1)
        few: tuple[list[str], ...] = (
            random.sample(random.choice(GROUPS), 3),
            random.sample(random.choice(GROUPS), 3),
            [drawn, random.choice(near(drawn))],
            ["Iris", "i"],
            [],
        )
        return [case(word) for word in (usual, *random.choice(few)) for case in (str, str, str.upper, str.swapcase)]

    def _steps(self) -> list[Step]:
        """Draw what comes next; where nobody or everybody is there, somebody enters or says something."""
        kinds: dict[Callable[[], Step | list[Step]], int] = {
            self._sends: 52,
            self._connects: 12,
            self._together: 8,
            self._leaves: 10,
            self._opens: 4,
            self._types: 8,
            self._likens: 4,
            self._many: 1,
            self._lingers: 3,
            self._empties: 1,
        }
        draw = self._random.choices(list(kinds), list(kinds.values()))[0]
        if len(self._present) < 2:
            draw = self._connects
        elif draw == self._connects and len(self._present) == len(LABELS):
            draw = self._sends
        drawn = draw()
        return [drawn] if isinstance(drawn, Step) else drawn

    # ------------------------------------------------------------ steps

    def _connects(self) -> Step:
        who = self._random.choice([label for label in LABELS if label not in self._present])
        self._present.append(who)
        line = self._random.choice(
            ("main", "main", "main", "/cd main", "/cd MAIN\r", "Main", "lounge", "/cd lounge", "")
        )
        return Step("connects", who, line=line)

    def _opens(self) -> Step:
        return self._cut(Step("connects", self._random.choice(GUESTS), self._random.choice(_OPENINGS)))

    def _sends(self) -> Step:
        lines = 1 if self._random.randrange(2) else self._random.randint(2, 8)
        octets = b"".join(self._line() for _ in range(lines))
        return self._cut(Step("sends", self._random.choice(self._present), octets))

    def _leaves(self) -> Step:
        verb = self._random.choice(("exits", "exits", "exits", "closes", "resets", "half-closes", "half-closes"))
        if verb == "exits":
            return Step("sends", self._goes(), b"exit\n" + self._random.choice(_BEHIND_EXIT))
        last = _LAST_WORDS if verb == "half-closes" else _LAST_HALVES
        return Step(verb, self._goes(), self._random.choice(last))

    def _goes(self) -> str:
        return self._present.pop(self._random.randrange(len(self._present)))

    def _empties(self) -> list[Step]:
        """Let all leave; what the operator types then is for nobody."""
        steps = [self._leaves() for _ in list(self._present)]
        return [*steps, Step("types", octets=b"Nobody hears this.\n")] if self._random.randrange(2) else steps

    def _lingers(self) -> list[Step]:
        """Let somebody read nothing while others act; then read, say something, or leave, with all that unread."""
        late = LATE if LATE in self._present else self._random.choice(self._present)
        busy = [label for label in self._present if label != late]
        lines = b"".join(self._line() for _ in range(self._random.randint(3, 12)))
        steps = [Step("stalls", late), Step("sends", self._random.choice(busy), lines), self._speaks(busy)]
        last = self._random.choice(("reads", "sends", "half-closes", "half-closes", "closes", "resets", "exits"))
        if last in ("half-closes", "closes", "resets", "exits"):
            self._present.remove(late)
        octets = {"sends": b"/ping x\nhi\n", "half-closes": self._random.choice(_LAST_WORDS), "exits": b"hi\nexit\n"}
        return [*steps, Step("sends" if last == "exits" else last, late, octets.get(last, b""))]

    def _speaks(self, speakers: Sequence[str]) -> Step:
        return Step("sends", self._random.choice(speakers), b"/say %b\n" % self._random.choice(_TEXTS).encode())

    def _together(self) -> Step:
        speakers = self._random.sample(self._present, self._random.randint(2, min(3, len(self._present))))
        batches = [[self._formed(_RACING_FORMS) + b"\n" for _ in range(self._random.randint(1, 5))] for _ in speakers]
        parts = (Step("sends", who, b"".join(lines)) for who, lines in zip(speakers, batches, strict=True))
        return Step("together", parts=tuple(parts))

    def _likens(self) -> list[Step]:
        """Let two take names, or enter rooms, that are one or differ in little."""
        word, names = self._random.choice((("/nick", self._names), ("/nick", self._names), ("/cd", self._rooms)))
        clients, few = self._random.sample(self._present, 2), self._random.sample(names, 2)
        return [Step("sends", who, f"{word} {name}\n".encode()) for who, name in zip(clients, few, strict=True)]

    def _many(self) -> Step:
        kind = self._random.choice(list(_MANY))
        return Step("sends", self._random.choice(self._present), _many(kind, self._random.randint(101, 160)))

    def _types(self) -> Step:
        if self._random.randrange(5) < 3:
            return Step("types", octets=f"/kick {self._random.choice(self._kicked())}\n".encode())
        return Step("types", octets=self._random.choice(_TYPED))

    def _kicked(self) -> Sequence[str]:
        """Draw one of several lists of names, with those that clients have."""
        made_up = [f"{{{label}}}" for label in self._present]
        own = [case(label.capitalize()) for label in self._present for case in (str, str.upper)]
        return self._random.choice((made_up, own, self._names, self._names))

    # ------------------------------------------------------------ lines

    def _line(self) -> bytes:
        kind = self._random.randrange(6)
        if kind == 0:
            return self._strange() + self._random.choice(_ENDS)
        return (self._formed(self._forms) if kind > 1 else self._refused()) + self._random.choice(_ENDS)

    def _formed(self, forms: Sequence[tuple[str, Sequence[str]]]) -> bytes:
        form, words = self._random.choice(forms)
        return form.format(self._random.choice(words)).encode()

    def _strange(self) -> bytes:
        """Draw a name with a character that no name has: beyond ASCII, or a sign."""
        random = self._random
        character = random.choice(random.choice((*_STRANGE, (chr(random.randint(0xA0, 0x1FFF)),))))
        around = random.choice(_AROUND)
        name = around % ((character,) * around.count("%s"))
        return random.choice(_STRANGE_FORMS).format(name).encode()

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


def _many(kind: str, count: int) -> bytes:
    """Return so many lines of one kind."""
    lines = islice(cycle(_MANY[kind]), count)
    return b"".join((line % number if b"%d" in line else line) + b"\n" for number, line in enumerate(lines))


def volume() -> list[tuple[Step, ...]]:
    """Return conversations for what is rare: many lines of each kind at once, many clients and rooms, late readers."""
    people = [
        Step("connects", who, line=room)
        for who, room in zip(LABELS, ("main", "lounge", "main", "lounge"), strict=False)
    ]
    texts = _many("texts", 150)
    apart = Step("together", parts=(Step("sends", "ann", texts), Step("sends", "bob", texts)))
    in_one = Step("together", parts=(Step("sends", "ann", texts), Step("sends", "cyd", texts)))
    many = [Step("sends", "ann", _many(kind, 150)) for kind in _MANY]
    cuts = {
        b"\xef": (3,),
        b"\n": (),
    }  # after a U+FEFF; nowhere, so that what stands after empty lines comes with them
    beginnings = [Step("connects", GUESTS[0], octets, cuts.get(octets[:1], (1, 2))) for octets in _OPENINGS]
    return [(*people, apart), (*people, in_one), (*people, *many), (*beginnings, *_alike()), _crowd(), _late()]


def _alike() -> list[Step]:
    """Return steps in which names and rooms meet that some languages take for one, and a character is cut."""
    steps = [Step("connects", who, line="main") for who in ("ann", "bob")]
    steps += [Step("sends", "ann", "\U0001f600\n".encode(), cuts=(cut,)) for cut in (1, 2, 3)]
    for first, *others in GROUPS:
        asked = "".join(f"/nick {other}\n/cd {other}\n" for other in others)
        steps += [Step("sends", "ann", f"/nick {first}\n/cd {first}\n".encode()), Step("sends", "bob", asked.encode())]
    return steps


def _crowd() -> tuple[Step, ...]:
    """Return a conversation of many, first in one room and then each in another, who ask for long lists."""
    entering = [
        Step("connects", who, line="main" if number < _TOGETHER else f"room{number}")
        for number, who in enumerate(_CROWD)
    ]
    moving = [Step("sends", who, b"/cd room%d\n" % number) for number, who in enumerate(_CROWD[:_TOGETHER])]
    first, last = _CROWD[0], _CROWD[-1]
    asking = [Step("sends", first, b"/who\n/ping 1\n"), Step("sends", last, b"/rooms\n/ping 2\n")]
    return (*entering, *asking, *moving, *asking, Step("types", octets=b"All hear this.\n"))


def _late() -> tuple[Step, ...]:
    """Return a conversation in which much waits at the server for one who does not read, and then ends its sending."""
    people = [Step("connects", who, line="main") for who in ("ann", "bob", LATE)]
    flood = Step("sends", "ann", b"".join((b"%d" % number) * 1900 + b"\n" for number in range(10, 10 + _WAITING)))
    ending = Step("half-closes", LATE, b"hi\n/ping x\n")
    return (*people, Step("stalls", LATE), flood, ending, Step("sends", "bob", b"hi\n"))
