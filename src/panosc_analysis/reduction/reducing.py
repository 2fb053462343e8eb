"""Reduce a stack: from a handle and steps to named arrays and the record of what was done."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from panosc_analysis.errors import OpenError, ReductionCancelled
from panosc_analysis.reduction.checkpoint import EVERY, Checkpoint
from panosc_analysis.reduction.events import reduce_events
from panosc_analysis.reduction.placing import client_for, divided, run_job, worker_threads
from panosc_analysis.reduction.prepared import BUFFER, choose_steps, prepare_reduction
from panosc_analysis.reduction.progress import CancelToken
from panosc_analysis.reduction.result import ReductionResult
from panosc_analysis.reduction.stack import Stack
from panosc_analysis.reduction.steps import counts_events, make_steps
from panosc_analysis.reduction.work import Job, absorbed, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.provenance import Source
    from panosc_analysis.reduction.engine import Stop
    from panosc_analysis.reduction.frames import Errors
    from panosc_analysis.reduction.progress import Progress
    from panosc_analysis.reduction.steps import Events, Step
    from panosc_analysis.reduction.work import Part

__all__ = ["BUFFER", "default_steps", "reduce"]


def default_steps(
    handle: ArrayHandle, parameters: Mapping[str, Any] | None = None
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """Choose the steps that apply to an array, and say why others do not.

    Reads metadata only. Statistics apply to any stack, the radial profile to images whose detector geometry is known.

    Parameters
    ----------
    handle
        The array.
    parameters
        Of the steps. A parameter that only the radial profile has asks for it: then its refusal is an error.

    Raises
    ------
    ReductionError
        No numbers, or a parameter that no step has.
    """
    steps, _, notes = choose_steps(Stack.of(handle), None, parameters or {})
    return steps, notes


def reduce(
    handle: ArrayHandle,
    steps: Sequence[Step | str] | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    mask: NDArray[Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Stop | None = None,
    sources: Sequence[Source] = (),
    errors: Errors = "raise",
    tasks: int | None = None,
    threads: int | None = None,
    buffer: int = BUFFER,
    checkpoint: str | Path | None = None,
    checkpoint_every: float = EVERY,
) -> ReductionResult:
    """Reduce a stack in one pass over its frames.

    Runs on the workers of the current Dask client, else in threads of this process, one per core it may use. Memory is
    twice `buffer` per thread and some 30 bytes per pixel and task, whatever the length of the stack.

    Parameters
    ----------
    handle
        The stack, its first axis counting frames; a two-dimensional array is one frame. For the step ``events`` the
        group of these.
    steps
        Steps or their names; `default_steps` without.
    parameters
        Of the steps, by name.
    mask
        Pixels to leave out are not zero; shape of a frame. Joined with the file's own mask.
    progress
        Called in this thread, four times a second and at the end.
    cancel
        Stops the reduction when it is set.
    sources
        What the data are, for the record; without, the file of the handle.
    errors
        ``"raise"`` at the first chunk that does not decode, or ``"skip"`` such and say so in the notes.
    tasks
        How many tasks to make; chosen by size without.
    threads
        How many threads to use in this process.
    buffer
        Bytes of compressed or decoded frames that each thread holds at a time.
    checkpoint
        A file for partial results: written now and then and whenever the reduction ends before its time, removed when
        it is complete. If it is there already, the reduction goes on from it. Use another file for each reduction.
    checkpoint_every
        Seconds between two writings of that file.

    Raises
    ------
    ReductionError
        A step that cannot be run on these data, or a parameter that does not exist.
    ReductionCancelled
        It was cancelled; the error's `partial` is the result of the frames until then.
    OpenError
        Data that cannot be read; the error's `partial` is the result of the frames before, where it ran in this
        process.
    """
    if steps is not None and counts_events(steps):
        step = cast("Events", make_steps(steps, parameters or {})[0])
        return reduce_events(
            handle.file, step, handle.path, threads=threads, progress=progress, cancel=cancel, sources=sources
        )
    ready = prepare_reduction(handle, steps, parameters=parameters or {}, mask=mask, buffer=buffer, errors=errors)
    kept = None
    if checkpoint is not None:
        kept = Checkpoint(Path(checkpoint).expanduser(), ready.job, ready.route, checkpoint_every)
    rescued: list[Part] = []
    try:
        part = _resumed(ready.job, tasks, threads, progress, cancel or CancelToken(), kept, rescued)
    except OpenError as error:
        if rescued:
            error.data["partial"] = ready.result(merged(rescued), sources, (f"it could not go on: {error.message}",))
        raise
    result = ready.result(part, sources) if part.frames else None  # some steps have nothing to say of no frames
    if result is None or result.is_partial:
        hint = "The error's attribute partial has the result until then" if kept is None else "Start it again to go on"
        raise ReductionCancelled(
            f"The reduction was cancelled after {part.frames} of {ready.stack.frames} frames", hint=hint, partial=result
        )
    return result


def _resumed(
    job: Job,
    tasks: int | None,
    threads: int | None,
    progress: Callable[[Progress], None] | None,
    cancel: Stop,
    kept: Checkpoint | None,
    rescued: list[Part],
) -> Part:
    """Run what a checkpoint leaves to do, and keep it up to date; after an error `rescued` has what was done."""
    before = None if kept is None else kept.read()
    done: list[Part] = [] if before is None else [before]
    missing = [(0, job.stack.frames)] if before is None else before.missing(job.stack.frames)
    ranges = divided(job, missing, tasks=tasks, threads=threads) if missing else []
    latest: list[Part] = []

    def between(parts: list[Part]) -> None:
        latest[:] = parts
        if kept is not None:
            kept.offer([*done, *parts])

    try:
        for some in _rounds(ranges, threads) if kept is not None else [ranges]:
            latest.clear()
            done.append(run_job(job, some, threads=threads, progress=progress, cancel=cancel, between=between))
            if kept is not None:
                kept.offer(done)
            if cancel.is_set():
                break
    except BaseException:
        # Half a batch in the sums would be counted again; what was written before is right.
        if not any(part.torn for part in latest):
            rescued += [*done, *latest]
        if kept is not None and rescued:
            kept.write(rescued)
        raise
    part = functools.reduce(absorbed, done)
    return part if kept is None else _closed(kept, part, job.stack.frames)


def _closed(kept: Checkpoint, part: Part, frames: int) -> Part:
    """Keep what falls short of all frames, and forget the rest."""
    if part.frames < frames:
        kept.write([part])
    else:
        kept.finish()
    part.notes |= {kept.note} - {""}
    return part


def _rounds(ranges: list[tuple[int, int]], threads: int | None) -> list[list[tuple[int, int]]]:
    """On workers, do some tasks at a time, so that there is something to keep in between."""
    client = client_for(threads)
    size = len(ranges) if client is None else 2 * worker_threads(client)
    return [ranges[begin : begin + size] for begin in range(0, len(ranges), size)]
