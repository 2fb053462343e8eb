"""Virtual datasets: which files and frames stand behind them.

Only mappings of whole frames are followed; everything else is left to HDF5.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["VirtualSource", "is_series", "source_files", "virtual_sources"]


@dataclass(frozen=True, eq=False, slots=True)
class VirtualSource:
    """One source of a virtual dataset.

    Parameters
    ----------
    file
        The file as found on this machine; the name that HDF5 looks for first if it is not there.
    path
        Path of the dataset in it.
    target, frames
        Which frames of the virtual dataset come from which of the source, shape (n,) each; ``None`` where the mapping
        is not one of whole frames.
    is_whole
        All of the source is meant, whatever its length; `frames` then counts as many as `target`.
    is_pattern
        The name stands for a series of files (``%b``), of which those that exist count.
    """

    file: Path
    path: str
    target: NDArray[np.int64] | None
    frames: NDArray[np.int64] | None
    is_whole: bool
    is_pattern: bool


def virtual_sources(dataset: Any) -> Iterator[VirtualSource]:
    """List the sources of a virtual dataset, in the order of the file. Opens none of them."""
    here = Path(dataset.file.filename)
    for mapping in dataset.virtual_sources():
        target, frames = _frames(mapping.vspace), _frames(mapping.src_space)
        # The file does not say how large a source is that is taken as it is.
        is_whole = mapping.src_space.get_select_type() == h5py.h5s.SEL_ALL
        if is_whole and target is not None:
            frames = np.arange(len(target), dtype=np.int64)
        pattern = "%b" in mapping.file_name or "%b" in mapping.dset_name
        yield VirtualSource(_found(mapping.file_name, here), mapping.dset_name, target, frames, is_whole, pattern)


def source_files(dataset: Any) -> tuple[Path, ...]:
    """List the files that a virtual dataset is made of, each once; none for other datasets and for unlimited series."""
    if not isinstance(dataset, h5py.Dataset) or not dataset.is_virtual:
        return ()
    return tuple(dict.fromkeys(s.file for s in virtual_sources(dataset) if not s.is_pattern and s.file.exists()))


def is_series(dataset: Any) -> bool:
    """Whether a virtual dataset is made of a series of files without an end, so that its shape depends on them."""
    if not isinstance(dataset, h5py.Dataset) or not dataset.is_virtual:
        return False
    return None in dataset.maxshape or any("%b" in m.file_name + m.dset_name for m in dataset.virtual_sources())


def _found(name: str, here: Path) -> Path:
    """Where HDF5 finds a source: beside the file that names it, beside what a symbolic link leads to, or as written."""
    if name == ".":
        return here
    relative = Path(name)
    if relative.is_absolute():
        candidates = [relative, here.parent / relative.name]
    else:
        candidates = [here.parent / relative, here.resolve().parent / relative, relative]
    return next((c for c in candidates if c.exists()), candidates[0])


def _frames(space: Any) -> NDArray[np.int64] | None:
    """List the frame numbers that a selection takes whole, or ``None`` if it takes parts of frames."""
    shape = space.shape
    if not shape:
        return None
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return np.arange(shape[0], dtype=np.int64)
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return None
    start, stride, count, block = space.get_regular_hyperslab()
    if any(c > length for c, length in zip(count, shape, strict=True)):
        return None  # grows with the source: its extent is not known here
    for axis in range(1, len(shape)):
        seamless = count[axis] == 1 or stride[axis] == block[axis]
        if start[axis] != 0 or not seamless or count[axis] * block[axis] != shape[axis]:
            return None
    firsts = int(start[0]) + int(stride[0]) * np.arange(int(count[0]), dtype=np.int64)
    return (firsts[:, None] + np.arange(int(block[0]), dtype=np.int64)).reshape(-1)
