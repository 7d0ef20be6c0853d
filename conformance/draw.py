"""The Hypothesis strategies: conversations of two to five clients, drawn by chance."""

from hypothesis import strategies as st

from conformance.steps import GUESTS, LABELS, NAMES, ROOMS, Step
from conformance.vectors import ALLOWED, FORBIDDEN, ILL_FORMED, MAX_LINE

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
    *("/ping", "/ping ", "/", "//", "/shrug", "/CD main", "/c main", "/cd\tmain", "/WHO", "/Ping x", "/ cd", "/sa x"),
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
    *(b"DELETE x", b"TRACE x", b"PATCH x", b"CONNECT a:1 HTTP/1.1", b"HEAD / ", b"PUT / "),
)
_TYPED = (
    b"Back at noon.\n",
    b"  lunch \n",
    b"\n",
    b"/shrug\n",
    b"/who\n",
    b"/rooms\n",
    b"/announce x\n",
    b"caf\xc3\xa9\n",
)

_clients = st.sampled_from(LABELS)
_plain_texts = st.integers(0, 99).map(lambda number: f"text {number}")
_bad_characters = st.sampled_from([*(one.encode() for one in FORBIDDEN), *ILL_FORMED, b"\r"])


def _placed(bad: bytes) -> st.SearchStrategy[bytes]:
    """Draw a line with something bad in it, of a form in which it could be taken for good."""
    return st.sampled_from(
        [b"a " + bad + b" b", bad + b" b", b"a " + bad, b"/say " + bad, b"/nick " + bad, b"/ping a" + bad + b"b", bad]
    )


_refused = st.one_of(
    _bad_characters.flatmap(_placed),
    st.sampled_from(
        [
            *(b"x" * (MAX_LINE + 1), "\U0001f600".encode() * (MAX_LINE // 4) + b"x", b"/say " + b"y" * MAX_LINE),
            *("\u20ac".encode() * 1400, b"x" * 9000, b"\xff" * 5000, b"one\rtwo", b"cr\r", b"/ping " + b"\x00" * 5000),
        ]
    ),
)
_commands = st.one_of(
    st.sampled_from(_COMMANDS),
    st.sampled_from(_ROOM_WORDS).map("/cd {}".format),
    st.sampled_from(_USER_WORDS).map("/nick {}".format),
    st.sampled_from(_BAD_NAMES).flatmap(lambda name: st.sampled_from([f"/cd {name}", f"/nick {name}", name])),
    _clients.map("/nick {{{}}}".format),
)
_good_lines = st.one_of(
    _plain_texts,
    _plain_texts.map("/say {}".format),
    st.sampled_from(_ODD_TEXTS),
    st.sampled_from(ROOMS),
    st.sampled_from(_ROOM_WORDS).map("/cd {}".format),
    _commands,
).map(str.encode)
_ends = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"])
_lines = st.builds(bytes.__add__, st.one_of(_good_lines, _good_lines, _refused), _ends)
_racing_lines = st.one_of(
    _plain_texts,
    _plain_texts,
    st.sampled_from(ROOMS[:2]).map("/cd {}".format),
    st.sampled_from([f"/nick {name}" for name in NAMES[:6]]),
    st.sampled_from(["/who", "/rooms", "/ping x", "/shrug", "/nick B.B.", "/help"]),
).map(lambda line: line.encode() + b"\n")


def _joined(lines: list[bytes]) -> bytes:
    return b"".join(lines)


def _cut(step: Step) -> st.SearchStrategy[Step]:
    """Draw where a stream is cut: mostly nowhere, everywhere if it is short, or somewhere in it."""
    size = len(step.octets)
    nowhere = st.just(())
    if size > 400:
        cuts = st.one_of(nowhere, st.sampled_from([(1,), (size - 1,), (size // 2,), (size - 2, size - 1)]))
    else:
        few = st.lists(st.integers(1, max(size - 1, 1)), max_size=3).map(tuple)
        cuts = st.one_of(nowhere, nowhere, nowhere, few, st.just(tuple(range(1, min(size, 40)))))
    return cuts.map(lambda places: Step(step.verb, step.who, step.octets, places))


def _numbered(count: int) -> bytes:
    return b"".join(b"number %d\n" % number for number in range(count))


_sends = st.one_of(
    st.builds(lambda who, line: Step("sends", who, line), _clients, _lines),
    st.builds(lambda who, line: Step("sends", who, line), _clients, _lines),
    st.builds(
        lambda who, lines: Step("sends", who, _joined(lines)), _clients, st.lists(_lines, min_size=2, max_size=5)
    ),
).flatmap(_cut)
_connects = st.builds(
    lambda who, room: Step("connects", who, line=room), _clients, st.sampled_from(["main", "main", "lounge", ""])
)
_opens = st.builds(
    lambda who, octets: Step("connects", who, octets), st.sampled_from(GUESTS), st.sampled_from(_OPENINGS)
).flatmap(_cut)
_exits = st.builds(
    lambda who, behind: Step("sends", who, b"exit\n" + behind),
    _clients,
    st.sampled_from([b"", b"late words\n/nick Fay\n", (b"x" * 4000 + b"\n") * 100, b"exit\n"]),
)
_leaves = st.one_of(
    st.builds(Step, st.sampled_from(["closes", "resets"]), _clients, st.sampled_from([b"", b"half a line", b"exit"])),
    st.builds(
        Step,
        st.just("half-closes"),
        _clients,
        st.sampled_from([b"", b"half a line", b"hi\n/ping x\nhalf", b"/ping x\nexit", b"hi\n" * 20]),
    ),
)
_together = st.builds(
    lambda labels, batches: Step(
        "together",
        parts=tuple(Step("sends", who, _joined(lines)) for who, lines in zip(labels, batches, strict=False)),
    ),
    st.lists(_clients, min_size=2, max_size=3, unique=True),
    st.lists(st.lists(_racing_lines, min_size=1, max_size=5), min_size=3, max_size=3),
)
_types = st.one_of(
    st.sampled_from(_TYPED), st.sampled_from(NAMES[:7]).map(lambda name: f"/kick {name}\n".encode())
).map(lambda octets: Step("types", octets=octets))
_volume = st.builds(
    lambda first, second: Step(
        "together", parts=(Step("sends", first, _numbered(150)), Step("sends", second, _numbered(150)))
    ),
    _clients,
    _clients,
)

_ordinary = st.one_of(
    *[_sends] * 14, *[_connects] * 4, _together, _together, _exits, _leaves, _leaves, _opens, _opens, _types
)
_any_step = st.integers(0, 79).flatmap(lambda chance: _volume if chance == 41 else _ordinary)


def _conversation(rooms: list[str], steps: list[Step], *, ends: bool) -> tuple[Step, ...]:
    first = [Step("connects", who, line=room) for who, room in zip(LABELS, rooms, strict=False)]
    return (*first, *steps, *([Step("ends")] if ends else []))


conversations: st.SearchStrategy[tuple[Step, ...]] = st.builds(
    lambda rooms, steps, ends: _conversation(rooms, steps, ends=ends == 7),
    st.lists(st.sampled_from(["main", "main", "lounge", ""]), min_size=2, max_size=5),
    st.lists(_any_step, min_size=20, max_size=40),
    st.integers(0, 19),
)


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
