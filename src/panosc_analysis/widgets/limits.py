"""Limits of the colours: what is known of a frame's values, and which of them get the first and the last colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LIMITS", "SCALES", "Limits", "Scale", "Statistics", "find_statistics", "usable_limits"]

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
    # One that was not made smaller still holds what is masked.
    if pooled is not None and pooled.size < values.size and not masked[place]:
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


def _quantile(ordered: NDArray[Any], part: float) -> float:
    """Return what `numpy.quantile` does, of values that are in order already."""
    place = part * (ordered.size - 1)
    below = int(place)
    low, high = float(ordered[below]), float(ordered[min(below + 1, ordered.size - 1)])
    return low + (place - below) * (high - low)
