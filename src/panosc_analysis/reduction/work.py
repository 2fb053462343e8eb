"""What one task does: read a range of frames and keep sums of them. Runs in a thread here or on a worker anywhere."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.frames import find_route, read_batches

if TYPE_CHECKING:
    from panosc_analysis.reduction.frames import Errors
    from panosc_analysis.reduction.kernel import Kernel, Sums
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Control", "Job", "Part", "cancelled", "merged", "run_task"]


class Control(Protocol):
    """Connects a task with whoever waits for it."""

    def is_stopped(self) -> bool:
        """Whether to give up; asked before each batch."""

    def add(self, frames: int) -> None:
        """Count frames as done."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all tasks of a reduction share; small and picklable.

    Parameters
    ----------
    stack
        The frames.
    kernel
        What to do with each.
    buffer
        Bytes of decoded frames that a task holds at a time.
    errors
        What to do with chunks that do not decode.
    """

    stack: Stack
    kernel: Kernel
    buffer: int
    errors: Errors


@dataclass(slots=True)
class Part:
    """What a task, or several together, have found.

    Parameters
    ----------
    sums
        Over the frames that could be read.
    skipped
        (first frame, number of frames, reason) of what could not.
    notes
        What was remarkable.
    """

    sums: Sums
    skipped: list[tuple[int, int, str]] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)


def run_task(job: Job, control: Control, first: int, last: int) -> Part:
    """Read frames `first` to `last` (exclusive) and sum them.

    Raises
    ------
    ReductionError
        It was cancelled.
    OpenError
        Frames that cannot be read, unless such are skipped.
    """
    route = find_route(job.stack)
    part = Part(job.kernel.start(first, last - first), notes={route.note} - {""})
    for batch in read_batches(job.stack, route, first, last, nbytes=job.buffer, errors=job.errors):
        if control.is_stopped():
            raise cancelled()
        if batch.frames is None:
            part.skipped.append((batch.first, batch.count, batch.reason))
        else:
            part.sums.add(batch.frames, batch.first)
        control.add(batch.count)
    return part


def merged(parts: list[Part]) -> Part:
    """Join what several tasks have found; leaves them as they are, so that a lost worker's task can run again."""
    result = copy.deepcopy(parts[0])
    for part in parts[1:]:
        result.sums.merge(part.sums)
        result.skipped += part.skipped
        result.notes |= part.notes
    return result


def cancelled() -> ReductionError:
    """Say that somebody stopped it."""
    return ReductionError("The reduction was cancelled", hint="Start it again when you want its result")
