"""Rebinning: blocks of frames, rows and columns summed into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.memory import require_memory
from panosc_analysis.reduction.result import ResultAxis
from panosc_analysis.reduction.rows import Pixels
from panosc_analysis.reduction.steps.series import count_errors, series_array, whole_frames
from panosc_analysis.reduction.steps.step import Parameter, WholeFrames, check_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.batch import Batch
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import MomentsKernel
    from panosc_analysis.reduction.result import ResultArray
    from panosc_analysis.reduction.stack import Stack
    from panosc_analysis.reduction.team import Team

__all__ = ["Rebin"]


@dataclass(frozen=True, slots=True)
class Rebin:
    r"""A smaller stack: blocks of frames × rows × columns are added up.

    Over the :math:`n` valid values :math:`v_i` of a block

    ================  =====================================  ==================
    array             formula                                unit
    ================  =====================================  ==================
    ``binned``        :math:`S = \sum v_i`                   that of the data
    ``binned_count``  *n*                                    values
    ================  =====================================  ==================

    Sums of integers are exact, with the uncertainty :math:`\sqrt S`, which holds for counts (Poisson); the mean of a
    block is ``binned / binned_count``. The last block of an axis may be smaller; its count tells. ``frames=10`` alone
    bins in time, ``rows=2, columns=2`` alone in space. Positions are the means of those of the block.

    Memory: 24 bytes per value of the result, which is refused where there is not enough.

    Parameters
    ----------
    frames, rows, columns
        See `parameters`.
    """

    frames: int = 1
    rows: int = 1
    columns: int = 1

    name: ClassVar[str] = "rebin"
    title: ClassVar[str] = "Rebinned stack"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("frames", int, "", 1, "Frames that become one", least=1),
        Parameter("rows", int, "pixel", 1, "Rows that become one", least=1),
        Parameter("columns", int, "pixel", 1, "Columns that become one", least=1),
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    def prepare(self, stack: Stack) -> _Prepared:
        """Compute the size of the result.

        Raises
        ------
        ReductionError
            Frames of more than two dimensions, nothing to bin, or not enough memory.
        """
        whole_frames(stack, self.title)
        if len(stack.frame_shape) > 2:
            raise ReductionError(
                f"Frames of shape {stack.frame_shape} have more dimensions than rows and columns",
                hint="Select a part with two",
            )
        blocks = (self.rows, self.columns)[-len(stack.frame_shape) :]
        shape = tuple(-(-length // block) for length, block in zip(stack.frame_shape, blocks, strict=True))
        frames = -(-stack.frames // self.frames)
        require_memory(24 * frames * int(np.prod(shape)), self.title)
        return _Prepared(self, stack, blocks, (frames, *shape))


@dataclass(frozen=True, eq=False, slots=True)
class _Prepared(WholeFrames):
    step: Rebin
    stack: Stack
    blocks: tuple[int, ...]
    shape: tuple[int, ...]

    def kernel(self, shared: MomentsKernel) -> _BlockKernel:
        return _BlockKernel(Pixels.of(shared), self.stack.frame_shape, self.step.frames, self.blocks, self.shape)

    def recorded(self) -> Mapping[str, Value]:
        return {"frames": self.step.frames, "rows": self.step.rows, "columns": self.step.columns}

    def arrays(self, found: tuple[NDArray[Any], NDArray[Any]], labels: Labels) -> list[ResultArray]:
        total, count = found
        axes = tuple(
            _binned(axis, block)
            for axis, block in zip((labels.frames, *labels.pixels), (self.step.frames, *self.blocks), strict=True)
        )
        errors = None if total.dtype.kind == "f" else count_errors(total)
        name = f"{labels.name} in blocks of {' × '.join(map(str, (self.step.frames, *self.blocks)))}"
        return [
            series_array("binned", name, total, axes, labels.units, count == 0, errors),
            series_array("binned_count", "values in the block", count, axes, "values", None),
        ]


@dataclass(frozen=True, eq=False, slots=True)
class _BlockKernel:
    pixels: Pixels
    frame_shape: tuple[int, ...]
    frames: int
    blocks: tuple[int, ...]
    shape: tuple[int, ...]

    def start(self, first: int, frames: int) -> _BlockSums:
        return _BlockSums(self)


class _BlockSums:
    """Sum and count of each block of frames that was met."""

    whole_batches = True

    def __init__(self, kernel: _BlockKernel) -> None:
        self.kernel = kernel
        self.found: dict[int, tuple[NDArray[Any], NDArray[Any]]] = {}

    def add_batch(self, batch: Batch, team: Team) -> None:
        for number, blocks in enumerate(team.map(self._binned, batch.frames(team)), start=batch.first):
            self._add(number // self.kernel.frames, *blocks)

    def add(self, frames: NDArray[Any], first: int) -> None:
        for number, frame in enumerate(frames, start=first):
            self._add(number // self.kernel.frames, *self._binned(frame))

    def _binned(self, frame: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        values, valid = self.kernel.pixels.split(frame)
        return self._blocks(values), self._blocks(valid.astype(np.int64))

    def merge(self, other: _BlockSums) -> None:
        for number, (total, count) in other.found.items():
            self._add(number, total.copy(), count.copy())

    def finish(self) -> tuple[NDArray[Any], NDArray[Any]]:
        kind = next((total.dtype for total, _ in self.found.values()), np.dtype(np.int64))
        sums, counts = np.zeros(self.kernel.shape, kind), np.zeros(self.kernel.shape, np.int64)
        for number, (total, count) in self.found.items():
            sums[number], counts[number] = total, count
        return sums, counts

    def _add(self, number: int, total: NDArray[Any], count: NDArray[Any]) -> None:
        if number in self.found:
            mine = self.found[number]
            np.add(mine[0], total, out=mine[0])
            np.add(mine[1], count, out=mine[1])
        else:
            self.found[number] = (total, count)

    def _blocks(self, values: NDArray[Any]) -> NDArray[Any]:
        values = values.reshape(self.kernel.frame_shape)
        for axis, block in enumerate(self.kernel.blocks):
            if block > 1:
                values = np.add.reduceat(values, np.arange(0, values.shape[axis], block), axis=axis)
        return values


def _binned(axis: ResultAxis, block: int) -> ResultAxis:
    """Put each block at the mean of its positions."""
    if block == 1:
        return axis
    starts = np.arange(0, len(axis.values), block)
    lengths = np.diff(np.append(starts, len(axis.values)))
    centres = np.add.reduceat(np.asarray(axis.values, np.float64), starts) / lengths
    return ResultAxis(axis.name, axis.label, axis.units, centres)
