"""Numbers that a file stores as integers and means as others: factor and offset of signals, axes and errors.

NeXus names fields beside the data, ``NAME_scaling_factor`` and ``NAME_offset``, formerly ``scaling_factor`` and
``offset`` for the signal alone; value = (stored + offset) · factor. NetCDF and older NeXus files write attributes:
``scale_factor`` with ``add_offset``, where value = stored · factor + offset, and ``scaling_factor`` with ``offset``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.nexus.attributes import Node, read_attribute, read_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scaling", "find_scaling"]


@dataclass(frozen=True, slots=True)
class Scaling:
    """How values follow from stored numbers: ``value = stored * factor + shift``."""

    factor: float
    shift: float

    def __call__(self, stored: NDArray[Any]) -> NDArray[np.float64]:
        """Return the values, as float64."""
        return stored.astype(np.float64) * self.factor + self.shift

    def of_errors(self, stored: NDArray[Any]) -> NDArray[np.float64]:
        """Return the standard deviations that belong to the values."""
        return stored.astype(np.float64) * abs(self.factor)

    def __str__(self) -> str:
        shift = f" {'+' if self.shift > 0 else '−'} {abs(self.shift):g}" if self.shift else ""
        return f"stored numbers × {self.factor:g}{shift}"


def find_scaling(group: Node, node: Node, name: str, *, is_signal: bool) -> Scaling | None:
    """Return the scaling that the file gives for a dataset of numbers, ``None`` for values as they are stored.

    The plain names ``scaling_factor`` and ``offset`` count for the signal only. What is no single finite number, and a
    factor of zero, which would wipe out the data, is passed over; so are complex data.
    """
    if node.dtype.kind not in "biuf":
        return None
    for prefix in (f"{name}_", "") if is_signal else (f"{name}_",):
        factor, offset = (read_number(group, f"{prefix}{what}") for what in ("scaling_factor", "offset"))
        if factor is not None or offset is not None:
            return _made(factor, offset, is_offset_first=True)
    for names, is_offset_first in ((("scale_factor", "add_offset"), False), (("scaling_factor", "offset"), True)):
        factor, offset = (_number(read_attribute(node, what)) for what in names)
        # An offset alone means something else in some files: an index into an array, a byte position.
        if factor is not None or (offset is not None and not is_offset_first):
            return _made(factor, offset, is_offset_first=is_offset_first)
    return None


def _made(factor: float | None, offset: float | None, *, is_offset_first: bool) -> Scaling | None:
    factor, offset = 1.0 if factor is None else factor, offset or 0.0
    made = Scaling(factor, offset * factor if is_offset_first else offset)
    return None if made == Scaling(1.0, 0.0) or factor == 0 else made


def _number(value: object) -> float | None:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        return None
    return float(value)
