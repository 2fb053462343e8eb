"""Which part of an array is meant: NumPy's grammar for integers, slices and ``...``, and reading it through HDF5."""

from __future__ import annotations

import operator
from types import EllipsisType
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

import h5py
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Key", "Selection", "narrowed", "read_part", "read_part_into", "reaches_beyond"]

Selection: TypeAlias = tuple[int | range, ...]
"""One entry per stored dimension: the index taken, or the range of indices kept. Empty for everything."""

Key: TypeAlias = "SupportsIndex | slice | EllipsisType | tuple[SupportsIndex | slice | EllipsisType, ...]"


def narrowed(ranges: Selection, key: Key) -> Selection:
    """Take a part of a part, in NumPy's grammar; dimensions that were dropped stay so.

    Raises
    ------
    IndexError
        Out of range, or more indices than dimensions.
    TypeError
        Something other than integers, slices and ``...``.
    """
    parts = key if isinstance(key, tuple) else (key,)
    visible = [axis for axis, part in enumerate(ranges) if isinstance(part, range)]
    result = list(ranges)
    for axis, part in zip(visible, _spread(parts, len(visible)), strict=True):
        kept = ranges[axis]
        if isinstance(kept, range):
            result[axis] = kept[part]
    return tuple(result)


def reaches_beyond(selection: Selection, shape: tuple[int, ...]) -> bool:
    """Whether a selection means indices that an array of this shape does not have."""
    last = [part if isinstance(part, int) else max(part[0], part[-1]) if part else -1 for part in selection]
    return len(last) != len(shape) or any(index >= length for index, length in zip(last, shape, strict=True))


def _spread(parts: tuple[Any, ...], ndim: int) -> list[int | slice]:
    """One index per dimension: what ``...`` and missing indices stand for is written out."""
    ellipses = [position for position, part in enumerate(parts) if part is Ellipsis]
    given = len(parts) - len(ellipses)
    if len(ellipses) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if given > ndim:
        raise IndexError(f"too many indices: the array has {ndim} dimensions, {given} were given")
    where = ellipses[0] if ellipses else len(parts)
    all_of_it = [slice(None)] * (ndim - given)
    return [*map(_index, parts[:where]), *all_of_it, *map(_index, parts[where + 1 :])]


def _index(part: object) -> int | slice:
    if isinstance(part, slice):
        return part
    if isinstance(part, bool | np.bool_) or not isinstance(part, SupportsIndex):
        raise TypeError(
            f"a handle takes integers, slices and '...', not {type(part).__name__}; read it with numpy() first"
        )
    return operator.index(part)


def read_part(dataset: Any, ranges: Selection) -> NDArray[Any]:
    """Read a part of an open dataset through HDF5; text as `str` objects."""
    stored = _stored(ranges)
    is_text = isinstance(dataset, h5py.Dataset) and h5py.check_string_dtype(dataset.dtype) is not None
    values = np.asarray(dataset.asstr(errors="replace")[stored] if is_text else dataset[stored])
    if not values.ndim and dataset.dtype.kind in "biufc":
        return values.astype(dataset.dtype, copy=False)  # a single number comes in this machine's byte order
    # HDF5 reads forwards only.
    flips = tuple(slice(None, None, -1 if part.step < 0 else 1) for part in ranges if isinstance(part, range))
    return values[flips] if any(flip.step < 0 for flip in flips) else values


def read_part_into(dataset: Any, ranges: Selection, out: NDArray[Any]) -> None:
    """Read a part of an open dataset into an array of its shape and type."""
    forwards = all(isinstance(part, int) or (part and part.step > 0) for part in ranges)
    is_number = isinstance(dataset, h5py.Dataset) and dataset.dtype.kind in "biuf"
    if is_number and forwards and out.ndim and out.flags.c_contiguous:
        dataset.read_direct(out, _stored(ranges))
    else:
        out[...] = read_part(dataset, ranges)


def _stored(ranges: Selection) -> tuple[int | slice, ...]:
    """Say a selection as h5py takes it, forwards."""
    return tuple(part if isinstance(part, int) else _forward(part) for part in ranges)


def _forward(part: range) -> slice:
    if not part:
        return slice(0, 0)
    low, high = (part[0], part[-1]) if part.step > 0 else (part[-1], part[0])
    return slice(low, high + 1, abs(part.step))
