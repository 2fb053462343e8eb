"""A reduction ready to be run on one stack: its steps prepared, its kernel made, and what its sums become."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.provenance import StepRecord
from panosc_analysis.reduction.frames import find_route
from panosc_analysis.reduction.joint import JointKernel
from panosc_analysis.reduction.labels import mask_of, read_labels
from panosc_analysis.reduction.moments import MomentsKernel
from panosc_analysis.reduction.recording import make_record, notation
from panosc_analysis.reduction.result import ReductionResult
from panosc_analysis.reduction.stack import Stack
from panosc_analysis.reduction.steps import Azimuthal, Statistics, make_steps
from panosc_analysis.reduction.work import Job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.provenance import Source
    from panosc_analysis.reduction.frames import Errors, Route
    from panosc_analysis.reduction.kernel import Kernel
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.result import ResultArray
    from panosc_analysis.reduction.steps import PreparedStep, Step
    from panosc_analysis.reduction.work import Part

__all__ = ["BUFFER", "PreparedReduction", "choose_steps", "prepare_reduction"]

BUFFER = 16_000_000
"""Bytes of decoded frames that each thread holds at a time."""


@dataclass(frozen=True, eq=False, slots=True)
class PreparedReduction:
    """A reduction of one stack.

    Parameters
    ----------
    handle
        What was asked for.
    steps
        As the record names them, with their parameters.
    prepared, places
        The steps for this stack, and the place of each one's sums in the kernel.
    labels, mask
        What the file says of the stack, and the pixels that were given to leave out.
    notes
        What is to be said of the choice of steps.
    job, route
        What the tasks do, and how frames are read.
    """

    handle: ArrayHandle
    steps: tuple[StepRecord, ...]
    prepared: tuple[PreparedStep, ...]
    places: tuple[int, ...]
    labels: Labels
    mask: NDArray[Any] | None
    notes: tuple[str, ...]
    job: Job
    route: Route

    @property
    def stack(self) -> Stack:
        """The frames, cut to what is needed of them."""
        return self.job.stack

    def result(self, part: Part, sources: Sequence[Source], remarks: tuple[str, ...] = ()) -> ReductionResult:
        """Make arrays of what was found, and the record of where they come from.

        Parameters
        ----------
        part
            What was found; it may fall short of the stack.
        sources
            What the data are, for the record.
        remarks
            Further notes.
        """
        found: tuple[Any, ...] = part.sums.finish()
        arrays = [
            array
            for step, place in zip(self.prepared, self.places, strict=True)
            for array in _without_skipped(step.arrays(found[place], self.labels), part, self.stack)
        ]
        notes = self.notes + tuple(note for step in self.prepared for note in step.notes)
        notes += tuple(sorted(part.notes)) + self._remarks(part) + remarks
        names = [array.name for array in arrays]
        default = next((name for name in ("profile", "mean", "slices") if name in names), names[0])
        record = make_record(
            sources,
            self.handle.file,
            self.handle.path,
            self.steps,
            selection=notation(self.handle),
            read=() if self.route.table is None else self.route.table.files,
            software=("silx", "dask", *(package for step in self.prepared for package in step.software)),
        )
        return ReductionResult(tuple(arrays), record, default, notes, is_partial=part.frames < self.stack.frames)

    def _remarks(self, part: Part) -> tuple[str, ...]:
        remarks, route, stack, mask, labels = [], self.route, self.stack, self.mask, self.labels
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


def prepare_reduction(
    handle: ArrayHandle,
    steps: Sequence[Step | str] | None,
    *,
    parameters: Mapping[str, Any],
    mask: NDArray[Any] | None,
    buffer: int,
    errors: Errors,
) -> PreparedReduction:
    """Choose and prepare the steps; reads metadata, and one chunk to find how chunks are read.

    Raises
    ------
    ReductionError
        A step that cannot be run on these data, or a parameter that does not exist.
    OpenError
        Data that cannot be read.
    """
    stack = Stack.of(handle)
    chosen, prepared, notes = choose_steps(stack, steps, parameters)
    recorded = tuple(StepRecord(step.name, dict(one.recorded())) for step, one in zip(chosen, prepared, strict=True))
    stack, prepared, mask = _cut(stack, prepared, mask)
    labels = read_labels(stack)
    kernel, places = _kernel(stack, labels, mask, prepared)
    job = Job(stack, kernel, buffer, errors)
    return PreparedReduction(handle, recorded, prepared, places, labels, mask, notes, job, find_route(stack))


def choose_steps(
    stack: Stack, steps: Sequence[Step | str] | None, parameters: Mapping[str, Any]
) -> tuple[tuple[Step, ...], tuple[PreparedStep, ...], tuple[str, ...]]:
    """Make the steps, or choose those that apply, prepare them, and say why others do not apply.

    Raises
    ------
    ReductionError
        A step that was asked for cannot be run, or a parameter that no step has.
    """
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
