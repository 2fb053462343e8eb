"""Regions of interest over the frames: sum, mean and largest value of each region in each frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.reduction.monitors import read_monitor
from panosc_analysis.reduction.regions import parse_regions, region_pixels
from panosc_analysis.reduction.rows import Pixels, RowsKernel
from panosc_analysis.reduction.steps.series import (
    MONITOR,
    Monitored,
    divided,
    integer_maximum,
    named_axis,
    series_array,
    whole_frames,
)
from panosc_analysis.reduction.steps.step import Parameter, check_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import MomentsKernel
    from panosc_analysis.reduction.result import ResultArray
    from panosc_analysis.reduction.rows import Rows
    from panosc_analysis.reduction.stack import Stack
    from panosc_analysis.reduction.steps.step import Region

__all__ = ["Roi"]


@dataclass(frozen=True, slots=True)
class Roi:
    r"""Sum, mean and largest value of regions of interest, frame by frame.

    Over the valid pixels *p* of region *r* in frame *f*

    ============  =============================================  ==================
    array         formula                                        unit
    ============  =============================================  ==================
    ``roi_sum``   :math:`S_{fr} = \sum_{p ∈ r} s_{fp}`           that of the data
    ``roi_mean``  :math:`S_{fr} / n_{fr}`                        that of the data
    ``roi_max``   :math:`\max_{p ∈ r} s_{fp}`                    that of the data
    ``roi_count`` :math:`n_{fr}`                                 pixels
    ============  =============================================  ==================

    Sums of integers are exact; their uncertainty is :math:`\sqrt{S}`, which holds for counts (Poisson). With a monitor
    :math:`m_f`, sum, mean and maximum are divided by :math:`m_f / \bar m`. Alone, this step reads only the part of the
    frames that its regions span. Memory: 32 bytes per frame and region.

    Parameters
    ----------
    regions, monitor
        See `parameters`.
    """

    regions: str = ""
    monitor: str | None = None

    name: ClassVar[str] = "roi"
    title: ClassVar[str] = "Regions of interest"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "regions", str, "", "", "Regions as rows and columns, for example spot=10:20, 30:40; ring=50:60, 0:100"
        ),
        MONITOR,
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    def prepare(self, stack: Stack) -> _Prepared:
        """Read the regions and the monitor.

        Raises
        ------
        ReductionError
            No frames, regions that are not in them, or a monitor that does not fit.
        """
        whole_frames(stack, self.title)
        regions = parse_regions(self.regions, stack.frame_shape)
        monitor = read_monitor(stack, self.monitor)
        return _Prepared(monitor, self, stack.frames, stack.frame_shape, regions)


@dataclass(frozen=True, eq=False, slots=True)
class _Prepared(Monitored):
    step: Roi
    frames: int
    shape: tuple[int, ...]
    regions: Mapping[str, Region]

    def within(self) -> tuple[Region, _Prepared]:
        begin = [min(part.start for part in parts) for parts in zip(*self.regions.values(), strict=True)]
        end = [max(part.stop for part in parts) for parts in zip(*self.regions.values(), strict=True)]
        shape = tuple(high - low for low, high in zip(begin, end, strict=True))
        shifted = {
            name: tuple(slice(p.start - low, p.stop - low) for p, low in zip(region, begin, strict=True))
            for name, region in self.regions.items()
        }
        region = tuple(slice(low, high) for low, high in zip(begin, end, strict=True))
        return region, _Prepared(self.monitor, self.step, self.frames, shape, shifted)

    def kernel(self, shared: MomentsKernel) -> RowsKernel:
        pixels = Pixels.of(shared)
        numbers = tuple(region_pixels(region, self.shape) for region in self.regions.values())
        return RowsKernel(_RegionRows(numbers, tuple(map(pixels.select, numbers))), self.frames)

    def recorded(self) -> Mapping[str, Value]:
        return {"regions": self.step.regions, "monitor": self.step.monitor}

    def arrays(self, found: Rows, labels: Labels) -> list[ResultArray]:
        total, count, largest = found.arrays
        missing = found.missing[:, None] | (count == 0)
        errors, mean, mean_errors = divided(total, count)
        axes = (labels.frames, named_axis("region", list(self.regions)))
        arrays = [
            series_array("roi_sum", f"sum of the regions of {labels.name}", total, axes, labels.units, missing, errors),
            series_array(
                "roi_mean", f"mean of the regions of {labels.name}", mean, axes, labels.units, missing, mean_errors
            ),
            series_array(
                "roi_max", f"largest value in the regions of {labels.name}", largest, axes, labels.units, missing
            ),
        ]
        return [
            *self.normalised(arrays),
            series_array("roi_count", "valid pixels of the regions", count, axes, "pixels", None),
        ]


@dataclass(frozen=True, eq=False, slots=True)
class _RegionRows:
    numbers: tuple[NDArray[np.int64], ...]
    pixels: tuple[Pixels, ...]

    def __call__(self, frames: NDArray[Any], first: int) -> tuple[NDArray[Any], ...]:
        sums, counts, largest = [], [], []
        for numbers, pixels in zip(self.numbers, self.pixels, strict=True):
            part = frames[:, numbers]
            values, valid = pixels.split(part)
            sums.append(values.sum(axis=1))
            counts.append(np.count_nonzero(valid, axis=1))
            largest.append(np.where(valid, part, integer_maximum(part.dtype, low=True)).max(axis=1))
        return np.stack(sums, axis=1), np.stack(counts, axis=1), np.stack(largest, axis=1)
