"""One event loop in a thread of its own, for calls that wait.

A notebook runs an event loop already, so `asyncio.run` cannot be used there. The loop is kept: closing it would wait
for name look-ups that a time limit has given up.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

__all__ = ["iterate", "run"]

T = TypeVar("T")
_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}  # by process: a fork has the object, but not its thread


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and give its result; callable with or without a running event loop.

    Interrupting the wait (Ctrl-C, the notebook's stop button) cancels the work.
    """
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def iterate(items: AsyncIterator[T]) -> Iterator[T]:
    """Give what an asynchronous generator gives, waiting for each; leaving the loop closes the generator."""
    try:
        while True:
            try:
                yield run(_next(items))
            except StopAsyncIteration:
                return
    finally:
        run(_closed(items))


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)


async def _closed(items: AsyncIterator[T]) -> None:
    close = getattr(items, "aclose", None)
    if close is not None:
        await close()


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="panosc-search", daemon=True).start()
        return loop
