"""One case in a process of its own: wall time as it measures it, processor time and memory of its process tree."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

__all__ = ["MissingPeer", "Sample", "Worker"]

LOOK = 0.02  # seconds between looks at the memory


class MissingPeer(Exception):
    """A package that a case needs is not installed."""


@dataclass(frozen=True)
class Sample:
    """One run: seconds of wall and processor time, and the most memory in bytes."""

    wall: float
    cpu: float
    peak: int


class Worker:
    """A process that runs one case as often as it is asked; use it as a context manager."""

    def __init__(self, group: str, case: str, path: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.reduction.worker", group, case, str(path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._tree = psutil.Process(self._process.pid)

    def __enter__(self) -> Self:
        try:
            answer = self._answer()[0]
            if "missing" in answer:
                raise MissingPeer(answer["missing"])
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def run(self, frames: int, to: Path | None = None) -> Sample:
        """Run it once."""
        before = self._cpu()
        assert self._process.stdin is not None
        self._process.stdin.write(f"{frames} {to or '-'}\n")
        self._process.stdin.flush()
        answer, peak = self._answer()
        return Sample(answer["wall"], self._cpu() - before, peak)

    def close(self) -> None:
        """End the process, and those that it started."""
        with suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            for process in [*self._every(), self._tree]:
                with suppress(psutil.Error):
                    process.kill()
            self._process.wait()

    def _answer(self) -> tuple[dict[str, Any], int]:
        """Wait for a line; and the most memory of the tree meanwhile."""
        channel, peak = self._process.stdout, 0
        assert channel is not None
        while not select.select([channel], [], [], LOOK)[0]:
            peak = max(peak, self._memory())
        line = channel.readline()
        if not line:
            raise RuntimeError(f"the process ended with {self._process.wait()}; see above")
        return json.loads(line), max(peak, self._memory())

    def _every(self) -> list[psutil.Process]:
        try:
            return [self._tree, *self._tree.children(recursive=True)]
        except psutil.Error:
            return []

    def _memory(self) -> int:
        total = 0
        for process in self._every():
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def _cpu(self) -> float:
        total = 0.0
        for process in self._every():
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total
