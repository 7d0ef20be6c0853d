"""Section 10, The operator."""

import contextlib
import re
import signal
from collections.abc import Callable

from conformance.checks.registry import check
from conformance.checks.server.console import console_answers, console_shows, still_runs, usual_words
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.text.vectors import MAX_LINE
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.process import STOP_SECONDS, Running

BREATH = 0.01  # seconds for a server that does something because its console ended


def _ends(t: Stage, server: Running, *clients: Peer) -> None:
    """All clients get BYE shutdown as their last line, and the program ends with status 0 within its deadline."""
    try:
        for client in clients:
            client.expect_last("BYE shutdown")
            client.close()
    except Failed:
        with contextlib.suppress(Failed):  # the transcript tells whether the program ended, and how
            server.wait(t.deadline)
        raise
    if (status := server.wait(STOP_SECONDS + t.deadline / 3)) != 0:
        raise Failed("the program ends with exit status 0", f"exit status {status}")


@check("OPER-1", "297da2fc6825")
def announcements_reach_every_member(t: Stage) -> None:
    """A line of the console is announced once to every member of every room, and to nobody in the lobby."""
    server = t.take_turn()
    ann, bob = t.members(t.room(), "ann", "bob")
    (far,) = t.members(t.room("far"), "far")
    lobby = t.connect("lobby")
    t.quiet(ann, bob, far)
    texts = ("Maintenance at noon.", "caf\u00e9 \U0001f600", "exit now", "Exit", "help", "who", "say /who", "x" * 1000)
    for text in (*texts, "exit "):
        server.say(text)
    for member in (ann, bob, far):
        member.expect(*(f"ANNOUNCE {text}" for text in (*texts, "exit ")))
    t.nothing(ann, bob, far, lobby)


@check("OPER-1", "297da2fc6825")
def announcements_have_their_place(t: Stage) -> None:
    """Among the words of two who speak without pause, all members see the announcements at the same places."""
    server = t.take_turn()
    ann, bob, cyd = t.members(t.room(), "ann", "bob", "cyd")
    t.quiet(ann, bob, cyd)
    for number in range(10):
        for speaker in (ann, bob):
            speaker.offer(f"word {number}\n".encode() * 30)
        server.say(f"announcement {number}")
        t.give_turn()
    seen = []
    for member in (cyd, ann, bob):
        lines: list[bytes] = []
        announced = 0
        while announced < 10:
            lines.append(member.receive(what=f"{member.label} <- ten announcements"))
            announced += lines[-1].startswith(b"ANNOUNCE ")
        seen.append(lines)
    t.settle(ann, bob)
    t.settle(cyd, ann, bob)
    for lines, member in zip(seen, (cyd, ann, bob), strict=True):
        lines += member.take()
    for lines, member in zip(seen[1:], (ann, bob), strict=True):
        if lines != seen[0]:
            place = next((n for n, (a, b) in enumerate(zip(seen[0], lines, strict=False)) if a != b), len(lines))
            raise Failed(
                f"event {place} as for cyd: {listed(seen[0][place : place + 1])}",
                f"{member.label} <- {listed(lines[place : place + 1])}",
            )


@check("OPER-1", "297da2fc6825")
def announcements_are_not_changed(t: Stage) -> None:
    """Lines of up to 4096 octets are announced as they are, from a pipe: a terminal takes no such line."""
    server = t.take_turn(terminal=False)
    (ann,) = t.members(t.room(), "ann")
    texts = ("short", "  blanks  and\ttabs\t ", " ", "exit ", "\U0001f600" * (MAX_LINE // 4), "x" * MAX_LINE)
    for text in texts:
        server.say(text)
    ann.expect(*(f"ANNOUNCE {text}" for text in texts))


@check("OPER-2", "4942691d9e55")
def exit_ends_the_server(t: Stage) -> None:
    """`exit` on the console sends all BYE shutdown, in rooms and the lobby, and the program ends with status 0."""
    server = t.start()
    ann, bob = t.members(t.room(), "ann", "bob")
    (far,) = t.members(t.room("far"), "far")
    lobby = t.connect("lobby")
    server.say("exit")
    _ends(t, server, ann, bob, far, lobby)


@check("OPER-2", "4942691d9e55", slow=1)
def what_was_queued_still_arrives(t: Stage) -> None:
    """A member that reads only after the console's `exit` gets all that was said before, and then BYE shutdown."""
    server = t.start()
    room = t.room()
    (ann,) = t.members(room, "ann")
    cyd = t.connect("cyd", receive_buffer=4096)
    t.enter(cyd, room, ann)
    cyd.settled()
    cyd.stall()
    text = "x" * 3900
    ann.send(*[text] * 50)
    ann.expect(*[f"SAID {ann.name} {text}"] * 50)
    ann.settle()
    server.say("exit")
    ann.expect("BYE shutdown")
    cyd.stall(stalled=False)
    cyd.expect(*[f"SAID {ann.name} {text}"] * 50, "BYE shutdown")
    _ends_quietly(t, server, ann, cyd)


def _ends_quietly(t: Stage, server: Running, *clients: Peer) -> None:
    for client in clients:
        client.expect_end()
        client.close()
    if (status := server.wait(STOP_SECONDS + t.deadline / 3)) != 0:
        raise Failed("the program ends with exit status 0", f"exit status {status}")


@check("OPER-2", "4942691d9e55", slow=6)
def a_client_that_does_not_read_does_not_hold_it(t: Stage) -> None:
    """The program ends within 10 seconds also while a client neither reads nor closes."""
    server = t.start()
    ann = t.connect("ann", receive_buffer=4096)
    ann.stall()
    ann.offer(b"/help\n" * 20_000)
    t.connect("bob").settle()
    server.say("exit")
    if (status := server.wait(STOP_SECONDS + t.deadline / 3)) != 0:
        raise Failed("the program ends with exit status 0", f"exit status {status}")


@check("OPER-3", "c4ed47900ea2")
def commands_are_not_announced(t: Stage) -> None:
    """A line that begins with `/` is not announced; an unknown command is answered on the console."""
    server = t.take_turn()
    ann, bob = t.members(t.room(), "ann", "bob")
    ann.settled()
    usual = usual_words(t, server, ann, bob)
    for line in (unknown(t), f"{unknown(t)} lunch", "/", "/EXIT", "//"):
        console_answers(t, server, line.encode(), usual)
    for line in ("/who", "/rooms", "/help", "/kick -nobody", "/kick"):
        server.say(line)
    server.say("after")
    for member in (ann, bob):
        member.expect("ANNOUNCE after")


@check("OPER-4", "7321f6062feb")
def kick_removes_a_client(t: Stage) -> None:
    """`/kick NAME`, in whatever case, sends BYE removed and LEFT removed, and closes; in the lobby nobody is told."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    (far,) = t.members(t.room("far"), "far")
    changes: list[Callable[[str], str]] = [str, str.upper, str.lower, str.swapcase]
    dan, *clients = t.clients("dan", *(f"cyd{number}" for number in range(len(changes))))
    for number, (cyd, change) in enumerate(zip(clients, changes, strict=True)):
        t.rename(cyd, t.name(f"CyD{number}"))
        t.enter(cyd, room, ann, bob)
        t.kick(change(cyd.name))
        cyd.expect("BYE removed")
        cyd.expect_end()
        for member in (ann, bob):
            member.expect(f"LEFT {cyd.name} removed")
    t.kick(dan.name)
    dan.expect("BYE removed")
    dan.expect_end()
    t.nothing(ann, bob, far)


@check("OPER-4", "7321f6062feb")
def kick_removes_nobody_else(t: Stage) -> None:
    """`/kick` with a name that nobody has, or that only begins like one, removes nobody."""
    server = t.take_turn()
    ann, bob = t.members(t.room(), "ann", "bob")
    t.rename(ann, t.name("Ann"))
    bob.settled()
    for name in (ann.name[:-1], ann.name + "x", "-nobody", ""):
        server.say(f"/kick {name}")
    server.say("done")
    for member in (ann, bob):
        member.expect("ANNOUNCE done")


@check("OPER-5", "ac5a00ae51fe")
def who_on_the_console(t: Stage) -> None:
    """`/who` prints all clients, those in the lobby too, and the rooms."""
    server = t.take_turn()
    rooms = [t.room("first"), t.room("second")]
    peers = [*(client for (client,) in t.groups(rooms, "client")), t.connect("lobby")]
    for number, peer in enumerate(peers):
        t.rename(peer, t.name(f"Client{number}-"))
    console_shows(t, server, "/who", *(peer.name for peer in peers), *rooms)


@check("OPER-6", "1e3f052428ec")
def rooms_on_the_console(t: Stage) -> None:
    """`/rooms` prints all rooms that have members, with their numbers."""
    server = t.take_turn()
    rooms = {t.room("three"): 3, t.room("five"): 5}
    for room, count in rooms.items():
        t.members(room, *(f"{room}{number}" for number in range(count)))
    since = server.mark()
    server.say("/rooms")
    shows = server.shows(lambda text: all(_counts(text, *item) for item in rooms.items()), since, t.deadline)
    for room, count in rooms.items():
        if not _counts(shows, room, count):
            raise Failed(f"{count} beside {room} on the console", repr(shows))


def _counts(text: str, room: str, count: int) -> bool:
    """Whether a line of the text has the room in it, and the number as a word of its own."""
    lines = [line.replace(room, "") for line in text.splitlines() if room in line]
    return any(str(count) in re.findall(r"(?<![\w-])\d+(?![\w-])", line) for line in lines)


@check("OPER-7", "372cde1d83a7")
def help_on_the_console(t: Stage) -> None:
    """`/help` prints the commands that the console understands."""
    server = t.take_turn()
    console_shows(t, server, "/help", "/who", "/rooms", "/kick", "/help", "exit")


@check("OPER-8", "337c447651e6")
def end_of_a_terminal_ends_nothing(t: Stage) -> None:
    """After the end of input in a terminal (Ctrl-D) the server serves on."""
    _serves_on(t, t.start())


@check("OPER-8", "337c447651e6")
def end_of_a_pipe_ends_nothing(t: Stage) -> None:
    """After the end of input of a pipe the server serves on."""
    _serves_on(t, t.start(terminal=False))


def _serves_on(t: Stage, server: Running, half: bytes = b"") -> None:
    """Type a line, end the input right after it, or after half another; that is all that the members hear of it."""
    ann, bob = t.members(t.room(), "ann", "bob")
    ann.settled()
    server.write(b"before\n" + half)
    server.end_input()
    for member in (ann, bob):
        member.expect("ANNOUNCE before")
    for number in range(20):
        ann.send(*[f"on {number}"] * 10)
        for member in (ann, bob):
            member.expect(*[f"SAID {ann.name} on {number}"] * 10)
        t.pump(BREATH)
    t.connect("cyd")
    still_runs(server)


@check("OPER-9", "dbef475a1e69")
def sigint_ends_the_server(t: Stage) -> None:
    """SIGINT, as Ctrl-C in a terminal sends it, ends the server like the console's exit."""
    _ended_by(t, signal.SIGINT, group=True)


@check("OPER-9", "dbef475a1e69")
def sigterm_ends_the_server(t: Stage) -> None:
    """SIGTERM ends the server like the console's exit."""
    _ended_by(t, signal.SIGTERM, group=False)


def _ended_by(t: Stage, number: signal.Signals, *, group: bool) -> None:
    server = t.start(together=True)
    ann, bob = t.members(t.room(), "ann", "bob")
    lobby = t.connect("lobby")
    server.signal(number, group=group)
    with server.ending_by_signal():
        _ends(t, server, ann, bob, lobby)


@check("OPER-10", "75802aef763d")
def bad_lines_are_not_announced(t: Stage) -> None:
    """Console lines with forbidden characters, ill-formed or too long, are not announced; the operator is told."""
    server = t.take_turn(terminal=False)
    ann, bob = t.members(t.room(), "ann", "bob")
    ann.settled()
    bad = [b"a\x1b[2Jb", b"\x00", b"a\x7fb", b"a\xc2\x85b", b"a\xe2\x80\xa8b", b"a\rb", b"caf\xe9", b"\xed\xa0\x80"]
    bad += [b"x" * (MAX_LINE + 1), b"y" * 70_000, "\U0001f600".encode() * 1025]
    usual = usual_words(t, server, ann, bob)
    for line in bad:
        console_answers(t, server, line, usual)
    server.say("good")
    for member in (ann, bob):
        member.expect("ANNOUNCE good")


@check("OPER-11", "23d42fa0fd1a")
def empty_console_lines(t: Stage) -> None:
    """Empty lines on the console, with LF or CR LF, are not announced and end nothing."""
    server = t.take_turn(terminal=False)
    ann, bob = t.members(t.room(), "ann", "bob")
    ann.settled()
    server.write(b"\n\n\r\n\n")
    server.say("good")
    for member in (ann, bob):
        member.expect("ANNOUNCE good")


@check("OPER-12", "c115bc834e3c", slow=3)
def cr_lf_ends_a_console_line(t: Stage) -> None:
    """CR LF ends a line of the console, one to announce, a command and `exit`; the first of two CRs is refused."""
    server = t.start(terminal=False)
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    ann.settled()
    for text in ("with CR LF", "exit ", "x" * MAX_LINE):
        server.write(f"{text}\r\n".encode())
        for member in (ann, bob):
            member.expect(f"ANNOUNCE {text}")
    usual = usual_words(t, server, ann, bob, cyd)
    for line in (b"two CRs\r\r", b"and two more\r\r"):  # after the first may come what was late for `usual`
        console_answers(t, server, line, usual)
    server.write(b"in pie")
    t.give_turn()
    server.write(b"ces\r")
    t.give_turn()
    server.write(f"\n/kick {cyd.name}\r\n".encode())
    cyd.expect("BYE removed")
    for member in (ann, bob):
        member.expect("ANNOUNCE in pieces")
    t.dismiss_pacer()
    server.write(b"exit\r\n")
    _ends(t, server, ann, bob)


@check("OPER-12", "c115bc834e3c")
def half_a_console_line_is_not_announced(t: Stage) -> None:
    """All that stands after the last LF when the input of a pipe ends is not announced."""
    _serves_on(t, t.start(terminal=False), b"half a line")


@check("OPER-12", "c115bc834e3c")
def half_a_console_line_is_not_acted_on(t: Stage) -> None:
    """`exit` without LF, when the input of a pipe ends, does not end the server."""
    _serves_on(t, t.start(terminal=False), b"exit")
