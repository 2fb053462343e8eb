"""Tomography: from the frames of a scan to attenuation, sinograms and reconstructed slices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.engine import available_threads
from panosc_analysis.reduction.memory import require_memory
from panosc_analysis.reduction.regions import parse_regions
from panosc_analysis.reduction.result import ResultArray, ResultAxis
from panosc_analysis.reduction.rows import Pixels, Rows, RowsKernel
from panosc_analysis.reduction.steps.series import whole_frames
from panosc_analysis.reduction.steps.step import Parameter, check_parameters
from panosc_analysis.reduction.tomography.attenuation import AttenuationRows
from panosc_analysis.reduction.tomography.reconstruction import (
    FILTERS,
    METHODS,
    RINGS,
    find_axis,
    reconstruct,
    without_rings,
)
from panosc_analysis.reduction.tomography.scan import DARK, FLAT, PROJECTION, Scan, mean_frame, read_scan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import MomentsKernel
    from panosc_analysis.reduction.stack import Stack
    from panosc_analysis.reduction.steps.step import Region

__all__ = ["Tomography"]


@dataclass(frozen=True, slots=True)
class Tomography:
    r"""Attenuation, sinograms and slices of a scan about one axis in a parallel beam (NXtomo).

    With the counts *I* of a projection and the means of the dark fields *D* and flat fields *F* of the scan (all of
    them, by ``image_key``), pixel by pixel,

    .. math:: p = -\ln \max\left(\frac{I - D}{F - D}, T\right) = \int μ \, ds

    in single precision, with *T* the smallest transmission. Pixels without a value (masked, or no light in the flat
    field) get the straight line between their neighbours in the row. ``sinogram`` holds *p* as (row, angle, column),
    with stripes removed if asked for; ``slices`` holds :math:`μ` as (row, y, x), in 1/mm where the file tells the pixel
    size and per pixel otherwise, masked outside the circle that all projections see; its axes are
    distances from the rotation axis (to half a pixel for ``dfi``). Ring removal, rotation axis and reconstruction are
    algotom's, see `panosc_analysis.reduction.tomography.reconstruction`.

    Not done: no phase retrieval, no cone beam, no interpolation between flat fields before and after. Memory: four
    times the single-precision projections of the rows, and twice their slices; refused where there is not enough.

    Parameters
    ----------
    rows, axis, method, filter, rings, least
        See `parameters`.
    """

    rows: str | None = None
    axis: float | None = None
    method: str = "fbp"
    filter: str = "hann"
    rings: str = "sorting"
    least: float = 1e-6

    name: ClassVar[str] = "tomography"
    title: ClassVar[str] = "Tomographic slices"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("rows", str, "", None, "Rows to reconstruct, for example 100:110; nothing for all"),
        Parameter(
            "axis", float, "pixel", None, "Column of the rotation axis; nothing for the file's, else it is found"
        ),
        Parameter(
            "method",
            str,
            "",
            "fbp",
            "Filtered back-projection, direct Fourier inversion, or sinograms only",
            (*METHODS, "none"),
        ),
        Parameter("filter", str, "", "hann", "Window on the ramp filter; ramp for none", FILTERS),
        Parameter("rings", str, "", "sorting", "How rings are removed", RINGS),
        Parameter("least", float, "", 1e-6, "Smallest transmission", least=1e-30, most=1),
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    def prepare(self, stack: Stack) -> _Prepared:
        """Find out which frames are what.

        Raises
        ------
        ReductionError
            No tomography scan, rows that are not there, or not enough memory.
        """
        whole_frames(stack, self.title, 2)
        scan = read_scan(stack)
        if not len(scan.frames(FLAT)):
            raise ReductionError(
                f"{stack.handle.file} has no flat fields (image_key 1)", hint="Choose a scan with flat fields"
            )
        rows = slice(0, stack.frame_shape[0])
        if self.rows is not None:
            (rows,) = parse_regions(self.rows, stack.frame_shape[:1]).get("roi", (rows,))
        height, width = rows.stop - rows.start, stack.frame_shape[1]
        slices = 0 if self.method == "none" else 8 * height * width**2
        require_memory(16 * stack.frames * height * width + slices, self.title)
        return _Prepared(self, stack, scan, rows)


@dataclass(frozen=True, eq=False, slots=True)
class _Prepared:
    software: ClassVar[tuple[str, ...]] = ("algotom",)

    step: Tomography
    stack: Stack
    scan: Scan
    rows: slice

    @property
    def notes(self) -> tuple[str, ...]:
        told = {
            name: len(self.scan.frames(key))
            for name, key in (("projections", PROJECTION), ("flat fields", FLAT), ("dark fields", DARK))
        }
        return (", ".join(f"{number} {name}" for name, number in told.items()),)

    def within(self) -> tuple[Region, _Prepared] | None:
        if self.step.rows is None:
            return None
        stack = replace(self.stack, handle=self.stack.handle[:, self.rows, :])
        height = self.rows.stop - self.rows.start
        cut = replace(stack, frame_shape=(height, self.stack.frame_shape[1]))
        return (self.rows, slice(None)), _Prepared(self.step, cut, self.scan, slice(0, height))

    def kernel(self, shared: MomentsKernel) -> RowsKernel:
        flat, dark = mean_frame(self.stack, self.scan.frames(FLAT)), mean_frame(self.stack, self.scan.frames(DARK))
        if flat is None:
            raise AssertionError("checked when it was prepared")
        dark = np.zeros_like(flat) if dark is None else dark
        light = flat - dark
        gain = np.divide(1.0, light, out=np.zeros_like(light), where=light > 0).astype(np.float32)
        function = AttenuationRows(
            Pixels.of(shared),
            self.stack.frame_shape,
            dark.astype(np.float32),
            gain,
            self.scan.keys == PROJECTION,
            self.step.least,
        )
        return RowsKernel(function, self.stack.frames)

    def recorded(self) -> Mapping[str, Value]:
        return {p.name: getattr(self.step, p.name) for p in self.step.parameters}

    def arrays(self, found: Rows, labels: Labels) -> list[ResultArray]:
        chosen = self.scan.frames(PROJECTION)
        chosen = chosen[~found.missing[chosen]]
        if len(chosen) < 2:
            raise ReductionError("Fewer than two projections could be read", hint="Look at the file")
        angles, rows = self.scan.angles[chosen], slice(self.rows.start, self.rows.stop)
        sinograms = np.ascontiguousarray(found.arrays[0][chosen][:, rows].transpose(1, 0, 2))
        for number, sinogram in enumerate(sinograms):
            sinograms[number] = without_rings(sinogram, self.step.rings)
        height = replace(labels.pixels[0], values=labels.pixels[0].values[rows])
        turn = ResultAxis("rotation_angle", "rotation angle", "deg", np.rad2deg(angles))
        arrays = [
            ResultArray("sinogram", f"attenuation of {labels.name}", sinograms, (height, turn, labels.pixels[1]), None)
        ]
        if self.step.method != "none":
            arrays.insert(0, self._slices(sinograms, angles, height, labels))
        return arrays

    def _slices(
        self, sinograms: NDArray[np.float32], angles: NDArray[np.float64], height: ResultAxis, labels: Labels
    ) -> ResultArray:
        threads, step = available_threads(), self.step
        axis = step.axis if step.axis is not None else self.scan.axis
        if axis is None:
            axis = find_axis(sinograms[len(sinograms) // 2], threads)
        volume = reconstruct(
            sinograms.transpose(1, 0, 2), angles, axis, method=step.method, filter_name=step.filter, threads=threads
        )
        pixel = self.scan.pixel_size
        if pixel:
            volume /= np.float32(pixel)
        width = volume.shape[-1]
        place = (np.arange(width) - (width - 1) / 2) * (pixel or 1.0)  # the rotation axis is put in the middle
        radius = min(axis, width - 1 - axis) * (pixel or 1.0)
        outside = np.broadcast_to(np.hypot(place[:, None], place) > radius, volume.shape)
        volume = np.where(outside, np.float32(np.nan), volume)
        units = "mm" if pixel else "pixel"
        axes = (height, *(ResultAxis(name, name, units, place) for name in ("slice_y", "slice_x")))
        label = f"attenuation coefficient, axis at column {axis:.2f}"
        return ResultArray("slices", label, volume, axes, f"1/{units}", None, "linear", outside.copy())
