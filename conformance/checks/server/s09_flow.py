"""Sections 9.3 and 9.4: floods, and slow readers."""

from collections.abc import Callable
from math import inf
from time import monotonic

from conformance.checks.registry import check
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.transcript import shown

MEBI = 1 << 20
LOAD = "load"  # of a server for checks that send and receive much
LEAST_BOUND, MOST_BOUND = 262_144, 16 * MEBI  # [FLOW-4]
SMALL = 4096  # octets of a receive buffer, so that what is not read waits at the server
TEXT = "x" * 3900
BLOCKED_TURNS = 60  # round trips of another client, after which one of whom nothing was read is not being read
FEW_TURNS, BLOCKED_SECONDS = 10, 2.0  # as good, where the way to the server is long
STALL_SECONDS = 5
STANDSTILL = 0.5  # seconds in which nothing is read, half of those after which nobody has to wait for a client [FLOW-3]
STOPPED = 1.5  # seconds, more than the one in which a client that takes nothing may delay others [FLOW-3]
WORDS = 20
CONVERSATIONS = 3
ATTEMPTS = 4
PATIENCE = 7.0  # seconds more where a delay is not the matter: [FLOW-3] has a check of its own


@check("FLOW-1", "150fe71ec5d9")
def a_paste_arrives_whole(t: Stage) -> None:
    """200 lines in one segment arrive whole and in order at all members, the connection lives."""
    ann, bob = t.members(t.room(), "ann", "bob")
    texts = [f"line {number} of a paste, {'x' * (number % 90)}" for number in range(200)]
    ann.send(*texts)
    for member in (ann, bob):
        member.expect(*(f"SAID {ann.name} {text}" for text in texts))
    t.nothing(ann, bob)


@check("FLOW-1", "150fe71ec5d9")
def ten_thousand_lines_arrive(t: Stage) -> None:
    """10,000 lines and 10,000 pings, sent as fast as possible, are all dealt with."""
    ann, bob = t.members(t.room(), "ann", "bob")
    ann.offer(b"".join(b"line %d\n/ping %d\n" % (number, number) for number in range(1, 10_001)))
    for number in range(1, 10_001):
        ann.expect(f"SAID {ann.name} line {number}", f"PONG {number}")
        bob.expect(f"SAID {ann.name} line {number}")


@check("FLOW-1", "150fe71ec5d9")
def a_hundred_thousand_lines_of_commands(t: Stage) -> None:
    """Neither refused lines nor empty ones, tens of thousands of them, end the connection.

    They come in portions, each after the PONG to the last: a server may read somebody who sends much as slowly as it
    likes, and of an empty line nothing comes by which it could show that it reads.
    """
    (ann,) = t.members(t.room(), "ann")
    for _ in range(20):
        ann.send_octets(b"\n" * 2000)
        ann.settle()
    refused = f"{unknown(t)}\n".encode()
    for _ in range(10):
        ann.offer(refused * 1000 + b"/help\n" * 100)
        errors = ann.settled()
        if len(errors) != 1000 or not all(line.startswith(b"ERROR unknown-command ") for line in errors):
            received = f"{len(errors)} lines, such as {listed(errors[-2:])}"
            raise Failed("ann <- 1,000 times ERROR unknown-command", received)


@check("FLOW-2", "6b254b58f7a9", slow=1)
def who_does_not_read_is_not_read(t: Stage) -> None:
    """A client that asks and does not read is read no more after a while; when it reads, all its answers come."""
    t.share_if_possible(LOAD)
    cyd, helper = t.connect("cyd", receive_buffer=SMALL), t.connect("helper")
    cyd.settled()
    cyd.stall()
    if not blocked(cyd, helper, lambda first: pings(first, 256), most=64):
        raise Failed("the server stops reading from a client that does not read", "it read 64 MiB of pings")
    cyd.stall(stalled=False)
    cyd.settle()
    received = cyd.take()
    for number, line in enumerate(received):
        if not line.startswith(b"PONG %d " % number):
            raise Failed(f"PONG {number} ...", shown(line))


def pings(first: int, count: int) -> bytes:
    """Return pings with long tokens, numbered from `first`."""
    return b"".join(b"/ping %d %s\n" % (first + number, TEXT.encode()) for number in range(count))


def blocked(cyd: Peer, helper: Peer, lines: Callable[[int], bytes], *, most: int) -> bool:
    """Let a client send about 1 MiB after the other, until nothing is read of it any more; false after `most` MiB."""
    for number in range(most):
        cyd.offer(lines(256 * number))
        turns, since = 0, monotonic()
        while cyd.unsent and turns < BLOCKED_TURNS and (turns < FEW_TURNS or monotonic() < since + BLOCKED_SECONDS):
            before = cyd.unsent
            helper.round_trip()
            turns, since = (turns + 1, since) if cyd.unsent == before else (0, monotonic())
        if cyd.ended or cyd.refused:  # one that does not read sees the end only by what it sends
            received = "a reset of the connection" if cyd.refused else cyd.ending()
            raise Failed("the connection of a client that asks much goes on", received)
        if cyd.unsent:
            return True
    return False


def flood(ann: Peer, *others: Peer, mebi: int, until: Callable[[list[bytes]], bool] = lambda lines: False) -> int:
    """Let ann say about so many MiB; she and the others read, and get all of it. Return the octets sent until then.

    `until` is asked about the events that the first of the others receives besides.
    """
    said = f"SAID {ann.name} {TEXT}".encode()
    members, sent = (ann, *others), 0
    for number in range(4 * mebi):
        ann.send_octets(f"{TEXT}\n".encode() * 64)
        news = [_besides(member, said, 64) for member in members]
        if others and until(news[1]):
            sent = (number + 1) * 64 * len(said)
            break
    for member in members:
        member.settle()
    for member in members:
        if more := member.take().count(said):
            raise Failed(f"{member.label} <- each SAID {ann.name} xxx... once", f"{more} more")
    return sent


def _besides(member: Peer, said: bytes, times: int) -> list[bytes]:
    """Receive a line so many times; return what else comes up to then."""
    besides: list[bytes] = []
    while times:
        line = member.receive(what=f"{member.label} <- {shown(said)}")
        if line == said:
            times -= 1
        else:
            besides.append(line)
    return besides


@check("FLOW-3", "5dc5b38dba66", slow=2)
def a_stalled_reader_delays_nobody(t: Stage) -> None:
    """While one member does not read, the others get 8 MiB without a pause longer than the deadline."""
    t.share_if_possible(LOAD)
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    cyd = t.connect("cyd", receive_buffer=SMALL)
    t.enter(cyd, room, ann, bob)
    cyd.stall()
    flood(ann, bob, mebi=8)
    dan = t.connect("dan")
    dan.send("/ping x")
    dan.expect("PONG x")


@check("FLOW-3", "5dc5b38dba66", slow=2)
def who_reads_nothing_for_a_second_delays_no_word(t: Stage) -> None:
    """Once something has waited for one member for more than a second, others talk as quickly as before."""
    t.start_if_possible()
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    helper = t.connect("helper")
    for attempt in range(CONVERSATIONS):
        cyd = t.connect(f"cyd{attempt}", receive_buffer=SMALL)
        t.enter(cyd, room)
        usual = _conversation(ann, bob)
        cyd.stall()
        if not blocked(cyd, helper, lambda first: pings(first, 256), most=64):
            received = "it read 64 MiB of pings"
            raise Failed("the server stops reading from a client that does not read", received, cites="FLOW-2")
        end = monotonic() + STOPPED
        while (left := end - monotonic()) > 0:
            t.pump(left)
        most = usual + t.deadline / 2  # less than a second for each; and the way to a server can be long
        passed = _conversation(ann, bob, most)
        cyd.close()
        if passed < most:
            return
    raise Failed(
        f"{WORDS} words in less than {most:.3f} s, in one of {CONVERSATIONS} attempts: while cyd read they took "
        f"{usual:.3f} s",
        f"{passed:.3f} s or more",
    )


def _conversation(ann: Peer, bob: Peer, most: float = inf) -> float:
    """Let bob say words to ann, one after the other; return how many seconds that took, or that it takes too many."""
    began = monotonic()
    for number in range(1, WORDS + 1):
        said = f"SAID {bob.name} {number}".encode()
        bob.send(str(number))
        for member in (ann, bob):
            while member.receive(what=f"{member.label} <- {shown(said)}") != said:
                pass  # who enters, and who leaves or is removed
        if monotonic() - began > most:
            break
    return monotonic() - began


@check("FLOW-4", "5089ca671081", slow=1)
def little_may_wait(t: Stage) -> None:
    """A client for which less than 262144 octets wait is not removed, and gets them all when it reads."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    cyd = t.connect("cyd", receive_buffer=SMALL)
    t.enter(cyd, room, ann, bob)
    cyd.settled()
    cyd.stall()
    said = f"SAID {ann.name} {TEXT}"
    count = LEAST_BOUND // (len(said) + 1)
    ann.send(*[TEXT] * count)
    for member in (ann, bob):
        member.expect(*[said] * count)
    t.nothing(ann, bob)
    cyd.stall(stalled=False)
    cyd.expect(*[said] * count)
    cyd.expect_nothing()


@check("FLOW-4", "5089ca671081", slow=1)
def what_waits_has_a_bound(t: Stage) -> None:
    """A client that does not read is removed before 16 MiB, and what the operating systems keep, are waiting for it."""
    _remove_stalled(t)


@check("FLOW-5", "121f602c7251", slow=1)
def who_does_not_read_is_removed(t: Stage) -> None:
    """When the bound is exceeded, all others in the room get LEFT removed once, and the connection ends."""
    ann, bob, cyd = _remove_stalled(t)
    cyd.stall(stalled=False)
    cyd.wait_end(cut=True)
    t.nothing(ann, bob)


@check("TEXT-5", "30e6b87a0e5d", slow=1)
def what_was_said_before_the_removal_is_whole(t: Stage) -> None:
    """The client that did not read gets whole lines when it reads at last: none is cut to make room for BYE slow."""
    _whole_lines(t)


@check("FLOW-6", "53ecd3eb8bb9", slow=1)
def who_is_removed_is_told(t: Stage) -> None:
    """The client that did not read finds BYE slow after whole lines, when it reads at last."""
    lines = _whole_lines(t)
    if lines[-1:] != [b"BYE slow"]:
        raise Failed("BYE slow as the last line", listed(lines[-1:]))


def _whole_lines(t: Stage) -> list[bytes]:
    """Return what a client that was removed gets when it reads at last; raise Failed where a line of it was cut."""
    ann, _, cyd = _remove_stalled(t)
    cyd.stall(stalled=False)
    cyd.wait_end(cut=True)
    lines = cyd.take()
    said = f"SAID {ann.name} {TEXT}".encode()
    if cut := [line for line in lines if line not in (said, b"BYE slow")]:
        raise Failed("whole lines before the end, or before BYE slow", listed(cut), cites="TEXT-5")
    return lines


def _remove_stalled(t: Stage) -> tuple[Peer, Peer, Peer]:
    """Flood a room in which one does not read, until that one is removed; raise Failed if it never is."""
    t.share_if_possible(LOAD)
    t.deadline += PATIENCE
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    cyd = t.connect("cyd", receive_buffer=SMALL)
    t.enter(cyd, room, ann, bob)
    cyd.settled()
    cyd.stall()
    left = f"LEFT {cyd.name} removed".encode()
    slack = 4 * MEBI  # what operating systems keep
    sent = flood(ann, bob, mebi=(MOST_BOUND + slack) // MEBI, until=lambda news: any(b"LEFT" in line for line in news))
    said = bool(sent) and next((e for e in reversed(t.transcript.entries) if "LEFT" in e.text), None)
    if not sent:
        raise Failed(f"bob <- {shown(left)}, before {(MOST_BOUND + slack) // MEBI} MiB were sent", "no LEFT")
    if said and shown(left) not in said.text:
        raise Failed(f"bob <- {shown(left)}", said.text)
    return ann, bob, cyd


@check("FLOW-5", "121f602c7251", needs=("stall-limit",), slow=5)
def who_reads_nothing_for_long_is_removed(t: Stage) -> None:
    """A client that reads nothing although something waits is removed after the time limit."""
    t.share(stall=STALL_SECONDS)
    t.deadline += PATIENCE
    room = t.room()
    bob, helper = t.members(room, "bob", "helper")
    cyd = t.connect("cyd", receive_buffer=SMALL)
    t.enter(cyd, room, bob, helper)
    cyd.stall()
    if not _blocked_or_removed(cyd, helper):
        raise Failed("the server stops reading from a client that does not read", "it read 64 MiB of pings")
    bob.expect(f"LEFT {cyd.name} removed")
    bob.expect_nothing()


def _blocked_or_removed(cyd: Peer, helper: Peer) -> bool:
    """Whether a client is read no more; on a slow machine it is removed while one still looks."""
    try:
        return blocked(cyd, helper, lambda first: pings(first, 256), most=64)
    except Failed:
        return cyd.ended != "" or cyd.refused


@check("FLOW-7", "483361ff2604", slow=1)
def who_reads_is_not_removed(t: Stage) -> None:
    """Two that read what comes, in a room where 8 MiB are said, get all of it and stay."""
    for attempt in range(ATTEMPTS):
        ann, bob, cyd = t.members(t.room(f"main{attempt}"), "ann", "bob", "cyd")
        t.quiet(ann, bob, cyd)
        texts = [f"{number} {TEXT}" for number in range(2000)]
        ann.offer("".join(f"{text}\n" for text in texts).encode())
        lines = [f"SAID {ann.name} {text}" for text in texts]
        if _all_get(lines, (ann, bob, cyd), last=attempt == ATTEMPTS - 1):
            break
        for member in (ann, bob, cyd):
            member.close()
    t.nothing(ann, bob, cyd)


def _all_get(lines: list[str], members: tuple[Peer, ...], *, last: bool) -> bool:
    """Return whether all members get the lines, in step; false where we ourselves may have read too slowly.

    On a machine that has too much to do, that is nobody's fault.  Raises Failed otherwise, and the last time.
    """
    longest, before = 0.0, monotonic()
    try:
        for line in lines:
            for member in members:
                member.expect(line)
            longest, before = max(longest, monotonic() - before), monotonic()
    except Failed:
        if last or max(longest, monotonic() - before) < STANDSTILL:
            raise
        return False
    return True
