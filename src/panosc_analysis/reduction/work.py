"""What one task does: read a range of frames and keep sums of them. Runs here with all threads, or on a worker."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from panosc_analysis.reduction.frames import find_route, read_batches
from panosc_analysis.reduction.kernel import add_batch, settle
from panosc_analysis.reduction.team import Interrupted, Team

if TYPE_CHECKING:
    from collections.abc import Callable

    from panosc_analysis.reduction.batch import Batch
    from panosc_analysis.reduction.frames import Errors
    from panosc_analysis.reduction.kernel import Kernel, Sums
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Control", "Job", "Part", "absorbed", "merged", "run_task"]


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
        Bytes that each thread of a task holds of the frames at a time.
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
    done
        (first frame, end) of what was gone through, skipped frames included.
    torn
        Whether a batch was being added when something failed: its sums are of no use then.
    """

    sums: Sums
    skipped: list[tuple[int, int, str]] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    done: list[tuple[int, int]] = field(default_factory=list)
    torn: bool = False

    @property
    def frames(self) -> int:
        """How many frames were gone through."""
        return sum(end - first for first, end in self.done)

    def count(self, first: int, end: int) -> None:
        """Note that frames were gone through."""
        if self.done and self.done[-1][1] == first:
            first = self.done.pop()[0]
        self.done.append((first, end))

    def missing(self, frames: int) -> list[tuple[int, int]]:
        """List the ranges of a stack that were not gone through."""
        found, at = [], 0
        for first, end in [*sorted(self.done), (frames, frames)]:
            if first > at:
                found.append((at, first))
            at = max(at, end)
        return found


def run_task(
    job: Job,
    control: Control,
    first: int,
    last: int,
    team: Team | None = None,
    between: Callable[[Part], None] | None = None,
    *,
    onto: Part | None = None,
) -> Part:
    """Read frames `first` to `last` (exclusive) and sum them; less of them if it is stopped.

    Parameters
    ----------
    job, control, first, last
        What to do, for whom, on which frames.
    team
        The threads to do it with; one without.
    between
        Called after each batch with what there is.
    onto
        What was found before, to add to.

    Raises
    ------
    OpenError
        Frames that cannot be read, unless such are skipped.
    """
    route = find_route(job.stack)
    part = Part(job.kernel.start(first, last - first)) if onto is None else onto
    part.notes |= {route.note} - {""}
    team = team or Team()
    for batch in read_batches(job.stack, route, first, last, nbytes=job.buffer, errors=job.errors, team=team):
        if control.is_stopped():
            break
        if batch.reason:
            part.skipped.append((batch.first, batch.count, batch.reason))
        elif not _added(part, batch, team, control):
            break
        part.count(batch.first, batch.first + batch.count)
        control.add(batch.count)
        if between is not None:
            between(part)
    settle(part.sums)
    return part


def _added(part: Part, batch: Batch, team: Team, control: Control) -> bool:
    """Add a batch, if nobody wants to stop before it is added; the whole of it, or nothing."""
    part.torn, team.stop = True, control.is_stopped
    try:
        add_batch(part.sums, batch, team)
    except Interrupted:
        part.torn = False
        return False
    finally:
        team.stop = None
    part.torn = False
    return True


def merged(parts: list[Part]) -> Part:
    """Join what several tasks have found; leaves them as they are, so that a lost worker's task can run again."""
    result = copy.deepcopy(parts[0])
    for part in parts[1:]:
        absorbed(result, part)
    return result


def absorbed(part: Part, other: Part) -> Part:
    """Add what another task has found to a part, and give it back."""
    part.sums.merge(other.sums)
    part.skipped += other.skipped
    part.notes |= other.notes
    part.done += other.done
    return part
