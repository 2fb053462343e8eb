"""A reduction that takes in the frames that have come since it was last asked: for stacks that grow.

Whole batches are added once and for all, in the order and in the pieces that a reduction of the finished stack would
take; the last batch, to which frames may still come, is added to a copy and read again the next time. So the result of
a finished stack has the bits of one that `reduce` makes with the same threads and buffer, floating-point sums included.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import ReductionCancelled, ReductionError
from panosc_analysis.nexus import ArrayHandle, look_at_growth
from panosc_analysis.reduction.engine import available_threads, run_in_threads
from panosc_analysis.reduction.frames import last_batch
from panosc_analysis.reduction.monitors import monitor_length
from panosc_analysis.reduction.prepared import BUFFER, prepare_reduction
from panosc_analysis.reduction.progress import CancelToken
from panosc_analysis.reduction.steps import Tomography, make_steps
from panosc_analysis.reduction.work import Part, absorbed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from panosc_analysis.nexus import Growth
    from panosc_analysis.provenance import Source
    from panosc_analysis.reduction.engine import Stop
    from panosc_analysis.reduction.frames import Errors
    from panosc_analysis.reduction.prepared import PreparedReduction
    from panosc_analysis.reduction.progress import Progress
    from panosc_analysis.reduction.result import ReductionResult
    from panosc_analysis.reduction.steps import Step

__all__ = ["StackAccumulator"]


class StackAccumulator:
    """A reduction of a stack that somebody is writing.

    Parameters
    ----------
    handle, steps, parameters, mask, errors, threads, buffer
        As `reduce`. A selection that ends where the stack ends now is taken to go on with it.
    """

    unit = "frames"

    def __init__(
        self,
        handle: ArrayHandle,
        steps: Sequence[Step | str] | None = None,
        *,
        parameters: Mapping[str, Any] | None = None,
        mask: NDArray[Any] | None = None,
        errors: Errors = "raise",
        threads: int | None = None,
        buffer: int = BUFFER,
    ) -> None:
        self.handle, self.mask, self.errors, self.buffer = handle, mask, errors, buffer
        self.parameters = {} if steps is not None else dict(parameters or {})
        self.steps = None if steps is None else make_steps(steps, parameters or {})
        self.threads = threads or available_threads()
        self.done, self.recounted = 0, 0
        self._failed = False
        self._open_end = _open_end(handle)
        self._growth: Growth | None = None
        self._sure: Part | None = None
        self._found: tuple[PreparedReduction, Part] | None = None
        if any(isinstance(step, Tomography) for step in self.steps or ()):
            raise ReductionError(
                "A tomogram needs the whole scan, its last flat fields too", hint="Reduce it when the scan has ended"
            )

    def look(self) -> Growth:
        """Look how far the stack is; takes nothing in."""
        growth = look_at_growth(dataclasses.replace(self.handle, selection=()))
        if not self.handle.selection:
            return growth
        first, step = self._open_end or (0, 1)
        # Chunks of other frames than the selected ones are no chunks of the selection.
        each = [max(0, -(-(n - first) // step)) for n in (growth.length, growth.written, growth.at_rest)]
        if self._open_end is None:
            each = [min(n, len(self.handle)) for n in each]
        return dataclasses.replace(growth, length=each[0], written=each[1], at_rest=each[2], per_row=0)

    def update(
        self,
        growth: Growth,
        *,
        last: bool = False,
        progress: Callable[[Progress], None] | None = None,
        cancel: Stop | None = None,
    ) -> bool:
        """Take in what is written; returns whether that is more than before.

        Parameters
        ----------
        growth
            How far the stack is.
        last
            Nothing comes any more.
        progress, cancel
            As `reduce`.

        Raises
        ------
        ReductionError
            A step cannot be run on what there is.
        ReductionCancelled
            It was cancelled; what was added until then stays.
        OpenError
            Frames that cannot be read; nothing of the batch that was being added stays.
        """
        if self._sure is not None and self._growth is not None and growth.moved(self._growth, self._sure.frames):
            self._sure, self._found, self.done = None, None, 0
            self.recounted += 1
        end = self._end(growth)
        complete = growth.writer is False and end == growth.length
        if end <= 0 or (end == self.done and not last and not complete):
            return False
        before, failed, self._failed = self.done, self._failed, True
        ready = prepare_reduction(
            self._frames(end, complete=complete),
            self.steps,
            parameters=self.parameters,
            mask=self.mask,
            buffer=self.buffer,
            # What does not decode while it is written may do so in a moment.
            errors=self.errors if failed or last or complete else "raise",
        )
        if ready.stack.is_single:
            raise ReductionError(
                f"{self.handle.path} is one image, and no stack of frames that come one by one",
                hint="Reduce it when it is written",
            )
        self._growth = growth
        self._add(ready, end, min(end, growth.written), progress, cancel or CancelToken())
        self._failed = False
        return self.done > before or last or complete

    def result(self, sources: Sequence[Source] = (), remarks: tuple[str, ...] = ()) -> ReductionResult:
        """Give the result of what was taken in so far.

        Raises
        ------
        ReductionError
            Nothing was.
        """
        if self._found is None:
            raise ReductionError(
                f"{self.handle.path} in {self.handle.file} has no frames yet", hint="Try again when there are some"
            )
        if self.recounted:
            times = "once" if self.recounted == 1 else f"{self.recounted} times"
            remarks += (f"frames that had been counted were written again, so counting began anew {times}",)
        ready, part = self._found
        return ready.result(part, sources, remarks)

    def _end(self, growth: Growth) -> int:
        end = growth.at_rest
        for step in self.steps or ():
            if (path := getattr(step, "monitor", None)) is not None and growth.writer is not False:
                end = min(end, monitor_length(self.handle, path))
        return end

    def _frames(self, end: int, *, complete: bool) -> ArrayHandle:
        if complete and not self.handle.selection:
            return self.handle
        if self._open_end is None:
            return self.handle[:end]
        first, step = self._open_end
        rest = self.handle.selection[1:]
        handle = dataclasses.replace(self.handle, selection=())[first : first + (end - 1) * step + 1 : step]
        return dataclasses.replace(handle, selection=(handle.selection[0], *rest)) if rest else handle

    def _add(
        self,
        ready: PreparedReduction,
        end: int,
        sure: int,
        progress: Callable[[Progress], None] | None,
        cancel: Stop,
    ) -> None:
        begin = 0 if self._sure is None else self._sure.frames
        border = last_batch(ready.stack, ready.route, begin, end, nbytes=self.buffer, threads=self.threads)
        if border > sure:
            border = begin
            if sure > begin:
                border = last_batch(ready.stack, ready.route, begin, sure, nbytes=self.buffer, threads=self.threads)

        def onto(part: Part | None, first: int, to: int) -> Part:
            fresh = Part(ready.job.kernel.start(0, end))
            if part is not None:
                absorbed(fresh, part)
            if first == to:
                return fresh
            told = None if progress is None else lambda p: progress(_beside(p, first, end))
            return run_in_threads(
                ready.job, [(first, to)], threads=self.threads, progress=told, cancel=cancel, onto=fresh
            )

        part = self._sure
        if border > begin:
            part = self._sure = onto(part, begin, border)
        if part is None or part.frames == border:
            part = onto(part, border, end)
        self._found, self.done = (ready, part) if part.frames else self._found, part.frames
        if part.frames < end:
            raise ReductionCancelled(
                f"It was cancelled after {part.frames} of {end} frames", hint="The result has these"
            )


def _open_end(handle: ArrayHandle) -> tuple[int, int] | None:
    """Find the first index and the step of a selection that goes on with the stack; ``None`` if it has an end."""
    if not handle.selection:
        return 0, 1
    frames, stored = handle.selection[0], handle.stored_shape[0]
    if isinstance(frames, range) and frames.step > 0 and frames.stop >= stored:
        return frames.start, frames.step
    return None


def _beside(progress: Progress, before: int, total: int) -> Progress:
    return dataclasses.replace(progress, done=before + progress.done, total=total, remaining=None)
