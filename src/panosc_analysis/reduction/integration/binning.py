"""Which pixel goes into which bin, by pyFAI: its sparse matrix, and what each pixel is normalised with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.result import ResultAxis

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AZIMUTH", "RADIAL", "SPLITS", "Binning", "BinningOptions", "make_binning"]

RADIAL = {
    "q_A^-1": ("q", "scattering vector q", "1/angstrom"),
    "q_nm^-1": ("q", "scattering vector q", "1/nm"),
    "2th_deg": ("two_theta", "scattering angle 2θ", "deg"),
    "r_mm": ("r", "distance from the beam on the detector", "mm"),
}
"""Radial units: name, label and unit of the axis."""

AZIMUTH = ("chi", "azimuth χ", "deg")

SPLITS = ("no", "bbox", "full")


@dataclass(frozen=True, slots=True)
class BinningOptions:
    """What is asked of a binning.

    Parameters
    ----------
    radial_bins, azimuth_bins
        Number of bins; 0 for all of it together.
    unit
        Of the radial axis, one of `RADIAL`.
    split
        How pixels are split over bins, one of `SPLITS`.
    radial_range, azimuth_range
        Ends, in `unit` and degrees; ``None`` for all.
    solid_angle, polarization_factor
        Corrections.
    """

    radial_bins: int
    azimuth_bins: int
    unit: str
    split: str
    radial_range: tuple[float, float] | None = None
    azimuth_range: tuple[float, float] | None = None
    solid_angle: bool = True
    polarization_factor: float | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Binning:
    """The pixels of a stack's frames and the bins.

    Parameters
    ----------
    axes
        Of the bins; the shape of a result.
    indptr, indices, weights
        The bins of each pixel and its share in them, a matrix by columns (CSC).
    norm
        Solid angle, polarisation and flat field of each pixel, float64.
    dark
        Dark current of each pixel, float64.
    valid
        Pixels that the detector, the dark current or the flat field do not leave out.
    """

    axes: tuple[ResultAxis, ...]
    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    weights: NDArray[np.float32]
    norm: NDArray[np.float64]
    dark: NDArray[np.float64]
    valid: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a result."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def bins(self) -> int:
        """Number of bins."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return sum(
            array.nbytes for array in (self.indptr, self.indices, self.weights, self.norm, self.dark, self.valid)
        )

    @property
    def is_whole(self) -> bool:
        """No pixel is split."""
        return bool((np.diff(self.indptr) <= 1).all() and (self.weights == 1).all())

    def places(self, pixels: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Give the bin of each pixel where none is split; the number of bins for one that has none."""
        found = np.full(len(self.norm), self.bins, np.int32)
        some = np.diff(self.indptr) == 1
        found[some] = self.indices[self.indptr[:-1][some]]
        found[~pixels] = self.bins
        return found

    def sum(self, values: NDArray[Any], *, squared: bool = False) -> NDArray[np.float64]:
        """Sum a value of each pixel over the bins, with the weights or their squares: shape (bins,)."""
        shares = self.weights.astype(np.float64)
        spread = np.repeat(np.asarray(values, np.float64), np.diff(self.indptr))
        spread *= shares**2 if squared else shares
        total = np.bincount(self.indices, weights=spread, minlength=self.bins)
        return np.asarray(total, np.float64)

    def shaped(self, values: NDArray[Any]) -> NDArray[Any]:
        """Give an array of bins the shape of a result, axes before it kept."""
        return values.reshape(*values.shape[:-1], *self.shape)


def make_binning(
    integrator: Any,
    shape: tuple[int, ...],
    window: tuple[NDArray[np.int64], ...],
    options: BinningOptions,
    *,
    flat: NDArray[np.float64] | None = None,
    dark: NDArray[np.float64] | None = None,
) -> Binning:
    """Ask pyFAI for the matrix; some seconds for large detectors with split pixels.

    Parameters
    ----------
    integrator
        pyFAI's integrator.
    shape
        Of the detector.
    window
        Which rows and columns of it the frames have.
    options
        What is asked.
    flat, dark
        Flat field and dark current, shape of the detector.

    Raises
    ------
    ReductionError
        There is no pixel in the ranges.
    """
    mask = np.zeros(shape, np.bool_)
    if (gaps := integrator.detector.mask) is not None and gaps.shape == shape:
        mask |= gaps != 0
    axes, matrix = _matrix(integrator, shape, options, mask)
    norm = integrator.solidAngleArray(shape).astype(np.float64) if options.solid_angle else np.ones(shape)
    if options.polarization_factor is not None:
        norm = norm * integrator.polarization(shape, factor=options.polarization_factor)
    if flat is not None:
        norm = norm * flat
    dark = np.zeros(shape) if dark is None else dark
    valid = ~mask & np.isfinite(norm) & (norm != 0) & np.isfinite(dark)
    chosen = np.arange(int(np.prod(shape))).reshape(shape)[np.ix_(*window)].ravel()
    columns = matrix.tocsc()[:, chosen]
    if not columns.nnz:
        raise ReductionError("There is no pixel in the ranges", hint="Leave the ranges out, or choose wider ones")
    return Binning(
        axes,
        columns.indptr.astype(np.int32),
        columns.indices.astype(np.int32),
        columns.data.astype(np.float32),
        np.where(valid, norm, 0.0).ravel()[chosen],
        np.where(valid, dark, 0.0).ravel()[chosen],
        valid.ravel()[chosen],
    )


def _matrix(
    integrator: Any, shape: tuple[int, ...], options: BinningOptions, mask: NDArray[np.bool_]
) -> tuple[tuple[ResultAxis, ...], Any]:
    """Integrate a frame of nothing, and take the matrix that pyFAI made for it."""
    from scipy.sparse import csr_matrix

    nothing = np.zeros(shape, np.float32)
    method = (options.split, "csr", "cython")
    common: dict[str, Any] = {"method": method, "correctSolidAngle": False}
    if options.radial_bins and options.azimuth_bins:
        result = integrator.integrate2d_ng(
            nothing,
            options.radial_bins,
            options.azimuth_bins,
            unit=options.unit,
            mask=mask,
            radial_range=options.radial_range,
            azimuth_range=options.azimuth_range,
            **common,
        )
        engine = _engine(integrator, 2)
        matrix = csr_matrix(engine.lut, shape=(options.radial_bins * options.azimuth_bins, mask.size))
        # pyFAI counts bins with the azimuth fastest, and gives results with the radius fastest.
        order = np.arange(matrix.shape[0]).reshape(options.radial_bins, options.azimuth_bins).T.ravel()
        azimuth = ResultAxis(*AZIMUTH, np.asarray(result.azimuthal, np.float64))
        return (azimuth, ResultAxis(*RADIAL[options.unit], np.asarray(result.radial, np.float64))), matrix[order]
    if options.azimuth_bins:
        if options.radial_range is not None:
            position = integrator.array_from_unit(shape, "center", options.unit, scale=True)
            mask = mask | (position < options.radial_range[0]) | (position > options.radial_range[1])
        result = integrator.integrate1d_ng(
            nothing, options.azimuth_bins, unit="chi_deg", mask=mask, radial_range=options.azimuth_range, **common
        )
        azimuth = ResultAxis(*AZIMUTH, np.asarray(result.radial, np.float64))
        return (azimuth,), csr_matrix(_engine(integrator, 1).lut, shape=(options.azimuth_bins, mask.size))
    result = integrator.integrate1d_ng(
        nothing,
        options.radial_bins,
        unit=options.unit,
        mask=mask,
        radial_range=options.radial_range,
        azimuth_range=options.azimuth_range,
        **common,
    )
    return (ResultAxis(*RADIAL[options.unit], np.asarray(result.radial, np.float64)),), csr_matrix(
        _engine(integrator, 1).lut, shape=(options.radial_bins, mask.size)
    )


def _engine(integrator: Any, dimension: int) -> Any:
    return next(engine.engine for method, engine in integrator.engines.items() if method.dimension == dimension)
