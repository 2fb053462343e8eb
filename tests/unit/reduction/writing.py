"""A program that writes a stack as a detector does: `python writing.py FILE MODE ORDERS`, told when to go on.

It writes the frames of `frames(...)`, in steps; before each step it reads a line from standard input and after it says
how many frames there are. At the end it closes the file, or dies, or stalls, as it is told.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

CODECS: dict[str, Any] = {
    "none": {},
    "gzip": {"compression": "gzip", "compression_opts": 1},
    "bitshuffle-lz4": hdf5plugin.Bitshuffle(cname="lz4"),
}


def stack(count: int, dtype: str) -> np.ndarray[Any, Any]:
    """Make the frames, the same in the program and in the test."""
    rng = np.random.default_rng(7)
    values = rng.normal(3, 2, (count, 12, 17)) if np.dtype(dtype).kind == "f" else rng.poisson(3, (count, 12, 17))
    return values.astype(dtype)


def main(path: Path, mode: str, count: int, dtype: str, codec: str, per_chunk: int, presized: bool) -> None:
    values = stack(count, dtype)
    with h5py.File(path, "w", libver="earliest" if mode == "plain" else "latest") as file:
        group = file.create_group("entry/data")
        file["entry"].attrs["NX_class"] = "NXentry"
        group.attrs.update({"NX_class": "NXdata", "signal": "data"})
        data = group.create_dataset(
            "data",
            (count if presized else 0, 12, 17),
            dtype,
            chunks=(per_chunk, 12, 17),
            maxshape=(count if presized else None, 12, 17),
            **CODECS[codec],
        )
        times = group.create_dataset("monitor", (0,), "f8", chunks=(64,), maxshape=(None,))
        file.flush()
        if mode == "swmr":
            file.swmr_mode = True
        done = 0
        print(done, flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            if order == "die":
                os._exit(9)
            if order == "close":
                break
            for number in range(done, done + order):
                if not presized:
                    data.resize((number + 1, 12, 17))
                data[number] = values[number]
                times.resize((number + 1,))
                times[number] = 1 + number % 3
            done += order
            data.flush()
            times.flush()
            file.flush()
            print(done, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), **json.loads(sys.argv[2]))
