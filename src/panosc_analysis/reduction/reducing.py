"""Reduce a stack: from a handle and steps to named arrays and the record of what was done."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from panosc_analysis.errors import ReductionCancelled, ReductionError
from panosc_analysis.provenance import StepRecord
from panosc_analysis.reduction.checkpoint import Checkpoint
from panosc_analysis.reduction.engine import available_threads, current_client, run_in_threads, run_on_cluster
from panosc_analysis.reduction.events import reduce_events
from panosc_analysis.reduction.frames import find_route
from panosc_analysis.reduction.joint import JointKernel
from panosc_analysis.reduction.labels import mask_of, read_labels
from panosc_analysis.reduction.moments import MomentsKernel
from panosc_analysis.reduction.plan import divide, number_of_tasks
from panosc_analysis.reduction.progress import CancelToken
from panosc_analysis.reduction.recording import make_record, notation
from panosc_analysis.reduction.result import ReductionResult
from panosc_analysis.reduction.stack import Stack
from panosc_analysis.reduction.steps import Azimuthal, Events, Statistics, make_steps
from panosc_analysis.reduction.work import Job, absorbed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.provenance import Source
    from panosc_analysis.reduction.engine import Stop
    from panosc_analysis.reduction.frames import Errors, Route
    from panosc_analysis.reduction.kernel import Kernel
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.progress import Progress
    from panosc_analysis.reduction.result import ResultArray
    from panosc_analysis.reduction.steps import PreparedStep, Step
    from panosc_analysis.reduction.work import Part

__all__ = ["BUFFER", "default_steps", "reduce"]

BUFFER = 32_000_000
"""Bytes of decoded frames that each thread holds at a time."""


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
    steps, _, notes = _chosen(Stack.of(handle), None, parameters or {})
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
        A file for partial results: written every half minute and whenever the reduction ends before its time, removed
        when it is complete. If it is there already, the reduction goes on from it. Use another file for each reduction.

    Raises
    ------
    ReductionError
        A step that cannot be run on these data, or a parameter that does not exist.
    ReductionCancelled
        It was cancelled; the error's `partial` is the result of the frames until then.
    OpenError
        Data that cannot be read.
    """
    if steps is not None and _counts_events(steps):
        step = cast("Events", make_steps(steps, parameters or {})[0])
        return reduce_events(
            handle.file, step, handle.path, threads=threads, progress=progress, cancel=cancel, sources=sources
        )
    stack = Stack.of(handle)
    chosen, prepared, notes = _chosen(stack, steps, parameters or {})
    recorded = tuple(dict(step.recorded()) for step in prepared)
    stack, prepared, mask = _cut(stack, prepared, mask)
    labels = read_labels(stack)
    kernel, places = _kernel(stack, labels, mask, prepared)
    job = Job(stack, kernel, buffer, errors)
    route = find_route(stack)
    kept = None if checkpoint is None else Checkpoint(Path(checkpoint).expanduser(), job, route)
    part = _resumed(job, route, tasks, threads, progress, cancel or CancelToken(), kept)
    found: tuple[Any, ...] = part.sums.finish()
    arrays = [
        array
        for step, place in zip(prepared, places, strict=True)
        for array in _without_skipped(step.arrays(found[place], labels), part, stack)
    ]
    notes += tuple(note for step in prepared for note in step.notes)
    notes += tuple(sorted(part.notes)) + _remarks(part, route, stack, mask, labels)
    names = [array.name for array in arrays]
    default = next((name for name in ("profile", "mean", "slices") if name in names), names[0])
    record = make_record(
        sources,
        handle.file,
        handle.path,
        (StepRecord(step.name, values) for step, values in zip(chosen, recorded, strict=True)),
        selection=notation(handle),
        read=() if route.table is None else route.table.files,
        software=("silx", "dask", *(package for step in prepared for package in step.software)),
    )
    result = ReductionResult(tuple(arrays), record, default, notes)
    if part.frames < stack.frames:
        hint = "The error's attribute partial has the result until then" if kept is None else "Start it again to go on"
        raise ReductionCancelled(
            f"The reduction was cancelled after {part.frames} of {stack.frames} frames",
            hint=hint,
            partial=result if part.frames else None,
        )
    return result


def _counts_events(steps: Sequence[Step | str]) -> bool:
    """Whether the one step is that for events, which are no frames."""
    return len(steps) == 1 and (steps[0] == Events.name or isinstance(steps[0], Events))


def _cut(
    stack: Stack, prepared: tuple[PreparedStep, ...], mask: NDArray[Any] | None
) -> tuple[Stack, tuple[PreparedStep, ...], NDArray[Any] | None]:
    """Cut the frames to what is needed of them, where one step runs that says so."""
    within = prepared[0].within() if len(prepared) == 1 else None
    if within is None or stack.is_single:
        return stack, prepared, mask
    region, step = within
    if mask is not None and np.asarray(mask).shape == stack.frame_shape:
        mask = np.asarray(mask)[region]
    return Stack.of(stack.handle[(slice(None), *region)]), (step,), mask


def _chosen(
    stack: Stack, steps: Sequence[Step | str] | None, parameters: Mapping[str, Any]
) -> tuple[tuple[Step, ...], tuple[PreparedStep, ...], tuple[str, ...]]:
    if steps is not None:
        if not steps:
            raise ReductionError("There are no steps to run", hint="Name at least one, or none for the usual ones")
        made = make_steps(steps, parameters)
        return made, tuple(step.prepare(stack) for step in made), ()
    made = make_steps((Statistics(), Azimuthal()), parameters)
    kept: list[Step] = []
    prepared: list[PreparedStep] = []
    notes: list[str] = []
    for step in made:
        try:
            prepared.append(step.prepare(stack))
        except ReductionError as error:
            if parameters.keys() & {p.name for p in step.parameters}:
                raise
            notes.append(f"no {step.title.lower()}: {error.message}")
        else:
            kept.append(step)
    return tuple(kept), tuple(prepared), tuple(notes)


def _kernel(
    stack: Stack, labels: Labels, given: NDArray[Any] | None, prepared: tuple[PreparedStep, ...]
) -> tuple[JointKernel, tuple[int, ...]]:
    """Make the kernel of all steps, and tell at which place in it each of them finds its own."""
    mask = mask_of(stack, labels, given)
    packed = None if mask is None else np.packbits(mask.ravel()).tobytes()
    shared = MomentsKernel(stack.native, stack.pixels, packed, labels.masked_value)
    kernels: list[Kernel] = []
    places = []
    for step in prepared:
        wanted = step.kernel(shared)
        if isinstance(wanted, MomentsKernel):
            shared = wanted
            places.append(-1)
        else:
            kernels.append(wanted)
            places.append(len(kernels) - 1)
    if -1 in places:
        kernels.append(shared)  # found from the end, wherever that is
    return JointKernel(tuple(kernels)), tuple(places)


def _resumed(
    job: Job,
    route: Route,
    tasks: int | None,
    threads: int | None,
    progress: Callable[[Progress], None] | None,
    cancel: Stop,
    kept: Checkpoint | None,
) -> Part:
    """Run what a checkpoint leaves to do, and keep it up to date."""
    before = None if kept is None else kept.read()
    done: list[Part] = [] if before is None else [before]
    missing = [(0, job.stack.frames)] if before is None else before.missing(job.stack.frames)
    ranges = _ranges(job, route, tasks, threads, missing) if missing else []
    if kept is None:
        return _run(job, ranges, threads, progress, cancel, None)
    latest: list[Part] = []

    def between(parts: list[Part]) -> None:
        latest[:] = parts
        kept.offer([*done, *parts])

    try:
        for some in _rounds(ranges, threads):
            latest.clear()
            done.append(_run(job, some, threads, progress, cancel, between))
            kept.offer(done)
            if cancel.is_set():
                break
    except BaseException:
        # Half a batch in the sums would be counted again; what was written before is right.
        if (done or latest) and not any(part.torn for part in latest):
            kept.write([*done, *latest])
        raise
    part = functools.reduce(absorbed, done)
    if part.frames < job.stack.frames:
        kept.write([part])
    else:
        kept.finish()
    part.notes |= {kept.note} - {""}
    return part


def _rounds(ranges: list[tuple[int, int]], threads: int | None) -> list[list[tuple[int, int]]]:
    """On workers, do some tasks at a time, so that there is something to keep in between."""
    client = current_client() if threads is None else None
    size = len(ranges) if client is None else 2 * max(1, sum(client.nthreads().values()))
    return [ranges[begin : begin + size] for begin in range(0, len(ranges), size)]


def _ranges(
    job: Job, route: Route, tasks: int | None, threads: int | None, missing: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Divide what is to be done into tasks; in this process the threads share each batch, so that one will do."""
    client = current_client() if threads is None else None
    if client is None:
        return missing if tasks is None else [part for span in missing for part in divide(route.table, span, tasks)]
    number = tasks or number_of_tasks(job.stack, max(1, sum(client.nthreads().values())))
    whole = sum(end - first for first, end in missing)
    return [
        part
        for first, end in missing
        for part in divide(route.table, (first, end), max(1, number * (end - first) // whole))
    ]


def _run(
    job: Job,
    ranges: list[tuple[int, int]],
    threads: int | None,
    progress: Callable[[Progress], None] | None,
    cancel: Stop,
    between: Callable[[list[Part]], None] | None,
) -> Part:
    client = current_client() if threads is None else None
    if client is not None:
        return run_on_cluster(client, job, ranges, progress=progress, cancel=cancel)
    workers = threads or available_threads()
    return run_in_threads(job, ranges, threads=workers, progress=progress, cancel=cancel, between=between)


def _without_skipped(arrays: list[ResultArray], part: Part, stack: Stack) -> list[ResultArray]:
    """Mask the totals of frames that were left out; other arrays know."""
    left_out = [(first, first + count) for first, count, _ in part.skipped] + part.missing(stack.frames)
    if not left_out:
        return arrays
    found = []
    for array in arrays:
        if array.name == "totals":
            masked = np.zeros(array.values.shape, np.bool_)
            for first, end in left_out:
                masked[first:end] = True
            array = dataclasses.replace(array, masked=masked)
        found.append(array)
    return found


def _remarks(part: Part, route: Route, stack: Stack, mask: NDArray[Any] | None, labels: Labels) -> tuple[str, ...]:
    remarks = []
    if part.skipped:
        frames = sum(count for _, count, _ in part.skipped)
        remarks.append(
            f"{len(part.skipped)} damaged chunks with {frames} of {stack.frames} frames were left out; the first: "
            f"{min(part.skipped)[2]}"
        )
    if part.frames < stack.frames:
        remarks.append(f"the reduction was stopped after {part.frames} of {stack.frames} frames")
    if route.table is not None:
        empty = int(route.table.frames[(route.table.offset < 0).all(axis=1)].sum())
        if empty:
            remarks.append(f"{empty} of {stack.frames} frames were never written and hold the fill value")
    if labels.masked_value is not None:
        remarks.append(f"pixels with the value {labels.masked_value} were left out")
    if labels.mask is not None:
        remarks.append(f"the pixel mask {labels.mask.path} was applied")
    if mask is not None:
        remarks.append(f"a mask of {int(np.count_nonzero(mask))} pixels was given")
    return tuple(remarks)
