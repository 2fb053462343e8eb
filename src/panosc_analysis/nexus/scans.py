"""Scans: what was counted against what was moved, where columns of numbers stand side by side in a ``measurement``.

SPEC files (as silx shows them), BLISS and Sardana write a group of this name in each entry, with one array for each
motor, counter and detector, and say in the entry's title which motor was moved (``ascan th 0 1 39 0.1``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from panosc_analysis.nexus.attributes import (
    FOREIGN,
    Node,
    child,
    child_names,
    children,
    is_group,
    is_numeric,
    nx_class,
    read_text,
)
from panosc_analysis.nexus.coordinates import is_clock

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Scan", "read_scan"]

_LONG = 100_000  # values of a column that are not read
_MONITORS = re.compile(r"mon(itor)?[\d_]*|i_?0|ion.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scan:
    """The columns of one scan.

    Parameters
    ----------
    motor
        Name of what was moved: the first column of the title, else of the positioners, else that is no clock.
    counter
        Name of the last column that was counted and does not stay the same; the last one if that is a monitor.
    points
        How many of them there are.
    """

    motor: str
    counter: str
    points: int


def read_scan(group: Node, entry: Node) -> Scan | None:
    """Find motor and counter of a ``measurement``; ``None`` if it has no two columns.

    Reads the entry's title, and columns until one varies.
    """
    columns = {n: child(group, n) for n in child_names(group)}
    lengths = {n: int(c.shape[0]) for n, c in columns.items() if is_numeric(c) and len(c.shape) == 1 and c.shape[0] > 1}
    if len(lengths) < 2:
        return None
    names = list(lengths)
    moved = _moved(names, entry)
    motor = moved[0] if moved else next((name for name in names if not is_clock(name)), names[0])
    counted = [n for n in names if n not in (motor, *moved) and not is_clock(n) and lengths[n] == lengths[motor]]
    others = counted or [name for name in names if name != motor]
    varying = next((name for name in reversed(others) if _varies(columns[name])), others[-1])
    # A monitor tells of the beam and not of the sample; then the last column is shown as it is, as SPEC means it.
    return Scan(motor, others[-1] if _MONITORS.fullmatch(varying) else varying, lengths[motor])


def _varies(column: Node) -> bool:
    """Whether a column has more than one value; of a long one nobody asks."""
    if column.shape[0] > _LONG:
        return True
    try:
        values = np.asarray(column[()])
    except FOREIGN:
        return False
    return bool((values != values[0]).any())


def _moved(names: Collection[str], entry: Node) -> list[str]:
    """Return the columns that the title names, in its order, else those of positioners."""
    if not is_group(entry):
        return []
    words = re.split(r"[\s,()]+", read_text(entry, "title"))
    said = [word for word in dict.fromkeys(words) if word in names]
    if said:
        return said
    instruments = [node for _, node in children(entry) if is_group(node) and nx_class(node) == "NXinstrument"]
    found = [name for name in names for part in instruments if nx_class(child(part, name) or part) == "NXpositioner"]
    return [name for name in found if not is_clock(name)]
