"""What tests put between two programs in order to break it."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

__all__ = ["Between", "Breakable", "Relay", "forwarder", "relay"]


class Breakable(Protocol):
    """What a hub asks to start sessions, as far as a test can take it away."""

    def down(self) -> None:
        """Stop it: nothing listens, every connection ends."""

    def up(self) -> None:
        """Bring it back."""


class Between:
    """A forwarder that runs as a process of its own, so that tests need no sockets to other machines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def tell(self, command: str) -> None:
        """Give it a command, and wait until it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        assert self._answer().strip() == "done"

    def down(self) -> None:
        """Stop listening and cut every connection."""
        self.tell("cut")

    def up(self) -> None:
        """Listen again, on the same port."""
        self.tell("mend")

    def slow(self, seconds: float) -> None:
        """Wait before each piece of data towards the other side."""
        self.tell(f"delay {seconds}")


@contextmanager
def forwarder(host: str, to_host: str, to_port: int) -> Iterator[Between]:
    """Pass a free port of `host` on to another address."""
    call = [sys.executable, str(Path(__file__).with_name("forwarder.py")), host, to_host, str(to_port)]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Between(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)


class Relay:
    """The daemon's socket by way of one that can be taken down, as a daemon that stops takes its own down."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.links: list[socket.socket] = []
        self.thread: threading.Thread | None = None
        self.wake: socket.socket

    def up(self) -> None:
        """Listen, and pass everything on to the real daemon."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self.path))
        server.listen()
        ours, self.wake = socket.socketpair()
        self.thread = threading.Thread(target=self._serve, args=(server, ours))
        self.thread.start()

    def down(self) -> None:
        """Stop listening and cut every connection."""
        self.wake.close()
        if self.thread:
            self.thread.join()
        self.path.unlink()

    def _serve(self, server: socket.socket, wake: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(server, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            peers: dict[socket.socket, socket.socket] = {}
            while True:
                for key, _ in selector.select():
                    one = key.fileobj
                    assert isinstance(one, socket.socket)
                    if one is wake:
                        for link in (server, wake, *peers):
                            link.close()
                        return
                    if one is server:
                        client, daemon = server.accept()[0], socket.socket(socket.AF_UNIX)
                        daemon.connect("/var/run/docker.sock")
                        peers |= {client: daemon, daemon: client}
                        selector.register(client, selectors.EVENT_READ)
                        selector.register(daemon, selectors.EVENT_READ)
                        continue
                    self._pass_on(one, peers, selector)

    @staticmethod
    def _pass_on(
        one: socket.socket, peers: dict[socket.socket, socket.socket], selector: selectors.BaseSelector
    ) -> None:
        other = peers.get(one)
        if other is None:
            return
        try:
            data = one.recv(65536)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        for link in (one, other):
            peers.pop(link)
            selector.unregister(link)
            link.close()


@contextmanager
def relay() -> Iterator[Relay]:
    """Pass the Docker daemon's socket on."""
    # A unix socket's path must be short.
    path = Path(f"/tmp/pt-{os.getpid()}-{time.monotonic_ns()}.sock")
    made = Relay(path)
    made.up()
    try:
        yield made
    finally:
        if path.exists():
            made.down()
