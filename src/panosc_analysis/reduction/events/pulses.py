"""Pulse filtering: which events belong to the pulses that are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.model import convert

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.events.source import EventSource

__all__ = ["kept_ranges", "meets", "pulse_seconds", "within"]


def pulse_seconds(source: EventSource) -> NDArray[np.float64]:
    """Read the time of each pulse in seconds.

    Raises
    ------
    ReductionError
        The file does not tell.
    """
    if source.pulse_times is None or source.pulse_index is None:
        raise ReductionError(
            f"{source.path} in {source.file} tells no pulses apart: no event_time_zero and event_index",
            hint="Leave out what selects pulses",
            path=str(source.file),
        )
    scale = convert(1.0, source.pulse_unit, "s")
    if scale is None:
        raise ReductionError(
            f"event_time_zero is in {source.pulse_unit!r}, which is no unit of time",
            hint="Leave out what selects pulses",
        )
    return np.asarray(source.pulse_times.numpy(), np.float64) * scale


def kept_ranges(source: EventSource, keep: NDArray[np.bool_], events: int) -> NDArray[np.int64]:
    """Turn wanted pulses into ranges of events (first, end), in order, neighbours joined; shape (ranges, 2).

    Parameters
    ----------
    source
        The events.
    keep
        One value per pulse.
    events
        How many events there are.

    Raises
    ------
    ReductionError
        Not one value per pulse, or an index that cannot be.
    """
    if source.pulse_index is None:
        raise ReductionError(f"{source.path} has no event_index", hint="Leave out what selects pulses")
    first = np.asarray(source.pulse_index.numpy()).astype(np.int64)
    if keep.shape != first.shape:
        raise ReductionError(
            f"There are {first.size} pulses, and {keep.size} values that say which to keep", hint="Give one per pulse"
        )
    end = np.append(first[1:], events)
    if first.size and (first[0] < 0 or (end < first).any() or end[-1] < first[-1]):
        raise ReductionError(
            f"event_index of {source.path} in {source.file} does not grow from pulse to pulse",
            hint="The file is damaged; reduce it without selecting pulses",
            path=str(source.file),
        )
    change = np.diff(np.concatenate([[0], keep.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(change == 1), np.flatnonzero(change == -1) - 1
    ranges = np.stack([first[starts], end[stops]], axis=1) if starts.size else np.zeros((0, 2), np.int64)
    return ranges[ranges[:, 1] > ranges[:, 0]]


def meets(piece: tuple[int, int], ranges: NDArray[np.int64]) -> bool:
    """Whether a piece (first, end) has events of any of the ranges."""
    return next(iter(within(piece, ranges)), None) is not None


def within(piece: tuple[int, int], ranges: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Cut the ranges, which are in order, to a piece."""
    begin = int(np.searchsorted(ranges[:, 1], piece[0], side="right"))
    end = int(np.searchsorted(ranges[:, 0], piece[1], side="left"))
    cut = np.clip(ranges[begin:end], *piece)
    return [(int(first), int(last)) for first, last in cut if last > first]
