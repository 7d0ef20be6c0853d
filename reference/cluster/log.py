"""The ordered log on NATS JetStream: one thread that appends this node's entries, and reads all in their order.

Nothing rests on a delivery of NATS: the stream says each entry again on a subject as it is stored, and whatever is
missing there by its place is fetched from the stream.  At most one entry of this node is under way, with all that
came up meanwhile in the next.  So an entry can be sent again as often as it takes.
"""

import asyncio
import contextlib
import logging
import ssl
import threading
import zlib
from collections.abc import Coroutine
from typing import Any, Protocol

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ObjectStoreConfig, RePublish, StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError
from nats.js.object_store import ObjectStore

from reference.cluster.entries import FORMAT, BadEntryError
from reference.cluster.options import ClusterError, Options

ANSWER = 1.0  # seconds that one answer of NATS may take before it is asked for again
PAUSE = 0.1  # seconds before asking again
LATE = 0.05  # seconds that a stored entry may take to be heard before it is fetched
START = 10.0  # seconds for the first connection, and for the state at the beginning
TRANSFER = 5.0  # seconds for a snapshot, each way
SLOW_TICKS = 3  # beats without an answer after which the operator is told
FETCHED = 200  # entries that are asked for at once
REPLICAS = 3  # of the log, where there are so many servers of NATS
_MARK, _OPTIONS = "flurfunk-format", "flurfunk-options"  # in the metadata of the stream
_FAULTS = (NatsError, OSError, TimeoutError, EOFError)

log = logging.getLogger("flurfunk")


class Follower(Protocol):
    """The node's state, as the log needs it.  All are called in the log's thread, but for `fail`: in any."""

    def pack(self) -> bytes | None:
        """Return the entry that is to be stored next, the same until it has come; None for none."""

    def follow(self, seq: int, octets: bytes) -> None:
        """Carry out the entry at this place; raises BadEntryError."""

    def settle(self) -> None:
        """Send what the entries brought that were carried out since the last time: no more have come for now."""

    def begin_anew(self, octets: bytes | None) -> int:
        """Begin with this snapshot, or with nothing; return the place of its last entry; raises BadEntryError."""

    def beat(self) -> None:
        """Be asked, again and again, whether there is something to say to other nodes."""

    def kept(self, seq: int) -> None:
        """Be told that the snapshot of this place is stored; 0: that none could be."""

    def press(self, octets: bytes) -> None:
        """Hear which rooms are congested on another node."""

    def fail(self, reason: str) -> None:
        """Be told that there is no log any more."""


class Log:
    """The connection to NATS.  Methods without `async` may be called from any thread."""

    def __init__(self, options: Options, features: str, follower: Follower) -> None:
        """`features`: what all nodes must have alike, in words."""
        self._options = options
        self._features = features
        self._follower = follower
        self._stream = f"FLURFUNK_{options.name}"
        self._subject = f"flurfunk.{options.name}.log"
        self._live = f"flurfunk.{options.name}.live"
        self._pressing = f"flurfunk.{options.name}.press"
        self._at = 0  # place of the last entry that was carried out
        self._unsettled = False  # whether the follower is to settle soon
        self._trouble = ""  # the last error of the connection
        self._joined = threading.Event()
        self._error: ClusterError | None = None
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def start(self) -> None:
        """Connect, take over the state, and go on in a thread of its own; raises ClusterError."""
        self._thread.start()
        self._joined.wait()
        if self._error:
            raise self._error

    def wake(self) -> None:
        """Look whether there is something to store."""
        self._call(lambda: self._news.set())

    def say(self, octets: bytes) -> None:
        """Tell other nodes something that needs no place in the order, and may be lost."""
        self._call(lambda: self._begin(self._client.publish(self._pressing, octets)))

    def keep(self, seq: int, octets: bytes) -> None:
        """Store the snapshot of a place, and tell the follower whether that is done."""
        self._call(lambda: self._begin(self._keep(seq, octets)))

    def tidy(self, first: int) -> None:
        """Drop what stands before the snapshot of this place."""
        self._call(lambda: self._begin(self._tidy(first)))

    def close(self) -> None:
        """End; nothing is called any more afterwards."""
        self._call(lambda: self._over.set())
        if threading.current_thread() is not self._thread:
            self._thread.join(1.0)

    def _call(self, function: Any) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(function)

    # ------------------------------------------------------------ in the thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda *_: None)  # of tasks that nobody waits for when all ends
        for chatty in ("asyncio", "nats"):  # what matters is told here
            logging.getLogger(chatty).setLevel(logging.CRITICAL)
        try:
            self._loop.run_until_complete(self._main())
        except ClusterError as error:
            self._fail(error)
        except Exception as error:
            log.exception("the cluster's log cannot go on")
            self._fail(ClusterError(f"the cluster's log cannot go on: {error}"))
        finally:
            self._joined.set()
            with contextlib.suppress(Exception):
                self._loop.close()

    def _fail(self, error: ClusterError) -> None:
        if self._joined.is_set():
            self._follower.fail(str(error))
        else:
            self._error = error

    async def _main(self) -> None:
        self._news, self._over, self._moved = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._turn = asyncio.Lock()
        self._doom: asyncio.Future[None] = self._loop.create_future()
        self._client = await self._connect()
        try:
            self._js: JetStreamContext = self._client.jetstream(timeout=ANSWER)
            async with self._turn:  # what is heard meanwhile waits
                await self._client.subscribe(self._live, cb=self._hear)
                await self._client.subscribe(self._pressing, cb=self._hear_pressing)
                await self._prepare()
                await self._load()
                try:
                    await asyncio.wait_for(self._fetch((await self._info()).state.last_seq), self._options.wait)
                except TimeoutError:
                    raise ClusterError(f"the stream {self._stream} of NATS cannot be read{self._because}") from None
            self._joined.set()
            self._begin(self._append(), vital=True)
            self._begin(self._tick(), vital=True)
            over = self._loop.create_task(self._over.wait())
            ends: set[asyncio.Future[Any]] = {over, self._doom}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
            if self._doom.done():
                self._doom.result()
        finally:
            for task in self._tasks:
                task.cancel()
            with contextlib.suppress(*_FAULTS):
                await asyncio.wait_for(self._client.close(), ANSWER)

    def _begin(self, work: Coroutine[Any, Any, None], *, vital: bool = False) -> None:
        task = self._loop.create_task(self._guarded(work, vital))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None], vital: bool) -> None:
        """Let nothing go by unseen: the whole log ends where a vital part of it cannot go on, or by a fault of ours."""
        try:
            await work
        except Exception as error:
            self._trouble = _words(error)
            if vital or not isinstance(error, _FAULTS):
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if not isinstance(error, ClusterError):
            log.error("the cluster's log cannot go on", exc_info=error)
            error = ClusterError(f"the cluster's log cannot go on: {_words(error)}")
        if not self._doom.done():
            self._doom.set_exception(error)

    # ------------------------------------------------------------ the beginning

    async def _connect(self) -> Client:
        options = self._options
        client = Client()
        connecting = self._loop.create_task(
            client.connect(
                list(options.servers),
                name="flurfunk",
                error_cb=self._note,
                connect_timeout=1,
                reconnect_time_wait=0,  # the time between two tries of one server; the default of 2 s is too long
                max_reconnect_attempts=-1,
                ping_interval=1,
                max_outstanding_pings=2,  # a server that is stopped, or cut off, is noticed only so: in 3 s
                tls=self._tls(),
                user_credentials=options.creds,
            )
        )
        await asyncio.wait([connecting], timeout=min(START, options.wait))
        if not connecting.done():
            client.options["allow_reconnect"] = False  # it does not heed that it is to end, but ends by itself then
            await asyncio.wait([connecting], timeout=TRANSFER)
            raise ClusterError(f"no NATS server answers at {options.shown}{self._because}")
        try:
            connecting.result()
        except (NatsError, OSError, ValueError) as error:
            raise ClusterError(f"cannot use the NATS server at {options.shown}: {_words(error)}") from None
        except ImportError as error:
            raise ClusterError(
                f"a credentials file needs the library {error.name}: pip install 'nats-py[nkeys]'"
            ) from None
        return client

    def _tls(self) -> ssl.SSLContext | None:
        options = self._options
        if not (options.ca or options.cert or any(server.startswith("tls:") for server in options.servers)):
            return None
        try:
            context = ssl.create_default_context(cafile=options.ca)
            if options.cert:
                context.load_cert_chain(options.cert, options.key)
        except (OSError, ssl.SSLError) as error:
            raise ClusterError(f"the certificates for the cluster cannot be used: {_words(error)}") from None
        return context

    async def _note(self, error: Exception) -> None:
        """Remember an error of the connection: whoever waits for the log tells of it."""
        if not isinstance(error, OSError) or "uthorization" not in self._trouble:  # after which the connection breaks
            self._trouble = _words(error)
        await asyncio.sleep(0 if self._client_connected else PAUSE / 2)  # or it would try without pause

    @property
    def _client_connected(self) -> bool:
        client = getattr(self, "_client", None)
        return client is not None and client.is_connected

    @property
    def _because(self) -> str:
        return f": {self._trouble}" if self._trouble else ""

    async def _prepare(self) -> None:
        """Make the stream and the store of snapshots where there are none yet; raises ClusterError."""
        copies = REPLICAS if len(self._options.servers) >= REPLICAS else 1
        wanted = StreamConfig(
            name=self._stream,
            description="Flurfunk: what several servers that are one chat have to carry out, in this order",
            subjects=[self._subject],
            storage=StorageType.FILE,
            num_replicas=copies,
            allow_direct=True,
            republish=RePublish(src=self._subject, dest=self._live),
            metadata={_MARK: str(FORMAT), _OPTIONS: self._features},
        )

        async def ready() -> StreamInfo:
            try:
                found = await self._js.stream_info(self._stream)
            except NotFoundError:
                found = await self._js.add_stream(wanted)
            try:
                self._snapshots = await self._js.object_store(f"{self._stream}_snapshots")
            except NotFoundError:
                config = ObjectStoreConfig(storage=StorageType.FILE, replicas=copies)
                self._snapshots = await self._js.create_object_store(f"{self._stream}_snapshots", config)
            return found

        info = await self._insist(ready)
        mark = (info.config.metadata or {}).get(_MARK)
        if mark is None:
            raise ClusterError(f"the stream {self._stream} of NATS is not Flurfunk's")
        if mark != str(FORMAT):
            told = f"the stream {self._stream} of NATS belongs to another version"
            raise ClusterError(f"{told}: its format is {mark}, and this one's is {FORMAT}")
        features = (info.config.metadata or {}).get(_OPTIONS, "")
        if features != self._features:
            raise ClusterError(
                f"the servers of the cluster {self._options.name} run {features}, and this one {self._features}: "
                "give all the same options"
            )
        if (info.config.num_replicas or 1) < copies:
            log.warning("the stream %s is kept by one server of NATS alone", self._stream)

    async def _insist(self, question: Any) -> Any:
        """Ask until there is an answer, for a while: a cluster of NATS that begins has no leader yet."""
        end = self._loop.time() + min(START, self._options.wait)
        while True:
            try:
                return await asyncio.wait_for(question(), TRANSFER)
            except _FAULTS as error:
                if self._loop.time() > end:
                    told = f"JetStream of NATS does not answer at {self._options.shown}"
                    raise ClusterError(f"{told}: {_words(error)}; is it switched on?") from None
                await asyncio.sleep(PAUSE)

    async def _info(self) -> StreamInfo:
        info: StreamInfo = await self._insist(lambda: self._js.stream_info(self._stream))
        return info

    async def _load(self) -> None:
        """Begin with the newest snapshot; raises ClusterError."""

        async def newest() -> bytes | None:
            seq = max(await _names(self._snapshots), default=0)
            if not seq:
                return None
            found = await self._snapshots.get(str(seq))
            return zlib.decompress(found.data or b"")

        for _ in range(int(TRANSFER / PAUSE)):
            try:
                self._at = self._follower.begin_anew(await self._insist(newest))
            except BadEntryError as error:
                raise ClusterError(f"the last snapshot of {self._stream} cannot be used: {error}") from None
            if self._at + 1 >= (await self._info()).state.first_seq:
                return
            await asyncio.sleep(PAUSE)
        raise ClusterError(f"the stream {self._stream} of NATS begins after its last snapshot")

    # ------------------------------------------------------------ reading

    async def _hear(self, message: Msg) -> None:
        try:
            seq = int((message.headers or {}).get("Nats-Sequence", "0"))  # without one it does not come from the stream
            async with self._turn:
                if seq > self._at + 1:
                    await self._fetch(seq - 1)
                if seq == self._at + 1:
                    self._follow(seq, message.data)
        except _FAULTS as error:
            self._trouble = _words(error)
        except Exception as error:
            self._give_up(error)

    async def _hear_pressing(self, message: Msg) -> None:
        with contextlib.suppress(ValueError, TypeError, AttributeError):  # another version's, perhaps: it may be lost
            self._follower.press(message.data)

    def _follow(self, seq: int, octets: bytes) -> None:
        try:
            self._follower.follow(seq, octets)
        except BadEntryError as error:
            raise ClusterError(f"entry {seq} of the stream {self._stream} cannot be carried out: {error}") from None
        self._at = seq
        self._moved.set()
        if not self._unsettled:
            self._unsettled = True
            self._loop.call_soon(self._settle)  # after all that is here already: then each client is written to once

    def _settle(self) -> None:
        self._unsettled = False
        try:
            self._follower.settle()
        except Exception as error:
            self._give_up(error)

    async def _fetch(self, last: int) -> None:
        """Carry out what was not heard, up to this place.  An entry that is not found is asked for again."""
        while self._at < last:
            before = self._at
            places = range(before + 1, min(last, before + FETCHED) + 1)
            for place, octets in zip(places, await asyncio.gather(*map(self._get, places)), strict=True):
                if octets is None:
                    break
                self._follow(place, octets)
            if self._at == before:
                await asyncio.sleep(PAUSE)
                if (await self._js.stream_info(self._stream)).state.first_seq > self._at + 1:
                    await self._load()

    async def _get(self, place: int) -> bytes | None:
        try:
            return (await self._js.get_msg(self._stream, seq=place, direct=True)).data
        except _FAULTS:
            return None  # an answer of a copy that lags, or none: neither says that there is no such entry

    # ------------------------------------------------------------ writing

    async def _append(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while octets := self._follower.pack():
                try:
                    stored = await self._js.publish(self._subject, octets, timeout=ANSWER, stream=self._stream)
                except _FAULTS as error:
                    self._trouble = _words(error)
                    await asyncio.sleep(PAUSE)
                    continue
                await self._reach(stored.seq)
                if self._at >= stored.seq and self._follower.pack() == octets:  # carried out, and not as this entry
                    raise ClusterError(f"the stream {self._stream} of NATS was begun anew")

    async def _reach(self, place: int) -> None:
        """Wait until an entry that is stored is carried out, and fetch it where it is not heard."""
        end = self._loop.time() + LATE
        while self._at < place and (left := end - self._loop.time()) > 0:
            self._moved.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left)
        if self._at < place:
            async with self._turn:
                with contextlib.suppress(*_FAULTS):
                    await self._fetch(place)

    async def _tick(self) -> None:
        """Let the node give signs of life, and notice where none is stored.

        Beats are counted, not seconds: a program that was stopped has not waited.
        """
        each = self._options.timeout / 6
        silent, waiting = 0, None
        while True:
            self._follower.beat()
            await asyncio.sleep(each)
            under_way = self._follower.pack()
            silent = silent + 1 if under_way is not None and under_way == waiting else 0
            waiting = under_way
            if silent == SLOW_TICKS:
                log.warning("the cluster's log does not answer%s; clients wait", self._because)
            if silent * each >= self._options.wait:
                raise ClusterError(f"the cluster's log has not answered for {self._options.wait:.0f} s{self._because}")

    # ------------------------------------------------------------ snapshots

    async def _keep(self, seq: int, octets: bytes) -> None:
        packed = zlib.compress(octets, 1)
        try:
            await asyncio.wait_for(self._snapshots.put(str(seq), packed), TRANSFER)
        except _FAULTS as error:
            log.warning("a snapshot of the cluster could not be stored: %s", _words(error))
            seq = 0
        self._follower.kept(seq)

    async def _tidy(self, first: int) -> None:
        with contextlib.suppress(*_FAULTS):
            await self._js.purge_stream(self._stream, seq=first + 1)
            for seq in await _names(self._snapshots):
                if seq < first:
                    await self._snapshots.delete(str(seq))


async def _names(snapshots: ObjectStore) -> list[int]:
    """Return the places of which snapshots are kept."""
    try:
        return [int(one.name) for one in await snapshots.list(ignore_deletes=True) if one.name.isdecimal()]
    except NotFoundError:
        return []


def _words(error: BaseException) -> str:
    """Return what an error says, in one line."""
    return (str(error).removeprefix("nats: ").splitlines() or [type(error).__name__])[0]
