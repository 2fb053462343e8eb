"""Radial profile of a stack: the average over the azimuth at each scattering angle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.geometry import Geometry, find_geometry
from panosc_analysis.reduction.result import ResultArray, ResultAxis
from panosc_analysis.reduction.steps.step import Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Value
    from panosc_analysis.reduction.labels import Labels
    from panosc_analysis.reduction.moments import Moments, MomentsKernel
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Azimuthal"]

_UNITS = {
    "q_A^-1": ("q", "scattering vector q", "1/angstrom"),
    "q_nm^-1": ("q", "scattering vector q", "1/nm"),
    "2th_deg": ("two_theta", "scattering angle 2θ", "deg"),
    "r_mm": ("r", "distance from the beam on the detector", "mm"),
}
_MOST_POINTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Azimuthal:
    r"""Intensity against q, 2θ or radius, averaged over the azimuth and over the frames.

    With the counts :math:`s_p` of pixel *p* summed over the :math:`n_p` frames in which it is valid, the solid angle
    :math:`Ω_p` relative to the point of normal incidence and the polarisation factor :math:`P_p`

    .. math:: I_b = \frac{\sum_{p ∈ b} s_p}{\sum_{p ∈ b} n_p Ω_p P_p}, \qquad
              σ_b = \frac{\sqrt{\sum_{p ∈ b} s_p}}{\sum_{p ∈ b} n_p Ω_p P_p}

    over the pixels whose centre lies in bin *b*: no pixel is split. The uncertainties hold for counts (Poisson). The
    unit is that of the data, per pixel and frame. This is pyFAI's weighted average, ``integrate1d`` with
    ``method=("no", "histogram", "cython")`` and ``error_model="poisson"``, J. Kieffer et al., J. Appl. Cryst. 58 (2025)
    138.

    Not done: no dark current, flat field, absorption or monitor. Costs about a second for pyFAI and the geometry.

    Parameters
    ----------
    npt, unit, polarization_factor, poni
        See `parameters`.
    """

    npt: int = 1000
    unit: str = "q_A^-1"
    polarization_factor: float | None = None
    poni: str | None = None

    name: ClassVar[str] = "azimuthal"
    title: ClassVar[str] = "Radial profile"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("npt", int, "", 1000, "Number of points of the profile"),
        Parameter("unit", str, "", "q_A^-1", "What the profile is against, with its unit", tuple(_UNITS)),
        Parameter(
            "polarization_factor",
            float,
            "",
            None,
            "Polarisation of the beam from -1 (vertical) to 1 (horizontal); nothing for no correction",
        ),
        Parameter("poni", str, "", None, "Detector geometry as a PONI file; nothing to take it from the data file"),
    )

    def __post_init__(self) -> None:
        if isinstance(self.npt, bool) or not isinstance(self.npt, int) or not 1 <= self.npt <= _MOST_POINTS:
            raise ReductionError(f"npt is {self.npt!r}", hint=f"Use a whole number from 1 to {_MOST_POINTS}")
        if self.unit not in _UNITS:
            raise ReductionError(f"There is no radial unit {self.unit!r}", hint=f"Use one of {', '.join(_UNITS)}")
        factor = self.polarization_factor
        if factor is not None and not (isinstance(factor, int | float) and -1 <= factor <= 1):
            raise ReductionError(f"polarization_factor is {factor!r}", hint="Use a number from -1 to 1, or None")

    def prepare(self, stack: Stack) -> _Prepared:
        """Find the geometry.

        Raises
        ------
        ReductionError
            No images, no geometry, or no wavelength where q is asked for.
        """
        shape, window = _window(stack)
        geometry = find_geometry(stack, self.poni)
        integrator = geometry.integrator()
        if self.unit.startswith("q") and not integrator.wavelength:
            raise ReductionError(
                f"The geometry from {geometry.origin} has no wavelength, which q needs",
                hint='Give a PONI file with the wavelength, or use unit="2th_deg"',
            )
        detector = integrator.detector
        expected = shape if detector.shape is None else tuple(detector.shape)
        if expected != shape:
            raise ReductionError(
                f"The geometry from {geometry.origin} is for frames of {expected} pixels, these have {shape}",
                hint="Give the PONI file of this detector and binning",
            )
        return _Prepared(self, geometry, integrator, shape, window)


@dataclass(frozen=True, eq=False, slots=True)
class _Prepared:
    step: Azimuthal
    geometry: Geometry
    integrator: Any
    shape: tuple[int, ...]
    window: tuple[NDArray[np.int64], ...]

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"geometry: {self.geometry.origin}",)

    def within(self) -> None:
        return None

    def kernel(self, shared: MomentsKernel) -> MomentsKernel:
        return replace(shared)

    def recorded(self) -> Mapping[str, Value]:
        step = self.step
        return {
            "npt": step.npt,
            "unit": step.unit,
            "polarization_factor": step.polarization_factor,
            "poni": self.geometry.poni,
        }

    def arrays(self, found: Moments, labels: Labels) -> list[ResultArray]:
        centres, intensity, errors = self._profile(found)
        name, label, units = _UNITS[self.step.unit]
        axis = ResultAxis(name, label, units, centres)
        masked = np.isnan(intensity)
        title = f"radial profile of {labels.name}"
        return [
            ResultArray(
                "profile", title, intensity, (axis,), labels.units, errors, "linear", masked if masked.any() else None
            )
        ]

    def _profile(self, moments: Moments) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Positions, intensities and uncertainties, shape (npt,) each; NaN in bins without a pixel."""
        from pyFAI.units import to_unit

        unit, points = to_unit(self.step.unit), self.step.npt
        radial = self.integrator.array_from_unit(self.shape, "center", unit, scale=False).astype(np.float64)
        # pyFAI's range: the upper end is moved by one step of a 32-bit number, so that the last pixel is inside.
        low, high = float(radial.min()), float(radial.max()) * (1 + float(np.finfo(np.float32).eps))
        width = (high - low) / points
        norm = self.integrator.solidAngleArray(self.shape).astype(np.float64)
        if self.step.polarization_factor is not None:
            norm = norm * self.integrator.polarization(self.shape, factor=self.step.polarization_factor)
        valid = moments.count > 0
        if (gaps := self.integrator.detector.mask) is not None and gaps.shape == self.shape:
            valid &= gaps[np.ix_(*self.window)].ravel() == 0
        radial, norm = (values[np.ix_(*self.window)].ravel()[valid] for values in (radial, norm))
        bins = np.zeros(radial.size, np.int64) if width == 0 else ((radial - low) / width).astype(np.int64)
        signal = np.bincount(bins, weights=moments.sum[valid].astype(np.float64), minlength=points)[:points]
        total = np.bincount(bins, weights=norm * moments.count[valid], minlength=points)[:points]
        with np.errstate(divide="ignore", invalid="ignore"):
            intensity, errors = signal / total, np.sqrt(np.maximum(signal, 0)) / total
        empty = total == 0
        intensity[empty], errors[empty] = np.nan, np.nan
        return (low + (np.arange(points) + 0.5) * width) * unit.scale, intensity, errors


def _window(stack: Stack) -> tuple[tuple[int, ...], tuple[NDArray[np.int64], ...]]:
    """Shape of the detector's frames, and which rows and columns of them are in the stack's."""
    if len(stack.frame_shape) != 2:
        raise ReductionError(
            f"{stack.handle.path} has no images: its frames have the shape {stack.frame_shape}",
            hint="Choose a stack of detector images for the radial profile",
            path=str(stack.handle.file),
        )
    selection = stack.handle.selection
    if not selection:
        return stack.frame_shape, tuple(np.arange(length) for length in stack.frame_shape)
    stored = stack.handle.stored_shape[-2:]
    rows, columns = selection[-2:]
    if isinstance(rows, int) or isinstance(columns, int):
        raise ReductionError(
            f"The selection of {stack.handle.path} has no whole rows and columns of the detector",
            hint="Select frames on the first axis, rows and columns on the last two",
            path=str(stack.handle.file),
        )
    return stored, (np.asarray(rows), np.asarray(columns))
