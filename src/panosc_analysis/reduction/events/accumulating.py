"""Counting events: the whole file in threads, or what has come since the last time."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionCancelled, ReductionError
from panosc_analysis.nexus import any_writer, look_at_growth
from panosc_analysis.provenance import StepRecord
from panosc_analysis.reduction.engine import available_threads
from panosc_analysis.reduction.events.pieces import Pieces
from panosc_analysis.reduction.events.pixels import all_numbers, pixel_rows
from panosc_analysis.reduction.events.pulses import kept_ranges, meets, pulse_seconds, within
from panosc_analysis.reduction.events.sharing import PerThread, share
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

    from panosc_analysis.nexus import ArrayHandle, Growth
    from panosc_analysis.provenance import Record, Source
    from panosc_analysis.reduction.engine import Stop
    from panosc_analysis.reduction.progress import Progress
    from panosc_analysis.reduction.steps.events import Events

__all__ = ["EventAccumulator", "reduce_events"]


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
        No events, or something that the file does not tell.
    ReductionCancelled
        It was cancelled; the error's `partial` is the histogram of the events until then.
    OpenError, LocateError
        The file cannot be read.
    """
    accumulator = EventAccumulator(file, step, path, keep=keep, threads=threads)
    try:
        accumulator.update(progress=progress, cancel=cancel)
    except ReductionCancelled as error:
        partial = accumulator.result(sources, (error.message,)) if accumulator.done else None
        if partial is not None:
            partial.is_partial = True
        raise ReductionCancelled(
            error.message, hint="The error's attribute partial has the result until then", partial=partial
        ) from error
    return accumulator.result(sources)


@dataclass(frozen=True, eq=False, slots=True)
class _Tally:
    """What was counted until some event: the histogram, how many are of no pixel, where it ends."""

    counts: NDArray[np.int64] | None = None
    unknown: int = 0
    end: int = 0


class EventAccumulator:
    """A histogram that takes in the events that have come since it was last asked: for files that grow.

    Its numbers are those of `reduce_events` at any time. Where the bins end with the last event, or the file names no
    pixels, an event beyond those until then makes it count all of them again.

    Parameters
    ----------
    file, step, path, keep, threads
        As `reduce_events`. `keep` may name pulses that have not come yet.
    """

    unit = "events"

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
        self.edges: NDArray[np.float64] | None = None
        self._largest = 0.0
        self._pixels: tuple[NDArray[np.int64], int, NDArray[np.int32]] | None = None
        self._sure = self._seen = _Tally()  # of events that are surely written; of all that there are
        self._whole = 0

    @property
    def done(self) -> int:
        """How many events were looked at."""
        return self._seen.end

    def look(self) -> Growth:
        """Look how far the events are; takes nothing in."""
        fields = [look_at_growth(handle) for handle in self._fields()]
        writer = any_writer(field.writer for field in fields)
        each = [min(getattr(field, name) for field in fields) for name in ("length", "written", "at_rest")]
        if writer is not False and self._chooses_pulses():
            # Of the last pulse that is named more may come, and what comes may be of one that is not named yet.
            self._whole = int(self._pulse_index()[-1:].sum())
        return dataclasses.replace(fields[0], length=each[0], written=each[1], at_rest=each[2], writer=writer)

    def update(
        self,
        growth: Growth | None = None,
        *,
        last: bool = False,
        progress: Callable[[Progress], None] | None = None,
        cancel: Stop | None = None,
    ) -> int:
        """Take in what is new; returns how many events that were looked at.

        Parameters
        ----------
        growth
            How far the events are, as `look` tells; all that the file holds without.
        last
            Nothing comes any more: take what may be taken for written at rest.
        progress, cancel
            As `reduce_events`.

        Raises
        ------
        ReductionCancelled
            It was cancelled; events until some place were taken in, and stay.
        ReductionError, OpenError
            As `reduce_events`; then nothing of the new events was taken in.
        """
        sure, total = self._reach(growth, last=last)
        if total <= self.done and sure <= self._sure.end:
            return 0
        before = self.done
        times = Pieces.of(self.source.times, total)
        numbers = Pieces.of(self.source.numbers, total) if self.step.needs_pixels and self.source.numbers else None
        self._prepare(times, numbers)
        self._sure = self._seen = self._added(self._sure, times, numbers, sure, progress, cancel)
        if self._sure.end == sure:
            self._seen = self._added(self._sure, times, numbers, total, progress, cancel)
        if self.done < total:
            raise ReductionCancelled(
                f"The histogram was cancelled after {self.done} of {total} events", hint="Start it again to go on"
            )
        return total - before

    def result(self, sources: Sequence[Source] = (), remarks: tuple[str, ...] = ()) -> ReductionResult:
        """Give the histogram of what was taken in so far.

        Raises
        ------
        ReductionError
            Nothing was.
        """
        if self._seen.counts is None:
            raise ReductionError(
                f"{self.source.path} in {self.source.file} holds no events yet", hint="Try again when there are some"
            )
        counts = self._seen.counts if self.step.by_pixel or self.step.axis == "pixel" else self._seen.counts[0]
        axes: list[ResultAxis] = []
        if self.step.by_pixel or self.step.axis == "pixel":
            axes.append(ResultAxis("detector_number", "pixel", None, self._pixel_numbers()))
        if self.step.axis != "pixel":
            axes.append(self.step.result_axis(self._edges()))
        label = f"events of {self.source.path.strip('/').split('/')[-1]}"
        array = ResultArray("histogram", label, counts, tuple(axes), "counts", count_errors(counts))
        notes = self._notes(int(counts.sum())) + remarks
        return ReductionResult((array,), self._record(sources), "histogram", notes)

    def _fields(self) -> list[ArrayHandle]:
        return [handle for handle in (self.source.times, self.source.numbers) if handle is not None]

    def _reach(self, growth: Growth | None, *, last: bool) -> tuple[int, int]:
        """Tell up to which event all are surely written, and up to which there are any."""
        if growth is None or last or growth.writer is False:
            total = self._total() if growth is None else growth.at_rest
            return total, total
        most = self._whole if self._chooses_pulses() else growth.length
        return min(growth.written, most), min(growth.at_rest, most)

    def _total(self) -> int:
        return min(map(len, self._fields()))

    def _pulse_index(self) -> NDArray[np.int64]:
        """Read where each pulse begins."""
        if self.source.pulse_index is None:
            raise ReductionError(f"{self.source.path} has no event_index", hint="Leave out what selects pulses")
        return np.asarray(self.source.pulse_index.numpy()).astype(np.int64)

    def _chooses_pulses(self) -> bool:
        return self.keep is not None or self.step.pulses_from is not None or self.step.pulses_to is not None

    def _ranges(self, begin: int, total: int) -> NDArray[np.int64]:
        """Find the events to take in: (first, end), shape (ranges, 2)."""
        if not self._chooses_pulses():
            return np.array([[begin, total]])
        if self.step.pulses_from is None and self.step.pulses_to is None and self.keep is not None:
            keep = self._kept(len(self._pulse_index()))
        else:
            seconds = pulse_seconds(self.source)
            low = -np.inf if self.step.pulses_from is None else self.step.pulses_from
            high = np.inf if self.step.pulses_to is None else self.step.pulses_to
            keep = (seconds >= low) & (seconds <= high)
            if self.keep is not None:
                keep &= self._kept(len(keep))
        ranges = kept_ranges(self.source, keep, total)
        return np.maximum(ranges[ranges[:, 1] > begin], begin)

    def _kept(self, pulses: int) -> NDArray[np.bool_]:
        """Give the choice for the pulses that there are; it may go further than they do."""
        keep = np.empty(0, np.bool_) if self.keep is None else np.asarray(self.keep)
        return keep[:pulses].astype(np.bool_)

    def _prepare(self, times: Pieces, numbers: Pieces | None) -> None:
        """Find the edges and the rows of the pixels; where new events change them, begin anew."""
        if numbers is not None and self.paths is not None:
            self._pixels = self._pixels or pixel_rows(self.paths.numbers)
        elif numbers is not None:
            known = self._pixel_numbers()
            found = all_numbers(numbers, self._sure.end, known)
            if self._pixels is None or len(found) > len(known):
                self._begin_anew()
                self._pixels = pixel_rows(found)
        if self.step.axis != "pixel":
            largest = self._largest
            if self.step.high is None:
                new = (piece for piece in times.borders() if piece[1] > self._sure.end)
                largest = max([largest, *(float(times.read(*piece).max()) for piece in new)])
            if self.edges is None or largest > self._largest:
                self._begin_anew()
                self._largest = largest
                self.edges = self.step.edges(largest * float(np.nanmax(self.factors)))
        rows = len(self._pixel_numbers()) if self.step.by_pixel else 1
        require_memory(8 * rows * self.step.bins * (self.threads + 1), self.step.title)

    def _begin_anew(self) -> None:
        self._sure = self._seen = _Tally()

    def _added(
        self,
        tally: _Tally,
        times: Pieces,
        numbers: Pieces | None,
        total: int,
        progress: Callable[[Progress], None] | None,
        cancel: Stop | None,
    ) -> _Tally:
        """Count the events after those of a tally, up to an event or until it is cancelled."""
        if total <= tally.end:
            return tally
        ranges = self._ranges(tally.end, total)
        pieces = [piece for piece in times.borders() if meets(piece, ranges)]
        meter, local = Meter(sum(last - first for first, last in pieces), "events"), PerThread(self._counter)

        def work(piece: tuple[int, int]) -> None:
            read_times = None if self.step.axis == "pixel" else times.read(*piece)
            read_numbers = None if numbers is None else numbers.read(*piece)
            for first, last in within(piece, ranges):
                part = slice(first - piece[0], last - piece[0])
                local.get().add(
                    None if read_times is None else read_times[part],
                    None if read_numbers is None else read_numbers[part],
                )
            meter.add(piece[1] - piece[0])

        def tell() -> None:
            if progress is not None:
                progress(meter.read())

        done = share(work, pieces, self.threads, tell=tell, cancel=cancel)
        counters = local.values() or [self._counter()]
        counts = sum((counter.counts() for counter in counters[1:]), counters[0].counts())
        return _Tally(
            counts if tally.counts is None else tally.counts + counts,
            tally.unknown + sum(counter.unknown for counter in counters),
            max(tally.end, pieces[done][0]) if done < len(pieces) else total,
        )

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
        notes = [f"{counted} of {self.done} events lie in the bins"]
        if self._seen.unknown:
            notes.append(f"{self._seen.unknown} events are of pixels that the file does not name and were left out")
        return tuple(notes)

    def _record(self, sources: Sequence[Source]) -> Record:
        values = {p.name: getattr(self.step, p.name) for p in self.step.parameters}
        if self.step.axis != "pixel":
            values |= {"low": float(self._edges()[0]), "high": float(self._edges()[-1])}
        steps = (StepRecord(self.step.name, values),)
        return make_record(sources, self.source.file, self.source.path, steps, software=("deflate",))
