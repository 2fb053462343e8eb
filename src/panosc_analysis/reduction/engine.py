"""Runs the tasks of a reduction: with the threads of this process, or on the workers of the current Dask client.

One loop waits for the result, tells the progress and looks whether somebody wants to stop; it runs in the thread that
called, so that a callback may touch a notebook, and an interrupt from the keyboard stops the work. What is stopped
gives back what it has done so far.
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
from panosc_analysis.reduction.team import Team
from panosc_analysis.reduction.work import Job, Part, absorbed, merged, run_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

__all__ = [
    "LocalControl",
    "SchedulerControl",
    "Stop",
    "available_threads",
    "current_client",
    "run_in_threads",
    "run_on_cluster",
]

_FAN_IN = 4
_LOOK = 0.05  # seconds between looks at whether it is cancelled
_TELL = 0.25  # seconds between calls of the callback
_ASK = 0.1  # seconds between questions of a worker to the scheduler
_PATIENCE = 10.0  # seconds that stopped workers have to give back what they have


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


class LocalControl:
    """Control of tasks in this process, which look themselves whether somebody wants to stop."""

    def __init__(self, meter: Meter, cancel: Stop) -> None:
        self.meter, self.cancel, self.stopped = meter, cancel, threading.Event()

    def is_stopped(self) -> bool:
        """Whether to give up."""
        return self.stopped.is_set() or self.cancel.is_set()

    def add(self, frames: int) -> None:
        """Count frames as done."""
        self.meter.add(frames)


class SchedulerControl:
    """Control of tasks on workers, which ask the scheduler now and then; frames are counted when a task ends."""

    def __init__(self, name: str) -> None:
        self.name, self._asked = name, 0.0
        self._event: Any = None

    def is_stopped(self) -> bool:
        """Whether to give up, as the scheduler said a moment ago."""
        now = time.monotonic()
        if now - self._asked < _ASK:
            return False
        self._asked = now
        if self._event is None:
            self._event = _event(self.name)
        return bool(self._event.is_set())

    def add(self, frames: int) -> None:
        """Count nothing here."""

    def stop(self) -> None:
        """Ask all tasks to give up."""
        _event(self.name).set()

    def __reduce__(self) -> tuple[object, ...]:
        return SchedulerControl, (self.name,)


def _event(name: str) -> Any:
    from distributed import Event

    return Event(name)


def run_in_threads(
    job: Job,
    ranges: list[tuple[int, int]],
    *,
    threads: int,
    progress: Callable[[Progress], None] | None,
    cancel: Stop,
    between: Callable[[list[Part]], None] | None = None,
    onto: Part | None = None,
) -> Part:
    """Go through the ranges one after the other, with all threads on each batch of frames.

    There is one set of sums, whatever the number of threads. `between` is called now and then with all that is done.
    With `onto` the frames are added to what was found before, in the same order as if there had been no pause.

    Returns
    -------
    :
        What was found; its `done` falls short of the ranges if it was cancelled.
    """
    meter = Meter(sum(last - first for first, last in ranges))
    control = LocalControl(meter, cancel)

    def work() -> Part:
        found: Part | None = None
        with Team(threads) as team:
            for first, last in ranges:
                before = [] if found is None else [found]
                told = None if between is None else lambda part, before=before: between([*before, part])
                part = run_task(job, control, first, last, team, told, onto=onto)
                found = part if found is None or onto is not None else absorbed(found, part)
                if control.is_stopped():
                    break
        if found is None:
            raise AssertionError("there are no frames")
        return found

    with ThreadPoolExecutor(1, "reduction of a stack") as pool:
        future = pool.submit(work)
        try:
            if _wait(future, meter, progress, cancel):
                control.stopped.set()
            result = future.result()
        finally:
            control.stopped.set()  # after an error or an interrupt it ends with its batch
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

    Returns
    -------
    :
        What was found; its `done` falls short of the ranges if it was cancelled.
    """
    meter = Meter(sum(last - first for first, last in ranges))
    name = f"panosc-analysis-{uuid.uuid4().hex}"
    task = partial(run_task, job, SchedulerControl(name))
    leaves = client.map(task, *zip(*ranges, strict=True), key=f"reduce-{name}", pure=False)
    for leaf, (first, last) in zip(leaves, ranges, strict=True):
        leaf.add_done_callback(partial(_count, meter, last - first))
    every = list(leaves)

    def merge(*parts: Any) -> Any:
        every.append(client.submit(_merged, *parts, pure=False))
        return every[-1]

    root = _tree(leaves, merge)
    try:
        if _wait(root, meter, progress, cancel):
            # Tasks give back what they have; those that have not begun find at once that they need not.
            _event(name).set()
            result: Part = root.result(timeout=_PATIENCE)
        else:
            result = root.result()
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


def _wait(future: Any, meter: Meter, progress: Callable[[Progress], None] | None, cancel: Stop) -> bool:
    """Wait until it is done, or cancelled: then the answer is True."""
    done, told = threading.Event(), time.monotonic()
    future.add_done_callback(lambda _: done.set())
    while not cancel.is_set():
        if done.wait(_LOOK):
            return False
        if time.monotonic() - told >= _TELL:
            told = time.monotonic()
            _tell(meter, progress)
    return not future.done()


def _tell(meter: Meter, progress: Callable[[Progress], None] | None) -> None:
    if progress is not None:
        progress(meter.read())
