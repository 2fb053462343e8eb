"""A TCP forwarder that can be cut and slowed down, run as a process: ``python forwarder.py HOST TO_HOST TO_PORT``.

Prints its port. Reads commands from its input: ``cut`` (nothing listens, every connection ends), ``mend``, ``delay
SECONDS`` (before each piece of data towards the other side); answers each with ``done``. Ends with its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys


class Forwarder:
    """Listens on one address and passes everything on to another."""

    def __init__(self, host: str, target: tuple[str, int]) -> None:
        self.host, self.target = host, target
        self.port, self.delay = 0, 0.0
        self.server: asyncio.Server | None = None
        self.links: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        if self.server is None:
            self.server = await asyncio.start_server(self._serve, self.host, self.port)
            self.port = self.server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None
        for link in list(self.links):
            link.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        self.links |= {writer, back}
        try:
            await asyncio.gather(self._pass_on(reader, back, slow=True), self._pass_on(there, writer))
        except asyncio.CancelledError:
            pass  # the program ends
        finally:
            self.links -= {writer, back}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


async def main(host: str, to_host: str, to_port: str) -> None:
    forwarder = Forwarder(host, (to_host, int(to_port)))
    await forwarder.mend()
    print(forwarder.port, flush=True)
    commands = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(commands)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := (await commands.readline()).decode().split():
        if line[0] == "delay":
            forwarder.delay = float(line[1])
        else:
            await getattr(forwarder, line[0])()
        print("done", flush=True)
    await forwarder.cut()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
