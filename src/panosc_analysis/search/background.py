"""One event loop in a thread of its own, for calls that wait.

A notebook runs an event loop already, so `asyncio.run` cannot be used there. The loop is kept: closing it would wait
for name look-ups that a time limit has given up.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["run"]

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


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="panosc-search", daemon=True).start()
        return loop
