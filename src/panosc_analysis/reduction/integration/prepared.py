"""An integration that can be run on one stack: of the summed frames, or of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.integration.binning import RADIAL
from panosc_analysis.reduction.integration.clipping import ClipRows, clip
from panosc_analysis.reduction.integration.frames import FrameBins, FrameBinsKernel
from panosc_analysis.reduction.moments import Moments
from panosc_analysis.reduction.result import ResultArray, ResultAxis
from panosc_analysis.reduction.rows import Pixels, Rows, RowsKernel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.geometry import Geometry
    from panosc_analysis.reduction.integration.binning import Binning
    from panosc_analysis.reduction.kernel import Kernel
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import MomentsKernel
    from panosc_analysis.reduction.monitors import Monitor
    from panosc_analysis.reduction.stack import Stack
    from panosc_analysis.reduction.steps.step import Parameter

__all__ = ["PreparedIntegration", "ends"]


@dataclass(frozen=True, eq=False, slots=True)
class PreparedIntegration:
    """An integration of one stack.

    Parameters
    ----------
    step
        What is asked.
    stack, shape, window
        The frames, the shape of the detector, and which rows and columns of it they have.
    geometry, binning
        Where the detector is, and the bins.
    monitor
        To normalise with.
    clipping
        Options of pyFAI's ``sigma_clip``; ``None`` for no clipping.
    """

    software: ClassVar[tuple[str, ...]] = ("pyFAI",)

    step: Any
    stack: Stack
    shape: tuple[int, ...]
    window: tuple[NDArray[np.int64], ...]
    geometry: Geometry
    binning: Binning
    monitor: Monitor | None = None
    clipping: dict[str, Any] | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Where the geometry comes from, and what else was used."""
        return (f"geometry: {self.geometry.origin}", *((self.monitor.note,) if self.monitor else ()))

    def within(self) -> None:
        """Need whole frames."""

    def kernel(self, shared: MomentsKernel) -> Kernel:
        """Sum the frames where one result is wanted of all; else keep them apart."""
        pixels = Pixels.of(shared)
        if self.clipping is not None and self.step.per_frame:
            rows = ClipRows(self.geometry, self.shape, self.window, pixels, self.clipping)
            return RowsKernel(rows, self.stack.frames, shared=False)
        if not self.step.per_frame and self.monitor is None:
            return replace(shared)
        poisson = self.step.error_model == "poisson"
        return FrameBinsKernel(self.binning, pixels, self._gaps(pixels), self.stack.frames, poisson)

    def recorded(self) -> Mapping[str, Value]:
        """Tell all parameters, the geometry written out."""
        values = {parameter.name: getattr(self.step, parameter.name) for parameter in self._parameters()}
        return {**values, "poni": self.geometry.poni}

    def arrays(self, found: Moments | FrameBins | Rows, labels: Labels) -> list[ResultArray]:
        """Divide the sums."""
        axes: tuple[ResultAxis, ...] = self.binning.axes
        if isinstance(found, Moments):
            values, errors = self._clipped(found) if self.clipping is not None else self._of_sums(found)
        else:
            if isinstance(found, Rows):
                intensity, errors, norm = found.arrays
                values, missing = np.where(norm > 0, intensity, np.nan), found.missing
            else:
                values, errors = self._of_frames(found)
                missing = found.missing
            if self.step.per_frame:
                values = np.where(missing[:, None], np.nan, values)
                axes = (labels.frames, *axes)
        values, errors = self.binning.shaped(values), None if errors is None else self.binning.shaped(errors)
        masked = np.isnan(values)
        if errors is not None:
            errors = np.where(masked, np.nan, errors)
        label = f"{self.step.title.lower()} of {labels.name}"
        some = masked if masked.any() else None
        array = ResultArray(self.step.array, label, values, axes, labels.units, errors, "linear", some)
        if self.monitor is not None and isinstance(found, Rows):
            array = self.monitor.normalised(array)
        return [array]

    def _parameters(self) -> tuple[Parameter, ...]:
        parameters: tuple[Parameter, ...] = self.step.parameters
        return parameters

    def _gaps(self, pixels: Pixels) -> NDArray[np.bool_]:
        """Find the pixels without a value in the first frame, which are most likely so in all."""
        if pixels.masked_value is None or self.stack.dtype.kind == "f":
            return np.zeros(self.stack.pixels, np.bool_)
        gaps: NDArray[np.bool_] = self.stack.read(0, 1)[0] == pixels.masked_value
        return gaps

    def _of_sums(self, found: Moments) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        binning, some = self.binning, (found.count > 0) & self.binning.valid
        count, total = np.where(some, found.count, 0), np.where(some, found.sum, 0).astype(np.float64)
        dark = count * binning.dark
        norm = binning.sum(count * binning.norm)
        variance = None
        if self.step.error_model == "poisson":
            variance = binning.sum(np.where(some, np.maximum(total, 1), 0), squared=True)
        return _divided(binning.sum(total - dark), norm, variance)

    def _of_frames(self, found: FrameBins) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        signal, norm, variance = found.signal, found.norm, found.variance
        if self.monitor is not None:
            usable = np.isfinite(self.monitor.relative)[:, None]
            norm = np.where(usable, norm * self.monitor.relative[:, None], 0)
            signal = np.where(usable, signal, 0)
            variance = None if variance is None else np.where(usable, variance, 0)
        if not self.step.per_frame:
            signal, norm = signal.sum(axis=0), norm.sum(axis=0)
            variance = None if variance is None else variance.sum(axis=0)
        return _divided(signal, norm, variance)

    def _clipped(self, found: Moments) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Clip the image of all frames together; how often a pixel counts goes in as part of the flat field."""
        size, place = tuple(map(len, self.window)), np.ix_(*self.window)
        image, weight = np.full(self.shape, np.nan, np.float32), np.ones(self.shape)
        image[place] = np.where(found.count > 0, found.sum.astype(np.float64), np.nan).reshape(size)
        weight[place] = np.maximum(found.count, 1).reshape(size)
        options = dict(self.clipping or {})
        flat, dark = options.get("flat"), options.get("dark")
        options["flat"] = weight if flat is None else weight * flat
        options["dark"] = None if dark is None else weight * dark
        _, intensity, errors, norm = clip(self.geometry.integrator(), image, options)
        return np.where(norm > 0, intensity, np.nan), errors


def _divided(
    signal: NDArray[np.float64], norm: NDArray[np.float64], variance: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    some = norm > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(some, signal / norm, np.nan)
        errors = None if variance is None else np.where(some, np.sqrt(np.maximum(variance, 0)) / norm, np.nan)
    return values, errors


def ends(low: float | None, high: float | None, unit: str) -> tuple[float, float] | None:
    """Join the ends of a range; both or none must be given.

    Raises
    ------
    ReductionError
        Only one of them, or the wrong way round.
    """
    if low is None and high is None:
        return None
    if low is None or high is None or not low < high:
        told = RADIAL.get(unit, (unit,))[0]
        raise ReductionError(f"The range of {told} goes from {low} to {high}", hint="Give a low end below the high one")
    return low, high
