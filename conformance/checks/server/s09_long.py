"""Checks that take seconds: answers that wait for long, and those who say nothing for long."""

from time import monotonic

from conformance.checks.registry import check
from conformance.checks.server.s09_flow import LOAD
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, is_info, listed
from conformance.wire.transcript import shown

SMALL = 4096  # octets of a receive buffer, so that what is not read waits at the server
TEXT = "x" * 1000
STEP, STEPS = 20, 26  # pings; how many more each of several clients sends, since buffers of systems differ
MUCH = 4000  # pings, and again and again, until more was sent than operating systems keep
LATE = 4.5  # seconds in which little is read: less than any server allows [FLOW-5]
STALL = 5  # seconds that a client may stall, where there is a limit
TICK = 0.5  # seconds between the words of one
AFTER = 0.5  # seconds in which a server would end others, too
PATIENCE = 7.0  # seconds more, where a delay is not the matter


def pings(count: int) -> bytes:
    """Return so many pings with long tokens."""
    return b"".join(b"/ping %d %s\n" % (number, TEXT.encode()) for number in range(count))


def pongs(count: int) -> list[bytes]:
    """Return their answers."""
    return [b"PONG %d %s" % (number, TEXT.encode()) for number in range(count)]


def ask_on(peer: Peer) -> bool:
    """Let one who does not read ask for more, unless what it has asked for is not all read; whether it does."""
    if peer.ended or peer.refused or peer.unsent:
        return False
    peer.offer(pings(MUCH))
    return True


def leavings(witness: Peer) -> list[tuple[str, str]]:
    """Take what a member has received; return who has left, each with the reason."""
    words = [line.decode("utf-8", "replace").split(" ") for line in witness.take()]
    return [(name, reason) for kind, name, reason in (one for one in words if one[0] == "LEFT")]


def _read_a_little(t: Stage, peers: list[Peer]) -> None:
    """Read what has come to peers that do not read."""
    for peer in peers:
        peer.stall(stalled=False)
    t.pump(0)
    for peer in peers:
        if not peer.ended:
            peer.stall()


@check("NET-4", "c801f388b0c9", slow=8)
def answers_wait_at_a_half_close(t: Stage) -> None:
    """A client that ends its sending and reads late and slowly gets all answers, and its last lines are said."""
    t.share_if_possible(LOAD)
    room = t.room()
    (bob,) = t.members(room, "bob")
    clients = [t.connect(f"late{number}", receive_buffer=SMALL) for number in range(1, STEPS + 1)]
    for client in clients:
        t.enter(client, room, bob)
    for number, client in enumerate(clients, 1):
        client.stall()
        client.offer(pings(STEP * number) + b"last words\n")
    take_all(t, clients)
    sent = [client for client in clients if not client.unsent]  # of what is not even taken nobody could end the sending
    for client in sent:
        client.half_close()
    end, look = monotonic() + LATE, monotonic()
    while (now := monotonic()) < end:
        t.pump(min(look, end) - now)
        if monotonic() > look:
            look += 1
            _read_a_little(t, sent)
    for client in sent:
        client.stall(stalled=False)
    for client in sent:
        client.wait_end(cut=True)
        wanted = [*pongs(STEP * (1 + clients.index(client))), f"SAID {client.name} last words".encode()]
        own = (b"PONG ", f"SAID {client.name} ".encode(), b"BYE ")
        received = [line for line in client.take() if line.startswith(own)]
        if received != wanted:
            count = next((n for n, (a, b) in enumerate(zip(received, wanted, strict=False)) if a != b), len(received))
            told = f"{client.label} <- {len(wanted)} answers, though it reads them late"
            raise Failed(told, f"{count} of them, then {listed(received[count : count + 1])}, {client.ending()}")
    for client in sent:
        for line in (f"SAID {client.name} last words", f"LEFT {client.name} lost"):
            t.wait_for(bob, lambda line=line: line.encode() in bob.inbox, f"bob <- {line}")  # type: ignore[misc]


def take_all(t: Stage, clients: list[Peer]) -> None:
    """Wait until all that clients offer is taken, or nothing is taken any more for a moment."""
    before = -1
    while before != (unsent := sum(client.unsent for client in clients)) and unsent:
        before = unsent
        end = monotonic() + TICK
        while sum(client.unsent for client in clients) == before and (left := end - monotonic()) > 0:
            t.pump(left)


@check("FLOW-7", "483361ff2604", needs=("stall-limit",), slow=6)
def silence_is_no_stall(t: Stage) -> None:
    """A client that reads and says nothing for longer than one may stall stays, in rooms and outside."""
    t.needs("PING-1")  # what waits is answers to pings
    t.share(stall=STALL)
    room = t.room()
    bob, silent = t.members(room, "bob", "silent")
    (quiet,) = t.members(t.room("quiet"), "quiet")
    lobby = t.connect("lobby")
    stalls = t.connect("stalls", receive_buffer=SMALL)
    t.enter(stalls, room, bob, silent)
    silent_ones = (silent, quiet, lobby)
    stalls.stall()
    tick = monotonic()
    patience = STALL + PATIENCE + t.deadline
    end, latest = tick + patience, tick + 3 * patience
    left = f"LEFT {stalls.name} removed".encode()
    while (now := monotonic()) < end:
        t.pump(min(end, tick) - now)
        if left in bob.inbox:
            end = min(end, monotonic() + AFTER)
        if monotonic() > tick:
            tick += TICK
            bob.offer(b"tick\n")
            if left not in bob.inbox and ask_on(stalls):
                end = min(latest, monotonic() + patience)
    for peer in silent_ones:
        if peer.ended or any(line.startswith(b"BYE") for line in peer.inbox):
            last = [line for line in peer.inbox if not is_info(line)][-1:]
            told = shown(last[0]) if last else peer.ending()
            raise Failed(f"{peer.label} stays, who reads and says nothing", f"{peer.label} <- {told}")
    t.settle(*silent_ones)
