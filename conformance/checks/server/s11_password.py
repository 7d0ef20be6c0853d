"""Section 11.3, the feature password: on a server that the suite starts with a password of its own."""

import signal
import time
import unicodedata
from collections.abc import Iterable

from conformance.checks.registry import check
from conformance.checks.server.times import took
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, is_info, like, listed
from conformance.wire.process import STOP_SECONDS
from conformance.wire.transcript import shown

PASSWORD = "Gr\u00fc\u00dfe  aus Essen 7"  # with capitals, two blanks in a row, and letters that can be composed
WAIT = 1.0  # seconds [PASS-5]
TRIES = 3  # [PASS-7]
ROUNDS = 20
ATTEMPTS = 3


def _come_in(t: Stage, label: str, password: str = PASSWORD) -> Peer:
    """Connect a client, and let it be admitted."""
    peer = t.connect(label)
    peer.send(f"/password {password}")
    peer.expect("ADMITTED")
    return peer


@check("PASS-1", "7baae1907ba4")
def the_feature_is_advertised(t: Stage) -> None:
    """A server that was started with a password names `password` in HELLO."""
    t.share(password=PASSWORD)
    for ann in t.clients("ann0", "ann1"):
        if "password" not in ann.features:
            raise Failed("HELLO flurfunk/1 ... password", f"HELLO names {' '.join(ann.features) or 'no feature'}")


@check("PASS-2", "ae9c5a16d2bf", slow=2)
def the_password_admits(t: Stage) -> None:
    """The password is answered with ADMITTED: as the first line, after others, after wrong ones, and in one piece."""
    t.share(password=PASSWORD)
    room = t.room()
    first = _come_in(t, "first")
    hasty = t.dial("hasty")
    hasty.send(f"/password {PASSWORD}", room)
    t.greet(hasty)
    hasty.expect("ADMITTED", f"ROOM {room}")
    mistaken = t.connect("mistaken")
    mistaken.send("/ping 1", "hello", "/password wrong", "/password wrong again", f"/password {PASSWORD}")
    mistaken.expect("PONG 1", "ERROR no-password ...", "ERROR bad-password ...", "ERROR bad-password ...", "ADMITTED")
    for peer in (first, mistaken):
        peer.send(f"/cd {room}")
        peer.expect(f"ROOM {room}")


@check("PASS-2", "ae9c5a16d2bf", slow=2)
def the_longest_password_admits(t: Stage) -> None:
    """A password of 128 octets admits, and one octet more or less does not."""
    longest = "\u00e9" * 63 + "ab"
    t.start(password=longest)
    ann, bob = t.clients("ann", "bob")
    for client, wrong in ((ann, f"{longest}c"), (bob, longest[:-1])):
        client.send(f"/password {wrong}", f"/password {longest}")
    for client in (ann, bob):
        client.expect("ERROR bad-password ...", "ADMITTED")


@check("PASS-2", "ae9c5a16d2bf")
def the_shortest_password_admits(t: Stage) -> None:
    """A password of one character admits."""
    t.start(password="/")
    _come_in(t, "ann", "/")


@check("PASS-3", "ac7e1c9a532d", slow=1)
def other_words_do_not_admit(t: Stage) -> None:
    """Parts of the password, more than it, other cases, blanks and compositions are refused, and do not admit."""
    t.share(password=PASSWORD)
    wrong = [
        PASSWORD.lower(),
        PASSWORD.upper(),
        PASSWORD[:-1],
        PASSWORD[1:],
        PASSWORD[0],
        PASSWORD.split(" ")[0],
        PASSWORD + "7",
        PASSWORD + " ",
        " " + PASSWORD,
        f'"{PASSWORD}"',
        PASSWORD.replace("  ", " "),
        PASSWORD.replace(" ", "\t"),
        PASSWORD.replace("\u00df", "ss"),
        unicodedata.normalize("NFD", PASSWORD),
        " ",
        "x" * 129,
        PASSWORD * 150,
        "password",
    ]
    guessers = t.clients(*(f"guesser{number}" for number in range(len(wrong))))
    for guesser, words in zip(guessers, wrong, strict=True):
        guesser.send(f"/password {words}", "/cd main")
    for guesser, words in zip(guessers, wrong, strict=True):
        t.transcript.awaits_answer(guesser.label, f"/password {words}\n".encode())
        guesser.expect_error("bad-password")
        guesser.expect_error("no-password")


@check("PASS-4", "df528edce6c6")
def before_admission_there_is_one_answer(t: Stage) -> None:
    """Before admission every line is refused with no-password, but those that the sentence names."""
    t.share(password=PASSWORD)
    room = t.room()
    ann = _come_in(t, "ann")
    t.enter(ann, room)
    cyd = t.connect("cyd")
    refused = [
        room,
        "not a room",
        f"/cd {room}",
        f"/nick {t.name()}",
        f"/nick {ann.name}",
        "/nick B.B.",
        "/say hello",
        *("/who", "/rooms", "/rooms x", unknown(t), "/"),
        *("/cd", "/say", "/nick ", "/ping", "/ping ", "/password", "/password "),
        f"/PASSWORD {PASSWORD}",
        f"/password\t{PASSWORD}",
        PASSWORD,
        *("exit now", "Exit", "help", "/HELP"),
    ]
    t.refused(cyd, "no-password", refused)
    others: list[tuple[bytes, str]] = [
        (b"x" * 4097, "ERROR too-long ..."),
        (b"/password " + b"x" * 4087, "ERROR too-long ..."),
        (b"/password \xff", "ERROR bad-text ..."),
        (b"\x00", "ERROR bad-text ..."),
        (b"/help", "INFO ..."),
        (b"/help me", "INFO ..."),
        (b"/ping a b", "PONG a b"),
    ]
    for (_, wanted), (_, came) in zip(others, t.outcomes(cyd, [line for line, _ in others]), strict=True):
        answers = [line for line in came if not is_info(line) or wanted.startswith("INFO")]
        if not answers or not like(answers[0], wanted):
            raise Failed(f"cyd <- {wanted}", f"cyd <- {listed(came)}")
    cyd.send("", "")
    cyd.expect_nothing()
    cyd.send("exit")
    cyd.expect("BYE exit")
    cyd.expect_end()
    ann.expect_nothing()


@check("PASS-4", "df528edce6c6")
def what_was_refused_had_no_effect(t: Stage) -> None:
    """A client that tried to enter, rename and speak before admission has its old name, and is in no room."""
    t.share(password=PASSWORD)
    room, name = t.room(), t.name()
    ann = _come_in(t, "ann")
    t.enter(ann, room)
    cyd = t.connect("cyd")
    t.refused(cyd, "no-password", [f"/nick {name}", f"/cd {room}", "hello", "/say hello"])
    t.rename(ann, name)
    cyd.send(f"/password {PASSWORD}", "/say where am I?")
    cyd.expect("ADMITTED")
    cyd.expect_error("no-room")
    ann.expect_nothing()
    t.enter(cyd, room, ann)


@check("STATE-4", "c3e33b25608b", needs=("password",), slow=1)
def who_is_not_admitted_hears_nothing(t: Stage) -> None:
    """Words, moves, renames and announcements do not reach who is not admitted, before and after a wrong password."""
    server = t.start(password=PASSWORD)
    room = t.room()
    ann, bob = _come_in(t, "ann"), _come_in(t, "bob")
    cyd, dan = t.connect("cyd"), t.connect("dan")
    dan.send("/password wrong")
    dan.expect_error("bad-password")
    t.enter(ann, room)
    t.enter(bob, room, ann)
    bob.send("hello", f"/nick {t.name('Bob')}", f"/cd {t.room('away')}", f"/cd {room}")
    bob.settled()
    if t.subject.console == "yes":
        server.say("attention")
        bob.expect("ANNOUNCE attention")
    bob.send("exit")
    bob.wait_end()
    ann.settle()
    for peer in (cyd, dan):
        peer.expect_nothing()


@check("PASS-5", "a3288ccd9bc6", slow=5)
def a_wrong_password_is_answered_late(t: Stage) -> None:
    """The ERROR to each wrong password comes a second after it, and lines after it wait for it; to the third, too."""
    t.share(password=PASSWORD)
    ann = t.connect("ann")
    began = time.monotonic()
    ann.send("/ping begin", "/password wrong", "/ping 1", "/password wrong", "/ping 2", f"/password {PASSWORD}")
    ann.expect("PONG begin")
    for number in (1, 2):
        ann.expect_error("bad-password")
        took(began, number * WAIT, f"the ERROR to wrong password {number} of 2 that were sent together")
        ann.expect(f"PONG {number}")
    ann.expect("ADMITTED")
    bob = t.connect("bob")
    for number in range(1, TRIES + 1):
        began = time.monotonic()
        bob.send("/password wrong")
        bob.expect_error("bad-password")
        took(began, WAIT, f"the ERROR to wrong password {number} of {TRIES} that were sent one by one")


@check("PASS-6", "3bb58840d047", slow=2)
def others_do_not_wait(t: Stage) -> None:
    """While several wait for the answer to a wrong password, others are admitted, enter and talk without delay."""
    t.start(password=PASSWORD)
    ann = _come_in(t, "ann")
    for attempt in range(ATTEMPTS):
        usual = _conversation(t, ann, f"usual{attempt}")
        guessers = [t.connect(f"guesser{attempt}-{number}") for number in range(3)]
        for guesser in guessers:
            guesser.send("/password wrong")
        try:
            passed = _conversation(t, ann, f"bob{attempt}")
        except Failed as failed:
            failed.preparing = False  # whatever does not come, others wait for it
            raise
        for guesser in guessers:
            guesser.expect_error("bad-password")
        if passed < usual + WAIT / 2:  # the way to a server can be long
            return
    raise Failed(
        f"a conversation of others in less than {usual + WAIT / 2:.3f} s, in one of {ATTEMPTS} attempts: without "
        f"guessers it takes {usual:.3f} s",
        f"{passed:.3f} s",
    )


def _conversation(t: Stage, ann: Peer, label: str) -> float:
    """Let a client be admitted, enter and talk to Ann; return how many seconds that takes."""
    began = time.monotonic()
    bob = _come_in(t, label)
    room = t.room(label)
    t.enter(ann, room)
    t.enter(bob, room, ann)
    for number in range(1, ROUNDS + 1):
        bob.send(f"{number}")
        for peer in (ann, bob):
            peer.expect(f"SAID {bob.name} {number}")
    return time.monotonic() - began


@check("PASS-7", "a41c52000bba", slow=4)
def the_third_wrong_password_ends_it(t: Stage) -> None:
    """After the third ERROR comes BYE denied, whether the lines came at once or not; nothing after is heard."""
    t.share(password=PASSWORD)
    once, slowly, half = t.clients("once", "slowly", "half")
    once.send(*["/password wrong"] * TRIES, f"/password {PASSWORD}", "/ping x")
    half.send(*["/password wrong"] * TRIES)
    half.half_close()
    for number in range(1, TRIES + 1):
        slowly.send(f"/ping {number}", "/password wrong")
        slowly.expect(f"PONG {number}", "ERROR bad-password ...")
    for peer in (once, half):
        peer.expect(*["ERROR bad-password ..."] * TRIES)
    for peer in (once, slowly, half):
        peer.expect("BYE denied")
        peer.expect_end()
    again = t.connect("again")
    again.send("/password wrong")
    again.expect_error("bad-password")
    again.expect_nothing()


@check("PASS-8", "387232319252")
def who_is_admitted_is_served_as_elsewhere(t: Stage) -> None:
    """After ADMITTED, the lobby, rooms, names, errors and leaving are as on a server without a password."""
    t.share(password=PASSWORD)
    room, away = t.room(), t.room("away")
    ann, bob = _come_in(t, "ann"), _come_in(t, "bob")
    refused = (
        ("/say x", "no-room"),
        ("no room", "bad-room"),
        ("/cd", "bad-argument"),
        (unknown(t), "unknown-command"),
        ("/nick B.B.", "bad-name"),
        (f"/nick {bob.name}", "name-taken"),
        ("x" * 4097, "too-long"),
    )
    t.answers(ann, *((line, f"ERROR {code} ...") for line, code in refused))
    t.rename(ann, t.name("Ann"))
    ann.send(room)
    ann.expect(f"ROOM {room}")
    t.enter(bob, room, ann)
    _talk(ann, bob)
    bob.send(f"/cd {away}", f"/cd {room}")
    bob.expect(f"ROOM {away}", f"ROOM {room}")
    ann.expect(f"LEFT {bob.name} moved", f"JOINED {bob.name}")
    new = t.name("Bobby")
    bob.send(f"/nick {new}")
    bob.expect(f"NAME {new}")
    ann.expect(f"NICK {bob.name} {new}")
    bob.name = new
    _talk(bob, ann)
    bob.send("exit")
    bob.expect("BYE exit")
    bob.expect_end()
    ann.expect(f"LEFT {new} exit")
    ann.expect_nothing()


def _talk(speaker: Peer, listener: Peer) -> None:
    speaker.send("hello", "/say /password", "password")
    for peer in (speaker, listener):
        peer.expect(*(f"SAID {speaker.name} {text}" for text in ("hello", "/password", "password")))


@check("PASS-9", "95613452f2f1")
def a_further_password_changes_nothing(t: Stage) -> None:
    """In the lobby and in a room, /password of who is admitted is answered with ADMITTED, right, wrong or empty."""
    t.share(password=PASSWORD)
    room = t.room()
    ann, bob = _come_in(t, "ann"), _come_in(t, "bob")
    t.enter(bob, room)
    for others in ([bob], []):  # who is told that the client enters: the second time it is there
        lines = (f"/password {PASSWORD}", "/password", "/password ", *["/password wrong"] * (TRIES + 1))
        t.answers(ann, *((line, "ADMITTED") for line in lines))
        t.enter(ann, room, *others)
    bob.expect_nothing()


@check("PASS-10", "9290766dbf75", slow=4)
def nobody_gets_to_see_a_password(t: Stage) -> None:
    """Neither the password nor a wrong one stands in what the server prints, or sends to anybody."""
    secret, guess = f"secret-{t.suffix}", f"guess-{t.suffix}"
    server = t.start(password=secret)
    ann, bob, cyd = _come_in(t, "ann", secret), t.connect("bob"), t.connect("cyd")
    t.enter(ann, t.room())
    lines: list[bytes] = []
    for words in (guess, f"{secret}{guess}", guess.upper()):
        bob.send(f"/password {words}")
        lines += _up_to(bob, b"ERROR bad-password", "PASS-3")
    lines += _up_to(bob, b"BYE denied", "PASS-7")  # so what is logged about it is logged before the end
    cyd.send(f"/password  {secret}", f"/Password {secret}", f"/password{secret}", f"password {secret}", secret)
    cyd.send(f"/password {secret}\x00".encode(), f"/password {guess} ".encode() + b"x" * 4096, "/help")
    ann.send(f"/password {secret}", f"/password {guess}", "/help", "/who", "/rooms")
    for peer in (ann, cyd):
        peer.settle()
        lines += peer.inbox
    if t.subject.console == "yes":
        server.say("/who")
        server.say("exit")
    else:
        server.signal(signal.SIGTERM)
    for peer in (ann, bob, cyd):
        peer.wait_end()
        peer.close()
    server.wait(STOP_SECONDS)
    _is_free_of((secret, guess), [*lines, *(line for peer in (ann, bob, cyd) for line in peer.inbox)], server.output)


def _up_to(peer: Peer, beginning: bytes, cites: str) -> list[bytes]:
    """Receive lines, INFO lines too, up to one that begins so, which `cites` asks for; return them all."""
    lines = [b""]
    try:
        while not lines[-1].startswith(beginning):
            lines.append(peer.receive(info=True, what=f"{peer.label} <- {beginning.decode()}"))
    except Failed as failed:
        raise Failed(failed.expected, failed.received, cites=cites) from failed
    return lines[1:]


def _is_free_of(words: Iterable[str], lines: list[bytes], output: bytes) -> None:
    """Neither the lines nor the output has one of these words in it, in whatever case."""
    for word in words:
        if found := [line for line in lines if word.encode() in line.lower()]:
            raise Failed("no password in a line to a client", listed(found))
        if word.encode() in output.lower():
            place = output.lower().index(word.encode())
            raise Failed("no password in what the server prints", shown(output[max(place - 60, 0) : place + 80]))
