"""Follow a file that somebody is writing: a reduction that goes on until its writer has finished.

Frames and events are followed in the same way: what accumulates them is asked how far the data are, and takes in what
is surely written. `panosc_analysis.nexus.growth` says how a file is seen to grow, and when its writer has finished.

==================  =============================================================  ==========
how it ends         what happened                                                  is partial
==================  =============================================================  ==========
finished            the writer has closed the file                                 no
at rest             nothing came for `patience`, in a format that does not say     no, unless
                    whether it has a writer                                        frames lack
stopped             nothing came for `patience`, and the file is marked as open:   yes
                    its writer stalls or died
cancelled           somebody has seen enough                                       yes
==================  =============================================================  ==========

In every case what was found until then is given back, and the notes of the result say how it ended.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from panosc_analysis.errors import (
    FilterPluginMissing,
    LocateError,
    NodeNotFound,
    NothingToPlot,
    NotYours,
    OpenError,
    OutsideRoots,
    PanoscError,
    ReductionCancelled,
    ReductionError,
)
from panosc_analysis.reduction.events import EventAccumulator
from panosc_analysis.reduction.growing import StackAccumulator
from panosc_analysis.reduction.prepared import BUFFER
from panosc_analysis.reduction.progress import CancelToken, Meter, Progress
from panosc_analysis.reduction.steps import counts_events, make_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from panosc_analysis.nexus import ArrayHandle, Growth
    from panosc_analysis.provenance import Source
    from panosc_analysis.reduction.engine import Stop
    from panosc_analysis.reduction.frames import Errors
    from panosc_analysis.reduction.result import ReductionResult
    from panosc_analysis.reduction.steps import Events, Step

__all__ = ["Accumulator", "follow"]

_INTERVAL = 0.5
_PATIENCE = 30.0
_TELL = 0.25  # seconds between calls of the callback while nothing comes
_TRIES = 3  # looks at a file without a writer that may fail, since its last bytes may be on their way
_NAP = 0.02  # seconds between looks whether to stop


class Accumulator(Protocol):
    """What takes in data that come: `StackAccumulator`, `EventAccumulator`."""

    unit: str

    @property
    def done(self) -> int:
        """How many were taken in."""

    def look(self) -> Growth:
        """Look how far the data are."""

    def update(
        self,
        growth: Growth,
        *,
        last: bool = False,
        progress: Callable[[Progress], None] | None = None,
        cancel: Stop | None = None,
    ) -> int:
        """Take in what is written; returns how many are new, or whether anything is."""

    def result(self, sources: Sequence[Source] = (), remarks: tuple[str, ...] = ()) -> ReductionResult:
        """Give the result so far."""


def follow(
    handle: ArrayHandle | Callable[[], ArrayHandle],
    steps: Sequence[Step | str] | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    mask: NDArray[Any] | None = None,
    update: Callable[[ReductionResult], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Stop | None = None,
    sources: Sequence[Source] = (),
    errors: Errors = "raise",
    threads: int | None = None,
    buffer: int = BUFFER,
    interval: float = _INTERVAL,
    patience: float = _PATIENCE,
) -> ReductionResult:
    """Reduce a stack, or events, while they are written, until their writer has finished.

    Every frame counts once, and none is missed: the result of a finished file is that of `reduce` with the same
    threads and buffer, bit for bit. Works in the threads of this process, whatever Dask client is current; takes no
    lock, so it does not disturb the writer. The file need not be there yet.

    Costs at each look the opening of the file and a walk through its index of chunks (0.1 s per 100 000); the last
    batch of frames is read again when more come. Memory: that of `reduce`, and the sums once more.

    Parameters
    ----------
    handle, steps, parameters, mask, errors, threads, buffer
        As `reduce`. Without steps those that apply to the first frames. A function instead of a handle is asked for it
        again and again, until the file holds it.
    update
        Called in this thread with the result so far, whenever there is more.
    progress
        Called in this thread, also while nothing comes.
    cancel
        Ends it, as an interrupt from the keyboard does; what was found until then is returned.
    sources
        What the data are, for the record.
    interval
        Seconds between two looks at the file.
    patience
        Seconds without anything new after which the writer is taken to have stopped.

    Returns
    -------
    :
        What was found; `ReductionResult.is_partial` and the notes tell how it ended.

    Raises
    ------
    ReductionError
        A step that cannot be run on these data, no frame came, or it was cancelled before one came.
    OpenError, LocateError
        The file could not be read for as long as `patience`.
    """
    cancel = cancel or CancelToken()
    if steps is not None and counts_events(steps):
        step = cast("Events", make_steps(steps, parameters or {})[0])
        accumulator = _Late(handle, lambda found: EventAccumulator(found.file, step, found.path, threads=threads))
        accumulator.unit = EventAccumulator.unit
    else:
        options: dict[str, Any] = {"mask": mask, "errors": errors, "threads": threads, "buffer": buffer}
        if steps is not None:
            steps = make_steps(steps, parameters or {})
            parameters = {}
        accumulator = _Late(handle, lambda found: StackAccumulator(found, steps, parameters=parameters, **options))
    watch = _Watch(accumulator, update, progress, cancel, sources, patience)
    try:
        while not watch.look():
            watch.wait(interval)
    except KeyboardInterrupt:  # the way to stop it where there is no button
        watch.interrupt()
    return watch.end()


class _Late:
    """An accumulator that is made when the file is there."""

    unit = StackAccumulator.unit

    def __init__(
        self, handle: ArrayHandle | Callable[[], ArrayHandle], make: Callable[[ArrayHandle], Accumulator]
    ) -> None:
        self._handle, self._make = handle, make
        self._made: Accumulator | None = None
        self.file: Path | None = None if callable(handle) else handle.file

    @property
    def done(self) -> int:
        return 0 if self._made is None else self._made.done

    def get(self) -> Accumulator:
        if self._made is None:
            handle = self._handle() if callable(self._handle) else self._handle
            self.file = handle.file
            self._made = self._make(handle)
        return self._made


class _Watch:
    """Looks at the data again and again, and knows when to stop."""

    def __init__(
        self,
        accumulator: _Late,
        update: Callable[[ReductionResult], None] | None,
        progress: Callable[[Progress], None] | None,
        cancel: Stop,
        sources: Sequence[Source],
        patience: float,
    ) -> None:
        self.accumulator, self.update, self.progress, self.cancel = accumulator, update, progress, cancel
        self.sources, self.patience = sources, patience
        self.meter, self.length = Meter(0), 0
        self.seen: tuple[object, ...] = ()
        self.moved = self.right = time.monotonic()  # when something changed, when a look last went well
        self.failures: list[PanoscError] = []
        self.remark, self.is_partial, self.interrupted = "", False, False

    def look(self) -> bool:
        """Look once, and take in what is new; returns whether it has ended."""
        growth = None
        try:
            growth = self.accumulator.get().look()
            self._take(growth)
            self.right = time.monotonic()
            self.failures.clear()
        except ReductionCancelled:
            pass
        except (NotYours, OutsideRoots, FilterPluginMissing):
            raise  # which waiting does not mend
        except (OpenError, LocateError, NodeNotFound, NothingToPlot, ReductionError) as error:
            self.failures.append(error)
        self._notice(growth)
        self._tell()
        return self._has_ended(growth)

    def wait(self, interval: float) -> None:
        """Wait for the next look, or until somebody wants to stop."""
        begun = told = time.monotonic()
        while (now := time.monotonic()) - begun < interval and not self.cancel.is_set():
            time.sleep(min(_NAP, interval))
            if now - told >= _TELL:
                told = now
                self._tell()

    def interrupt(self) -> None:
        """Note that somebody has ended it."""
        self.interrupted = self.is_partial = True
        self.remark = f"it was ended after {self._count()}, before the writer had finished"

    def end(self) -> ReductionResult:
        """Give the result, and say how it ended; where there is none, the reason."""
        if not self.accumulator.done:
            if self.cancel.is_set() or self.interrupted:
                raise ReductionCancelled(f"It was cancelled before {self.accumulator.unit} came", hint="Start it again")
            if self.failures:
                raise self.failures[-1]
        result = self.accumulator.get().result(self.sources, (self.remark,) if self.remark else ())
        result.is_partial = result.is_partial or self.is_partial
        return result

    def _take(self, growth: Growth) -> None:
        accumulator = self.accumulator.get()
        self.length = growth.length
        if accumulator.update(growth, progress=self._passed_on, cancel=self.cancel) and growth.writer is not False:
            self._show(accumulator)

    def _notice(self, growth: Growth | None) -> None:
        """Notice whether anything has changed since the last look."""
        now: tuple[object, ...] = (self.accumulator.done,)
        if growth is not None:
            now = (growth.length, growth.written)
        elif self.accumulator.file is not None:
            with suppress(OSError):
                status = self.accumulator.file.stat()
                now += (status.st_mtime_ns, status.st_size)
        if now != self.seen:
            self.seen, self.moved = now, time.monotonic()

    def _has_ended(self, growth: Growth | None) -> bool:
        if self.cancel.is_set():
            self.interrupt()
            return True
        if growth is not None and growth.writer is False and (not self.failures or len(self.failures) >= _TRIES):
            return self._close()
        now = time.monotonic()
        if self.failures and now - self.right >= self.patience and now - self.moved >= self.patience:
            return self._close()
        if not self.failures and growth is not None and now - self.moved >= self.patience:
            return self._rest(growth)
        return False

    def _close(self) -> bool:
        """End it with what there is; where the last looks failed, that is not all."""
        if self.failures:
            self.remark = f"after {self._count()} it could not go on: {self.failures[-1].message}"
            self.is_partial = True
        return True

    def _rest(self, growth: Growth) -> bool:
        """End it because nothing has come for a long time; take what may be taken then, and say what that means."""
        try:
            self.accumulator.get().update(growth, last=True, progress=self._passed_on, cancel=self.cancel)
        except (OpenError, ReductionError) as error:
            self.failures.append(error)
            return self._close()
        quiet = f"nothing came for {self.patience:g} s"
        if growth.writer:
            self.remark = (
                f"the writer stopped after {self._count()}: {quiet}, and the file is still marked as open for writing"
            )
        elif growth.length > self.accumulator.done:
            self.remark = f"the writer stopped after {self._count()} of {growth.length}: {quiet}"
        else:
            self.remark = f"{quiet}; the file does not say whether its writer has finished"
            return True
        self.is_partial = True
        return True

    def _count(self) -> str:
        return f"{self.accumulator.done} {self.accumulator.unit}"

    def _show(self, accumulator: Accumulator) -> None:
        if self.update is not None:
            self.update(accumulator.result(self.sources, (f"so far: {self._count()}, and more may come",)))

    def _passed_on(self, progress: Progress) -> None:
        self._report(progress.done, max(progress.total, self.length), "")

    def _tell(self) -> None:
        waiting = self.failures[-1].message if self.failures else f"waiting for {self.accumulator.unit}"
        self._report(self.accumulator.done, self.length, waiting)

    def _report(self, done: int, total: int, waiting: str) -> None:
        if self.progress is not None:
            self.meter.reach(done, total)
            told = self.meter.read()
            unit = self.accumulator.unit
            self.progress(Progress(told.done, told.total, told.rate, None, unit, waiting))
