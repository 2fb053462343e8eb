"""One frame made ready for the eye: masked, pooled to the window, limits found.

Pure functions on arrays; nothing here opens a file or knows a widget. A picture needs as many pixels as its window has,
so a frame is pooled first and everything after that is cheap. Pooling takes the **maximum** of the unmasked pixels of a
block: a Bragg peak of one pixel is still there in a thumbnail. The price is that a pooled background looks brighter
than its mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LIMITS",
    "SCALES",
    "Limits",
    "PooledFrame",
    "Scale",
    "Statistics",
    "find_statistics",
    "masked_pixels",
    "plain_numbers",
    "pool",
    "pool_factor",
    "usable_limits",
]

Scale = Literal["linear", "log", "sqrt", "arcsinh", "gamma"]
Limits = Literal["auto", "minmax", "stddev3", "fixed"]
SCALES: tuple[Scale, ...] = get_args(Scale)
LIMITS: tuple[Limits, ...] = get_args(Limits)

# On linear colours a few peaks must not darken the rest; the other scales are chosen in order to see those peaks too.
_PERCENTILES: dict[Scale, tuple[float, float]] = {
    "linear": (1.0, 99.5),
    "sqrt": (1.0, 99.9),
    "gamma": (1.0, 99.9),
    "arcsinh": (1.0, 99.9),
    "log": (1.0, 100.0),
}
_SAMPLE = 1 << 16
_GAPS = 0.25  # a frame with more masked than this has no gaps, it has been measured here and there


@dataclass(frozen=True, slots=True)
class PooledFrame:
    """A frame at window size.

    Parameters
    ----------
    values
        Maximum of the unmasked pixels of each block, in the type of the data; meaningless where `masked`.
    masked
        True where the block is masked, see `pool`; ``None`` for nowhere.
    factors
        Rows and columns of the full frame per pixel of this one; the last block may be smaller.
    masked_fraction
        Masked pixels of the full frame over all its pixels.
    """

    values: NDArray[Any]
    masked: NDArray[np.bool_] | None
    factors: tuple[int, int]
    masked_fraction: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """What automatic limits are made of, for all pixels and for those above zero (which a log scale can show).

    Parameters
    ----------
    ends
        Lowest and highest value.
    positive
        Lowest and highest value above zero; ``None`` if there is none.
    sample
        Some tens of thousands of unmasked values, evenly taken, sorted.
    """

    ends: tuple[float, float] | None
    positive: tuple[float, float] | None
    sample: NDArray[Any]

    def limits(self, scale: Scale, how: Limits) -> tuple[float, float]:
        """Choose the values of the first and the last colour; always a range, and positive on a log scale.

        ``"auto"`` takes percentiles, so that a few hot pixels do not darken all the others; where that shows nothing
        (a few peaks on zero) it is the whole range. ``"stddev3"`` is mean ± 3 σ, of the logarithms on a log scale, as
        in silx.
        """
        ends = self.positive if scale == "log" else self.ends
        if ends is None:
            return (1.0, 10.0) if scale == "log" else (0.0, 1.0)
        found = {"auto": self._percentiles, "stddev3": self._deviations}.get(how, lambda _scale: ends)(scale)
        return usable_limits(*(found if found[0] < found[1] else ends), scale)

    def _sample(self, scale: Scale) -> NDArray[Any]:
        return self.sample[np.searchsorted(self.sample, 0, side="right") :] if scale == "log" else self.sample

    def _percentiles(self, scale: Scale) -> tuple[float, float]:
        sample = self._sample(scale)
        if sample.size == 0:
            return (0.0, 0.0)
        low, high = (_quantile(sample, percent / 100) for percent in _PERCENTILES[scale])
        ends = self.positive if scale == "log" else self.ends
        return low, ends[1] if ends and _PERCENTILES[scale][1] == 100 else high

    def _deviations(self, scale: Scale) -> tuple[float, float]:
        sample = self._sample(scale).astype(np.float64)
        ends = self.positive if scale == "log" else self.ends
        if sample.size == 0 or ends is None:
            return (0.0, 0.0)
        sample = np.log10(sample) if scale == "log" else sample
        with np.errstate(over="ignore", invalid="ignore"):
            mean, spread = float(sample.mean()), 3 * float(sample.std())
        if not np.isfinite((mean, spread)).all():
            return ends
        low, high = (10 ** (mean - spread), 10 ** (mean + spread)) if scale == "log" else (mean - spread, mean + spread)
        return max(low, ends[0]), min(high, ends[1])

    def table(self) -> dict[str, dict[str, tuple[float, float]]]:
        """Return the limits for every scale and every automatic way."""
        ways: tuple[Limits, ...] = ("auto", "minmax")
        made: dict[str, dict[str, tuple[float, float]]]
        made = {scale: {how: self.limits(scale, how) for how in ways} for scale in SCALES}
        deviations = self.limits("linear", "stddev3")
        for scale in SCALES:
            own = self.limits("log", "stddev3") if scale == "log" else usable_limits(*deviations, scale)
            made[scale]["stddev3"] = own
        return made


def _quantile(ordered: NDArray[Any], part: float) -> float:
    """Return what `numpy.quantile` does, of values that are in order already."""
    place = part * (ordered.size - 1)
    below = int(place)
    low, high = float(ordered[below]), float(ordered[min(below + 1, ordered.size - 1)])
    return low + (place - below) * (high - low)


def plain_numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values as real numbers in the machine's byte order.

    Complex numbers become their magnitude, booleans 0 and 1, half precision single; other types are not copied.

    Raises
    ------
    TypeError
        For text, records and other things that are no numbers.
    """
    kind = values.dtype.kind
    if kind not in "biufc":
        raise TypeError(f"no numbers: {values.dtype}")
    if kind == "c":
        values = np.abs(values)
    if kind == "b":
        return values.astype(np.uint8)
    if values.dtype.itemsize == 2 and values.dtype.kind == "f":
        return values.astype(np.float32)
    return np.asarray(values, dtype=values.dtype.newbyteorder("="))


def masked_pixels(
    values: NDArray[Any],
    *,
    masked_value: int | None = None,
    mask: NDArray[Any] | None = None,
    valid: tuple[float | None, float | None] = (None, None),
) -> NDArray[np.bool_] | None:
    """Find the pixels that carry no measurement; ``None`` if there is none.

    Those that are not finite, equal `masked_value`, outside of `valid` or non-zero in `mask`, which must broadcast to
    the shape of `values`. Does not look for outliers.
    """
    parts = []
    if values.dtype.kind == "f":
        parts.append(~np.isfinite(values))
    if masked_value is not None:
        parts.append(values == masked_value)
    low, high = valid
    if low is not None:
        parts.append(values < low)
    if high is not None:
        parts.append(values > high)
    if mask is not None:
        parts.append(np.broadcast_to(np.asarray(mask) != 0, values.shape))
    if not parts:
        return None
    masked = parts[0] if len(parts) == 1 else np.logical_or.reduce(parts)
    return masked if masked.any() else None


def pool_factor(pixels: int, window: int) -> int:
    """Return how many pixels of the data share one of the window, so that none is left out when it is drawn."""
    return max(1, -(-pixels // max(1, window)))


def pool(values: NDArray[Any], masked: NDArray[np.bool_] | None, factors: tuple[int, int]) -> PooledFrame:
    """Reduce a frame to blocks of `factors` pixels by the maximum of the unmasked ones.

    A block is masked if all of it is; where little is masked altogether (gaps between modules) also if more than half
    of it is, so that a gap narrower than two blocks can still be seen. Costs about one copy of the frame.
    """
    if masked is None:
        small = values if factors == (1, 1) else _blocks(values, factors, np.maximum)
        return PooledFrame(small, None, factors, 0.0)
    fraction = float(np.count_nonzero(masked)) / masked.size
    if factors == (1, 1):
        return PooledFrame(values, masked, factors, fraction)
    small = _blocks(_lowered(values, masked), factors, np.maximum)
    part = 0.5 if fraction < _GAPS else 1.0
    count = _blocks(masked.view(np.uint8), factors, np.add, np.dtype(np.uint32))
    size = np.outer(*(_block_lengths(n, f) for n, f in zip(masked.shape, factors, strict=True)))
    return PooledFrame(small, (count == size) | (count > part * size), factors, fraction)


def _lowered(values: NDArray[Any], masked: NDArray[np.bool_]) -> NDArray[Any]:
    """Return a copy in which what is masked is lower than all else."""
    lowest = -np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).min
    lowered = values.copy()
    np.putmask(lowered, masked, values.dtype.type(lowest))
    return lowered


def _block_lengths(length: int, factor: int) -> NDArray[np.int64]:
    lengths = np.full(-(-length // factor), factor, dtype=np.int64)
    lengths[-1] = length - factor * (len(lengths) - 1)
    return lengths


def _blocks(
    values: NDArray[Any], factors: tuple[int, int], combine: np.ufunc, kind: np.dtype[Any] | None = None
) -> NDArray[Any]:
    """Combine blocks, rows first, by whole-array slices, which are vector instructions; the last block may be short."""
    rows, columns = factors
    lines = values[::rows].astype(kind or values.dtype)
    for offset in range(1, rows):
        part = values[offset::rows]
        combine(lines[: len(part)], part, out=lines[: len(part)])
    result = lines[:, ::columns].copy()
    for offset in range(1, columns):
        part = lines[:, offset::columns]
        combine(result[:, : part.shape[1]], part, out=result[:, : part.shape[1]])
    return result


def find_statistics(
    values: NDArray[Any], masked: NDArray[np.bool_] | None, pooled: NDArray[Any] | None = None
) -> Statistics:
    """Look at the unmasked pixels of a frame. Ends are exact; the sample is taken in even steps.

    `pooled` are the values of `pool` of the same frame; their maximum spares looking for it once more.
    """
    step = max(1, values.size // _SAMPLE)
    flat = values.reshape(-1)
    sample = flat[::step]
    if masked is not None:
        sample = sample[~masked.reshape(-1)[::step]]
        if sample.size < _SAMPLE // 4:  # measured here and there: an even step may miss all of it
            kept = flat[~masked.reshape(-1)]
            sample = kept[:: max(1, kept.size // _SAMPLE)]
    if sample.size == 0:
        return Statistics(None, None, sample)
    low, high = _ends(flat, None if masked is None else masked.reshape(-1), pooled)
    positive = None
    if high > 0:
        positive = (low if low > 0 else _lowest_positive(values, masked, sample), high)
    return Statistics((low, high), positive, np.sort(sample))


def _ends(values: NDArray[Any], masked: NDArray[np.bool_] | None, pooled: NDArray[Any] | None) -> tuple[float, float]:
    if masked is None:
        return float(values.min()), float((values if pooled is None else pooled).max())
    place = int(values.argmin())
    if pooled is not None and not masked[place]:
        return float(values[place]), float(pooled.max())
    kept = values[~masked]
    return float(kept.min()), float(kept.max())


def _lowest_positive(values: NDArray[Any], masked: NDArray[np.bool_] | None, sample: NDArray[Any]) -> float:
    """Integers: 1 unless the sample says otherwise; else the lowest of all."""
    positive = sample[sample > 0]
    if values.dtype.kind in "iu" and positive.size:
        return float(positive.min())
    wanted = values > 0 if masked is None else (values > 0) & ~masked
    return float(values[wanted].min())


def usable_limits(low: float, high: float, scale: Scale) -> tuple[float, float]:
    """Widen or reorder a range that a colour scale cannot use (equal ends, or not positive on a log scale)."""
    low, high = min(low, high), max(low, high)
    if scale == "log":
        high = high if high > 0 else 10.0
        low = low if low > 0 else high / 1e4
        return (low, high) if low < high else (high / 10, high)
    if scale == "sqrt" and low < 0:
        low, high = 0.0, max(high, 0.0)
    if low == high:
        width = abs(low) if low else 1.0
        return (low, low + width) if np.isfinite(low + width) else (low - width, low)
    return low, high
