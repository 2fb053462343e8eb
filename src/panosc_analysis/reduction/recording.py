"""The record of a reduction: what was read, what was done to it, with which software."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from panosc_analysis.provenance import FileState, Record, Source, StepRecord, installed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from panosc_analysis.nexus import ArrayHandle

__all__ = ["make_record", "notation"]

_SOFTWARE = ("panosc-analysis", "numpy", "numba", "h5py", "hdf5plugin")


def make_record(
    sources: Sequence[Source],
    file: Path,
    dataset: str,
    steps: Iterable[StepRecord],
    *,
    selection: str = "",
    read: Iterable[Path] = (),
    software: Iterable[str] = (),
) -> Record:
    """Make the record of a reduction that ends now.

    Parameters
    ----------
    sources
        What the data are, the one that was reduced first; just the file where nothing is known.
    file, dataset, selection
        What was reduced.
    steps
        What was done.
    read
        The files that hold the data, where there are more than `file`.
    software
        Packages that took part, besides those that always do.
    """
    first, *others = sources or (Source(None, (file,)),)
    states = tuple(FileState.of(one) for one in dict.fromkeys((file, *read)))
    first = dataclasses.replace(first, dataset=dataset, selection=selection, states=states)
    packages = installed(dict.fromkeys((*_SOFTWARE, *software)))
    return Record((first, *others), tuple(steps), packages, datetime.now(UTC).replace(microsecond=0))


def notation(handle: ArrayHandle) -> str:
    """Write the selection of a handle as NumPy does; empty for everything."""
    if not handle.selection or handle.selection == tuple(range(length) for length in handle.stored_shape):
        return ""
    parts = []
    for part, length in zip(handle.selection, handle.stored_shape, strict=True):
        if isinstance(part, int):
            parts.append(str(part))
        elif part == range(length):
            parts.append(":")
        else:
            stop = "" if part.stop < 0 else part.stop
            parts.append(f"{part.start}:{stop}" + (f":{part.step}" if part.step != 1 else ""))
    return ", ".join(parts)
