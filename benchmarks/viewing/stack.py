"""The stack that is looked at: frames of a detector with gaps, as a beamline writes them."""

from __future__ import annotations

from pathlib import Path

import hdf5plugin
import numpy as np

from panosc_analysis.nexus import create_file

DISTINCT = 64  # frames; the rest repeats their compressed bytes, each at a place of its own in the file


def write_stack(path: Path, frames: int, shape: tuple[int, int], seed: int = 8) -> None:
    """Write `frames` × `shape` uint32 with bitshuffle and LZ4, a chunk for each frame, gaps at the largest number."""
    random = np.random.default_rng(seed)
    with create_file(path) as file:
        entry = file.create_group("entry")
        data = entry.create_group("data")
        file.attrs["default"], entry.attrs["default"] = "entry", "data"
        entry.attrs["NX_class"], data.attrs["NX_class"], data.attrs["signal"] = "NXentry", "NXdata", "data"
        options = {"chunks": (1, *shape), **hdf5plugin.Bitshuffle(cname="lz4")}
        signal = data.create_dataset("data", (frames, *shape), "u4", **options)
        signal.attrs["interpretation"] = "image"
        signal.attrs["_FillValue"] = np.iinfo(np.uint32).max  # else no other viewer leaves the gaps out of its colours
        for i in range(min(DISTINCT, frames)):
            signal[i] = frame(i, shape, random)
        stored = [signal.id.read_direct_chunk((i, 0, 0)) for i in range(min(DISTINCT, frames))]
        for i in range(DISTINCT, frames):
            mask, compressed = stored[i % DISTINCT]
            signal.id.write_direct_chunk((i, 0, 0), compressed, mask)


def frame(number: int, shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """A ring that grows with the number on a flat background, with a beam stop and the gaps between modules."""
    rows, columns = shape
    y, x = np.ogrid[:rows, :columns]
    radius = np.hypot(y - rows / 2, x - columns / 2).astype(np.float32)
    ring = (0.08 + 0.4 * (number % DISTINCT) / DISTINCT) * columns
    width = columns / 60
    expected = 2 + 200 * np.exp(-(((radius - ring) / width) ** 2)).astype(np.float32)
    counts = random.poisson(expected).astype(np.uint32)
    for gap in range(1, 4):
        counts[gap * rows // 4 - rows // 120 : gap * rows // 4 + rows // 120] = np.iinfo(np.uint32).max
    counts[:, columns // 2 - columns // 250 : columns // 2 + columns // 250] = np.iinfo(np.uint32).max
    return counts
