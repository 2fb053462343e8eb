"""Fluorescence maps: counts in energy windows at each point, and the spectrum of a region of the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.labels import read_labels
from panosc_analysis.reduction.monitors import read_monitor
from panosc_analysis.reduction.regions import Window, parse_regions, parse_windows
from panosc_analysis.reduction.rows import Pixels, RowsKernel
from panosc_analysis.reduction.steps.series import MONITOR, Monitored, count_errors, series_array, whole_frames
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

__all__ = ["Fluorescence"]


@dataclass(frozen=True, slots=True)
class Fluorescence:
    r"""Counts in windows of the energy axis at each point of a map, and the spectrum of a region.

    The last axis of the data is the spectrum :math:`s_c` over channels *c* with energies :math:`E_c` (the axis of the
    file; channel numbers where it has none), the axes before it are the map. For a window from :math:`a` to :math:`b`

    .. math:: N = \sum_{a ≤ E_c ≤ b} s_c, \qquad σ_N = \sqrt N

    is the array ``map_NAME`` in the unit of the data. ``map_total`` holds all channels, ``spectrum`` the sum over the
    points of `region`, which is the whole map if none is given. Sums of integers are exact; the uncertainties hold for
    counts (Poisson). With `background`, the mean of the channels just outside the window (as many on both sides
    together as in it) is taken off each channel, the usual two-point estimate, and σ grows by that of the estimate.
    With a monitor :math:`m`, one value per point, maps are divided by :math:`m / \bar m`. No fit of line shapes: use
    PyMca for that. Memory: 16 bytes per point and window.

    Parameters
    ----------
    windows, region, background, monitor
        See `parameters`.
    """

    windows: str = ""
    region: str | None = None
    background: bool = False
    monitor: str | None = None

    name: ClassVar[str] = "fluorescence"
    title: ClassVar[str] = "Fluorescence maps"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "windows", str, "", "", "Windows in the units of the energy axis, for example Fe=6.25:6.55; Cu=7.9:8.2"
        ),
        Parameter("region", str, "", None, "Part of the map whose spectrum is wanted, for example 10:20, 30:40"),
        Parameter(
            "background", bool, "", default=False, description="Take off the background, estimated beside each window"
        ),
        MONITOR,
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    def prepare(self, stack: Stack) -> _Prepared:
        """Find the channels of the windows.

        Raises
        ------
        ReductionError
            No spectra, windows without a channel, a region that is not in the map, a monitor that does not fit.
        """
        whole_frames(stack, self.title)
        energies = np.asarray(read_labels(stack).pixels[-1].values, np.float64)
        windows = parse_windows(self.windows)
        channels = {window.name: _channels(window, energies) for window in windows}
        points = stack.frame_shape[:-1]
        shape = (1, *points) if stack.is_single else (stack.frames, *points)
        region = parse_regions(self.region, shape) if self.region is not None else {"": (slice(None),) * len(shape)}
        if len(region) > 1:
            raise ReductionError("There is more than one region", hint="Give one; run again for the others")
        inside = np.zeros(shape, np.bool_)
        inside[next(iter(region.values()))] = True
        monitor = read_monitor(stack, self.monitor, points)
        return _Prepared(monitor, self, stack, channels, inside)


@dataclass(frozen=True, eq=False, slots=True)
class _Prepared(Monitored):
    step: Fluorescence
    stack: Stack
    channels: Mapping[str, NDArray[np.int64]]
    inside: NDArray[np.bool_]

    def kernel(self, shared: MomentsKernel) -> RowsKernel:
        wanted = tuple((numbers, _beside(numbers, self.stack.frame_shape[-1])) for numbers in self.channels.values())
        function = _SpectrumRows(Pixels.of(shared), self.stack.frame_shape, wanted, self.inside)
        return RowsKernel(function, self.stack.frames, summed=1)

    def recorded(self) -> Mapping[str, Value]:
        step = self.step
        return {
            "windows": step.windows,
            "region": step.region,
            "background": step.background,
            "monitor": step.monitor,
        }

    def arrays(self, found: Rows, labels: Labels) -> list[ResultArray]:
        counts, beside, total, spectrum = found.arrays
        axes = (labels.frames, *labels.pixels[:-1])
        missing = found.missing.reshape(-1, *[1] * (len(axes) - 1))
        maps = {}
        for number, name in enumerate(self.channels):
            values, errors = self._map(counts[..., number], beside[..., number], name)
            maps[name] = series_array(
                f"map_{_field(name)}", f"{name} map of {labels.name}", values, axes, labels.units, missing, errors
            )
        whole = series_array(
            "map_total", f"all counts of {labels.name}", total, axes, labels.units, missing, count_errors(total)
        )
        every = self.normalised([*maps.values(), whole])
        title = f"spectrum of {labels.name}" + (f" in {self.step.region}" if self.step.region else "")
        every.append(
            series_array("spectrum", title, spectrum, (labels.pixels[-1],), labels.units, None, count_errors(spectrum))
        )
        return every

    def _map(self, counts: NDArray[Any], beside: NDArray[Any], name: str) -> tuple[NDArray[Any], NDArray[np.float64]]:
        if not self.step.background:
            return counts, count_errors(counts)
        numbers = self.channels[name]
        ratio = len(numbers) / max(1, len(_beside(numbers, self.stack.frame_shape[-1])))
        return counts - ratio * beside, np.sqrt(np.maximum(counts + ratio**2 * beside, 0).astype(np.float64))


@dataclass(frozen=True, eq=False, slots=True)
class _SpectrumRows:
    pixels: Pixels
    shape: tuple[int, ...]
    windows: tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]
    inside: NDArray[np.bool_]

    def __call__(self, frames: NDArray[Any], first: int) -> tuple[NDArray[Any], ...]:
        values, _ = self.pixels.split(frames)
        values = values.reshape(-1, *self.shape)
        counts = np.stack([values[..., inside].sum(axis=-1) for inside, _ in self.windows], axis=-1)
        around = np.stack([values[..., beside].sum(axis=-1) for _, beside in self.windows], axis=-1)
        inside = self.inside[first : first + len(values)]
        spectra = (values * inside[..., None]).reshape(len(values), -1, self.shape[-1]).sum(axis=1)
        return counts, around, values.sum(axis=-1), spectra


def _channels(window: Window, energies: NDArray[np.float64]) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = np.flatnonzero((energies >= window.low) & (energies <= window.high)).astype(np.int64)
    if not numbers.size:
        raise ReductionError(
            f"The window {window.name} from {window.low:g} to {window.high:g} holds no channel",
            hint=f"The axis goes from {energies.min():g} to {energies.max():g}; use its units",
        )
    return numbers


def _beside(numbers: NDArray[np.int64], channels: int) -> NDArray[np.int64]:
    """Find the channels just outside a window, on both sides as many together as in it."""
    half = (len(numbers) + 1) // 2
    low, high = int(numbers.min()), int(numbers.max())
    return np.array(
        [c for c in (*range(low - half, low), *range(high + 1, high + 1 + half)) if 0 <= c < channels], np.int64
    )


def _field(name: str) -> str:
    return name.replace(" ", "_")
