"""Ring removal, rotation axis and reconstruction by algotom, the library of those who published these methods.

algotom was chosen because its one wheel is pure Python on NumPy, SciPy and numba, so it installs on any CPU without a
compiler or CUDA, and because it brings ring removal and axis finding besides reconstruction. (tomopy has no wheels,
astra-toolbox is under the GPL, scikit-image has no ring removal.)
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["FILTERS", "METHODS", "RINGS", "find_axis", "reconstruct", "without_rings"]

METHODS = ("fbp", "dfi")
RINGS = ("none", "sorting", "all")
FILTERS = ("ramp", "hann", "bartlett", "blackman", "hamming", "nuttall", "parzen", "triang")


def without_rings(sinogram: NDArray[np.float32], rings: str) -> NDArray[np.float32]:
    """Remove stripes from a sinogram, shape (angles, columns), which would become rings.

    ``sorting``: N. T. Vo, R. C. Atwood, M. Drakopoulos, Optics Express 26 (2018) 28396, algorithm 3; ``all``: their
    algorithms 3, 5 and 6 together, for dead and fluctuating pixels too.
    """
    if rings == "none":
        return sinogram
    removal = _algotom("prep.removal")
    size = max(3, sinogram.shape[1] // 50 * 2 + 1)
    if rings == "sorting":
        return np.asarray(removal.remove_stripe_based_sorting(sinogram, size), np.float32)
    return np.asarray(removal.remove_all_stripe(sinogram, 3.0, 2 * size + 1, size), np.float32)


def find_axis(sinogram: NDArray[np.float32], threads: int) -> float:
    """Find the column of the rotation axis of a half turn: N. T. Vo et al., Optics Express 22 (2014) 19078."""
    calculation = _algotom("prep.calculation")
    return float(calculation.find_center_vo(sinogram, dsp=sinogram.shape[1] > 1000, ncore=threads))


def reconstruct(
    sinograms: NDArray[np.float32],
    angles: NDArray[np.float64],
    axis: float,
    *,
    method: str,
    filter_name: str,
    threads: int,
) -> NDArray[np.float32]:
    """Reconstruct slices: (angles, slices, columns) → (slices, columns, columns), attenuation per pixel.

    ``fbp`` is filtered back-projection, ``dfi`` direct Fourier inversion; both in single precision, bit for bit the
    same each time. The rotation axis is put in the middle of the slice. 0 outside the
    circle that all projections see.
    """
    reconstruction = _algotom("rec.reconstruction")
    options: dict[str, Any] = {"filter_name": None if filter_name == "ramp" else filter_name, "apply_log": False}
    data, turn = np.ascontiguousarray(sinograms, np.float32), angles.astype(np.float32)
    if method == "fbp":
        with _one_thread():
            volume = reconstruction.fbp_reconstruction(data, axis, turn, gpu=False, ncore=threads, **options)
        # It weighs each projection with π / (n - 1), for angles that include both ends.
        steps = np.diff(np.unique(angles))
        volume *= (len(angles) - 1) * float(steps.mean()) / np.pi
    else:
        volume = reconstruction.dfi_reconstruction(data, axis, turn, ncore=threads, **options)
    return np.moveaxis(volume, 1, 0) if volume.ndim == 3 else volume[None]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep numba to one thread: the threads of algotom's back-projection add to the same pixels, and lose some."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _algotom(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"algotom.{name}")
    except ImportError as error:
        raise ReductionError(
            "Tomography needs algotom, which is not installed",
            hint="Install panosc-analysis with the extra 'tomography'",
        ) from error
