"""Counting events: the whole file in threads, or what has come since the last time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionCancelled, ReductionError
from panosc_analysis.provenance import StepRecord
from panosc_analysis.reduction.engine import available_threads
from panosc_analysis.reduction.events.pieces import Pieces
from panosc_analysis.reduction.events.pulses import kept_ranges, pulse_seconds
from panosc_analysis.reduction.events.source import EventSource, find_events, find_flight_paths
from panosc_analysis.reduction.memory import require_memory
from panosc_analysis.reduction.progress import Meter
from panosc_analysis.reduction.recording import make_record
from panosc_analysis.reduction.result import ReductionResult, ResultArray, ResultAxis
from panosc_analysis.reduction.steps.series import count_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Record, Source
    from panosc_analysis.reduction.engine import Stop
    from panosc_analysis.reduction.progress import Progress
    from panosc_analysis.reduction.steps.events import Events

__all__ = ["EventAccumulator", "reduce_events"]

_MOST_NUMBERS = 200_000_000  # between the smallest and the largest pixel number


def reduce_events(
    file: Path,
    step: Events,
    path: str | None = None,
    *,
    keep: NDArray[np.bool_] | None = None,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Stop | None = None,
    sources: Sequence[Source] = (),
) -> ReductionResult:
    """Make a histogram of the events of a file.

    Reads and decodes the chunks in threads, and counts them while they are in the cache. Memory: the histogram times
    the threads, whatever the number of events. The first call compiles for some seconds, once per machine.

    Parameters
    ----------
    file
        The file.
    step
        What to count.
    path
        Of the NXevent_data group; the only one without.
    keep
        Which pulses count, one value for each, besides what the step says.
    threads
        How many; as many as this process may use without.
    progress
        Called in this thread.
    cancel
        Stops it when it is set.
    sources
        What the data are, for the record.

    Raises
    ------
    ReductionError
        No events, something that the file does not tell, or it was cancelled.
    OpenError, LocateError
        The file cannot be read.
    """
    accumulator = EventAccumulator(file, step, path, keep=keep, threads=threads)
    accumulator.update(progress=progress, cancel=cancel)
    return accumulator.result(sources)


class EventAccumulator:
    """A histogram that takes in the events that have come since it was last asked: for files that grow.

    Parameters
    ----------
    file, step, path, keep, threads
        As `reduce_events`; where pulses are chosen only whole pulses are taken in.
    """

    def __init__(
        self,
        file: Path,
        step: Events,
        path: str | None = None,
        *,
        keep: NDArray[np.bool_] | None = None,
        threads: int | None = None,
    ) -> None:
        self.step, self.keep = step, keep
        self.threads = threads or available_threads()
        self.source: EventSource = find_events(file, path)
        self.paths = find_flight_paths(self.source) if step.needs_pixels else None
        if step.needs_pixels and self.source.numbers is None:
            raise ReductionError(
                f"{self.source.path} in {file} has no event_id", hint='Use axis="tof" without by_pixel'
            )
        self.factors = np.ones(1) if step.axis == "pixel" else step.factors(self.paths, self.source.time_unit)
        self.events, self.unknown = 0, 0
        self.edges: NDArray[np.float64] | None = None
        self._pixels: tuple[NDArray[np.int64], int, NDArray[np.int32]] | None = None
        self._counts: NDArray[np.int64] | None = None

    def update(self, *, progress: Callable[[Progress], None] | None = None, cancel: Stop | None = None) -> int:
        """Take in what is new; returns how many events that were looked at.

        Raises
        ------
        ReductionError, OpenError
            As `reduce_events`; then nothing of the new events was taken in.
        """
        total = self._total()
        if total <= self.events:
            return 0
        ranges = self._ranges(total)
        times = Pieces.of(self.source.times, total)
        numbers = Pieces.of(self.source.numbers, total) if self.step.needs_pixels and self.source.numbers else None
        self._prepare(times, numbers, total)
        counts, unknown = self._count(times, numbers, ranges, progress, cancel)
        self._counts = counts if self._counts is None else self._counts + counts
        self.unknown += unknown
        before, self.events = self.events, total
        return total - before

    def result(self, sources: Sequence[Source] = ()) -> ReductionResult:
        """Give the histogram of what was taken in so far.

        Raises
        ------
        ReductionError
            Nothing was.
        """
        if self._counts is None:
            raise ReductionError(
                f"{self.source.path} in {self.source.file} holds no events yet", hint="Try again when there are some"
            )
        counts = self._counts if self.step.by_pixel or self.step.axis == "pixel" else self._counts[0]
        axes: list[ResultAxis] = []
        if self.step.by_pixel or self.step.axis == "pixel":
            axes.append(ResultAxis("detector_number", "pixel", None, self._pixel_numbers()))
        if self.step.axis != "pixel":
            axes.append(self.step.result_axis(self._edges()))
        label = f"events of {self.source.path.strip('/').split('/')[-1]}"
        array = ResultArray("histogram", label, counts, tuple(axes), "counts", count_errors(counts))
        return ReductionResult((array,), self._record(sources), "histogram", self._notes(int(counts.sum())))

    def _total(self) -> int:
        lengths = [len(handle) for handle in (self.source.times, self.source.numbers) if handle is not None]
        if self.source.pulse_index is not None and self._chooses_pulses():
            pulses = len(self.source.pulse_index)
            if len(lengths) and pulses and self.keep is not None and len(self.keep) > pulses:
                self.keep = self.keep[:pulses]
        return min(lengths)

    def _chooses_pulses(self) -> bool:
        return self.keep is not None or self.step.pulses_from is not None or self.step.pulses_to is not None

    def _ranges(self, total: int) -> NDArray[np.int64]:
        """Find the events to take in: (first, end), shape (ranges, 2)."""
        if not self._chooses_pulses():
            return np.array([[self.events, total]])
        if self.step.pulses_from is None and self.step.pulses_to is None and self.keep is not None:
            keep = self.keep.astype(bool)
        else:
            seconds = pulse_seconds(self.source)
            low = -np.inf if self.step.pulses_from is None else self.step.pulses_from
            high = np.inf if self.step.pulses_to is None else self.step.pulses_to
            keep = (seconds >= low) & (seconds <= high)
            if self.keep is not None:
                keep &= self.keep
        ranges = kept_ranges(self.source, keep, total)
        return np.maximum(ranges[ranges[:, 1] > self.events], self.events)

    def _prepare(self, times: Pieces, numbers: Pieces | None, total: int) -> None:
        """Find the edges and the rows of the pixels, which stay as they are."""
        if numbers is not None and self._pixels is None:
            self._pixels = _pixel_rows(self.paths.numbers if self.paths else _all_numbers(numbers))
        if self.step.axis != "pixel" and self.edges is None:
            highest = 0.0
            if self.step.high is None:
                largest = max(float(times.read(first, last).max()) for first, last in times.borders())
                highest = largest * float(np.nanmax(self.factors))
            self.edges = self.step.edges(highest)
        rows = len(self._pixel_numbers()) if self.step.by_pixel else 1
        require_memory(8 * rows * self.step.bins * (self.threads + 1), self.step.title)

    def _count(
        self,
        times: Pieces,
        numbers: Pieces | None,
        ranges: NDArray[np.int64],
        progress: Callable[[Progress], None] | None,
        cancel: Stop | None,
    ) -> tuple[NDArray[np.int64], int]:
        pieces = [piece for piece in times.borders() if _meets(piece, ranges)]
        meter, local, stopped = (
            Meter(sum(last - first for first, last in pieces)),
            _PerThread(self._counter),
            threading.Event(),
        )

        def work(piece: tuple[int, int]) -> None:
            if stopped.is_set():
                return
            read_times = None if self.step.axis == "pixel" else times.read(*piece)
            read_numbers = None if numbers is None else numbers.read(*piece)
            for first, last in _within(piece, ranges):
                part = slice(first - piece[0], last - piece[0])
                local.get().add(
                    None if read_times is None else read_times[part],
                    None if read_numbers is None else read_numbers[part],
                )
            meter.add(piece[1] - piece[0])

        with ThreadPoolExecutor(self.threads, "events") as pool:
            try:
                for future in as_completed([pool.submit(work, piece) for piece in pieces]):
                    future.result()
                    if cancel is not None and cancel.is_set():
                        raise ReductionCancelled(
                            "The histogram was cancelled", hint="Start it again when you want its result"
                        )
                    if progress is not None:
                        progress(meter.read())
            finally:
                stopped.set()
        each = local.values()
        counters = each or [self._counter()]
        total = sum((counter.counts() for counter in counters[1:]), counters[0].counts())
        return total, sum(counter.unknown for counter in counters)

    def _counter(self) -> Any:
        from panosc_analysis.reduction.events.counting import PixelCounter, ScaledCounter, TimeCounter

        if self.step.axis == "pixel":
            return PixelCounter(*self._rows())
        if not self.step.needs_pixels:
            return TimeCounter(
                self.step.edges_in(self._edges(), self.source.time_unit), even=self.step.spacing == "linear"
            )
        rows, factors = self._rows(), self.factors
        if len(factors) == 1:
            factors = np.full(len(self._pixel_numbers()), factors[0])
        height = len(self._pixel_numbers()) if self.step.by_pixel else 1
        return ScaledCounter(*rows, factors, self._edges(), height, even=self.step.spacing == "linear")

    def _edges(self) -> NDArray[np.float64]:
        if self.edges is None:
            raise AssertionError("found before anything is counted")
        return self.edges

    def _rows(self) -> tuple[int, NDArray[np.int32]]:
        if self._pixels is None:
            raise AssertionError("found before anything is counted")
        return self._pixels[1], self._pixels[2]

    def _pixel_numbers(self) -> NDArray[np.int64]:
        return np.empty(0, np.int64) if self._pixels is None else self._pixels[0]

    def _notes(self, counted: int) -> tuple[str, ...]:
        notes = [f"{counted} of {self.events} events lie in the bins"]
        if self.unknown:
            notes.append(f"{self.unknown} events are of pixels that the file does not name and were left out")
        return tuple(notes)

    def _record(self, sources: Sequence[Source]) -> Record:
        values = {p.name: getattr(self.step, p.name) for p in self.step.parameters}
        if self.step.axis != "pixel":
            values |= {"low": float(self._edges()[0]), "high": float(self._edges()[-1])}
        steps = (StepRecord(self.step.name, values),)
        return make_record(sources, self.source.file, self.source.path, steps, software=("deflate",))


class _PerThread:
    """One counter for each thread that asks."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._mine, self._lock = make, threading.local(), threading.Lock()
        self._every: list[Any] = []

    def get(self) -> Any:
        if not hasattr(self._mine, "counter"):
            self._mine.counter = self._make()
            with self._lock:
                self._every.append(self._mine.counter)
        return self._mine.counter

    def values(self) -> list[Any]:
        return self._every


def _all_numbers(numbers: Pieces) -> NDArray[np.int64]:
    """Find every pixel number that occurs, where the file names no pixels."""
    found = np.empty(0, np.int64)
    for first, last in numbers.borders():
        found = np.union1d(found, np.unique(numbers.read(first, last)).astype(np.int64))
    return found


def _pixel_rows(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], int, NDArray[np.int32]]:
    """Make the table from pixel numbers to rows: the numbers, the lowest one, the rows from there on."""
    lowest, span = int(numbers.min()), int(numbers.max()) - int(numbers.min()) + 1
    if span > _MOST_NUMBERS:
        raise ReductionError(
            f"Pixel numbers go from {lowest} to {int(numbers.max())}, too far for a table",
            hint='Use axis="tof" without by_pixel',
        )
    rows = np.full(span, -1, np.int32)
    rows[numbers - lowest] = np.arange(len(numbers), dtype=np.int32)
    return numbers, lowest, rows


def _meets(piece: tuple[int, int], ranges: NDArray[np.int64]) -> bool:
    return next(iter(_within(piece, ranges)), None) is not None


def _within(piece: tuple[int, int], ranges: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Cut the ranges, which are in order, to a piece."""
    begin = int(np.searchsorted(ranges[:, 1], piece[0], side="right"))
    end = int(np.searchsorted(ranges[:, 0], piece[1], side="left"))
    cut = np.clip(ranges[begin:end], *piece)
    return [(int(first), int(last)) for first, last in cut if last > first]
