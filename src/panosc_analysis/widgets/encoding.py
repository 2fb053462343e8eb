"""Pixels as 8- or 16-bit codes: small enough to be sent at once, exact enough for every scale and every pair of limits.

A code stands for a value, whatever the colours; so the browser changes colours, scale and limits without asking.

``linear``
    ``value = offset + step * code``. Exact (``step`` 1) for integers that span at most 65 534, which counts mostly do.
``asinh``
    ``value = step * sinh(slope * code + offset)``, for values that span many powers of ten: relative precision 2e-4 to
    3e-3, so that on every scale the colour is within one level of the exact one.

Limits that are closer than the codes can tell apart (a small part of a wide range) are asked for again with a `focus`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Codes", "encode"]

_MOST = {8: 254, 16: 65534}
_NARROW = 100.0  # largest over smallest magnitude, up to which equal steps are precise enough on a log scale
_WIDEST = 1e38


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of an array of values.

    Parameters
    ----------
    codes
        uint8 or uint16; the largest number of the type (255, 65535) stands for "masked".
    kind
        How a value follows from its code.
    offset, step, slope
        The numbers in it; `slope` for ``asinh`` only.
    exact
        Whether no precision was lost.
    """

    codes: NDArray[np.uint8] | NDArray[np.uint16]
    kind: Literal["linear", "asinh"]
    offset: float
    step: float
    slope: float = 0.0
    exact: bool = False

    @property
    def masked_code(self) -> int:
        """The code that stands for "masked"."""
        return int(np.iinfo(self.codes.dtype).max)

    def values(self) -> NDArray[np.float64]:
        """Return the values that the codes stand for, ``nan`` where masked."""
        codes = self.codes.astype(np.float64)
        found = self.offset + self.step * codes
        if self.kind == "asinh":
            found = self.step * np.sinh(self.slope * codes + self.offset)
        found[self.codes == self.masked_code] = np.nan
        return found


def encode(values: NDArray[Any], masked: NDArray[np.bool_] | None, focus: tuple[float, float] | None = None) -> Codes:
    """Choose the codes of an array of real numbers in the machine's byte order.

    Costs a few passes over the array; meant for arrays of a window's size.

    Parameters
    ----------
    values
        Real numbers; those that are masked may be anything.
    masked
        True where a value means nothing; ``None`` for nowhere. Values that are not finite must be masked.
    focus
        Spread the codes between these two values, all others become the first or the last one.
    """
    kept = values if masked is None else values[~masked]
    if kept.size == 0:
        return Codes(np.full(values.shape, 255, np.uint8), "linear", 0.0, 1.0, exact=True)
    low, high = kept.min(), kept.max()
    if focus is not None and focus[0] < focus[1]:
        made = _spread(values, *focus)
    elif values.dtype.kind in "iu" and int(high) - int(low) <= _MOST[16]:
        made = _whole(values, int(low), int(high))
    else:
        made = _wide(values, kept, float(low), float(high))
    if masked is not None:
        made.codes[masked] = made.masked_code
    return made


def _whole(values: NDArray[Any], low: int, high: int) -> Codes:
    """Integers as they are, or counted from the lowest; wrapping around is right where only masked values do it."""
    offset = 0 if low >= 0 and high <= _MOST[16] else low
    shifted = values if offset == 0 else values - values.dtype.type(offset)
    codes: Any = shifted.astype(np.uint8 if high - offset <= _MOST[8] else np.uint16)
    return Codes(codes, "linear", float(offset), 1.0, exact=True)


def _spread(values: NDArray[Any], low: float, high: float) -> Codes:
    step = (high - low) / _MOST[16] or 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        codes = np.clip(np.rint((values.astype(np.float64) - low) / step), 0, _MOST[16])
    return Codes(np.nan_to_num(codes).astype(np.uint16), "linear", low, step)


def _wide(values: NDArray[Any], kept: NDArray[Any], low: float, high: float) -> Codes:
    sizes = np.abs(kept.astype(np.float64))
    largest = float(sizes.max())
    smallest = float(sizes[sizes > 0].min()) if largest > 0 else 0.0
    if largest == 0 or largest <= _NARROW * smallest or not np.isfinite(high - low):
        return _spread(values, low, high)
    unit = max(smallest, largest / _WIDEST)
    first, last = float(np.arcsinh(low / unit)), float(np.arcsinh(high / unit))
    slope = (last - first) / _MOST[16]
    with np.errstate(invalid="ignore", over="ignore"):
        codes = np.clip(np.rint((np.arcsinh(values.astype(np.float64) / unit) - first) / slope), 0, _MOST[16])
    return Codes(np.nan_to_num(codes).astype(np.uint16), "asinh", first, unit, slope)
