"""Where values lie: centres and boundaries along one dimension, from whatever axis a file or a result gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from panosc_analysis.widgets.quantities import plain_label, unit_sign

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.nexus import Axis
    from panosc_analysis.reduction import ResultAxis

__all__ = ["Coordinate", "coordinate", "index_coordinate"]


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One dimension of what is shown.

    Parameters
    ----------
    label, units
        Its name and unit.
    length
        How many values lie along it.
    given
        Position of each value, and where one ends and the next begins: shapes ``(n,)`` and ``(n + 1,)``; ``None``
        where the values are only counted, which takes no memory however many they are.
    scale
        How the file wants it drawn.
    errors
        Standard deviations of the positions, shape ``(n,)``; ``None`` if there are none.
    """

    label: str
    units: str
    length: int
    given: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    scale: Literal["linear", "log"] = "linear"
    errors: NDArray[np.float64] | None = None

    @property
    def is_index(self) -> bool:
        """True where the data have no axis and the values are only counted."""
        return self.given is None

    @property
    def centres(self) -> NDArray[np.float64]:
        """Position of each value, as float64; shape ``(n,)``."""
        return np.arange(self.length, dtype=np.float64) if self.given is None else self.given[0]

    @property
    def boundaries(self) -> NDArray[np.float64]:
        """Where one value ends and the next begins; only meaningful where the centres are in order."""
        return np.arange(self.length + 1, dtype=np.float64) - 0.5 if self.given is None else self.given[1]

    @property
    def is_even(self) -> bool:
        """Whether all steps are the same to a thousandth, so that the dimension can be drawn as a uniform grid."""
        if self.given is None:
            return True
        steps = np.diff(self.given[1])
        return bool(np.ptp(steps) <= 1e-3 * abs(steps.mean()))

    def at(self, indices: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the positions of some values."""
        return indices.astype(np.float64) if self.given is None else self.given[0][indices]

    def part(self, step: int) -> Coordinate:
        """Return every `step`-th value."""
        if self.given is None:
            centres = self.centres[::step]
            return Coordinate(self.label, self.units, centres.size, (centres, _between(centres)), self.scale)
        centres = self.given[0][::step]
        errors = None if self.errors is None else self.errors[::step]
        return Coordinate(self.label, self.units, centres.size, (centres, self.given[1][::step]), self.scale, errors)


def index_coordinate(label: str, units: str, length: int) -> Coordinate:
    """Count the values from 0."""
    return Coordinate(label, units, length)


def coordinate(axis: Axis | ResultAxis, length: int, *, monotonic: bool) -> Coordinate | None:
    """Make a coordinate from an axis of centres or of ``length + 1`` edges; ``None`` if its values cannot be used.

    Parameters
    ----------
    axis
        The axis.
    length
        Number of values along the dimension.
    monotonic
        Whether the values must rise or fall all the way, as the side of a picture must.
    """
    if _kind_of_misfit(axis, length):
        return None
    values = _continued(np.asarray(axis.values, dtype=np.float64))
    if monotonic and not _in_order(values):
        return None
    if values.size == length + 1:
        centres, boundaries = (values[:-1] + values[1:]) / 2, values
    else:
        centres, boundaries = values, _between(values)
    units = axis.units or ""
    scale: Any = getattr(axis, "scale", "linear")
    errors: Any = getattr(axis, "errors", None)
    if errors is not None:
        errors = np.asarray(errors, dtype=np.float64) if len(errors) == length else None
    label = plain_label(axis.label or axis.name, units)
    return Coordinate(label, unit_sign(units), length, (centres, boundaries), scale, errors)


def why_unusable(axis: Axis | ResultAxis, length: int) -> str:
    """Say why `coordinate` made nothing of an axis."""
    return _kind_of_misfit(axis, length) or "does not rise or fall all the way"


def _kind_of_misfit(axis: Axis | ResultAxis, length: int) -> str:
    values: NDArray[Any] = np.asarray(axis.values)
    if values.ndim != 1 or values.size not in (length, length + 1):
        return "does not fit the data"
    if values.dtype.kind not in "iuf":
        return "holds no real numbers"
    return "" if np.isfinite(values).sum() >= min(2, values.size) else "holds hardly any finite numbers"


def _continued(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Continue an axis evenly where it is not finite: the rest of a scan that was broken off was never written."""
    finite = np.isfinite(values)
    if finite.all():
        return values
    known = np.flatnonzero(finite)
    places = np.arange(values.size)
    made = np.interp(places, known, values[known])
    first, last = known[0], known[-1]
    if known.size > 1:
        before = (values[known[1]] - values[first]) / (known[1] - first)
        after = (values[last] - values[known[-2]]) / (last - known[-2])
        made[:first] = values[first] + before * (places[:first] - first)
        made[last + 1 :] = values[last] + after * (places[last + 1 :] - last)
    return made


def _in_order(values: NDArray[np.float64]) -> bool:
    steps = np.diff(values)
    return bool((steps > 0).all() or (steps < 0).all())


def _between(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boundaries halfway between the centres; the outer ones as far out as the next inner ones."""
    if centres.size == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    inner = (centres[:-1] + centres[1:]) / 2
    return np.concatenate(([2 * centres[0] - inner[0]], inner, [2 * centres[-1] - inner[-1]]))
