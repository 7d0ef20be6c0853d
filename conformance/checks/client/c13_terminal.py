"""Section 13.2, Clients on a terminal, while it runs."""

import re
from collections.abc import Iterable
from time import monotonic

from conformance.checks.client.plays import come_to_an_end
from conformance.checks.registry import client_check
from conformance.stage.client import BREAK, ENTER, ME, ROOM, ClientScene, in_rows, listed_rows
from conformance.text.vectors import MAX_LINE, lines_of
from conformance.wire import client_standing as standing
from conformance.wire.failure import Failed, Skipped
from conformance.wire.transcript import shown

Look = tuple[str, tuple[object, ...]]  # a row, and how its characters look

FLOOD = 10_000  # lines
PASTED, PASTED_LINES = 3900, 160  # octets of a line, about; more in all than systems keep on a narrow way
STILL = 1.0  # seconds in which something else is shown, and nothing more of a paste is taken
_RANGES: tuple[tuple[int, int], ...] = (
    (0x00, 0x09),
    (0x0B, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x61C, 0x61C),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
)
_RANGES += ((0x2028, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F))
UNSAFE = tuple(chr(code) for first, last in _RANGES for code in range(first, last + 1))
_CODES = ("too-long", "bad-text", "unknown-command", "bad-argument", "no-room", "bad-room", "bad-name", "name-taken")
_ATTACKS = ("\x1b]0;flurfunk-probe\x07", "\x1b[2J", "\x1b[5;17H", "\x9b7;7H", "\x1bc", "\x08\x08\x08", "\r", "\u202e")
_TYPED: tuple[str, ...] = (
    "plain",
    "  blanks before and behind  ",
    "two  blanks",
    "caf\u00e9 \u4f60\u597d \U0001f600",
    "/say x",
    "/say  exit",
)
_TYPED += (
    "/unknown command",
    "exit now",
    "Exit",
    " exit",
    "exit ",
    "/",
    "//",
    "'\"\\ %s {0} $HOME `ls` <b>",
    "/cd no room",
)


# Events and errors: those with one word are short, those with `text` and `reason` need several rows on any screen,
# and those with names as long as names can be on a narrow one.
_EVENTS: tuple[str, ...] = ("ANNOUNCE {}", "JOINED {}", "LEFT {} removed", "NICK {} Eve", "ERROR bad-name {}")
_EVENTS += ("ANNOUNCE {text}", "JOINED {name}", "LEFT Bob {reason}", "NICK {name} {other}", "ERROR bad-name {text}")
_IN_A_NAME = 4  # words
_MARKS = "abcde"  # with which texts begin that are sent together
_LONG_AGO, _A_DAY_AND_MORE = 1_700_000_000_000, 90_420_000  # milliseconds; all of day, hour and minute differ
_ROW_END = re.compile(rb"\r+\n")
_COMMANDS = (  # each with the lines that answer it
    ("/ping pong", "PONG pong"),
    ("/who", "MEMBER Bob", f"MEMBER {ME}", f"MEMBERS {ROOM} 2"),
    ("/rooms", f"LIVE {ROOM} 2", "ROOMS 1"),
    ("/help", "INFO There is no help."),
    ("/nick Eve", "NAME Eve", f"NICK {ME} Eve"),
    ("/cd lounge", "ROOM lounge"),
)


# ---------------------------------------------------------------- [CLIENT-9]


@client_check("CLIENT-9", "a358bfd7e40a")
def unsafe_characters_of_texts(t: ClientScene) -> None:
    """No character of the list is written as it is, in what others say and in announcements."""
    for kind in ("SAID Bob", "ANNOUNCE"):
        _send_unsafe(t, [f"{kind} {{}}"], UNSAFE)


@client_check("CLIENT-9", "a358bfd7e40a")
def unsafe_characters_of_errors(t: ClientScene) -> None:
    """No character of the list is written as it is, in ERROR and INFO lines."""
    _send_unsafe(t, ["ERROR bad-argument {}", "INFO {}"], UNSAFE)


@client_check("CLIENT-9", "a358bfd7e40a")
def unsafe_characters_of_names(t: ClientScene) -> None:
    """No character of the list is written as it is, in the names of users."""
    t.needs(*standing.ENTERING)
    _send_unsafe(t, ["SAID {} x", "JOINED {}", "NICK Bob {}", "NICK {} Bob", "LEFT {} exit"], UNSAFE[:40])
    _send_unsafe(t, ["SAID {} x", "JOINED {}"], UNSAFE[40:])


@client_check("CLIENT-9", "a358bfd7e40a")
def attacks_in_every_word(t: ClientScene) -> None:
    """Sequences that set the title, clear the screen or move the cursor do nothing, in whatever word they come."""
    t.needs(*standing.ENTERING)
    lines = ["SAID {} x", "SAID Bob {}", "JOINED {}", "LEFT {} exit", "LEFT Bob {}", "NICK {} Bob", "NICK Bob {}"]
    lines += ["ANNOUNCE {}", "INFO {}", "ERROR {} x", "ERROR bad-room {}", "PONG {}", "MEMBER {}", "MEMBERS {} 1"]
    lines += ["MEMBERS main {}", "LIVE {} 1", "LIVE main {}", "ROOMS {}", "{} x", "NEWS {}", "BYE{} x"]
    _send_unsafe(t, lines, _ATTACKS)


@client_check("CLIENT-9", "a358bfd7e40a")
def attacks_in_ones_own_name_and_room(t: ClientScene) -> None:
    """Such sequences do nothing in the words of NAME and ROOM, and thus in a prompt."""
    _send_unsafe(t, ["NAME {}", "ROOM {}"], _ATTACKS, in_prompt=True)


@client_check("CLIENT-9", "a358bfd7e40a")
def attacks_in_bye_and_hello(t: ClientScene) -> None:
    """Such sequences do nothing in the first line, and in the reason of a BYE."""
    t.needs(*standing.REFUSING)
    for begin, line, attacks in (
        (t.start, "HELLO", _ATTACKS[0:4:2]),
        (t.in_room, "BYE", _ATTACKS[1:4:2]),
        (t.start, "HELLO", _ATTACKS[4::2]),
        (t.in_room, "BYE", _ATTACKS[5::2]),
    ):
        begin()
        sent = [(t.word(), attack, t.word()) for attack in attacks]
        t.send(f"{line} {''.join(map(''.join, sent))}")
        t.until_closed()
        come_to_an_end(t)  # a client may tell why it ends after it has closed
        _hold_unsafe(t, sent)


def _send_unsafe(t: ClientScene, lines: list[str], parts: Iterable[str], *, in_prompt: bool = False) -> None:
    """Send the parts between two words each, in all the lines, to a client in a room; hold against what is written.

    `in_prompt`: let each part come as far as a prompt, which may be drawn after what came before it.
    """
    sent: list[tuple[str, str, str]] = []
    t.in_room()
    for part in parts:
        for line in lines:
            if not t.connected:  # a client may end a connection on which such a thing comes
                come_to_an_end(t)
                _hold_unsafe(t, sent)
                t.in_room()
            before, behind = t.word(), t.word()
            sent.append((before, part, behind))
            t.send(line.format(before + part + behind))
        if in_prompt:
            _settle_unsafe(t, sent)
    _settle_unsafe(t, sent)
    if in_prompt and t.connected:
        t.before_news()  # the last prompt is drawn before what is typed after it
    _hold_unsafe(t, sent)


def _settle_unsafe(t: ClientScene, sent: list[tuple[str, str, str]]) -> None:
    """Wait until what was sent has been dealt with; what was written before may be why nothing can be read."""
    try:
        t.settle_screen(or_closed=True)
    except Failed:
        _hold_unsafe(t, sent)
        raise
    if not t.connected:
        come_to_an_end(t)


def _hold_unsafe(t: ClientScene, sent: list[tuple[str, str, str]]) -> None:
    """Hold what was written to the terminal against what was sent: no part between its two words is as it was.

    The terminal adds a CR to each LF that a client writes, so a CR before an LF is no part of what was sent.
    """
    output = _ROW_END.sub(b"\n", t.terminal.output)
    for before, part, behind in sent:
        for written in (f"{before}{part}".encode(), f"{part}{behind}".encode()):
            if written in output:
                told = "".join(f" U+{ord(character):04X}" for character in part)
                raise Failed(f"nothing of{told} as it is", f"{shown(written)} was written to the terminal")
    if "flurfunk-probe" in t.terminal.screen.title:
        raise Failed("no other title of the window", f'"{t.terminal.screen.title}"')


# ---------------------------------------------------------------- [CLIENT-10] [CLIENT-11]


@client_check("CLIENT-10", "139f8e6b13a3")
def what_is_said_is_shown_with_names(t: ClientScene) -> None:
    """Each text stands in the row of the name of who said it, or begins the next."""
    t.in_room()
    longest = "x" * min(32, t.terminal.screen.columns // 2)
    said = [(name, t.word()) for name in ("Bob", "Cyd", "D-a_n", "9lives", longest, "Bob", "MAIN", "HELLO")]
    t.send(*(f"SAID {name} {word}" for name, word in said))
    t.settle_screen()
    _in_order(t, [word for _, word in said])
    for name, word in said:
        if not re.search(f"{in_rows(name)}.*(?:{BREAK})?{in_rows(word)}", "\n".join(t.terminal.rows)):
            t.judges(f"SAID {name} {word}")
            raise Failed(f'"{name}", and "{word}" after it', t.told_rows(word))


@client_check("CLIENT-10", "139f8e6b13a3")
def what_is_said_is_shown_as_it_is(t: ClientScene) -> None:
    """Texts that look like lines of the protocol, like commands or like nothing at all, are shown."""
    t.in_room()
    words = [t.word() for _ in range(9)]
    texts = (
        "SAID Eve {}",
        "BYE exit {}",
        "HELLO flurfunk/1 {}",
        "/cd {}",
        "exit {}",
        "{} \u00e9\u4f60\U0001f600",
        "  {}",
        "%s{}",
        "\\n{}",
    )
    t.send(*(f"SAID Bob {text.format(word)}" for text, word in zip(texts, words, strict=True)))
    t.settle_screen()
    _in_order(t, words)
    for text, word in zip(texts, words, strict=True):
        if not t.shows(text.format(word)):
            t.judges(f"SAID Bob {text.format(word)}")
            raise Failed(f'"{text.format(word)}" on the screen', t.told_rows(word))


@client_check("CLIENT-10", "139f8e6b13a3")
def a_flood_is_shown_in_order(t: ClientScene) -> None:
    """10,000 lines at once are all shown, in the order in which they came."""
    t.in_room()
    t.send(*(f"SAID {'Bob' if number % 3 else 'Cyd'} number {number:05}." for number in range(FLOOD)))
    t.settle_screen()
    rows = t.terminal.rows if t.terminal.has_scrollback else t.terminal.shown
    numbers = [int(found[1]) for found in map(re.compile(r"number (\d{5})\.").search, rows) if found]
    first = 0 if t.terminal.has_scrollback else FLOOD - len(numbers)
    wanted = list(range(first, FLOOD))
    if numbers != wanted or not numbers:
        wrong = next((n for n, (a, b) in enumerate(zip(numbers, wanted, strict=False)) if a != b), len(numbers))
        raise Failed(f"{FLOOD} lines on the screen, in order", f"{len(numbers)}, wrong from place {wrong} on")


@client_check("CLIENT-11", "b56dea6034e8")
def ones_own_words_are_shown_once(t: ClientScene) -> None:
    """All that the user said is to be seen once, when the server has relayed it; with /say too."""
    t.in_room()
    for line in ("{}", "/say {}", "  {} "):
        word = t.word()
        t.type(line.format(word))
        sent = t.expect_line().decode("utf-8", "replace")  # that it is as it was typed is another check's matter
        t.send(f"SAID {t.me} {sent.removeprefix('/say ')}")
        t.until_shown(word)
        t.settle_screen()
        t.settle_wire()  # whatever the client shows of a line that is typed, it has shown
        t.until(lambda word=word: len(t.rows_with(word)) == 1, f'"{word}" once on the screen')  # type: ignore[misc]


# ---------------------------------------------------------------- [CLIENT-12]


@client_check("CLIENT-12", "4de5a1d2aca7")
def events_and_errors_are_shown(t: ClientScene) -> None:
    """Entering, leaving, new names, announcements and errors are shown."""
    t.in_room()
    for line in ("JOINED {0}", "LEFT {0} exit", "NICK {0} {1}", "ANNOUNCE {0} and {1}"):
        words = [t.word(), t.word()]
        t.send(line.format(*words))
        t.until_shown(*(word for word, place in zip(words, ("{0}", "{1}"), strict=True) if place in line))
    for code in _CODES:
        line = f"/{t.word()}"
        before = t.before_news(line)
        t.press(ENTER)
        t.expect(line)
        t.send(f"ERROR {code} That is not possible.")
        t.settle_screen()
        t.until_told(before, f"a sign of the ERROR {code} on the screen", "Bob", t.me)


@client_check("CLIENT-12", "4de5a1d2aca7")
def why_somebody_left_is_shown(t: ClientScene) -> None:
    """The four reasons of LEFT are shown, each in another way."""
    t.in_room()
    looks = {}
    for reason in ("moved", "exit", "lost", "removed"):
        name = t.word()
        t.send(f"LEFT {name} {reason}")
        t.until_shown(name)
        end = t.settle_screen()
        seen = "\n".join(t.terminal.rows)
        place = [found.start() for found in re.finditer(in_rows(name), seen)][-1]
        row = seen[seen.rfind("\n", 0, place) + 1 : seen.rfind("\n", 0, seen.find(end, place))]  # be it several
        looks[reason] = re.sub(r"\d", "#", row).replace(name, "NAME")
    if len(set(looks.values())) != len(looks):
        raise Failed("four reasons that can be told apart", f"{looks}")


@client_check("CLIENT-23", "11e033cb30ec")
def no_text_looks_like_an_event(t: ClientScene) -> None:
    """A text that repeats the last row of an event, after whatever number of blanks, does not look like that row."""
    for event in _EVENTS:
        t.in_room()
        columns = t.terminal.screen.columns
        words = [t.word() for _ in range(max(columns // 4, _IN_A_NAME + 1))]  # with blanks, twice as wide as the screen
        name, other = ("".join(words[place : place + _IN_A_NAME]) for place in (0, 1))
        line = event.format(words[0], text=" ".join(words), reason="-".join(words), name=name, other=other)
        t.send(line)
        t.settle_screen()
        genuine = [look for look in t.terminal.looks if any(word in look[0] for word in words)]
        if not genuine:
            continue  # that it is shown is another check's matter
        row = genuine[-1][0]
        t.send(*["SAID Bob ."] * t.terminal.screen.lines)  # what was shown scrolls out
        for first in range(0, columns + 1, len(_MARKS)):  # as many texts as the screen has place for
            texts = {mark: f"{mark}{' ' * blanks}{row}" for blanks, mark in enumerate(_MARKS, first)}
            t.send(*(f"SAID Bob {text}" for text in texts.values()))
            t.settle_screen()
            if genuine[-1] in t.terminal.looks:
                before = t.terminal.looks[t.terminal.looks.index(genuine[-1]) - 1][0]
                t.judges(f"SAID Bob {texts.get(before[-1], texts[_MARKS[-1]])}")
                raise Failed(
                    f'no text with a row that looks like "{row}", in which {shown(line.encode())} was shown',
                    listed_rows((before, row)),
                )


# ---------------------------------------------------------------- [TELL-7], [HIST-11]


@client_check("TELL-7", "c05d06e11d90")
def what_one_is_told_alone_looks_like_it(t: ClientScene) -> None:
    """TELL, where it is shown, shows the name of the teller, and does not look like the same words said in a room."""
    t.in_room()
    name, word = t.word(), t.word()
    told = _shown_of(t, f"TELL {name} {word}")
    rows = [row for row, _ in told]
    if not re.search(in_rows(word), "\n".join(rows)):
        raise Skipped("the client shows nothing of TELL", missing=False)
    t.judges(f"TELL {name} {word}")
    if not re.search(in_rows(name), "\n".join(rows)):
        raise Failed(f'"{name}", the name of the teller, beside "{word}"', listed_rows(rows))
    if _alike(told) == _alike(_shown_of(t, f"SAID {name} {word}")):
        t.judges(f"TELL {name} {word}")
        raise Failed("something else than what the same words look like in a room", listed_rows(rows))


@client_check("HIST-11", "d1e99907aa7b")
def what_was_said_before_looks_like_it(t: ClientScene) -> None:
    """PAST lines, where they are shown, show their times, and do not look like the same words when they are new."""
    t.in_room()
    name, word = t.word(), t.word()
    t.say("/history 3")
    lines = [f"PAST {_LONG_AGO + number * _A_DAY_AND_MORE} SAID {name} {word}" for number in range(3)]
    past = _shown_of(t, *lines, f"HISTORY {ROOM} 3 3")
    rows = [row for row, _ in past]
    before_each = re.split(in_rows(word), "\n".join(rows))[:-1]
    if len(before_each) < len(lines):
        raise Skipped("the client does not show PAST lines", missing=False)
    t.judges(lines[-1])
    if before_each[1] == before_each[2]:
        raise Failed("the time of each PAST line", listed_rows(rows))
    if _alike(past) == _alike(_shown_of(t, *[f"SAID {name} {word}"] * len(lines))):
        t.judges(lines[-1])
        raise Failed("something else than what new words look like", listed_rows(rows))


def _shown_of(t: ClientScene, *lines: str) -> list[Look]:
    """Send lines; return the rows that show them, each with how it looks."""
    before = t.settle_screen()
    t.send(*lines)
    after = t.settle_screen()
    looks = t.terminal.looks
    begin, end = (max(number for number, (row, _) in enumerate(looks) if word in row) for word in (before, after))
    return looks[begin + 1 : end]


def _alike(looks: list[Look]) -> list[Look]:
    """Return rows in which no time makes a difference."""
    return [(re.sub(r"\d", "#", row), look) for row, look in looks]


# ---------------------------------------------------------------- [CLIENT-20] to [CLIENT-22]


@client_check("CLIENT-21", "970fc7bb6420")
def the_user_is_asked_for_a_room(t: ClientScene) -> None:
    """When HELLO and NAME have come, and nothing else, more is to be seen than before, and than the name."""
    t.needs(*standing.GREETED)
    t.start()
    before = t.seen_rows()
    t.send("HELLO flurfunk/1", f"NAME {ME}")
    t.until(lambda: any(row.replace(ME, "").strip() for row in t.seen_rows() - before), "a question for a room")
    t.type_room()


@client_check("CLIENT-20", "ffa1fbd87a5b", slow=1)
def lines_are_received_while_a_paste_is_not_taken(t: ClientScene) -> None:
    """The server reads nothing while the user pastes much: the lines that come are shown, and the paste is whole."""
    t.narrow()
    t.start_in_room()
    lines = [f"{number} {'x' * PASTED} {t.word()}" for number in range(PASTED_LINES)]
    t.wire.stall()
    t.terminal.press("".join(f"{line}\r" for line in lines).encode())
    before, since = t.terminal.unsent, monotonic()
    while t.terminal.unsent and monotonic() < since + STILL:
        t.settle_screen()
        if t.terminal.unsent != before:
            before, since = t.terminal.unsent, monotonic()
    t.settle_screen()
    t.widen()
    t.expect(*lines)
    t.settle_wire()


@client_check("CLIENT-22", "2955c250cc96")
def ones_new_name_and_room_are_shown(t: ClientScene) -> None:
    """The name that NAME grants, and the room that ROOM tells, are to be seen besides what was typed."""
    t.in_room()
    for command, answer in (("/nick", "NAME"), ("/cd", "ROOM")):
        word = t.word()
        t.say(f"{command} {word}")
        t.settle_screen()
        before = _times(t, word)
        t.send(f"{answer} {word}")
        if command == "/nick":
            t.me = word
        t.settle_screen()
        t.until(lambda word=word, before=before: _times(t, word) > before, f'"{word}" once more on the screen')  # type: ignore[misc]


def _times(t: ClientScene, text: str) -> int:
    """Return how often a text is to be seen."""
    return sum(row.count(text) for row in t.rows_with(text))


@client_check("CLIENT-22", "2955c250cc96")
def lists_that_were_asked_for_are_shown(t: ClientScene) -> None:
    """The names that answer a typed /who, and the rooms that answer a typed /rooms, are shown."""
    t.in_room()
    names, room = [t.word(), t.word()], t.word()
    t.settle_wire()  # a client may have asked by itself who is in the room
    t.say("/who")
    t.send(*(f"MEMBER {name}" for name in names), f"MEMBER {t.me}", f"MEMBERS {ROOM} 3")
    t.settle_screen()
    t.until_shown(*names)
    t.say("/rooms")
    t.send(f"LIVE {room} 2", f"LIVE {ROOM} 3", "ROOMS 2")
    t.settle_screen()
    t.until_shown(room)


# ---------------------------------------------------------------- [CLIENT-13]


@client_check("CLIENT-13", "148103154efe")
def what_is_typed_is_sent_as_typed(t: ClientScene) -> None:
    """Blanks, characters of all lengths and commands that the client need not know are sent as they were typed."""
    t.in_room()
    for line in _TYPED:
        t.say(line)
    t.settle_wire()


@client_check("CLIENT-13", "148103154efe")
def commands_are_sent_as_typed(t: ClientScene) -> None:
    """Commands of the protocol are sent as they were typed; the client goes on when they are answered."""
    t.in_room()
    for line, *answer in _COMMANDS:
        t.say(line)
        t.send(*answer)
    t.settle_wire()


@client_check("CLIENT-13", "148103154efe")
def long_lines_are_sent_whole(t: ClientScene) -> None:
    """Typed lines of up to 4096 octets are sent whole."""
    t.in_room()
    for length in (MAX_LINE - 1, MAX_LINE):
        for line in lines_of(length):
            t.say(line.decode())
    t.settle_wire()


@client_check("CLIENT-13", "148103154efe")
def a_paste_is_sent_whole(t: ClientScene) -> None:
    """200 lines that are pasted at once are sent, each as it is and in order."""
    t.in_room()
    lines = [f"{number} {'x' * (number % 90)} {t.word()}" for number in range(200)]
    t.press("".join(f"{line}\r" for line in lines))
    t.expect(*lines)
    t.settle_wire()


@client_check("CLIENT-13", "148103154efe")
def what_is_not_sent_is_told(t: ClientScene) -> None:
    """A line that is too long or has a forbidden character is not sent, whole or in part, and the user is told."""
    t.in_room()
    for line in ("x" * (MAX_LINE + 1), "\u20ac" * (MAX_LINE // 3 + 1), "qq\u2028qq", "qq\x85qq"):
        before = t.before_news()
        t.type(line)
        word = t.settle_wire()
        t.settle_screen()
        what = f"a sign that {shown(line.encode())} was not sent"
        t.until_told(before, what, "Bob", t.me, word, "xxxx", "\u20ac\u20ac", "qq")


# ---------------------------------------------------------------- [CLIENT-14]


@client_check("CLIENT-14", "dd45b1e6131c")
def half_a_line_survives_what_comes(t: ClientScene) -> None:
    """All that was typed is still to be seen whole after each thing that comes, and is sent with the rest."""
    t.needs(*standing.ENTERING)
    t.in_room()
    for line in ("SAID Bob {}", "JOINED {}", "LEFT {} lost", "NICK {} Eve", "ANNOUNCE {}", "ERROR bad-room {}"):
        half, come = t.word(), t.word()
        t.press(half)
        t.until_shown(half)
        t.send(line.format(come))
        t.settle_screen()
        t.until(lambda half=half: _stands_alone(t, half), f'"{half}" whole and alone in a row')  # type: ignore[misc]
        t.press(".")  # which has a place in a narrow row, too
        t.until_shown(f"{half}.")
        t.press("\r")
        t.expect(f"{half}.")


@client_check("CLIENT-14", "dd45b1e6131c")
def half_a_line_survives_a_flood(t: ClientScene) -> None:
    """All that is typed while 2,000 lines come is sent as it was typed."""
    t.in_room()
    words = [t.word() for _ in range(20)]
    for word in words:
        t.wire.offer("".join(f"SAID Bob {number} of many\n" for number in range(100)).encode())
        t.press(f"{word} ")
    t.settle_screen()
    t.until(
        lambda: any(words[-1] in row and "Bob" not in row for row in t.terminal.shown), "what was typed, on the screen"
    )
    t.press("end\r")
    t.expect(" ".join([*words, "end"]))


@client_check("CLIENT-14", "dd45b1e6131c")
def half_a_line_survives_another_size(t: ClientScene) -> None:
    """All that was typed is still there when the window gets another size, and something comes then."""
    t.start_in_room()
    for columns, rows in ((60, 24), (60, 12), (100, 30), (80, 24)):
        half, rest = t.word(), t.word()
        t.press(half)
        t.until_shown(half)
        t.terminal.resize(columns, rows)
        t.settle_screen()
        t.until(lambda half=half: _stands_alone(t, half), f'"{half}" whole and alone in a row')  # type: ignore[misc]
        t.press(f" {rest}\r")
        t.expect(f"{half} {rest}")


@client_check("CLIENT-14", "dd45b1e6131c")
def a_character_in_halves_survives_what_comes(t: ClientScene) -> None:
    """A character whose octets are typed one by one, with lines between them, is sent as it is."""
    t.needs(*standing.ALL_CHARACTERS)
    t.in_room()
    for octet in "\u20ac\U0001f600".encode():
        t.press(bytes([octet]))
        t.give_turn()  # what comes next comes after the client has read the octet
        t.settle_screen()
    t.press("\r")
    t.expect("\u20ac\U0001f600")


def _stands_alone(t: ClientScene, half: str) -> bool:
    """Whether what was typed stands on the screen at the end of a row, nothing of others after it."""
    return any(row.endswith(half) for row in t.terminal.shown)


def _in_order(t: ClientScene, words: list[str]) -> None:
    """The words are on the screen in this order, each once."""
    rows = t.terminal.rows
    seen = "\n".join(rows)
    places = [[found.start() for found in re.finditer(in_rows(word), seen)] for word in words]
    for word, found in zip(words, places, strict=True):
        if len(found) != 1:
            raise Failed(f'"{word}" once on the screen', f"{len(found)} times")
    if sorted(places) != places:
        raise Failed("what was said in the order in which it came", " / ".join(rows))
