"""The threads that work together on one batch of frames."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

__all__ = ["Interrupted", "Team"]

Item = TypeVar("Item")
Value = TypeVar("Value")

_SHARES = 16  # pieces per thread, so that none waits long for the last


class Interrupted(Exception):
    """Somebody wants to stop, and the batch that was being worked on is of no use."""


class Team:
    """Threads that share the work on a batch; use it as a context manager.

    Parameters
    ----------
    threads
        How many; with one the work is done by whoever asks.

    Attributes
    ----------
    stop
        Asked before each item of `map` whether to give up; ``None`` where what is begun has to be ended.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self.stop: Callable[[], bool] | None = None
        self._pool = ThreadPoolExecutor(threads, "reduction") if threads > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, function: Callable[[Item], Value], items: Iterable[Item]) -> list[Value]:
        """Call a function for each item, in any order; the results come in the order of the items.

        The first error is raised when all have ended.

        Raises
        ------
        Interrupted
            Somebody wants to stop, and may.
        """
        if self._pool is None:
            return self.in_turn(function, items)
        futures = [self._pool.submit(self._unless_stopped, function, item) for item in items]
        errors = [future.exception() for future in futures]
        for error in errors:
            if error is not None:
                raise error
        return [future.result() for future in futures]

    def in_turn(self, function: Callable[[Item], Value], items: Iterable[Item]) -> list[Value]:
        """Call a function for each item, one after the other in this thread.

        Raises
        ------
        Interrupted
            Somebody wants to stop, and may.
        """
        return [self._unless_stopped(function, item) for item in items]

    def _unless_stopped(self, function: Callable[[Item], Value], item: Item) -> Value:
        if self.stop is not None and self.stop():
            raise Interrupted
        return function(item)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """End what is begun: for work that changes sums as it goes."""
        stop, self.stop = self.stop, None
        try:
            yield
        finally:
            self.stop = stop

    def shares(self, length: int) -> list[tuple[int, int]]:
        """Divide `length` things into (first, end) that are worth a thread each."""
        pieces = 1 if self.threads == 1 else min(length, _SHARES * self.threads)
        cuts = [length * piece // pieces for piece in range(pieces + 1)] if pieces else [0]
        return list(itertools.pairwise(cuts))
