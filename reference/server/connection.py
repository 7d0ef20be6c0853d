"""The thread of one client: it reads, and hands over what it has read, a batch at a time."""

import logging
import select
import time
from collections.abc import Iterator

from reference.server.delivery import Pace, Peer
from reference.server.hub import Hub
from reference.wire import BYTE_ORDER_MARK, MAX_CLIENT_LINE, ForeignProtocolError, LineSplitter, Message, opening, parse

READ = 16 * 1024  # octets asked for at once
FIRST_READ = 1024  # the same when little came last: this much is allotted while a client says nothing
BATCH_LINES = 32  # carried out at one go: what the lock is held for, and what a flood can add before it waits
BATCH_OCTETS = 8 * 1024
HINT_AFTER = 5.0  # seconds of silence after the beginning of a line [LINE-10]

log = logging.getLogger("flurfunk")


def serve(hub: Hub, peer: Peer, *, inside_tls: bool = False) -> None:
    """Greet a client, read its lines until its end of stream, and see that its socket is closed in the end."""
    try:
        hub.connect(peer)
        Reader(hub, peer, inside_tls).run()
    except ForeignProtocolError as protocol:
        hub.refuse(peer, str(protocol))
    except OSError:
        pass  # reset, or no route any more
    except Exception:
        log.exception("%s: dropped because of an error in the server", peer.user)
    finally:
        hub.end_of_stream(peer)
        hub.reader_ended(peer)


class Reader:
    """The octets that are read from one client."""

    __slots__ = ("_hinted", "_hub", "_inside_tls", "_pace", "_peer", "_size", "_splitter")

    def __init__(self, hub: Hub, peer: Peer, inside_tls: bool = False) -> None:
        self._hub = hub
        self._peer = peer
        self._inside_tls = inside_tls
        self._splitter = LineSplitter(MAX_CLIENT_LINE)
        self._hinted = False
        self._size = FIRST_READ
        self._pace = Pace()

    def run(self) -> None:
        """Read and hand over until the end of the stream.

        Raises ForeignProtocolError where it is no Flurfunk, OSError where the connection breaks.
        """
        begun = b""
        start = None
        while start is None:
            octets = self._read(not BYTE_ORDER_MARK.startswith(begun))
            if not octets:
                return
            begun += octets
            start = opening(begun, inside_tls=self._inside_tls)
        octets = start
        held = 0.0
        while octets:
            flooding = self._pace.is_flood(len(octets), held)
            began = time.monotonic()
            for batch in batches(self._splitter.feed(octets)):
                self._hub.receive(self._peer, batch, flooding)
            # A client that does not flood waits for nobody but itself [FLOW-2] [FLOW-8].
            held = 0.0 if flooding else time.monotonic() - began
            if self._peer.finishing:
                break
            octets = self._read(bool(self._splitter.rest))
        while octets:  # after BYE: read on, and drop [NET-6] [BYE-3]
            octets = self._peer.sock.recv(READ)

    def _read(self, unfinished: bool) -> bytes:
        if unfinished and not self._hinted and not self._readable():
            self._hub.hint(self._peer)
            self._hinted = True
        octets = self._peer.sock.recv(self._size)
        self._size = READ if len(octets) == self._size else FIRST_READ
        return octets

    def _readable(self) -> bool:
        poll = select.poll()
        poll.register(self._peer.sock, select.POLLIN)
        return bool(poll.poll(HINT_AFTER * 1000))


def batches(lines: list[bytes | None]) -> Iterator[list[Message]]:
    """Yield the messages of the lines, without the empty ones, as many at a time as are carried out at one go."""
    batch: list[Message] = []
    octets = 0
    for line in lines:
        message = parse(line)
        if message is None:
            continue
        batch.append(message)
        octets += len(line or b"")
        if len(batch) == BATCH_LINES or octets >= BATCH_OCTETS:
            yield batch
            batch = []
            octets = 0
    if batch:
        yield batch
