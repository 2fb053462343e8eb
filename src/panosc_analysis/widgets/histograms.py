"""How often each value occurs in a frame, in bins that are even on the scale of the colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import NothingToPlot

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from panosc_analysis.widgets.limits import Scale
    from panosc_analysis.widgets.renderer import Renderer

__all__ = ["histogram"]

_BINS = 256


def _identity(values: Any) -> Any:
    return values


_SCALES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "linear": (_identity, _identity),
    "gamma": (_identity, _identity),
    "log": (np.log10, lambda v: 10.0**v),
    "sqrt": (np.sqrt, np.square),
    "arcsinh": (np.arcsinh, np.sinh),
}


def histogram(renderer: Renderer, frame: int, scale: Scale) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Count the unmasked pixels of a frame in 256 bins between its ends; on a log scale only those above zero.

    Integers of a narrow range get one bin for each of them. Costs a few passes over the frame. Of a frame too large to
    be held the pixels at window size are counted.

    Returns
    -------
    :
        The counts, shape ``(n,)``, and the values at the edges of the bins, shape ``(n + 1,)``.

    Raises
    ------
    NothingToPlot
        No pixel counts.
    """
    values, masked = _pixels(renderer, frame)
    kept = values.reshape(-1) if masked is None else values[~masked]
    if scale in ("log", "sqrt"):
        kept = kept[kept > 0] if scale == "log" else kept[kept >= 0]
    if kept.size == 0:
        raise NothingToPlot("No pixel of this frame has a value on this scale", hint="Choose another scale")
    low, high = kept.min(), kept.max()
    if kept.dtype.kind in "iu" and int(high) - int(low) < _BINS:
        # In 64 bits, where wrapping around cancels out; a byte's own difference would not fit into it.
        counts = np.bincount(kept.astype(np.int64) - low.astype(np.int64), minlength=int(high) - int(low) + 1)
        return counts, np.arange(int(low), int(high) + 2, dtype=np.float64) - 0.5
    forth, back = _SCALES[scale]
    ends = float(forth(float(low))), float(forth(float(high)))
    # Ends that differ by rounding only leave no room for bins between them.
    if not ends[1] - ends[0] > 1e-12 * max(abs(ends[0]), abs(ends[1])):
        return np.array([kept.size]), np.array([float(low), float(high) + (abs(float(high)) or 1.0)])
    counts, edges = np.histogram(forth(kept.astype(np.float64)), bins=_BINS, range=ends)
    return counts, np.asarray(back(edges), dtype=np.float64)


def _pixels(renderer: Renderer, frame: int) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    if renderer.is_large:
        pooled = renderer.picture(frame, (2048, 2048)).pooled
        return pooled.values, pooled.masked
    held = renderer.frame(frame)
    return held.values, held.masked
