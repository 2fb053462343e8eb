"""Files that look like a detector's and an event counter's, drawn from a seed into a folder; nothing is drawn twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

__all__ = ["DATA", "EVENTS", "LAST", "Stack", "bytes_per_frame", "poni", "write_events", "write_stack"]

DATA = "/entry/data/data"
EVENTS = "/entry/events"
LAST = 71_000_000  # ns: end of the histogram of events
DISTINCT = 32  # frames; further ones are copies of these as they are stored
PIXEL = 75e-6


@dataclass(frozen=True)
class Stack:
    """What a stack is made of: counts per pixel, type, shape of a frame, compression."""

    level: float
    dtype: str = "u2"
    shape: tuple[int, int] = (1062, 1028)
    codec: str = "bslz4"

    @property
    def name(self) -> str:
        return f"{self.codec}-{self.dtype}-{self.level:g}-{self.shape[0]}x{self.shape[1]}"


def bytes_per_frame(stack: Stack) -> int:
    return int(np.prod(stack.shape)) * np.dtype(stack.dtype).itemsize


def write_stack(folder: Path, stack: Stack, frames: int) -> Path:
    """A falling background with a ring, peaks, a module gap and dead pixels at the largest number; and the mask."""
    path = folder / f"{stack.name}-{frames}.h5"
    if path.exists():
        return path
    rng, gap = np.random.default_rng(7), _gap(stack.shape)
    mean, largest = _mean(stack), np.iinfo(stack.dtype).max
    with h5py.File(path.with_suffix(".part"), "w", libver="v110") as file:
        group = file.create_group("entry/data")
        file["entry"].attrs["NX_class"] = "NXentry"
        group.attrs.update({"NX_class": "NXdata", "signal": "data"})
        shape, chunks = (frames, *stack.shape), (1, *stack.shape)
        data = group.create_dataset("data", shape, stack.dtype, chunks=chunks, **_options(stack.codec))
        file["gap"] = gap
        for number in range(min(frames, DISTINCT)):
            frame = rng.poisson(mean)
            for _ in range(100):
                row, column = rng.integers(4, stack.shape[0] - 4), rng.integers(4, stack.shape[1] - 4)
                frame[row - 1 : row + 2, column - 1 : column + 2] += rng.poisson(rng.exponential(400), (3, 3))
            frame[gap] = largest
            data[number] = np.minimum(frame, largest).astype(stack.dtype)
        for number in range(DISTINCT, frames):
            mask, raw = data.id.read_direct_chunk((number % DISTINCT, 0, 0))
            data.id.write_direct_chunk((number, 0, 0), raw, mask)
    path.with_suffix(".part").rename(path)
    return path


def write_events(folder: Path, events: int) -> Path:
    """Events as NXevent_data: pixel numbers and times in ns, chunks of a million, deflated."""
    path = folder / f"events-{events}.h5"
    if path.exists():
        return path
    rng, chunk = np.random.default_rng(3), min(events, 1_000_000)
    with h5py.File(path.with_suffix(".part"), "w", libver="v110") as file:
        group = file.create_group(EVENTS)
        group.attrs["NX_class"] = "NXevent_data"
        options = {"chunks": (chunk,), "compression": "gzip", "compression_opts": 4}
        times = group.create_dataset("event_time_offset", (events,), "u4", **options)
        times.attrs["units"] = "ns"
        for first in range(0, events, chunk):
            end = min(first + chunk, events)
            times[first:end] = np.minimum(rng.gamma(4.0, 6e6, end - first), LAST - 1).astype("u4")
    path.with_suffix(".part").rename(path)
    return path


def poni(shape: tuple[int, int]) -> str:
    """The geometry as a PONI file."""
    rows, columns = shape
    config = f'{{"pixel1": {PIXEL}, "pixel2": {PIXEL}, "max_shape": [{rows}, {columns}], "orientation": 3}}'
    return "\n".join([
        "poni_version: 2.1",
        "Detector: Detector",
        f"Detector_config: {config}",
        "Distance: 0.2",
        f"Poni1: {rows * 0.52 * PIXEL}",
        f"Poni2: {columns * 0.47 * PIXEL}",
        *(f"Rot{axis}: 0.0" for axis in (1, 2, 3)),
        "Wavelength: 1e-10\n",
    ])  # fmt: skip


def _options(codec: str) -> dict[str, Any]:
    return {
        "bslz4": lambda: dict(hdf5plugin.Bitshuffle(nelems=0, cname="lz4")),
        "gzip": lambda: {"compression": "gzip", "compression_opts": 4},
        "blosc2": lambda: dict(hdf5plugin.Blosc2(cname="lz4", clevel=5, filters=hdf5plugin.Blosc2.BITSHUFFLE)),
    }[codec]()


def _mean(stack: Stack) -> np.ndarray[Any, Any]:
    rows, columns = stack.shape
    y, x = np.mgrid[:rows, :columns]
    r = np.hypot(y - rows * 0.52, x - columns * 0.47)
    ring = 0.6 * np.exp(-0.5 * ((r - 0.33 * rows) / (0.06 * rows)) ** 2)
    return np.asarray(stack.level * (np.exp(-r / (0.45 * rows)) + ring))


def _gap(shape: tuple[int, int]) -> np.ndarray[Any, Any]:
    rng, (rows, columns) = np.random.default_rng(7), shape
    gap = np.zeros(shape, bool)
    gap[rows // 2 - 17 : rows // 2 + 17] = True
    gap[rng.integers(0, rows, 200), rng.integers(0, columns, 200)] = True
    return gap
