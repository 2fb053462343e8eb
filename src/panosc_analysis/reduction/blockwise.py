"""Work on a handle block by block along its first axis: in threads, or on the workers of the current Dask client.

Results come in the order of the blocks, whoever is ready first, and only some are held at a time.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction.engine import LocalControl, SchedulerControl, available_threads
from panosc_analysis.reduction.placing import client_for, worker_threads
from panosc_analysis.reduction.progress import CancelToken, Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from distributed import Client
    from numpy.typing import NDArray

    from panosc_analysis.reduction.engine import Stop
    from panosc_analysis.reduction.progress import Progress
    from panosc_analysis.reduction.work import Control

__all__ = ["Work", "block_ranges", "chunk_ranges", "run_blocks"]

_AHEAD = 2  # blocks per thread or worker that are begun before the first of them is needed
_LOOK = 0.05  # seconds between looks at whether it is done or cancelled
_TELL = 0.25  # seconds between calls of the callback
_TASKS = 16  # per worker: how long a function takes is not known before


class Work(Protocol):
    """What to do with a range of the first axis; picklable. Stops early where its control says so."""

    def __call__(self, first: int, last: int, control: Control) -> Any:
        """Work on entries `first` to `last` (exclusive), counting them."""


def chunk_ranges(handle: ArrayHandle) -> list[tuple[int, int]]:
    """Divide the first axis of a selection where another stored chunk begins: (first, end) for each chunk."""
    selection = handle[...].selection
    axis, frames = next((axis, part) for axis, part in enumerate(selection) if isinstance(part, range))
    kept = np.asarray(frames, dtype=np.int64)
    table = None
    if axis == 0 and frames:
        span = range(min(frames), max(frames) + 1)
        table = ArrayHandle(handle.file, handle.path, (span, *selection[1:])).chunk_table()
    if table is not None:
        numbers = np.searchsorted(table.first_frame, kept - min(frames), side="right")
    else:
        chunks = handle.stored_chunks
        numbers = kept // (chunks[axis] if chunks else 1)
    return _ranges(np.flatnonzero(np.diff(numbers)) + 1, len(kept))


def block_ranges(handle: ArrayHandle, nbytes: int, blocks: int = 1) -> list[tuple[int, int]]:
    """Divide the first axis into at least `blocks` ranges of at most about `nbytes`, cut between stored chunks.

    A chunk that is larger than that stays whole: it has to be decoded whole.
    """
    length = len(handle)
    if length == 0:
        return []
    most = max(1, min(nbytes // max(1, handle.nbytes // length), -(-length // blocks)))
    cuts: list[int] = []
    begin = 0
    for first, _ in chunk_ranges(handle)[1:]:
        if first - begin >= most:
            cuts.append(first)
            begin = first
    return _ranges(np.array(cuts, dtype=np.int64), length)


def _ranges(cuts: NDArray[np.int64], length: int) -> list[tuple[int, int]]:
    edges = [0, *map(int, cuts), length]
    return [(a, b) for a, b in itertools.pairwise(edges) if b > a]


def run_blocks(
    work: Work,
    divide: Callable[[int], list[tuple[int, int]]],
    *,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Stop | None = None,
) -> Generator[Any]:
    """Work on ranges and give the results in their order; what is cancelled gives what it has and ends.

    Parameters
    ----------
    work
        What to do.
    divide
        Makes the ranges for a number of workers.
    threads
        How many in this process, whatever clients there are.
    progress, cancel
        Called in the thread that takes the results; looked at in every thread of this process.
    """
    client = client_for(threads)
    count = worker_threads(client) if client is not None else threads or available_threads()
    ranges = divide((_TASKS if client is not None else _AHEAD) * count)
    meter = Meter(sum(last - first for first, last in ranges))
    cancel = cancel or CancelToken()
    pool = _Threads(work, meter, count, cancel) if client is None else _Workers(work, meter, client)
    begun: deque[Any] = deque()
    waiting = iter(ranges)
    try:
        while True:
            room = 0 if cancel.is_set() else _AHEAD * count - len(begun)
            begun.extend(pool.submit(*span) for span in itertools.islice(waiting, room))
            if not begun:
                break
            _wait(pool, begun[0], cancel, progress)
            yield begun.popleft().result()
    finally:
        pool.close(begun)
    if progress is not None:
        progress(meter.read())


def _wait(pool: _Pool, future: Any, cancel: Stop, progress: Callable[[Progress], None] | None) -> None:
    """Wait for a block; tell the progress, and pass on that somebody wants to stop."""
    while not pool.is_done(future):
        if cancel.is_set():
            pool.stop()
        if progress is not None and time.monotonic() - pool.told >= _TELL:
            pool.told = time.monotonic()
            progress(pool.meter.read())


class _Pool(Protocol):
    """Runs blocks somewhere."""

    meter: Meter
    told: float

    def submit(self, first: int, last: int) -> Any:
        """Begin a block."""

    def is_done(self, future: Any) -> bool:
        """Wait a moment for it."""

    def stop(self) -> None:
        """Ask all blocks to give up."""

    def close(self, begun: deque[Any]) -> None:
        """End, with these blocks begun."""


class _Threads:
    """Runs blocks in threads of this process."""

    def __init__(self, work: Work, meter: Meter, threads: int, cancel: Stop) -> None:
        self.meter, self.told = meter, time.monotonic()
        self._work, self._control = work, LocalControl(meter, cancel)
        self._pool = ThreadPoolExecutor(threads, "blocks")

    def submit(self, first: int, last: int) -> Any:
        return self._pool.submit(self._work, first, last, self._control)

    def is_done(self, future: Any) -> bool:
        try:
            future.exception(_LOOK)
        except TimeoutError:
            return False
        return True

    def stop(self) -> None:
        self._control.stopped.set()

    def close(self, begun: deque[Any]) -> None:
        self.stop()
        self._pool.shutdown(cancel_futures=True)


class _Workers:
    """Runs blocks on the workers of a client; they are counted when they end."""

    def __init__(self, work: Work, meter: Meter, client: Client) -> None:
        self.meter, self.told = meter, time.monotonic()
        self._work, self._client = work, client
        self._name = f"panosc-analysis-{uuid.uuid4().hex}"
        self._control, self._stopped = SchedulerControl(self._name), False

    def submit(self, first: int, last: int) -> Any:
        future = self._client.submit(self._work, first, last, self._control, key=(self._name, first), pure=False)
        future.add_done_callback(partial(self._count, last - first))
        return future

    def _count(self, entries: int, future: Any) -> None:
        if future.status == "finished":
            self.meter.add(entries)

    def is_done(self, future: Any) -> bool:
        deadline, pause = time.monotonic() + _LOOK, 0.001
        while not future.done() and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(2 * pause, _LOOK / 4)
        return bool(future.done())

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._control.stop()

    def close(self, begun: deque[Any]) -> None:
        if begun:
            self.stop()
            self._client.cancel(list(begun), force=True)
