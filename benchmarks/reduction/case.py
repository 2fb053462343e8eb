"""What is compared: cases of a group do the same work and must give the same numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["LIMIT", "OURS", "THREADS", "Case", "Goal", "Group", "Run", "Values", "ranges"]

THREADS = 2
OURS = "panosc-analysis"
LIMIT = "decoding alone"
"""Cases whose name begins so only decode, into memory that is used again; the fastest of them is the limit."""

Values = Mapping[str, Any]
Run = Callable[[int], Values]
"""Does the work on the first so many frames (or events); gives named arrays."""


@dataclass(frozen=True)
class Case:
    """One way to do it.

    Attributes
    ----------
    name
        As the table calls it.
    make
        Prepares everything that its users do once, from the path of the file; imports what it needs.
    share
        Which share of the frames it gets: one that takes minutes for all of them gets less.
    slope
        Whether it is run on a quarter as well and the difference counts, so that its start does not.
    """

    name: str
    make: Callable[[Path], Run]
    share: float = 1.0
    slope: bool = False


@dataclass(frozen=True)
class Goal:
    """How many times as fast as a case ours is to be; for `LIMIT` the share of its rate that is to be reached."""

    case: str
    ratio: float


@dataclass(frozen=True)
class Group:
    """Cases that do the same.

    Attributes
    ----------
    name, title
        For the command line, and for people.
    write
        Makes the file in a folder, for so many frames.
    cases
        The first one says what is right.
    goals
        What ours is to reach.
    unit, per
        What is counted, and what the time is given for: milliseconds per frame, or per million events.
    tolerance
        Largest deviation that is allowed, relative to the largest value; 0 for equal bits.
    """

    name: str
    title: str
    write: Callable[[Path, int], Path]
    cases: tuple[Case, ...]
    goals: tuple[Goal, ...]
    unit: str = "frame"
    per: int = 1
    tolerance: float = 0.0


def ranges(count: int, parts: int) -> list[tuple[int, int]]:
    cuts = [count * part // parts for part in range(parts + 1)]
    return list(itertools.pairwise(cuts))
