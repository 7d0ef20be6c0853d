"""Section 11.4, the feature history: what was said before."""

import re
import time
from typing import NamedTuple

from conformance.checks.registry import check
from conformance.checks.server import ground
from conformance.stage.server import Stage
from conformance.text.vectors import ALLOWED, MAX_LINE
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, is_info, listed
from conformance.wire.transcript import shown

LEAST = 20  # events that a server keeps, and sends in one answer [HIST-5]
ROUNDS = 20
CLOCKS = 600.0  # seconds by which the clock of the server and that of the suite may differ
_PAST = re.compile(rb"PAST ([0-9]{1,15}) (.*)", re.DOTALL)
_BAD = ("", " ", " 0", " 00", " 01", " 020", " -1", " +1", " 1.0", " 1e3", " ten", " 10000", " 99999999999999999999")
_MORE_BAD = (" 5 ", "  5", " 5 6", " \u0665", " \u00b2", " 5\t", " main", " 0x5")


class Answer(NamedTuple):
    """An answer to `/history`: the times and the events of its PAST lines, and the number of the last event."""

    times: list[int]
    events: list[bytes]
    number: int


def ask(t: Stage, asker: Peer, room: str, count: int | str = LEAST) -> Answer:
    """Let a client ask, to whom nothing else comes meanwhile; return the answer, whose form is held against itself."""
    asker.settled()
    asker.send(f"/history {count}")
    return answer(asker, room)


def answer(asker: Peer, room: str) -> Answer:
    """Receive an answer; raise Failed where something else comes, or another number of lines than it tells."""
    times: list[int] = []
    events: list[bytes] = []
    while match := _PAST.fullmatch(line := asker.receive(what=f"{asker.label} <- PAST or HISTORY")):
        times.append(int(match[1]))
        events.append(match[2])
    words = line.split(b" ")
    if words[:3] != [b"HISTORY", room.encode(), b"%d" % len(events)] or len(words) != 4 or not words[3].isdigit():
        wanted = f"{asker.label} <- HISTORY {room} {len(events)} and a number, after {len(events)} PAST lines"
        raise Failed(wanted, f"{asker.label} <- {shown(line)}")
    return Answer(times, events, int(words[3]))


def said(peer: Peer, *texts: str) -> list[bytes]:
    """Let a client say texts, and receive them; return the events."""
    events = [f"SAID {peer.name} {text}" for text in texts]
    for begin in range(0, len(texts), LEAST):
        peer.send(*(f"/say {text}" for text in texts[begin : begin + LEAST]))
        peer.expect(*events[begin : begin + LEAST])
    return [event.encode() for event in events]


def _are(t: Stage, asker: Peer, received: list[bytes], wanted: list[bytes]) -> None:
    """Raise Failed unless these events came; raise NotReached where a server is known not to send such events."""
    if wanted:
        t.needs("HIST-2")
    if len(wanted) > 1:
        t.needs("HIST-4", "HIST-5")
    if received != wanted:
        told = f"{asker.label} <- as PAST lines {listed(wanted) if wanted else 'nothing'}"
        raise Failed(told, listed(received) if received else "no PAST line")


def _asked(t: Stage, count: int, *texts: str) -> tuple[Peer, list[bytes]]:
    """Let a client that is alone in a room say texts and ask; return it, and all that its question brought."""
    ann = ground.alone(t)
    for text in texts:
        ground.came(ann, f"/say {text}")
    return ann, ground.came(ann, f"/history {count}")


@check("HIST-1", "4803d4b5fc82", ground=3)
def history(t: Stage) -> None:
    """`/history 20` in a room brings PAST lines, if any, and HISTORY with the room and how many they are."""
    _, received = _asked(t, LEAST, "hello")
    past = ground.of(received, b"PAST")
    if not received or not received[-1].startswith(f"HISTORY {t.room('of-ann')} {len(past)} ".encode()):
        raise Failed(
            f"ann <- HISTORY {t.room('of-ann')} {len(past)} and a number, at last", f"ann <- {listed(received)}"
        )


@check("HIST-2", "e6b65965fcca", ground=3)
def past(t: Stage) -> None:
    """The words of a member stand in PAST lines, the oldest first."""
    ann, received = _asked(t, LEAST, "one", "two")
    events = [line.split(b" ", 2)[-1] for line in ground.of(received, b"PAST")]
    wanted = [f"SAID {ann.name} {text}".encode() for text in ("one", "two")]
    kept = [event for event in events if event in wanted]
    if kept not in (wanted, wanted[1:], wanted[:1]):  # how many, and up to which, is another's matter
        raise Failed(f"ann <- PAST, a time, and {listed(wanted)}", f"ann <- {listed(received)}")


@check("HIST-4", "2f388bffc7b7", ground=3)
def one_of_two(t: Stage) -> None:
    """`/history 1` brings one PAST line of the two that are kept."""
    _, received = _asked(t, 1, "one", "two")
    if len(ground.of(received, b"PAST")) > 1:
        raise Failed("ann <- one PAST line for /history 1", f"ann <- {listed(received)}")


@check("HIST-5", "a544212341e9", ground=3)
def twenty_come(t: Stage) -> None:
    """`/history 20` brings 20 of the texts that were said."""
    texts = [f"text {number}" for number in range(LEAST + 5)]
    _, received = _asked(t, LEAST, *texts)
    count = len(ground.of(received, b"PAST"))
    if count < LEAST:
        raise Failed(f"ann <- {LEAST} PAST lines, after {len(texts)} texts", f"ann <- {count} PAST lines")


@check("HIST-6", "dc9411b52c46", ground=3)
def history_without_a_number(t: Stage) -> None:
    """`/history x` is answered with ERROR bad-argument."""
    ground.refused(t, ground.alone(t), "/history x", "bad-argument")


@check("HIST-1", "4803d4b5fc82")
def history_counts_its_lines(t: Stage) -> None:
    """HISTORY has the room, and the number of PAST lines: of none, of one, and of several."""
    room = t.room()
    (ann,) = t.members(room, "ann")
    _are(t, ann, ask(t, ann, room).events, [])
    events = said(ann, "one")
    _are(t, ann, ask(t, ann, room).events, events)
    events += said(ann, "two", "three")
    _are(t, ann, ask(t, ann, room).events, events)
    _are(t, ann, ask(t, ann, room, 9999).events, events)
    bob = t.connect("bob")
    t.enter(bob, room, ann)
    _are(t, bob, ask(t, bob, room).events, events)


@check("HIST-2", "e6b65965fcca")
def past_lines_are_events_as_they_were_sent(t: Stage) -> None:
    """PAST lines repeat what all members said, octet for octet, in the room's order, under the names of that time."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    events = said(ann, *ALLOWED[:6])
    name = t.name("Renamed")
    bob.settled()
    bob.send("/say of bob", f"/nick {name}", "/say renamed")
    bob.expect(f"SAID {bob.name} of bob", f"NAME {name}", f"SAID {name} renamed")
    events += [f"SAID {bob.name} of bob".encode(), f"SAID {name} renamed".encode()]
    bob.name = name
    ann.settled()
    events += said(ann, "exit", "/cd x", "x" * (MAX_LINE - 5), "same", "same", "same")
    _are(t, ann, ask(t, ann, room).events, events)
    cyd = t.connect("cyd")
    t.enter(cyd, room)
    _are(t, cyd, ask(t, cyd, room).events, events)
    bob.settled()
    events += said(bob, *ALLOWED[6:11])
    _are(t, bob, ask(t, bob, room).events, events[-LEAST:])


@check("HIST-2", "e6b65965fcca")
def nothing_else_is_kept(t: Stage) -> None:
    """Nothing is kept of those who enter, leave or are renamed, of refusals, tellings and questions, of other rooms."""
    room, far = t.room(), t.room("far")
    ann, bob = t.members(room, "ann", "bob")
    (dan,) = t.members(far, "dan")
    events = said(ann, "here")
    said(dan, "there")
    bob.settled()
    bob.send(
        f"/nick {t.name('B')}", "/ping x", "/no-such", "/say", "/who", "/rooms", "/history 5", "/help", "caf\u00e9"
    )
    events.append(f"SAID {t.name('B')} caf\u00e9".encode())
    bob.send(f"/cd {far}", "elsewhere", f"/cd {room}", f"/tell {ann.name} psst", "exit")
    bob.wait_end()
    cyd = t.connect("cyd")
    cyd.send("/say lobby", room, "/history 20")
    cyd.settled()
    ann.settled()
    events += said(ann, "last")
    _are(t, ann, ask(t, ann, room).events, events)
    answered = ask(t, dan, far).events
    _are(t, dan, answered, [f"SAID {dan.name} there".encode(), f"SAID {t.name('B')} elsewhere".encode()])


@check("HIST-2", "e6b65965fcca", needs=("console",))
def announcements_are_kept(t: Stage) -> None:
    """The operator's words stand among the others, in each room."""
    server = t.take_turn()
    room, far = t.room(), t.room("far")
    (ann,) = t.members(room, "ann")
    (dan,) = t.members(far, "dan")
    events = said(ann, "before")
    server.say("Maintenance at noon.")
    for member in (ann, dan):
        member.expect("ANNOUNCE Maintenance at noon.")
    announced = [b"ANNOUNCE Maintenance at noon."]
    _are(t, dan, ask(t, dan, far).events, announced)
    events += [*announced, *said(ann, "after")]
    _are(t, ann, ask(t, ann, room).events, events)


@check("HIST-3", "66f8ced3d2ff")
def history_agrees_with_the_events(t: Stage) -> None:
    """While others speak without pause, each answer is contiguous, and ends with the event before it."""
    _follow(t, "hello number {}", LEAST)


@check("HIST-3", "66f8ced3d2ff")
def long_answers_are_not_divided(t: Stage) -> None:
    """The same of answers of 80,000 octets."""
    _follow(t, "x" * 3900 + " number {}", LEAST, rounds=4)


def _follow(t: Stage, form: str, count: int, rounds: int = ROUNDS) -> None:
    t.needs("HIST-2", "HIST-4", "HIST-5")
    room = t.room()
    asker, *speakers = t.members(room, "asker", "ann", "bob")
    t.quiet(asker, *speakers)
    for number in range(rounds):
        for speaker in speakers:
            speaker.offer("".join(f"{form.format(10 * number + at)}\n" for at in range(4)).encode())
        asker.offer(f"/history {count}\nmine {number}\n/history {count}\n".encode())
        t.give_turn()
        if number % 4 == 3:
            t.settle(asker, *speakers)
    t.settle(*speakers)
    asker.settle()
    seen: list[bytes] = []
    block: list[bytes] = []
    answers = 0
    for line in asker.inbox:  # INFO lines too: nothing stands between
        if match := _PAST.fullmatch(line):
            block.append(match[2])
        elif line.startswith(b"HISTORY "):
            if block != seen[-count:]:
                raise Failed(f"PAST lines up to {_last(seen)}", f"PAST lines up to {_last(block)}, of {len(block)}")
            answers, block = answers + 1, []
        elif block:
            raise Failed("PAST lines that follow each other up to HISTORY", f"{shown(line)} among them")
        elif line.startswith(b"SAID "):
            seen.append(line)
    if answers != 2 * rounds:
        raise Failed(f"{2 * rounds} answers to /history", str(answers))


def _last(events: list[bytes]) -> str:
    return shown(events[-1]) if events else "nothing"


@check("HIST-4", "2f388bffc7b7")
def no_more_than_asked_for(t: Stage) -> None:
    """`/history n` brings the last n events, for each n up to 20, and all that are kept for a larger one."""
    room = t.room()
    (ann,) = t.members(room, "ann")
    events = said(ann, *(f"text {number}" for number in range(25)))
    for count in range(1, LEAST + 1):
        _are(t, ann, ask(t, ann, room, count).events, events[-count:])
    for count in (LEAST + 1, 24, 25, 26, 100, 1000, 9999):
        received = ask(t, ann, room, count).events
        if not LEAST <= len(received) <= count:
            raise Failed(f"{LEAST} to {count} PAST lines for /history {count}", f"{len(received)} lines")
        _are(t, ann, received, events[-len(received) :])


@check("HIST-5", "a544212341e9")
def twenty_are_kept(t: Stage) -> None:
    """The last 20 events of a room are kept, the longest too, while at least one member is there, whoever that is."""
    room = t.room()
    (ann,) = t.members(room, "ann")
    said(ann, *(f"early {number}" for number in range(10)))
    texts = [f"{number} {'x' * 4000}" for number in range(LEAST)]
    events = said(ann, *texts)
    _are(t, ann, ask(t, ann, room).events, events)
    bob = t.connect("bob")
    t.enter(bob, room, ann)
    ann.send("exit")
    ann.wait_end()
    _are(t, bob, ask(t, bob, room).events, events)
    _are(t, bob, ask(t, bob, room, 100).events[-LEAST:], events)


@check("HIST-6", "dc9411b52c46")
def history_takes_a_number(t: Stage) -> None:
    """`/history` with anything but a number from 1 to 9999 is refused with bad-argument, in the lobby too."""
    ann, cyd = t.members(t.room(), "ann")[0], t.connect("cyd")
    said(ann, "hello")
    for client in (ann, cyd):
        t.refused(client, "bad-argument", [f"/history{rest}" for rest in (*_BAD, *_MORE_BAD)])


@check("HIST-7", "588b5fc9223c")
def history_in_the_lobby(t: Stage) -> None:
    """`/history n` in the lobby is refused with no-room."""
    cyd = t.connect("cyd")
    t.refused(cyd, "no-room", ["/history 1", "/history 20", "/history 9999"])
    cyd.expect_nothing()


@check("HIST-8", "9572f1e93346")
def numbers_go_up_by_one(t: Stage) -> None:
    """Each event SAID counts one and no other line does, also where more were said than are kept."""
    room, far = t.room(), t.room("far")
    ann, bob = t.members(room, "ann", "bob")
    first = ask(t, ann, room).number
    for count in (1, 2, 40, 300):
        bob.send(f"/cd {far}", "elsewhere", f"/cd {room}", f"/nick {t.name(f'B{count}')}", "/no-such")
        bob.settled()
        ann.settled()
        said(ann, *(f"text {number}" for number in range(count)))
        number = ask(t, ann, room).number
        if number != first + count:
            raise Failed(f"HISTORY {room} with the number {first + count}, {count} more than before", str(number))
        if (other := ask(t, bob, room).number) != number:
            raise Failed(f"HISTORY {room} with the number {number} for each member", str(other))
        first = number


@check("HIST-8", "9572f1e93346")
def numbers_are_not_used_again(t: Stage) -> None:
    """A room that had no members goes on with its numbers, or with higher ones."""
    room = t.room()
    (ann,) = t.members(room, "ann")
    said(ann, *(f"text {number}" for number in range(LEAST + 5)))
    before = ask(t, ann, room).number
    for _ in range(3):
        ann.send(f"/cd {t.room('away')}")
        ann.expect(f"ROOM {t.room('away')}")
        said(ann, "far away")
        t.enter(ann, room)
        again = ask(t, ann, room).number
        said(ann, "back")
        after = ask(t, ann, room)
        if again < before or after.number != again + 1:
            told = f"HISTORY {room} with the number {before} or a higher one, and one more after one more text"
            raise Failed(told, f"{again}, and {after.number}")
        _are(t, ann, after.events[-1:], [f"SAID {ann.name} back".encode()])
        before = after.number


@check("HIST-9", "6b73ebd17f23")
def people_are_told_that_words_are_kept(t: Stage) -> None:
    """The greeting has INFO lines, before the PONG to the first ping. People have to read whether they tell it."""
    ann = t.connect("ann")
    ann.settle()
    if not any(map(is_info, ann.inbox)):
        raise Failed("ann <- INFO ..., with what is kept and for how long", f"ann <- {listed(ann.inbox) or 'nothing'}")


@check("HIST-10", "c7a28eab7226")
def times_are_those_of_the_words(t: Stage) -> None:
    """Times are milliseconds since 1970, go up or stay, and do not depend on when one asks."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    began = time.time()
    events = said(ann, *(f"text {number}" for number in range(5)))
    answered = ask(t, ann, room)
    _are(t, ann, answered.events, events)
    first = answered.times
    for number in range(3):  # time passes
        t.give_turn()
        events += said(ann, f"more {number}")
    answered = ask(t, ann, room)
    _are(t, ann, answered.events, events)
    last = answered.times
    bob.settled()
    if last[: len(first)] != first or ask(t, bob, room).times != last:
        raise Failed(f"the times {first} again, whenever one asks, and whoever does", f"{last}")
    if last != sorted(last):
        raise Failed("times that never decrease", f"{last}")
    least, most = (began - CLOCKS) * 1000, (time.time() + CLOCKS) * 1000
    if not least <= last[0] <= last[-1] <= most:
        raise Failed(f"times from {least:.0f} to {most:.0f}, in milliseconds, of UTC", f"{last}")


@check("CMD-4", "5d397ccc6ab1", needs=("history",))
def a_bad_number_before_no_room(t: Stage) -> None:
    """`/history 0` in the lobby has two errors: bad-argument comes before no-room."""
    t.refused(t.connect("cyd"), "bad-argument", ["/history 0", "/history", "/history main"])


@check("FLOW-2", "6b254b58f7a9", needs=("history",))
def answers_wait_for_who_asks(t: Stage) -> None:
    """A client that asks for more than it reads, in long answers, gets all of them when it reads: it stays."""
    room = t.room()
    asker = t.connect("asker", receive_buffer=4096)
    (ann,) = t.members(room, "ann")
    t.enter(asker, room, ann)
    events = said(ann, *(f"{number} {'x' * 4000}" for number in range(LEAST)))
    asker.settled()
    asker.stall()
    asker.offer(b"/history 20\n" * 200)
    ann.settled()
    t.settle(ann)
    asker.stall(stalled=False)
    for _ in range(200):
        _are(t, asker, answer(asker, room).events, events)
    t.nothing(ann, asker)
