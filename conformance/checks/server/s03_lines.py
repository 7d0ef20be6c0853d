"""Section 3.1, Lines."""

import contextlib
import time

from conformance.checks.registry import check
from conformance.checks.server.times import TOLERANCE
from conformance.checks.server.tour import tour
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.text.vectors import MAX_LINE, lines_of, octet_by_octet
from conformance.wire.failure import Failed, Inconclusive
from conformance.wire.peer import Peer, is_info

BOM = b"\xef\xbb\xbf"
MEBI = 1 << 20
HINT_SECONDS = 5.0  # [LINE-10]
CONTROLS = 10  # clients that begin no line
FEW_MEBI, MOST_MEBI = 16, 256  # of a line without LF
SOME_MEBI = 4  # that are compared
LONG, SLOWER = 0.4, 4.0  # seconds, and times as long as for the first ones, by which a server looks at all that it has


@check("LINE-1", "3648c3f576c5")
def lines_end_with_lf(t: Stage) -> None:
    """All kinds of lines end with LF alone, also for a client that writes CR LF."""
    tour(t, end=b"\r\n")


@check("LINE-2", "2716c0ff5413")
def cr_lf_ends_a_line(t: Stage) -> None:
    """One CR right before the LF is dropped, in whichever segment it comes."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    for pieces in ([b"one\r\n"], [b"one\r", b"\n"], octet_by_octet(b"one\r\n"), [b"one", b"\r\n"]):
        ann.send_octets(*pieces)
        for member in (ann, bob):
            member.expect(f"SAID {ann.name} one")
    ann.send_octets(b"/ping a\r\n/cd " + room.encode() + b"\r\nmixed\n/say b\r\n")
    ann.expect("PONG a", f"ROOM {room}", f"SAID {ann.name} mixed", f"SAID {ann.name} b")
    ann.send_octets(b"exit\r\n")
    ann.expect("BYE exit")
    cyd = t.dial("cyd")
    cyd.send_octets(room.encode() + b"\r\n")
    t.greet(cyd)
    cyd.expect(f"ROOM {room}")


@check("LINE-3", "43b549494d38")
def lines_of_4096_octets(t: Stage) -> None:
    """Lines of 4095 and 4096 octets are accepted, of characters of 1 to 4 octets, with LF and with CR LF."""
    ann, bob = t.members(t.room(), "ann", "bob")
    lines = [line for length in (MAX_LINE - 1, MAX_LINE) for line in lines_of(length)]
    ann.send_octets(b"".join(line + end for line in lines for end in (b"\n", b"\r\n")))
    for member in (ann, bob):
        member.expect(*(b"SAID " + ann.name.encode() + b" " + line for line in lines for _ in range(2)))
    pairs = (("/say ", f"SAID {ann.name} "), ("/ping ", "PONG "))
    arguments = ["a" * (MAX_LINE - len(command)) for command, _ in pairs]
    ann.send(*(command + argument for (command, _), argument in zip(pairs, arguments, strict=True)))
    ann.expect(*(answer + argument for (_, answer), argument in zip(pairs, arguments, strict=True)))


@check("LINE-3", "43b549494d38")
def long_lines_in_pieces(t: Stage) -> None:
    """A line of 4096 octets is accepted in pieces, the CR and the LF each in one of its own."""
    (ann,) = t.members(t.room(), "ann")
    line = "\U0001f600" * (MAX_LINE // 4)
    data = line.encode()
    ann.send_octets(data[:1], data[1:1023], data[1023:4095], data[4095:], b"\r", b"\n")
    ann.expect(f"SAID {ann.name} {line}")


@check("LINE-4", "7a38a9693e90")
def too_long_lines(t: Stage) -> None:
    """Lines of 4097 octets and more are answered with one ERROR too-long, and nothing of them is used."""
    ann, bob = t.members(t.room(), "ann", "bob")
    lengths = (MAX_LINE + 1, MAX_LINE + 2, 2 * MAX_LINE, 2 * MAX_LINE + 1, 8192, 65536, 100_000, MEBI)
    t.refused(ann, "too-long", [line for length in lengths for line in lines_of(length)])
    commands = ("/say ", "/ping ", "/nick ", "/cd ", "/who ", "/unknown ")
    t.refused(ann, "too-long", [command + "a" * (MAX_LINE + 1 - len(command)) for command in commands])
    t.nothing(ann, bob)


@check("LINE-4", "7a38a9693e90")
def too_long_in_octets_not_characters(t: Stage) -> None:
    """4097 octets are too long however few characters they are; with CR LF, the CR does not count."""
    (ann,) = t.members(t.room(), "ann")
    for line in (b"y" + "\U0001f600".encode() * 1024, b"x" * (MAX_LINE + 1)):
        ann.send_octets(line + b"\r\n")
        ann.expect_error("too-long")
    ann.send_octets(b"x" * (MAX_LINE - 1) + b"\r\r\n")
    ann.expect_error("bad-text")
    ann.send_octets(b"x" * MAX_LINE + b"\r\r\n")
    ann.expect_error("too-long")
    ann.expect_nothing()


@check("LINE-4", "7a38a9693e90")
def too_long_lines_are_dropped_whole(t: Stage) -> None:
    """All that stands in a line that is too long, wherever it would be cut, is not taken for lines of its own."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    evil = f"/nick {t.name('Evil')}".encode()
    for border in (MAX_LINE, MAX_LINE + 1, 2 * MAX_LINE, 8192, 16384, 65536):
        ann.send_octets(b"x" * border, evil, b"x" * 5000, b"\n")
        ann.expect_error("too-long")
    ann.send_octets(b"x" * 5000, b"exit", b"\n", b"behind\n")
    ann.expect_error("too-long")
    ann.expect(f"SAID {ann.name} behind")
    bob.expect(f"SAID {ann.name} behind")
    t.nothing(ann, bob)


@check("LINE-4", "7a38a9693e90")
def too_long_in_the_lobby(t: Stage) -> None:
    """In the lobby, and as the first line of a connection, a line that is too long is refused as well."""
    ann = t.connect("ann")
    ann.send(b"a" * (MAX_LINE + 1))
    ann.expect_error("too-long")
    ann.expect_nothing()


@check("LINE-5", "fd4daf09087c")
def empty_lines(t: Stage) -> None:
    """Empty lines, with LF or CR LF, bring nobody anything, in the lobby or in a room."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    for client in (ann, cyd):
        client.send_octets(b"\n" * 20 + b"\r\n" * 20, b"\r", b"\n", b"\n")
    t.nothing(ann, bob, cyd)
    t.nothing(cyd, ann, bob)


@check("LINE-6", "e20aaa9b14eb")
def byte_order_mark(t: Stage) -> None:
    """One U+FEFF at the very start is ignored, in one segment or in three."""
    ways = ([b"\xef\xbb\xbf"], [b"\xef", b"\xbb", b"\xbf"], [b"\xef\xbb", b"\xbf"])
    *clients, last = t.clients(*(f"ann{number}" for number in range(len(ways) + 1)))
    t.send_in_turn(
        *((ann, [*way, f"{t.room(ann.label)}\n".encode()]) for ann, way in zip(clients, ways, strict=True)),
        (last, [BOM + b"exit\n"]),
    )
    for ann in clients:
        ann.expect(f"ROOM {t.room(ann.label)}")
    last.expect("BYE exit")


@check("LINE-6", "e20aaa9b14eb")
def byte_order_mark_elsewhere(t: Stage) -> None:
    """A second U+FEFF, or one that begins a later line, belongs to the line."""
    room = t.room()
    ann, bob = t.clients("ann", "bob")
    ann.send_octets(BOM + BOM + room.encode() + b"\n")
    ann.expect_error("bad-room")
    ann.send(room, "\ufeffexit", "\ufeff")
    ann.expect(f"ROOM {room}", f"SAID {ann.name} \ufeffexit", f"SAID {ann.name} \ufeff")
    bob.send_octets(BOM + b"\n" + BOM + room.encode() + b"\n")
    bob.expect_error("bad-room")


@check("LINE-7", "bc28097c1990")
def no_line_before_its_end(t: Stage) -> None:
    """The beginning of a line has no effect and no answer, also where it could be one; its LF completes it."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    other = t.room("other")
    cases = [
        (b"hello", [f"SAID {ann.name} hello"]),
        (b"/ping a", ["PONG a"]),
        (b"/cd " + room.encode(), [f"ROOM {room}"]),
        (b"\xff", ["ERROR bad-text ..."]),
        (unknown(t).encode(), ["ERROR unknown-command ..."]),
        (b"x" * 5000, ["ERROR too-long ..."]),
        (b"with a CR\r", [f"SAID {ann.name} with a CR"]),
        (b"/cd " + other.encode(), [f"ROOM {other}"]),
        (b"exit", ["BYE exit"]),
    ]
    for beginning, answers in cases:
        ann.send_octets(beginning)
        for _ in range(5):
            t.give_turn()
        bob.expect_nothing()
        if ann.ended or (early := ann.take()):
            raise Failed("nothing before the LF", ann.ending() if ann.ended else repr(early))
        ann.send_octets(b"\n")
        ann.expect(*answers)
        bob.settled()


@check("LINE-7", "bc28097c1990", slow=5)
def no_line_by_waiting(t: Stage) -> None:
    """Half a line stays half when 5 seconds have passed, which the hint of [LINE-10] tells where the server has it."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    ann.settled()
    ann.send_octets(b"half a ")
    t.deadline += HINT_SECONDS
    with contextlib.suppress(Failed):  # no hint: the deadline has passed, and is longer
        ann.receive(info=True)
    bob.expect_nothing()
    ann.send_octets(b"line\n")
    bob.expect(f"SAID {ann.name} half a line")


@check("LINE-8", "467aa733675b")
def longest_lines(t: Stage) -> None:
    """The longest texts under the longest name, and the longest refused lines, bring lines of at most 8192 octets."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    name = (t.name("Ann-") + "x" * 32)[:32]
    ann.send(f"/nick {name}")
    commands = ("/say ", "/ping ", "/nick ", "/cd ", "/who ", "/rooms ", "/help ", "/")
    ann.send(*lines_of(MAX_LINE), *(command + "\U0001f600" * ((MAX_LINE - len(command)) // 4) for command in commands))
    t.quiet(ann, bob)


@check("LINE-9", "47acedf16cda")
def memory_for_a_line(t: Stage) -> None:
    """16 MiB without an LF do not grow the server, and are answered with one ERROR too-long.

    More are sent to a server that has grown, 256 MiB at most: what has been read and not yet collected is no line that
    is kept. A server that needs longer and longer for a MiB looks through what it keeps: that is enough to know.
    """
    server = t.start_if_possible()
    ann, bob = t.members(t.room(), "ann", "bob")
    t.give_turn()
    before = server.memory() if server else None
    sent, grown, times = 0, 0, [server.busy() if server else None]
    while sent < FEW_MEBI or (sent < MOST_MEBI and grown >= sent // 2 and not _takes_longer(times)):
        ann.send_octets(b"x" * MEBI)
        sent += 1
        t.give_turn()
        after = server.memory() if server else None
        times.append(server.busy() if server else None)
        grown = (after - before) // MEBI if before and after else -1
        if grown >= sent // 2 and _takes_longer(times):
            break
    if grown >= sent // 2:
        first, last = _took(times, SOME_MEBI), _took(times, sent)
        slower = f"; it was busy for {first:.2f} s with the first {SOME_MEBI} MiB, and for {last:.2f} s with the last"
        received = f"{grown} MiB more than before{slower if _takes_longer(times) else ''}"
        raise Failed(f"memory with a bound, for a line of {sent} MiB", received)
    ann.send_octets(b"\n")
    ann.expect_error("too-long")
    t.nothing(ann, bob)


def _took(times: list[float | None], end: int) -> float:
    """Return the seconds for which the server was busy with the MiB before `end`; 0 where that is not known."""
    now, before = times[end], times[end - SOME_MEBI]
    return now - before if now is not None and before is not None else 0.0


def _takes_longer(times: list[float | None]) -> bool:
    """Whether the last MiB kept the server busy for long, and far longer than the first."""
    last = len(times) - 1
    return last >= 2 * SOME_MEBI and _took(times, last) > max(LONG, SLOWER * _took(times, SOME_MEBI))


@check("LINE-10", "da52c4a28a5c", patient=10)
def hint_comes_once(t: Stage) -> None:
    """A client that was told once is told no more, however long the next beginning of a line stands there."""
    ann, bob, *controls = _quiet_clients(t, "ann", "bob")
    t.deadline += HINT_SECONDS
    ann.send_octets(b"hel")
    ann.expect("INFO ...")
    ann.send_octets(b" room\n")
    ann.expect_error("bad-room")
    for client in (ann, bob):
        client.send_octets(b"again")
    bob.expect("INFO ...")  # when bob is told, ann would have been
    ann.send_octets(b"\n")
    t.give_turn()
    ann.round_trip()
    _are_not_told(t, *controls)
    if any(line.startswith(b"INFO ") for line in ann.inbox):
        raise Failed("one INFO line in a connection, at most", "a second one")


@check("LINE-10", "da52c4a28a5c", slow=5)
def hint_that_a_line_ends(t: Stage) -> None:
    """After 5 seconds of silence after half a line, and no sooner, an INFO line comes; after U+FEFF none does."""
    ann, *controls = _quiet_clients(t, "ann")
    bob = t.dial("bob")
    bob.send_octets(BOM)  # when ann is told, bob would have been
    began = time.monotonic()
    ann.send_octets(b"hel")
    _watch(t, ann, began + HINT_SECONDS / 2)
    bob.inbox.clear()  # the words of the greeting
    _watch(t, ann, began + HINT_SECONDS + t.deadline)
    passed = time.monotonic() - began
    if passed < HINT_SECONDS:
        _watch(t, bob, began + HINT_SECONDS)  # whether the controls are told something, too
    _are_not_told(t, *controls)
    ann.expect("INFO ...")
    if passed < HINT_SECONDS - TOLERANCE:
        raise Failed(f"ann <- INFO, {HINT_SECONDS:.0f} s after half a line or later", f"it came after {passed:.3f} s")
    bob.round_trip()
    if any(line.startswith(b"INFO ") for line in bob.inbox):
        raise Failed("no INFO line after U+FEFF alone", "one")


def _quiet_clients(t: Stage, *labels: str) -> list[Peer]:
    """Return clients, and after them others that begin no line, on a server where few are told something."""
    t.share_if_possible("hints")
    clients = t.clients(*labels, *(f"control{number}" for number in range(CONTROLS)))
    t.quiet(*clients)
    return clients


def _watch(t: Stage, client: Peer, end: float) -> None:
    """Wait until something has come to a client, or the time is over."""
    while not client.inbox and not client.ended and (left := end - time.monotonic()) > 0:
        t.pump(left)


def _are_not_told(t: Stage, *controls: Peer) -> None:
    """Raise Inconclusive where clients that began no line were told something: a server may send INFO at any time."""
    t.settle(*controls)
    if any(map(is_info, (line for control in controls for line in control.inbox))):
        raise Inconclusive("clients that have begun no line get INFO lines, too: none of them is known to be the hint")
