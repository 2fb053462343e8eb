"""Where the events are: the fields of an NXevent_data group, their pixels, and the ways the neutrons flew."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.model import convert
from panosc_analysis.nexus import ArrayHandle, open_file, reading
from panosc_analysis.nexus.attributes import address, child, children, is_dataset, is_group, nx_class, text
from panosc_analysis.nexus.masks import detectors_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["EventSource", "FlightPaths", "find_events", "find_flight_paths"]


@dataclass(frozen=True, slots=True)
class EventSource:
    """The fields of a group of events.

    Parameters
    ----------
    file, path
        Where the group is.
    times
        ``event_time_offset``: time of each event after its pulse.
    time_unit
        Of these.
    numbers
        ``event_id``: pixel number of each event; ``None`` if there is none.
    pulse_times
        ``event_time_zero``: time of each pulse; ``None`` if there is none.
    pulse_unit
        Of these.
    pulse_index
        ``event_index``: number of the first event of each pulse; ``None`` if there is none.
    """

    file: Path
    path: str
    times: ArrayHandle
    time_unit: str
    numbers: ArrayHandle | None
    pulse_times: ArrayHandle | None
    pulse_unit: str
    pulse_index: ArrayHandle | None


@dataclass(frozen=True, eq=False, slots=True)
class FlightPaths:
    """The pixels of a bank.

    Parameters
    ----------
    numbers
        Pixel numbers, shape (pixels,).
    length
        From the moderator by the sample to the pixel, in metres; NaN where the file does not tell.
    two_theta
        Scattering angle in radians; NaN where the file does not tell.
    """

    numbers: NDArray[np.int64]
    length: NDArray[np.float64]
    two_theta: NDArray[np.float64]


def find_events(file: Path, path: str | None = None) -> EventSource:
    """Find the events of a file; reads metadata only.

    Parameters
    ----------
    file
        The file.
    path
        Of the NXevent_data group, or of a dataset in it; the only group of the file without.

    Raises
    ------
    ReductionError
        There is none, or more than one and no path.
    OpenError, LocateError
        The file cannot be read.
    """
    path = None if path in (None, "", "/") else path
    with open_file(file) as opened, reading(file, path or "/"):
        path = _group_path(opened, file, path)
        group = opened[path]
        units = text(child(group, "event_time_offset"), "units") or "ns"
        pulses = child(group, "event_time_zero")
        has = {name for name in ("event_id", "event_time_zero", "event_index") if is_dataset(child(group, name))}

    def handle(name: str) -> ArrayHandle | None:
        return ArrayHandle(file, posixpath.join(path, name)) if name in has else None

    return EventSource(
        file,
        path,
        ArrayHandle(file, posixpath.join(path, "event_time_offset")),
        units,
        handle("event_id"),
        handle("event_time_zero"),
        text(pulses, "units") or "s" if pulses is not None else "s",
        handle("event_index"),
    )


def find_flight_paths(source: EventSource) -> FlightPaths | None:
    """Find the pixels that the events are of: in the group itself or in the NXdetector it belongs to.

    Returns
    -------
    :
        ``None`` where the file names no pixels.
    """
    with open_file(source.file) as opened, reading(source.file, source.path):
        group = opened[source.path]
        entry_path = source.path.strip("/").split("/")[0]
        entry = opened[entry_path] if entry_path else opened
        for bank in (group, *_banks(entry, f"/{entry_path}", group, source.path)):
            numbers = _values(bank, "detector_number", None)
            if numbers is None:
                numbers = _values(bank, "pixel_id", None)
            if numbers is not None:
                first = _first_flight_path(entry)
                second, angle = _values(bank, "distance", "m"), _values(bank, "polar_angle", "rad")
                return FlightPaths(
                    numbers.astype(np.int64).ravel(),
                    first + _spread(second, numbers),
                    _spread(angle, numbers),
                )
    return None


def _group_path(opened: Any, file: Path, path: str | None) -> str:
    if path is not None:
        node = opened[path] if path in opened else None
        found = path if is_group(node) else posixpath.dirname(path)
        if found in opened and is_dataset(child(opened[found], "event_time_offset")):
            return found
        raise ReductionError(
            f"{path} in {file} holds no events (no event_time_offset)",
            hint="Name an NXevent_data group",
            path=str(file),
        )
    groups = list(_event_groups(opened, "", 0))
    if len(groups) != 1:
        told = f": {', '.join(groups[:8])}" if groups else ""
        raise ReductionError(
            f"{file} holds {len(groups) or 'no'} groups of events{told}",
            hint="Name one of them as path" if groups else "Choose a file with an NXevent_data group",
            path=str(file),
        )
    return groups[0]


def _event_groups(group: Any, path: str, depth: int, seen: set[Any] | None = None) -> Iterator[str]:
    seen = set() if seen is None else seen
    for name, node in children(group) if depth < 5 else ():
        if not is_group(node) or address(node) in seen:
            continue
        seen.add(address(node))
        below = f"{path}/{name}"
        if is_dataset(child(node, "event_time_offset")):
            yield below
        else:
            yield from _event_groups(node, below, depth + 1, seen)


def _banks(entry: Any, entry_path: str, group: Any, path: str) -> list[Any]:
    """List the detectors that the events may belong to: one that holds them, or one that is named like them."""
    detectors = detectors_of(entry, entry_path)
    own = address(group)
    holds = [node for node in detectors.values() if any(is_group(n) and address(n) == own for _, n in children(node))]
    name = path.rpartition("/")[2].removesuffix("_events")
    named = [node for where, node in detectors.items() if where.rpartition("/")[2] == name]
    return holds or named or (list(detectors.values()) if len(detectors) == 1 else [])


def _first_flight_path(entry: Any) -> float:
    """Metres from the moderator, else the source, to the sample; NaN if the file does not tell."""
    groups = [below for _, node in children(entry) if is_group(node) for _, below in [("", node), *children(node)]]
    for kind in ("NXmoderator", "NXsource"):
        for group in groups:
            if is_group(group) and nx_class(group) == kind:
                distance = _values(group, "distance", "m")
                if distance is not None and distance.size == 1:
                    return abs(float(distance.ravel()[0]))
    return float("nan")


def _values(group: Any, name: str, unit: str | None) -> NDArray[Any] | None:
    node: Any = child(group, name) if is_group(group) else None
    if not is_dataset(node) or node.dtype.kind not in "iuf":
        return None
    values = np.asarray(node[()])
    if unit is None:
        return values
    given = text(node, "units")
    scale = convert(1.0, given, unit) if given else (1.0 if unit == "m" else np.pi / 180)
    return None if scale is None else np.asarray(values, np.float64) * scale


def _spread(values: NDArray[Any] | None, numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Give each pixel its value; an array of the rows or columns alone is repeated along the others."""
    if values is None:
        return np.full(numbers.size, np.nan)
    if values.size == numbers.size:
        return values.ravel()
    if values.ndim == 1 and numbers.ndim == 2 and values.size == numbers.shape[0]:
        values = values[:, None]
    try:
        return np.array(np.broadcast_to(values, numbers.shape), np.float64).ravel()
    except ValueError:
        return np.full(numbers.size, np.nan)
