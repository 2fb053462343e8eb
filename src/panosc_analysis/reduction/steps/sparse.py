"""Sparse extraction: the few pixels that hold something, and the peaks that they form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.memory import require_memory
from panosc_analysis.reduction.result import ResultArray, ResultAxis
from panosc_analysis.reduction.rows import Pixels
from panosc_analysis.reduction.steps.series import whole_frames
from panosc_analysis.reduction.steps.step import Parameter, WholeFrames, check_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.batch import Batch
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import MomentsKernel
    from panosc_analysis.reduction.stack import Stack
    from panosc_analysis.reduction.team import Team

__all__ = ["Peaks", "Sparse"]

_THRESHOLD = Parameter("threshold", float, "", 1.0, "Smallest value of a pixel that counts, in the data's unit")


@dataclass(frozen=True, slots=True)
class Sparse:
    r"""All valid pixels of at least `threshold`: which frame, which pixel, which value.

    Three arrays over the pixels found, in the order of frames and pixels: ``sparse_frame`` and ``sparse_pixel`` (the
    number of the pixel in its frame, row by row, as `numpy.ravel_multi_index` counts), and ``sparse_value`` in the type
    and unit of the data; and ``sparse_count``, their number in each frame. With ``numpy.cumsum(sparse_count)`` they are
    a matrix in compressed row storage (CSR) of frames × pixels. Exact: nothing is rounded or left out.

    Memory: 16 bytes and one value per pixel found; refused while it runs when that gets too much.

    Parameters
    ----------
    threshold
        See `parameters`.
    """

    threshold: float = 1.0

    name: ClassVar[str] = "sparse"
    title: ClassVar[str] = "Sparse frames"
    parameters: ClassVar[tuple[Parameter, ...]] = (_THRESHOLD,)

    def __post_init__(self) -> None:
        check_parameters(self)

    def prepare(self, stack: Stack) -> _PreparedSparse:
        """Prepare for any stack of frames."""
        whole_frames(stack, self.title)
        return _PreparedSparse(self, stack)


@dataclass(frozen=True, slots=True)
class Peaks:
    r"""Connected groups of valid pixels of at least `threshold`: where they are, how strong and how large.

    Pixels that touch by an edge or a corner belong together. For a group *g* of a frame with values :math:`s_p` at
    rows :math:`y_p` and columns :math:`x_p`

    ===================  ===================================================  ==================
    array                formula                                              unit
    ===================  ===================================================  ==================
    ``peak_frame``       number of its frame                                  –
    ``peak_y, peak_x``   :math:`\sum s_p y_p / \sum s_p`, likewise *x*        pixels
    ``peak_sum``         :math:`\sum s_p`                                     that of the data
    ``peak_max``         :math:`\max s_p`                                     that of the data
    ``peak_pixels``      number of its pixels                                 pixels
    ``peak_count``       groups with enough pixels, one number per frame      peaks
    ===================  ===================================================  ==================

    By `scipy.ndimage.label`. Sums of integers are exact. No background is taken off, overlapping peaks are not split:
    this finds frames and spots worth a look, it does not integrate reflections.

    Parameters
    ----------
    threshold, smallest, largest
        See `parameters`.
    """

    threshold: float = 1.0
    smallest: int = 1
    largest: int | None = None

    name: ClassVar[str] = "peaks"
    title: ClassVar[str] = "Peaks"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        _THRESHOLD,
        Parameter("smallest", int, "pixels", 1, "Fewest pixels of a peak", least=1),
        Parameter("largest", int, "pixels", None, "Most pixels of a peak; nothing for any number", least=1),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.threshold <= 0:
            raise ReductionError(
                f"threshold is {self.threshold!r}", hint="Use a positive number: weights of a centre must be positive"
            )

    def prepare(self, stack: Stack) -> _PreparedPeaks:
        """Prepare for a stack of images.

        Raises
        ------
        ReductionError
            These are none.
        """
        whole_frames(stack, self.title, 2)
        return _PreparedPeaks(self, stack)


@dataclass(frozen=True, eq=False, slots=True)
class _PreparedSparse(WholeFrames):
    step: Sparse
    stack: Stack

    def kernel(self, shared: MomentsKernel) -> _TableKernel:
        return _TableKernel(_Above(Pixels.of(shared), self.step.threshold), self.stack.frames)

    def recorded(self) -> Mapping[str, Value]:
        return {"threshold": self.step.threshold}

    def arrays(self, found: _Table, labels: Labels) -> list[ResultArray]:
        frame, (pixel, value) = found.frame, found.columns
        name = f"{labels.name} of at least {self.step.threshold:g}"
        axis = ResultAxis("found", "pixel found", None, np.arange(len(frame)))
        return [
            ResultArray(
                "sparse_count",
                f"pixels of {name}",
                found.count,
                (labels.frames,),
                "pixels",
                None,
                "linear",
                found.masked,
            ),
            ResultArray("sparse_frame", "frame of the pixel", frame, (axis,), None),
            ResultArray("sparse_pixel", "number of the pixel in its frame", pixel, (axis,), None),
            ResultArray("sparse_value", name, value, (axis,), labels.units),
        ]


@dataclass(frozen=True, eq=False, slots=True)
class _PreparedPeaks(WholeFrames):
    software: ClassVar[tuple[str, ...]] = ("scipy",)

    step: Peaks
    stack: Stack

    def kernel(self, shared: MomentsKernel) -> _TableKernel:
        return _TableKernel(_Groups(Pixels.of(shared), self.step, self.stack.frame_shape), self.stack.frames)

    def recorded(self) -> Mapping[str, Value]:
        return {"threshold": self.step.threshold, "smallest": self.step.smallest, "largest": self.step.largest}

    def arrays(self, found: _Table, labels: Labels) -> list[ResultArray]:
        y, x, total, largest, pixels = found.columns
        axis = ResultAxis("peak", "peak", None, np.arange(len(y)))
        units = labels.units
        return [
            ResultArray(
                "peak_count",
                f"peaks of {labels.name}",
                found.count,
                (labels.frames,),
                "peaks",
                None,
                "linear",
                found.masked,
            ),
            ResultArray("peak_frame", "frame of the peak", found.frame, (axis,), None),
            ResultArray("peak_y", "row of the peak's centre", y, (axis,), "pixel"),
            ResultArray("peak_x", "column of the peak's centre", x, (axis,), "pixel"),
            ResultArray("peak_sum", f"sum of {labels.name} in the peak", total, (axis,), units),
            ResultArray("peak_max", f"largest {labels.name} of the peak", largest, (axis,), units),
            ResultArray("peak_pixels", "pixels of the peak", pixels, (axis,), "pixels"),
        ]


@dataclass(frozen=True, eq=False, slots=True)
class _Table:
    """Things found in the frames, in their order: the frame of each, further columns, how many in each frame."""

    frame: NDArray[np.int64]
    columns: tuple[NDArray[Any], ...]
    count: NDArray[np.int64]
    masked: NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False, slots=True)
class _TableKernel:
    function: Any  # one frame of shape (pixels,) -> columns
    frames: int

    def start(self, first: int, frames: int) -> _TableSums:
        return _TableSums(self)


class _TableSums:
    """Columns found in each frame."""

    whole_batches = True

    def __init__(self, kernel: _TableKernel) -> None:
        self.kernel = kernel
        self.found: dict[int, tuple[NDArray[Any], ...]] = {}
        self.empty: tuple[NDArray[Any], ...] = ()

    def add_batch(self, batch: Batch, team: Team) -> None:
        found = team.map(self.kernel.function, batch.frames(team))
        self.found |= dict(enumerate(found, start=batch.first))
        self._require_memory()

    def add(self, frames: NDArray[Any], first: int) -> None:
        self.found |= dict(enumerate(map(self.kernel.function, frames), start=first))
        self._require_memory()

    def _require_memory(self) -> None:
        nbytes = sum(column.nbytes for columns in self.found.values() for column in columns[:1])
        require_memory(8 * nbytes if nbytes > 1_000_000_000 else 0, "What was found")

    def merge(self, other: _TableSums) -> None:
        self.found |= other.found

    def finish(self) -> _Table:
        if not self.found:
            raise ReductionError("No frame could be read", hint="Look at the file; reduce another one")
        numbers = sorted(self.found)
        each = [self.found[number] for number in numbers]
        count = np.zeros(self.kernel.frames, np.int64)
        count[numbers] = [len(columns[0]) for columns in each]
        missing = np.ones(self.kernel.frames, np.bool_)
        missing[numbers] = False
        frame = np.repeat(np.arange(self.kernel.frames), count)
        columns = tuple(np.concatenate(column) for column in zip(*each, strict=True))
        return _Table(frame, columns, count, missing if missing.any() else None)


@dataclass(frozen=True, eq=False, slots=True)
class _Above:
    pixels: Pixels
    threshold: float

    def __call__(self, frame: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        found = np.flatnonzero(_is_above(self.pixels, frame, self.threshold))
        return found.astype(np.int64), frame[found]


@dataclass(frozen=True, eq=False, slots=True)
class _Groups:
    pixels: Pixels
    step: Peaks
    shape: tuple[int, ...]

    def __call__(self, frame: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        from scipy import ndimage

        above = _is_above(self.pixels, frame, self.step.threshold).reshape(self.shape)
        label, groups = ndimage.label(above, structure=np.ones((3, 3), np.int8))
        where = np.nonzero(label)
        number, values = label[where] - 1, frame.reshape(self.shape)[where]
        size = np.bincount(number, minlength=groups)
        total = np.zeros(groups, np.float64 if values.dtype.kind == "f" else np.int64)
        np.add.at(total, number, values.astype(total.dtype))
        highest = np.full(groups, values.min(initial=0) if values.size else 0, values.dtype)
        np.maximum.at(highest, number, values)
        y, x = (np.bincount(number, weights=values * at.astype(np.float64), minlength=groups) for at in where)
        enough = size >= self.step.smallest
        if self.step.largest is not None:
            enough &= size <= self.step.largest
        weight = np.maximum(total, np.finfo(np.float64).tiny)
        return tuple(column[enough] for column in (y / weight, x / weight, total, highest, size.astype(np.int64)))


def _is_above(pixels: Pixels, frame: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
    above = pixels.valid & (frame >= threshold)
    if pixels.masked_value is not None:
        above &= frame != pixels.masked_value
    if frame.dtype.kind == "f":
        above &= np.isfinite(frame)
    return above
