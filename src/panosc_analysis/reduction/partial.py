"""What NumPy finds of a block of frames, and how two such findings become one.

Variances are joined by the pairwise update of Chan, Golub and LeVeque (The American Statistician 37 (1983) 242). All
sums are kept in 64 bits: floating-point numbers in float64, or in what is wider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.reduction.filling import read_selection
from panosc_analysis.reduction.team import Team

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.nexus.computing import Reduction
    from panosc_analysis.reduction.work import Control

__all__ = ["PartialWork", "State", "joined"]


@dataclass(frozen=True, eq=False, slots=True)
class State:
    """What was found of some frames; reduced axes have length 1.

    Parameters
    ----------
    number
        Of values in each of its numbers.
    values
        Their sum, or the extreme one.
    squares
        Sum of the squared distances from their mean; empty where it is not asked for.
    """

    number: int
    values: NDArray[Any]
    squares: NDArray[Any]

    @classmethod
    def of(cls, name: Reduction, block: NDArray[Any], axes: tuple[int, ...]) -> State:
        """Find it of a block."""
        number = int(np.prod([block.shape[axis] for axis in axes], dtype=np.int64))
        if name in ("min", "max"):
            return cls(number, getattr(np, name)(block, axis=axes, keepdims=True), np.empty(0))
        spread = name in ("std", "var")
        kind = _wide(block.dtype, exact=not spread and name == "sum")
        total = block.sum(axis=axes, dtype=kind, keepdims=True)
        if not spread:
            return cls(number, total, np.empty(0))
        with np.errstate(invalid="ignore"):
            distances = np.abs(block - total / number) if kind.kind == "c" else block - total / number
            np.multiply(distances, distances, out=distances)
        return cls(number, total, distances.sum(axis=axes, keepdims=True))

    @classmethod
    def concatenated(cls, parts: Sequence[State]) -> State:
        """Join what was found of frames that stay apart."""
        values = np.concatenate([part.values for part in parts])
        return cls(parts[0].number, values, np.concatenate([part.squares for part in parts]))


def joined(name: Reduction, one: State, other: State) -> State:
    """Make one finding of two, of frames that are reduced together."""
    number = one.number + other.number
    if name in ("min", "max"):
        extreme = np.minimum if name == "min" else np.maximum
        return State(number, extreme(one.values, other.values), one.squares)
    squares = one.squares
    if name in ("std", "var"):
        with np.errstate(invalid="ignore"):
            shift = np.abs(other.values / other.number - one.values / one.number)
            squares = one.squares + other.squares + shift * shift * (one.number * (other.number / number))
    with np.errstate(invalid="ignore"):
        return State(number, one.values + other.values, squares)


def _wide(kind: np.dtype[Any], *, exact: bool) -> np.dtype[Any]:
    """Choose the type of a sum: 64 bits for integers where they are to be exact, else at least float64."""
    if exact and kind.kind in "bui":
        return np.dtype(np.uint64 if kind.kind == "u" else np.int64)
    return np.promote_types(kind, np.float64)


@dataclass(frozen=True, slots=True)
class PartialWork:
    """Reads blocks of a range and reduces them.

    Parameters
    ----------
    handle
        The array.
    name, axes
        What to find, along which axes.
    nbytes
        Of a block, about.
    """

    handle: ArrayHandle
    name: Reduction
    axes: tuple[int, ...]
    nbytes: int

    def __call__(self, first: int, last: int, control: Control) -> State:
        """Work on frames `first` to `last` (exclusive)."""
        from panosc_analysis.reduction.blockwise import block_ranges

        part = self.handle[first:last]
        found: list[State] = []
        for begin, end in block_ranges(part, self.nbytes):
            if control.is_stopped() and found:
                break
            state = State.of(self.name, read_selection(part[begin:end], Team()), self.axes)
            if found and self.axes[0] == 0:
                found[0] = joined(self.name, found[0], state)
            else:
                found.append(state)
            control.add(end - begin)
        return found[0] if len(found) == 1 else State.concatenated(found)
