"""Frame differences: what changes from frame to frame, and where."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.errors import OpenError, ReductionError
from panosc_analysis.reduction.rows import Pixels, Rows, RowsKernel
from panosc_analysis.reduction.steps.series import series_array, whole_frames
from panosc_analysis.reduction.steps.statistics import image_array
from panosc_analysis.reduction.steps.step import Parameter, WholeFrames, check_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import MomentsKernel
    from panosc_analysis.reduction.result import ResultArray
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    r"""How much each frame differs from the one `lag` frames before, and which pixels change most.

    With :math:`d_{fp} = s_{fp} - s_{f-k,p}` over the :math:`n_f` pixels *p* that are valid in both frames, *k* the lag

    ========================  ================================================  ==================
    array                     formula                                           unit
    ========================  ================================================  ==================
    ``difference``            :math:`D_f = \sum_p d_{fp}`                       that of the data
    ``difference_absolute``   :math:`\sum_p |d_{fp}|`                           that of the data
    ``difference_rms``        :math:`\sqrt{\sum_p d_{fp}^2 / n_f}`              that of the data
    ``change``                :math:`\sum_f |d_{fp}| / \text{pairs}`, an image  that of the data
    ========================  ================================================  ==================

    The series begin at frame *k*. Sums of integers of up to 32 bits are exact. Not done: no stack of difference
    frames, which would be larger than the data; take ``handle[k:]`` and ``handle[:-k]`` for that.

    Parameters
    ----------
    lag
        See `parameters`.
    """

    lag: int = 1

    name: ClassVar[str] = "difference"
    title: ClassVar[str] = "Frame differences"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("lag", int, "frames", 1, "How many frames before is the frame to compare with", least=1),
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    def prepare(self, stack: Stack) -> _Prepared:
        """Check that there are frames to compare.

        Raises
        ------
        ReductionError
            There are not.
        """
        whole_frames(stack, self.title)
        if stack.frames <= self.lag:
            raise ReductionError(
                f"{stack.handle.path} has {stack.frames} frames, too few for a lag of {self.lag}",
                hint="Use a smaller lag, or a stack with more frames",
                path=str(stack.handle.file),
            )
        return _Prepared(self, stack)


@dataclass(frozen=True, eq=False, slots=True)
class _Prepared(WholeFrames):
    step: Difference
    stack: Stack

    def kernel(self, shared: MomentsKernel) -> RowsKernel:
        return RowsKernel(
            _DifferenceRows(Pixels.of(shared), self.stack, self.step.lag), self.stack.frames, summed=2, shared=False
        )

    def recorded(self) -> Mapping[str, Value]:
        return {"lag": self.step.lag}

    def arrays(self, found: Rows, labels: Labels) -> list[ResultArray]:
        lag = self.step.lag
        change, absolute, squares, pixels, by_pixel, pairs = found.arrays
        axes = (dataclasses.replace(labels.frames, values=labels.frames.values[lag:]),)
        missing = (found.missing | (pixels == 0))[lag:]
        with np.errstate(invalid="ignore", divide="ignore"):
            rms = np.sqrt(squares / pixels)[lag:]
            image = (by_pixel / pairs).reshape(self.stack.frame_shape)
        name, units = f"{labels.name} from {lag} frames before", labels.units
        return [
            series_array("difference", f"change of {name}", change[lag:], axes, units, missing),
            series_array("difference_absolute", f"absolute change of {name}", absolute[lag:], axes, units, missing),
            series_array("difference_rms", f"root mean square change of {name}", rms, axes, units, missing),
            image_array(
                "change", f"mean absolute change of {name}", image, pairs.reshape(image.shape) == 0, labels, None
            ),
        ]


@dataclass(frozen=True, eq=False, slots=True)
class _DifferenceRows:
    """Compares frames; those before a batch are read once more, through HDF5."""

    pixels: Pixels
    stack: Stack
    lag: int

    def __call__(self, frames: NDArray[Any], first: int) -> tuple[NDArray[Any], ...]:
        before = self._before(first, min(self.lag, len(frames)))
        absolute, pairs = self._nothing(frames), np.zeros((1, self.stack.pixels), np.int64)
        rows = []
        for number, frame in enumerate(frames):
            earlier = before[number] if number < self.lag else frames[number - self.lag]
            if earlier is None:
                rows.append((absolute.dtype.type(0), absolute.dtype.type(0), 0.0, 0))
                continue
            (new, is_new), (old, is_old) = self.pixels.split(frame), self.pixels.split(earlier)
            valid = is_new & is_old
            change = np.where(valid, _signed(new) - _signed(old), 0)
            size = np.abs(change)
            absolute[0] += size
            pairs[0] += valid
            wide = size.astype(np.float64)
            rows.append((change.sum(), size.sum(), float(wide @ wide), int(np.count_nonzero(valid))))
        return (*(np.array(column) for column in zip(*rows, strict=True)), absolute, pairs)

    def _before(self, first: int, count: int) -> list[NDArray[Any] | None]:
        """Read what the first `count` frames of a batch are compared with; ``None`` where there is nothing."""
        found: list[NDArray[Any] | None] = []
        for number in range(first - self.lag, first - self.lag + count):
            try:
                found.append(self.stack.read(number, number + 1)[0] if number >= 0 else None)
            except OpenError:
                found.append(None)  # where this is an error it is raised for the frame itself
        return found

    def _nothing(self, frames: NDArray[Any]) -> NDArray[Any]:
        return np.zeros(
            (1, self.stack.pixels), np.float64 if frames.dtype.kind == "f" or frames.dtype == np.uint64 else np.int64
        )


def _signed(values: NDArray[Any]) -> NDArray[Any]:
    """64-bit unsigned numbers have no signed type that holds them all."""
    return values.astype(np.float64) if values.dtype == np.uint64 else values
