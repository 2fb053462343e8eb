"""The threads that work together on one batch of frames."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

__all__ = ["Team"]

Item = TypeVar("Item")
Value = TypeVar("Value")

_SHARES = 16  # pieces per thread, so that none waits long for the last


class Team:
    """Threads that share the work on a batch; use it as a context manager.

    Parameters
    ----------
    threads
        How many; with one the work is done by whoever asks.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, "reduction") if threads > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, function: Callable[[Item], Value], items: Iterable[Item]) -> list[Value]:
        """Call a function for each item, in any order; the results come in the order of the items.

        The first error is raised when all have ended.
        """
        if self._pool is None:
            return [function(item) for item in items]
        futures = [self._pool.submit(function, item) for item in items]
        errors = [future.exception() for future in futures]
        for error in errors:
            if error is not None:
                raise error
        return [future.result() for future in futures]

    def shares(self, length: int) -> list[tuple[int, int]]:
        """Divide `length` things into (first, end) that are worth a thread each."""
        pieces = 1 if self.threads == 1 else min(length, _SHARES * self.threads)
        cuts = [length * piece // pieces for piece in range(pieces + 1)] if pieces else [0]
        return list(itertools.pairwise(cuts))
