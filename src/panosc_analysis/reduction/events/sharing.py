"""Pieces of work shared by threads, so that what is done when somebody stops it is all until some piece."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from panosc_analysis.reduction.engine import Stop

__all__ = ["PerThread", "share"]

_LOOK = 0.05  # seconds between looks whether it is done or cancelled, at most

Item = TypeVar("Item")
Value = TypeVar("Value")


class PerThread(Generic[Value]):
    """One value for each thread that asks."""

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make, self._mine, self._lock = make, threading.local(), threading.Lock()
        self._every: list[Value] = []

    def get(self) -> Value:
        """Give the value of this thread."""
        if not hasattr(self._mine, "value"):
            self._mine.value = self._make()
            with self._lock:
                self._every.append(self._mine.value)
        value: Value = self._mine.value
        return value

    def values(self) -> list[Value]:
        """Give the values of all threads."""
        return self._every


def share(
    work: Callable[[Item], None], items: Sequence[Item], threads: int, *, tell: Callable[[], None], cancel: Stop | None
) -> int:
    """Work on items in threads, begun in their order; returns how many were done, fewer than all if it was cancelled.

    What is begun is ended, so that the items done are the first ones. The first error ends it and is raised; `tell`
    is called in this thread now and then, and at the end.
    """
    left, stopped = deque(items), threading.Event()

    def run() -> None:
        while not stopped.is_set() and not (cancel is not None and cancel.is_set()):
            try:
                item = left.popleft()
            except IndexError:
                return
            work(item)

    with ThreadPoolExecutor(threads, "events") as pool:
        futures = [pool.submit(run) for _ in range(threads)]
        try:
            while (state := wait(futures, _LOOK, FIRST_EXCEPTION)).not_done:
                if any(future.exception() for future in state.done):
                    break
                tell()
        finally:
            stopped.set()
    for future in futures:
        future.result()
    tell()
    return len(items) - len(left)
