"""The step that makes histograms of events: what it is called, and what can be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.model import convert
from panosc_analysis.reduction.result import ResultAxis
from panosc_analysis.reduction.steps.step import Parameter, check_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from panosc_analysis.reduction.events.source import FlightPaths
    from panosc_analysis.reduction.stack import Stack
    from panosc_analysis.reduction.steps.step import PreparedStep, Step

__all__ = ["Events", "counts_events"]

_H_OVER_M = 6.62607015e-34 / 1.67492750056e-27  # m²/s, CODATA 2022
_AXES = {
    "tof": ("time_of_flight", "time of flight", "us"),
    "wavelength": ("wavelength", "wavelength", "angstrom"),
    "d_spacing": ("d_spacing", "d-spacing", "angstrom"),
}


@dataclass(frozen=True, slots=True)
class Events:
    r"""Neutron events counted over time of flight, wavelength or d-spacing, of all pixels together or of each.

    An event with time *t* after its pulse in a pixel at the angle :math:`2θ`, with the way *L* from the moderator by
    the sample to the pixel, is at

    .. math:: λ = \frac{h}{m_n} \frac{t}{L}, \qquad d = \frac{λ}{2 \sin θ}

    (*h* and :math:`m_n` of CODATA 2022), and counts in bin *i* where :math:`e_i ≤ x < e_{i+1}`, the last bin closed:
    the same numbers as `numpy.histogram` of the positions in float64, whatever the number of threads. The uncertainty
    is :math:`\sqrt N`. With ``by_pixel`` the array has one row per pixel. ``axis="pixel"`` counts the events of each.

    Pulses can be chosen by their times (``event_time_zero``, in seconds, both ends included). Not done: no frame
    overlap, no time-zero offset, no normalisation to the proton charge or a monitor.

    Parameters
    ----------
    axis, bins, low, high, spacing, by_pixel, pulses_from, pulses_to
        See `parameters`.
    """

    axis: str = "tof"
    bins: int = 1000
    low: float = 0.0
    high: float | None = None
    spacing: str = "linear"
    by_pixel: bool = False
    pulses_from: float | None = None
    pulses_to: float | None = None

    name: ClassVar[str] = "events"
    title: ClassVar[str] = "Histogram of events"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("axis", str, "", "tof", "What the events are counted over", (*_AXES, "pixel")),
        Parameter("bins", int, "", 1000, "Number of bins", least=1, most=10_000_000),
        Parameter("low", float, "us or Å", 0.0, "Lower end of the first bin, in µs or Å"),
        Parameter("high", float, "us or Å", None, "Upper end of the last bin, in µs or Å; nothing for the last event"),
        Parameter("spacing", str, "", "linear", "How the edges of the bins are spaced", ("linear", "log")),
        Parameter("by_pixel", bool, "", default=False, description="Keep the pixels apart"),
        Parameter(
            "pulses_from", float, "s", None, "First pulse that counts, by its time; nothing for the first of all"
        ),
        Parameter("pulses_to", float, "s", None, "Last pulse that counts, by its time; nothing for the last of all"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.high is not None and not self.low < self.high:
            raise ReductionError(
                f"The bins go from {self.low} to {self.high}", hint="Give a low end below the high one"
            )
        if self.spacing == "log" and self.low <= 0:
            raise ReductionError("Logarithmic bins cannot begin at zero", hint="Give a low end above zero")

    @property
    def needs_pixels(self) -> bool:
        """Whether the pixel numbers of the events are read."""
        return self.axis != "tof" or self.by_pixel

    def edges(self, high: float) -> NDArray[np.float64]:
        """Give the edges of the bins in the units of `result_axis`, as `numpy.histogram` has them."""
        end = self.high if self.high is not None else high
        if not self.low < end:
            raise ReductionError(
                f"No event is above {self.low:g}", hint="Give a smaller low end, or the high end of the bins"
            )
        make = np.geomspace if self.spacing == "log" else np.linspace
        edges: NDArray[np.float64] = make(self.low, end, self.bins + 1)
        return edges

    def prepare(self, stack: Stack) -> PreparedStep:
        """Refuse: events are no frames. `reduce` and `reduce_events` count them.

        Raises
        ------
        ReductionError
            Always.
        """
        raise ReductionError(
            f"{stack.handle.path} is no group of events", hint='Run "events" alone, on an NXevent_data group'
        )

    def edges_in(self, edges: NDArray[np.float64], time_unit: str) -> NDArray[np.float64]:
        """Give edges of times in the unit of the file, where the events are counted."""
        scale = _microseconds(time_unit)
        whole = round(1 / scale)
        is_whole = whole > 0 and abs(whole * scale - 1) < 1e-9
        converted: NDArray[np.float64] = edges * whole if is_whole else edges / scale
        return converted

    def factors(self, paths: FlightPaths | None, time_unit: str) -> NDArray[np.float64]:
        """Give what a time is multiplied with for its position on the axis: one number per pixel, or one for all.

        Raises
        ------
        ReductionError
            The file does not tell what is needed.
        """
        to_us = _microseconds(time_unit)
        if self.axis == "tof":
            return np.array([to_us])
        if paths is None or not np.isfinite(paths.length).any():
            raise ReductionError(
                f"The file does not tell how far the neutrons flew, which {self.axis} needs",
                hint='Use axis="tof", or a file with distances of moderator and pixels',
            )
        factors = to_us * 1e-6 * _H_OVER_M / paths.length * 1e10
        if self.axis == "d_spacing":
            if not np.isfinite(paths.two_theta).any():
                raise ReductionError(
                    "The file does not tell the pixels' polar angles, which d_spacing needs",
                    hint='Use axis="wavelength"',
                )
            with np.errstate(divide="ignore"):
                factors = factors / (2 * np.sin(paths.two_theta / 2))
        return np.where(np.isfinite(factors), factors, np.nan)

    def result_axis(self, edges: NDArray[np.float64]) -> ResultAxis:
        """Make the axis of the bins, at their centres."""
        name, label, units = _AXES[self.axis]
        return ResultAxis(name, label, units, (edges[:-1] + edges[1:]) / 2)


def _microseconds(unit: str) -> float:
    scale = convert(1.0, unit, "us")
    if scale is None:
        raise ReductionError(
            f"event_time_offset is in {unit!r}, which is no unit of time", hint="Look at the units in the file"
        )
    return scale


def counts_events(steps: Sequence[Step | str]) -> bool:
    """Whether the one step is that for events, which are no frames."""
    return [getattr(step, "name", step) for step in steps] == [Events.name]
