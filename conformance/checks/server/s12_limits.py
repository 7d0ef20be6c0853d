"""Section 12: limits at once, twice and many times their size, for each command, as first line too, on each way in."""

from itertools import cycle

from conformance.checks.registry import check
from conformance.checks.server.console import console_answers, usual_words
from conformance.checks.server.looks import asks
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.text.vectors import MAX_LINE
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, like, listed, octets
from conformance.wire.transcript import shown

BOM = b"\xef\xbb\xbf"
ENDS = (b"\n", b"\r\n")
SHORTER = (128, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 3000, 4090, MAX_LINE - 1, MAX_LINE)
LONGER = (MAX_LINE + 1, MAX_LINE + 2, 8190, 8191, 8192, 8193, 8194, 2 * MAX_LINE + 3, 16384, 16385, 65535, 65536, 65537)
COMMANDS: tuple[str, ...] = (
    "",
    "/say ",
    "/cd ",
    "/nick ",
    "/ping ",
    "/help ",
    "/who ",
    "/rooms ",
    "/password ",
    "/",
    "exit ",
)
COMMANDS += ("/history ", "/tell ")
FILLINGS = ("x", "\u00e9", "\u20ac", "\U0001f600", " ")
LONGEST_WORDS = MAX_LINE - len("/password ")  # that a client can give for a password


def line_of(length: int, command: str, filling: str = "x") -> bytes:
    """Return a line of so many octets: a command with an argument whose last characters are `filling`."""
    begin, end = command.encode(), filling.encode() * 3
    return begin + b"x" * (length - len(begin) - len(end)) + end


def _answer(t: Stage, line: bytes, name: str) -> str:
    """Return what a line of up to 4096 octets with a long argument brings in a room."""
    word, _, argument = line.decode().partition(" ")
    if not word.startswith("/"):
        return f"SAID {name} {line.decode()}"
    answers = {"/say": f"SAID {name} {argument}", "/ping": f"PONG {argument}", "/help": "INFO ..."}
    codes = {"/cd": "bad-room", "/nick": "bad-name", "/who": "bad-argument", "/rooms": "bad-argument"}
    codes |= {"/history": "bad-argument", "/tell": "no-user" if argument.partition(" ")[2] else "bad-argument"}
    optional = word in ("/who", "/rooms", "/history", "/tell")
    known = word in answers or (word in codes and (not optional or word[1:] in _features(t)))
    return answers.get(word) or f"ERROR {codes[word] if known else 'unknown-command'} ..."


def _features(t: Stage) -> set[str]:
    """Return the features that the server has advertised."""
    return {feature for peer in t.peers for feature in peer.features}


# ---------------------------------------------------------------- up to the limit


def _each_length(t: Stage, command: str) -> None:
    """A command is carried out or refused by its own meaning, whatever the length of its argument is."""
    (ann,) = t.members(t.room(), "ann")
    ann.settled()
    fillings = cycle(FILLINGS[:-1])
    lines = [line_of(length, command, next(fillings)) for length in SHORTER]
    asks(t, ann, ((line, _answer(t, line, ann.name)) for line in lines))
    t.nothing(ann)


@check("SAY-1", "319e3fb9e6fc")
def texts_of_each_length(t: Stage) -> None:
    """Texts of up to 4096 octets are said, of whatever length."""
    _each_length(t, "")


@check("SAY-4", "38dfd064783b")
def arguments_of_say_of_each_length(t: Stage) -> None:
    """`/say` says texts of whatever length."""
    _each_length(t, "/say ")


@check("PING-2", "15b5aaa59c63")
def tokens_of_each_length(t: Stage) -> None:
    """Tokens of whatever length come back."""
    _each_length(t, "/ping ")


@check("NAME-2", "375ecb10907b")
def names_of_each_length(t: Stage) -> None:
    """User names that are too long, of whatever length, are refused with bad-name."""
    _each_length(t, "/nick ")


@check("NAME-12", "f264fb3829fc")
def rooms_of_each_length(t: Stage) -> None:
    """Room names that are too long, of whatever length, are refused with bad-room."""
    _each_length(t, "/cd ")


@check("WHO-4", "0c73d771544a")
def arguments_of_who_of_each_length(t: Stage) -> None:
    """`/who` with an argument of whatever length is refused with bad-argument."""
    _each_length(t, "/who ")


@check("LIST-4", "6681ff84820d")
def arguments_of_rooms_of_each_length(t: Stage) -> None:
    """`/rooms` with an argument of whatever length is refused with bad-argument."""
    _each_length(t, "/rooms ")


@check("HIST-6", "dc9411b52c46")
def arguments_of_history_of_each_length(t: Stage) -> None:
    """`/history` with no number, of whatever length, is refused with bad-argument."""
    _each_length(t, "/history ")


@check("TELL-3", "0172c5f59bf8")
def names_of_nobody_of_each_length(t: Stage) -> None:
    """`/tell` to a name of whatever length that nobody has is refused with no-user, and without a text it is bad."""
    _each_length(t, "/tell ")
    ann = t.connect("ann")
    lines = [f"/tell {'n' * (length - 8)} x" for length in SHORTER]
    asks(t, ann, ((line.encode(), "ERROR no-user ...") for line in lines))


@check("CMD-1", "8b9e4ca6c45d")
def unknown_commands_of_each_length(t: Stage) -> None:
    """Unknown commands are refused with unknown-command, whatever the length of their word, or their argument, is."""
    _each_length(t, "/x" + unknown(t)[1:])
    cyd = t.connect("cyd")
    asks(t, cyd, ((line_of(length, f"{unknown(t)} "), "ERROR unknown-command ...") for length in SHORTER))


@check("HELP-1", "076bdd80ba2e")
def arguments_of_help_of_each_length(t: Stage) -> None:
    """`/help` with an argument of whatever length is answered with INFO, and with nothing else."""
    ann = t.connect("ann")
    for number, length in enumerate(SHORTER, 1):
        ann.settle()
        ann.inbox.clear()
        ann.send(line_of(length, "/help "), f"/ping {number}")
        if not like(first := ann.receive(info=True, what="ann <- INFO"), "INFO ..."):
            raise Failed(f"ann <- INFO, for an argument of {length - 6} octets", f"ann <- {shown(first)}")
        ann.expect(f"PONG {number}")


# ---------------------------------------------------------------- as the first line


def _first_lines(t: Stage, lengths: tuple[int, ...], *, mark: bytes) -> None:
    """First lines of these lengths, after a U+FEFF or not, are answered like later ones."""
    t.needs("FEAT-1")
    commands, ends, fillings = cycle(COMMANDS), cycle(ENDS), cycle(FILLINGS)
    lines = [line_of(length, next(commands), next(fillings)) for length in lengths for _ in range(2)]
    clients = t.clients(*(f"ann{number}" for number in range(1, len(lines) + 1)))
    for client, line in zip(clients, lines, strict=True):
        client.send_octets(mark + line + next(ends) + b"/ping on\n")
    for client, line in zip(clients, lines, strict=True):
        t.transcript.awaits_answer(client.label, mark + line + b"\n")
        _expect(client, _in_lobby(t, line))
        client.expect("PONG on")
        client.close()


def _in_lobby(t: Stage, line: bytes) -> str:
    """Return what a line with a long argument brings in the lobby."""
    if len(line) > MAX_LINE:
        return "ERROR too-long ..."
    if line.startswith(b"/say "):
        return "ERROR no-room ..."
    return _answer(t, line, "") if line.startswith(b"/") else "ERROR bad-room ..."


def _expect(client: Peer, answer: str) -> None:
    """Receive an answer; that to `/help` cannot be told from the words of a greeting."""
    if not answer.startswith("INFO"):
        client.expect(answer)


@check("LINE-3", "43b549494d38")
def first_lines_of_each_length(t: Stage) -> None:
    """A first line of up to 4096 octets is accepted, of whatever length."""
    _first_lines(t, SHORTER[4:], mark=b"")


@check("LINE-4", "7a38a9693e90")
def first_lines_that_are_too_long(t: Stage) -> None:
    """A first line of more than 4096 octets is answered with one ERROR too-long, however long it is."""
    _first_lines(t, LONGER, mark=b"")


@check("LINE-6", "e20aaa9b14eb")
def first_lines_behind_a_mark(t: Stage) -> None:
    """A U+FEFF at the start does not count among the octets of the first line."""
    _first_lines(t, (*SHORTER[-3:], MAX_LINE + 1, MAX_LINE + 2, 8192), mark=BOM)


# ---------------------------------------------------------------- beyond the limit


@check("LINE-4", "7a38a9693e90")
def commands_that_are_too_long(t: Stage) -> None:
    """Each command with 4097 octets, or twice or many times as many, brings one ERROR too-long, and nothing else."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    t.quiet(ann, bob, cyd)
    ends, fillings = cycle(ENDS), cycle((*FILLINGS, "\xff", "\r", "\x00"))
    for client in (ann, cyd):
        lengths = LONGER if client is ann else LONGER[:8]
        lines = [
            line_of(length, command, next(fillings)) + next(ends)
            for command, some in zip(COMMANDS, cycle((lengths[::3], lengths[1::3], lengths[2::3])), strict=False)
            for length in some
        ]
        client.send_octets(b"".join(lines))
        for line in lines:
            t.transcript.awaits_answer(client.label, line)
            client.expect_error("too-long")
        t.nothing(client, *(one for one in (ann, bob, cyd) if one is not client))


@check("NET-5", "582a163d1dce")
def long_halves_of_lines_are_dropped(t: Stage) -> None:
    """All octets after the last LF at the end of stream bring nothing, however many and whatever they are."""
    halves = [b"", b"half", b"\xff", b"a\rb", b"exit", b"\r", BOM, b"/ping x", b"/nick " + t.name("Of").encode()]
    halves += [line_of(length, "/say ") for length in (MAX_LINE, *LONGER[:6], 65536)] + [b"\xff" * 5000, b"\r" * 5000]
    clients = t.clients(*(f"ann{number}" for number in range(1, 2 * len(halves) + 1)))
    room = t.room()
    for number, (client, half) in enumerate(zip(clients, [*halves, *halves], strict=True), 1):
        first = f"/cd {room}-{number}" if number > len(halves) else "/ping first"
        client.send_octets(first.encode() + b"\n" + half)
        client.half_close()
    for number, client in enumerate(clients, 1):
        client.expect(f"ROOM {room}-{number}" if number > len(halves) else "PONG first")
    for client in clients:
        client.expect_end()


# ---------------------------------------------------------------- the console


@check("OPER-10", "75802aef763d")
def long_lines_on_the_console(t: Stage) -> None:
    """Lines of up to 4096 octets are announced, and longer ones are not, at once, twice and many times their size."""
    server = t.take_turn(terminal=False)
    ann, bob = t.members(t.room(), "ann", "bob")
    t.quiet(ann, bob)
    usual = usual_words(t, server, ann, bob)
    fillings, ends = cycle(FILLINGS), cycle(ENDS)
    for number, length in enumerate((MAX_LINE, *LONGER, 2 * 65536 + 1), 1):
        good, long = line_of(SHORTER[number % len(SHORTER)], "", next(fillings)), line_of(length, "", next(fillings))
        server.write(long + next(ends) + good + next(ends))
        wanted = [octets("ANNOUNCE ") + line for line in (long, good) if len(line) <= MAX_LINE]
        for member in (ann, bob):
            received = [member.receive(what=f"{member.label} <- {listed(wanted)}") for _ in wanted]
            if received != wanted:
                raise Failed(f"{member.label} <- {listed(wanted)}, of {length} octets", f"{listed(received)}")
    for command in ("/kick " + bob.name, "exit", "/who", ""):
        console_answers(t, server, line_of(MAX_LINE + 1, f"{command} "), usual)
    server.say("after")
    for member in (ann, bob):
        member.expect("ANNOUNCE after")


# ---------------------------------------------------------------- passwords


@check("PASS-3", "ac7e1c9a532d", slow=3)
def long_words_for_a_long_password(t: Stage) -> None:
    """Words that agree with a password of 128 octets but for the last, or are longer, are refused with bad-password."""
    password = ("0123456789abcdef" * 8)[:126] + "\u00e9"
    t.start(password=password)
    begun = [password[:length] for length in (8, 16, 32, 55, 56, 63, 64, 72, 73, 125)]
    wrong = [*begun, *(one + "~" * (127 - len(one)) for one in begun), password[:-1] + "\u00e8", password + " "]
    wrong += [password + "x", password * 2, *(password + "x" * (length - 128) for length in (129, 255, 256, 257, 1024))]
    wrong += [password + "x" * (length - 128) for length in (3072, 3073, 4000, LONGEST_WORDS)]
    guessers = t.clients(*(f"guesser{number}" for number in range(1, (len(wrong) + 1) // 2 + 1)))
    for number, guesser in enumerate(guessers):
        guesser.send(*(f"/password {words}" for words in wrong[2 * number : 2 * number + 2]), f"/password {password}")
    for number, guesser in enumerate(guessers):
        for words in wrong[2 * number : 2 * number + 2]:
            t.transcript.awaits_answer(guesser.label, f"/password {words}\n".encode())
            guesser.expect_error("bad-password")
        guesser.expect("ADMITTED")
