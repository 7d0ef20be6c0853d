"""Runs a server far away: python -m tests.faraway SECONDS PORT COMMAND..., with `{inner}` for the server's own port.

Octets of both directions are handed on so many seconds later, as on a long way; the console stays near.
"""

import asyncio
import signal
import socket
import sys

_CHUNK = 4096  # octets
_ON_THE_WAY = 64  # chunks


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late: float) -> None:
    """Hand on all that is read, and the end; raises OSError where a connection breaks."""
    clock = asyncio.get_running_loop().time
    way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_ON_THE_WAY)

    async def take() -> None:
        octets = b"x"
        while octets:
            octets = await reader.read(_CHUNK)
            await way.put((clock() + late, octets))

    async def give() -> None:
        while True:
            when, octets = await way.get()
            await asyncio.sleep(when - clock())
            if not octets:
                return writer.write_eof()
            writer.write(octets)
            await writer.drain()

    async with asyncio.TaskGroup() as both:
        both.create_task(take())
        both.create_task(give())


async def _run(late: float, port: int, command: list[str]) -> int:
    """Run the server until it ends; return its exit status."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        inner = free.getsockname()[1]

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far: asyncio.StreamWriter | None = None
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", inner)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_carry(reader, far, late))
                ways.create_task(_carry(far_reader, writer, late))
        except (OSError, ExceptionGroup):  # one side is gone: so is the way
            pass
        finally:
            for end in (writer, far):
                if end is not None:
                    end.close()

    server = await asyncio.create_subprocess_exec(*(word.replace("{inner}", str(inner)) for word in command))
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, int)  # a terminal sends it to the server as well
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, server.send_signal, number)
    while server.returncode is None:
        try:
            (await asyncio.open_connection("127.0.0.1", inner))[1].close()
            break
        except OSError:
            await asyncio.sleep(0.01)
    async with await asyncio.start_server(connected, "127.0.0.1", port):
        status = await server.wait()
        await asyncio.sleep(2 * late)  # what is on the way arrives
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])))
