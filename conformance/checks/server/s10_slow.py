"""Section 10: the operator's lines take effect although clients read slowly or not at all."""

from time import monotonic

from conformance.checks.registry import check
from conformance.checks.server.s09_long import MUCH, PATIENCE, SMALL, pings
from conformance.checks.server.slow import READERS, SlowReaders, until_quiet
from conformance.stage.server import Stage
from conformance.wire.failure import Failed

TEXT = "x" * 900
LINES = 60  # of the operator: less than 65536 octets, and more than a server lets through for talk


@check("OPER-13", "cee6e9b843f9", slow=1)
def a_paste_takes_effect(t: Stage) -> None:
    """Many announcements at once, and `/kick` after them, take effect while one reads slowly, and one not at all."""
    server = t.start(terminal=False)
    room = t.room()
    (ann,) = t.members(room, "ann")
    stalled = t.connect("stalled", receive_buffer=SMALL)
    t.enter(stalled, room, ann)
    # Each in a room of its own: what one asks for waits for no other.
    readers = SlowReaders(t, *(t.room(f"slow{number}") for number in range(READERS)))
    dan = t.connect("dan")
    dan.settled()
    stalled.stall()
    stalled.offer(pings(MUCH))
    readers.stall()
    until_quiet(t, lambda: stalled.unsent)
    wanted = [f"ANNOUNCE {number} {TEXT}".encode() for number in range(1, LINES + 1)]
    server.write(b"".join(b"%d %s\n" % (number, TEXT.encode()) for number in range(1, LINES + 1)))
    server.write(f"/kick {dan.name}\n".encode())
    end = monotonic() + t.deadline + PATIENCE
    while not (b"BYE removed" in dan.inbox and wanted[-1] in ann.inbox) and monotonic() < end:
        readers.pump(end)
    received = [line for line in ann.take() if line.startswith(b"ANNOUNCE ")]
    if received != wanted:
        told = f"ann <- {LINES} announcements, though one reads slowly, and one not at all"
        raise Failed(told, f"{len(received)} of them in {t.deadline + PATIENCE:.1f} s")
    if b"BYE removed" not in dan.inbox:
        told = 'dan <- "BYE removed", though one reads slowly, and one not at all'
        raise Failed(told, f"not in {t.deadline + PATIENCE:.1f} s")


@check("OPER-12", "c115bc834e3c")
def a_mark_at_the_start_is_a_character(t: Stage) -> None:
    """A U+FEFF at the start of the console's input is announced with its line, and makes `exit` no command."""
    server = t.start(terminal=False)
    ann, bob = t.members(t.room(), "ann", "bob")
    ann.settled()
    server.write("\ufeffexit\n\ufeffand one more\n".encode())
    for member in (ann, bob):
        member.expect("ANNOUNCE \ufeffexit", "ANNOUNCE \ufeffand one more")
