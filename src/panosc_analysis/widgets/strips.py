"""Frames that are larger than memory should hold, read and pooled strip by strip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.widgets import frames
from panosc_analysis.widgets.limits import Statistics, find_statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from panosc_analysis.widgets.content import Part
    from panosc_analysis.widgets.frames import PooledFrame

__all__ = ["pool_in_strips"]

_STRIP = 1 << 24  # pixels read at once


def pool_in_strips(
    read: Callable[[int, tuple[slice, ...]], Any], frame: int, part: Part, factors: tuple[int, int]
) -> tuple[PooledFrame, Statistics]:
    """Pool a part of a frame without holding it; `read` gives values and mask of rows and columns.

    Takes as long as reading the part does; needs some 200 MB.
    """
    rows, columns = part
    width = columns.stop - columns.start
    height = max(1, _STRIP // (width * factors[0])) * factors[0]
    pooled, found, n_masked = [], [], 0.0
    for start in range(rows.start, rows.stop, height):
        strip = read(frame, (slice(start, min(rows.stop, start + height)), columns))
        one = frames.pool(strip.values, strip.masked, factors)
        pooled.append(one)
        found.append(find_statistics(strip.values, strip.masked, one.values))
        n_masked += one.masked_fraction * strip.values.size
    masked = None
    if any(one.masked is not None for one in pooled):
        masked = np.concatenate([_mask_of(one) for one in pooled])
    values = np.concatenate([one.values for one in pooled])
    fraction = n_masked / (width * (rows.stop - rows.start))
    return frames.PooledFrame(values, masked, factors, fraction), _joined(found)


def _mask_of(one: PooledFrame) -> Any:
    return np.zeros(one.values.shape, dtype=np.bool_) if one.masked is None else one.masked


def _joined(found: list[Statistics]) -> Statistics:
    sample = np.concatenate([one.sample for one in found])
    step = max(1, sample.size // (1 << 16))
    return Statistics(
        _span([one.ends for one in found]), _span([one.positive for one in found]), np.sort(sample[::step])
    )


def _span(ends: list[tuple[float, float] | None]) -> tuple[float, float] | None:
    known = [pair for pair in ends if pair is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None
