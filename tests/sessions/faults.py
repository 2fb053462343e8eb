"""What tests put between two programs in order to break it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Between", "forwarder"]


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
