"""Drawing noise for many frames: the same counts whatever the number of threads, never many frames in memory."""

from __future__ import annotations

import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["frames_in_order", "generator"]

WORKERS = 2  # drawing takes about as long as compressing and writing, which HDF5 does in one thread


def generator(seed: int, pid: str, *place: int) -> np.random.Generator:
    """Make the random generator of one `place` (a frame, a row, a block of pulses) in one dataset."""
    return np.random.default_rng([seed, zlib.crc32(pid.encode()), *place])


def frames_in_order(draw: Callable[[int], NDArray[Any]], count: int) -> Iterator[NDArray[Any]]:
    """Give ``draw(0)`` … ``draw(count - 1)`` in this order, drawn ahead in threads.

    Holds at most four frames at a time.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        pending: deque[Any] = deque()
        for index in range(count):
            pending.append(pool.submit(draw, index))
            if len(pending) > WORKERS + 1:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
