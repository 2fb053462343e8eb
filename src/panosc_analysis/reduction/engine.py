"""Runs the tasks of a reduction on Dask: in threads of this process, or on the workers of the current client.

One loop waits for the result, tells the progress and looks whether somebody wants to stop; it runs in the thread that
called, so that a callback may touch a notebook, and an interrupt from the keyboard stops the work.
"""

from __future__ import annotations

import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from panosc_analysis.reduction.progress import Meter, Progress
from panosc_analysis.reduction.work import Job, Part, cancelled, merged, run_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

__all__ = ["Stop", "available_threads", "current_client", "run_in_threads", "run_on_cluster"]

_FAN_IN = 4
_LOOK = 0.05  # seconds between looks at whether it is done or cancelled
_TELL = 0.25  # seconds between calls of the callback
_ASK = 0.1  # seconds between questions of a worker to the scheduler


class Stop(Protocol):
    """What can ask a reduction to stop: a `CancelToken`, a `threading.Event`."""

    def is_set(self) -> bool:
        """Whether to stop."""


def available_threads() -> int:
    """Cores that this process may use, by its CPU affinity and control group."""
    from dask.system import cpu_count

    return max(1, int(cpu_count()))


def current_client() -> Client | None:
    """Find the Dask client that is current here, if there is one. Does not load `distributed` to find out."""
    if "distributed" not in sys.modules:
        return None
    from distributed import default_client

    try:
        client = default_client()
    except ValueError:
        return None
    return None if client.asynchronous else client


class _Here:
    """Control of tasks in threads of this process."""

    def __init__(self, meter: Meter) -> None:
        self.meter, self.stopped = meter, threading.Event()

    def is_stopped(self) -> bool:
        return self.stopped.is_set()

    def add(self, frames: int) -> None:
        self.meter.add(frames)


class _ThroughScheduler:
    """Control of tasks on workers, which ask the scheduler now and then; frames are counted when a task ends."""

    def __init__(self, name: str) -> None:
        self.name, self._asked = name, 0.0
        self._event: Any = None

    def is_stopped(self) -> bool:
        now = time.monotonic()
        if now - self._asked < _ASK:
            return False
        self._asked = now
        if self._event is None:
            self._event = _event(self.name)
        return bool(self._event.is_set())

    def add(self, frames: int) -> None:
        """Count nothing here."""

    def __reduce__(self) -> tuple[object, ...]:
        return _ThroughScheduler, (self.name,)


def _event(name: str) -> Any:
    from distributed import Event

    return Event(name)


def run_in_threads(
    job: Job, ranges: list[tuple[int, int]], *, threads: int, progress: Callable[[Progress], None] | None, cancel: Stop
) -> Part:
    """Run the tasks with Dask's threaded scheduler in this process.

    Raises
    ------
    ReductionError
        It was cancelled.
    """
    import dask
    import dask.threaded

    meter = Meter(sum(last - first for first, last in ranges))
    control = _Here(meter)
    task = dask.delayed(partial(run_task, job, control), pure=False)
    root = _tree([task(first, last) for first, last in ranges], dask.delayed(_merged, pure=False))
    with ThreadPoolExecutor(threads, "reduction") as pool, ThreadPoolExecutor(1, "dask") as scheduler:
        future = scheduler.submit(dask.compute, root, scheduler=dask.threaded.get, pool=pool, optimize_graph=False)
        try:
            _wait(future.done, meter, progress, cancel)
            result: Part = future.result()[0]
        finally:
            control.stopped.set()  # after an error or an interrupt the other tasks end with their batch
    _tell(meter, progress)
    return result


def run_on_cluster(
    client: Client,
    job: Job,
    ranges: list[tuple[int, int]],
    *,
    progress: Callable[[Progress], None] | None,
    cancel: Stop,
) -> Part:
    """Run the tasks on the workers of a client, which must see the same files.

    Raises
    ------
    ReductionError
        It was cancelled.
    """
    meter = Meter(sum(last - first for first, last in ranges))
    name = f"panosc-analysis-{uuid.uuid4().hex}"
    task = partial(run_task, job, _ThroughScheduler(name))
    leaves = client.map(task, *zip(*ranges, strict=True), key=f"reduce-{name}", pure=False)
    for leaf, (first, last) in zip(leaves, ranges, strict=True):
        leaf.add_done_callback(partial(_count, meter, last - first))
    every = list(leaves)

    def merge(*parts: Any) -> Any:
        every.append(client.submit(_merged, *parts, pure=False))
        return every[-1]

    root = _tree(leaves, merge)
    try:
        _wait(root.done, meter, progress, cancel)
        result: Part = root.result()
    except BaseException:
        _event(name).set()
        client.cancel(every, force=True)
        raise
    _tell(meter, progress)
    return result


def _count(meter: Meter, frames: int, future: Any) -> None:
    if future.status == "finished":
        meter.add(frames)


def _merged(*parts: Part) -> Part:
    return merged(list(parts))


def _tree(parts: list[Any], merge: Callable[..., Any]) -> Any:
    """Merge in small groups, so that no place has to hold all of them."""
    while len(parts) > 1:
        groups = [parts[i : i + _FAN_IN] for i in range(0, len(parts), _FAN_IN)]
        parts = [merge(*group) if len(group) > 1 else group[0] for group in groups]
    return parts[0]


def _wait(is_done: Callable[[], bool], meter: Meter, progress: Callable[[Progress], None] | None, cancel: Stop) -> None:
    told = time.monotonic()
    while not is_done():
        if cancel.is_set():
            raise cancelled()
        time.sleep(_LOOK)
        if time.monotonic() - told >= _TELL:
            told = time.monotonic()
            _tell(meter, progress)


def _tell(meter: Meter, progress: Callable[[Progress], None] | None) -> None:
    if progress is not None:
        progress(meter.read())
