"""Integration of detector images: over the azimuth, over the radius, or over neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.geometry import find_geometry
from panosc_analysis.reduction.integration.binning import RADIAL, SPLITS, BinningOptions, make_binning
from panosc_analysis.reduction.integration.corrections import read_correction
from panosc_analysis.reduction.integration.prepared import PreparedIntegration, ends
from panosc_analysis.reduction.integration.remembered import content_key, remembered_binning
from panosc_analysis.reduction.memory import require_memory
from panosc_analysis.reduction.monitors import read_monitor
from panosc_analysis.reduction.steps.series import MONITOR
from panosc_analysis.reduction.steps.step import Parameter, check_parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.geometry import Geometry
    from panosc_analysis.reduction.stack import Stack

__all__ = ["Azimuthal", "Cake", "Radial"]

_MOST_POINTS = 1_000_000

_UNIT = Parameter("unit", str, "", "q_A^-1", "Radial unit", tuple(RADIAL))
_COMMON = (
    Parameter("split", str, "", "no", "How pixels are split over bins: not at all, by bounding box, exactly", SPLITS),
    Parameter("radial_min", float, "", None, "Lower end of the radial range, in the radial unit; nothing for all"),
    Parameter("radial_max", float, "", None, "Upper end of the radial range, in the radial unit; nothing for all"),
    Parameter("azimuth_min", float, "deg", None, "Lower end of the azimuthal range; nothing for all"),
    Parameter("azimuth_max", float, "deg", None, "Upper end of the azimuthal range; nothing for all"),
    Parameter("solid_angle", bool, "", default=True, description="Correct for the solid angle of the pixels"),
    Parameter(
        "polarization_factor",
        float,
        "",
        None,
        "Polarisation of the beam from -1 (vertical) to 1 (horizontal); nothing for no correction",
        least=-1,
        most=1,
    ),
    Parameter("dark", str, "", None, "Dark current of one frame, as PATH in the file or FILE::PATH; nothing for none"),
    Parameter("flat", str, "", None, "Flat field, as PATH in the file or FILE::PATH; nothing for none"),
    Parameter(
        "error_model", str, "", "poisson", "Uncertainties of counts, or none, which is faster", ("poisson", "none")
    ),
    Parameter("per_frame", bool, "", default=False, description="One result for each frame instead of their sum"),
    MONITOR,
    Parameter("poni", str, "", None, "Detector geometry as a PONI file; nothing to take it from the data file"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    """What can be chosen for every integration."""

    unit: str = "q_A^-1"
    split: str = "no"
    radial_min: float | None = None
    radial_max: float | None = None
    azimuth_min: float | None = None
    azimuth_max: float | None = None
    solid_angle: bool = True
    polarization_factor: float | None = None
    dark: str | None = None
    flat: str | None = None
    error_model: str = "poisson"
    per_frame: bool = False
    monitor: str | None = None
    poni: str | None = None

    name: ClassVar[str]
    title: ClassVar[str]
    array: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]

    def __post_init__(self) -> None:
        check_parameters(self)
        ends(self.radial_min, self.radial_max, self.unit)
        ends(self.azimuth_min, self.azimuth_max, "azimuth")

    def prepare(self, stack: Stack) -> PreparedIntegration:
        """Find the geometry, and ask pyFAI for the bins.

        Raises
        ------
        ReductionError
            No images, no geometry, no wavelength where q is asked for, corrections that do not fit, no memory.
        """
        shape, window = _window(stack)
        geometry, options = find_geometry(stack, self.poni), self._options()
        flat, dark = (read_correction(stack, getattr(self, name), shape, name) for name in ("flat", "dark"))
        binning = remembered_binning(
            content_key(geometry, shape, options, *window, flat, dark),
            lambda: make_binning(self._integrator(geometry, shape), shape, window, options, flat=flat, dark=dark),
        )
        if self.per_frame or self.monitor is not None:
            require_memory(48 * stack.frames * binning.bins, self.title)
        monitor = read_monitor(stack, self.monitor)
        return PreparedIntegration(
            self, stack, shape, window, geometry, binning, monitor, self._clipping(flat=flat, dark=dark)
        )

    def _integrator(self, geometry: Geometry, shape: tuple[int, ...]) -> Any:
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
        return integrator

    def _bins(self) -> tuple[int, int]:
        raise NotImplementedError

    def _options(self) -> BinningOptions:
        radial, azimuth = self._bins()
        return BinningOptions(
            radial,
            azimuth,
            self.unit,
            self.split,
            ends(self.radial_min, self.radial_max, self.unit),
            ends(self.azimuth_min, self.azimuth_max, "azimuth"),
            self.solid_angle,
            self.polarization_factor,
        )

    def _clipping(self, *, flat: NDArray[np.float64] | None, dark: NDArray[np.float64] | None) -> dict[str, Any] | None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Azimuthal(_Common):
    r"""Intensity against q, 2θ or radius, averaged over the azimuth: of all frames together, or of each.

    With the counts :math:`s_p` of pixel *p* summed over the :math:`n_p` frames in which it is valid, its share
    :math:`c_{bp}` in bin *b*, dark current :math:`D_p`, flat field :math:`F_p`, the solid angle :math:`Ω_p` relative to
    the point of normal incidence and the polarisation factor :math:`P_p`

    .. math:: I_b = \frac{\sum_p c_{bp} (s_p - n_p D_p)}{\sum_p c_{bp} n_p Ω_p P_p F_p}, \qquad
              σ_b = \frac{\sqrt{\sum_p c_{bp}^2 \max(s_p, 1)}}{\sum_p c_{bp} n_p Ω_p P_p F_p}

    where each pixel is in the bin of its centre (``split="no"``), spread over those of its bounding box (``"bbox"``) or
    of its exact outline (``"full"``). The shares are pyFAI's sparse matrix, the result is its weighted average
    ``integrate1d`` with ``method=(split, "csr", "cython")`` and ``error_model="poisson"`` (one count at least for each
    pixel), to 1e-5 where pyFAI computes in single precision: J. Kieffer et al., J. Appl. Cryst. 58 (2025) 138. The unit
    is that of the data, per pixel and frame. Sums of whole pixels are exact.

    With ``per_frame`` the same for each frame, :math:`n_p` being 0 or 1; with ``error_model="none"`` this is done while
    the frames are decompressed. With `clip`, pixels further than so many σ from the others of their bin are left out,
    five times (pyFAI's ``sigma_clip``; slower, by pyFAI itself). With a monitor :math:`m_f` a frame's share of the
    lower sum is multiplied with :math:`m_f / \bar m`.

    Not done: no absorption of the detector. Costs about a second for pyFAI and the geometry.

    Parameters
    ----------
    npt, unit, split, radial_min, radial_max, azimuth_min, azimuth_max, solid_angle, polarization_factor, dark, flat, \
    error_model, per_frame, clip, monitor, poni
        See `parameters`.
    """

    npt: int = 1000
    clip: float | None = None

    name: ClassVar[str] = "azimuthal"
    title: ClassVar[str] = "Radial profile"
    array: ClassVar[str] = "profile"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("npt", int, "", 1000, "Number of points of the profile", least=1, most=_MOST_POINTS),
        _UNIT,
        *_COMMON,
        Parameter(
            "clip", float, "σ", None, "Leave out pixels further than this from their bin; nothing for none", least=1
        ),
    )

    def _bins(self) -> tuple[int, int]:
        return self.npt, 0

    def _clipping(self, *, flat: NDArray[np.float64] | None, dark: NDArray[np.float64] | None) -> dict[str, Any] | None:
        if self.clip is None:
            return None
        return {
            "npt": self.npt,
            "unit": self.unit,
            "method": (self.split, "csr", "cython"),
            "correctSolidAngle": self.solid_angle,
            "polarization_factor": self.polarization_factor,
            "radial_range": ends(self.radial_min, self.radial_max, self.unit),
            "azimuth_range": ends(self.azimuth_min, self.azimuth_max, "azimuth"),
            "flat": flat,
            "dark": dark,
            "error_model": "poisson",
            "thresh": float(self.clip),
            "max_iter": 5,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Radial(_Common):
    r"""Intensity against the azimuth χ, averaged over a range of radii: of all frames together, or of each.

    The formula, its parts and its source are those of `Azimuthal`, with bins of χ, over the pixels whose centres lie in
    the radial range (both ends included). χ is pyFAI's, counted from the horizontal axis in degrees from -180 to 180.

    Parameters
    ----------
    npt, unit, split, radial_min, radial_max, azimuth_min, azimuth_max, solid_angle, polarization_factor, dark, flat, \
    error_model, per_frame, monitor, poni
        See `parameters`.
    """

    npt: int = 360

    name: ClassVar[str] = "radial"
    title: ClassVar[str] = "Azimuthal profile"
    array: ClassVar[str] = "azimuthal_profile"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("npt", int, "", 360, "Number of points of the profile", least=1, most=_MOST_POINTS),
        _UNIT,
        *_COMMON,
    )

    def _bins(self) -> tuple[int, int]:
        return 0, self.npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Cake(_Common):
    r"""Intensity against radius and azimuth: of all frames together, or of each.

    The formula, its parts and its source are those of `Azimuthal`, with bins of both; the array has the shape (azimuth,
    radius) as that of pyFAI's ``integrate2d``.

    Parameters
    ----------
    npt, npt_azimuth, unit, split, radial_min, radial_max, azimuth_min, azimuth_max, solid_angle, polarization_factor, \
    dark, flat, error_model, per_frame, monitor, poni
        See `parameters`.
    """

    npt: int = 500
    npt_azimuth: int = 360

    name: ClassVar[str] = "cake"
    title: ClassVar[str] = "Polar image"
    array: ClassVar[str] = "cake"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("npt", int, "", 500, "Number of radial points", least=1, most=100_000),
        Parameter("npt_azimuth", int, "", 360, "Number of azimuthal points", least=1, most=100_000),
        _UNIT,
        *_COMMON,
    )

    def _bins(self) -> tuple[int, int]:
        return self.npt, self.npt_azimuth


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
