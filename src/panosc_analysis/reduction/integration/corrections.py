"""Correction images for a detector: dark current and flat field, from the file itself or another one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.nexus import ArrayHandle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.stack import Stack

__all__ = ["read_correction"]


def read_correction(stack: Stack, where: str | None, shape: tuple[int, ...], what: str) -> NDArray[np.float64] | None:
    """Read an image of the shape of the detector; a stack of them is averaged.

    Parameters
    ----------
    stack
        The frames that it is for.
    where
        Path inside the file of these, or ``FILE::PATH``; ``None`` for no correction.
    shape
        Of the detector.
    what
        What it is, for messages.

    Raises
    ------
    ReductionError
        It has not the shape of the detector.
    OpenError, LocateError
        It cannot be read.
    """
    if where is None:
        return None
    file, _, path = where.rpartition("::")
    handle = ArrayHandle(stack.handle.file.parent / Path(file).expanduser() if file else stack.handle.file, path)
    if handle.shape[-2:] != shape or handle.ndim not in (2, 3) or handle.dtype.kind not in "biuf":
        raise ReductionError(
            f"The {what} {where} has the shape {handle.shape}, the detector has {shape}",
            hint="Name an image of this detector and binning",
            path=str(handle.file),
        )
    if handle.ndim == 2:
        return handle.numpy().astype(np.float64)
    total = np.zeros(shape)
    for number in range(handle.shape[0]):
        total += handle[number].numpy()
    return total / handle.shape[0]
