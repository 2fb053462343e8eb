"""Which page of the selected datasets to give, without sorting what is not on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from panosc_analysis.catalogue.columns import Array, Columns
    from panosc_analysis.filters import Order

__all__ = ["in_order", "window"]

_COLUMNS = {"creationDate": "created", "size": "size", "title": "title_rank", "pid": "pid_rank"}


def in_order(columns: Columns, mask: Array, order: Sequence[Order], now: float, first: int, count: int | None) -> Array:
    """Give the numbers of marked datasets in an order, from the first one asked for on.

    Those without a value come last either way, equal ones newest first; fields that no dataset has do not sort.

    Parameters
    ----------
    columns, mask
        What to sort.
    order
        Fields of datasets.
    now
        Seconds since 1970: what is open is public.
    first, count
        Position of the first one to give, and how many; ``None`` for all that follow.
    """
    numbers = columns.natural[mask[columns.natural]]
    keys = [_key(columns, one, numbers, now) for one in order]
    return window(numbers, [key for key in keys if key is not None], first, count)


def window(numbers: Array, keys: Sequence[Array], first: int, count: int | None) -> Array:
    """Sort numbers by keys, the most important one first, equal ones staying as they are; give a part of them."""
    last = len(numbers) if count is None else min(first + count, len(numbers))
    if not keys or first >= last:
        return numbers[first:last]
    if len(keys) > 1 or last - first > len(numbers) // 4:
        return numbers[np.lexsort(tuple(reversed(keys)))[first:last]]
    key = keys[0]
    low, high = np.partition(key, [first, last - 1])[[first, last - 1]]
    inside = np.flatnonzero((key >= low) & (key <= high))
    before = int(np.count_nonzero(key < low))
    inside = inside[np.argsort(key[inside], kind="stable")]
    return numbers[inside[first - before : last - before]]


def _key(columns: Columns, order: Order, numbers: Array, now: float) -> Array | None:
    """Give what to sort by, ascending; ``None`` for a field that no dataset has."""
    if order.field == "isPublic":
        found = (columns.open_from[numbers] <= now).astype("i1")
    elif order.field in _COLUMNS:
        found = getattr(columns, _COLUMNS[order.field])[numbers]
    else:
        return None
    if order.descending:
        found = -found
    return np.nan_to_num(found, nan=np.inf) if found.dtype.kind == "f" else found
