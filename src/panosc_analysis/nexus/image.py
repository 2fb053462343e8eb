"""HDF5 files made in memory: what is written to a disk is then plain bytes, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py

if TYPE_CHECKING:
    from collections.abc import Callable

    from panosc_analysis.nexus.opener import H5File

__all__ = ["file_image"]


def file_image(write: Callable[[H5File], None]) -> bytes:
    """Return the bytes of an HDF5 file that `write` fills.

    Holds the file in memory, and for a moment twice. HDF5 2.0 brings the whole process down when a disk fills under an
    open file; bytes that are written afterwards can fail like any others.
    """
    with h5py.File("image.h5", "w", driver="core", backing_store=False) as file:
        write(file)
        file.flush()
        image: bytes = file.id.get_file_image()
    return image
