"""What is no race: the first call of a new interpreter, the memory of a long stream, the plan of many chunks."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import psutil

from benchmarks.reduction.case import THREADS
from benchmarks.reduction.data import DATA, Stack, bytes_per_frame, poni, write_stack

__all__ = ["ONCE"]

SPARSE = Stack(0.15)
STREAM = 100e9  # bytes of pixels
CHUNKS = 100_000
ROUNDS = 3

FIRST = """
import sys
from pathlib import Path
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import reduce
step, file, poni = sys.argv[1:]
parameters = {} if step == "statistics" else {"poni": poni, "per_frame": True, "error_model": "none"}
reduce(ArrayHandle(Path(file), "/entry/data/data"), [step], parameters=parameters)
"""
LONG = """
import sys, time
from pathlib import Path
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import reduce
start = time.perf_counter()
reduce(ArrayHandle(Path(sys.argv[1]), "/entry/data/data"), ["statistics"], threads=int(sys.argv[2]))
print(time.perf_counter() - start)
"""


def first_call(folder: Path) -> list[str]:
    """From the start of an interpreter to the result, with what numba has compiled before and without."""
    path, lines = (
        write_stack(folder, SPARSE, 40),
        ["| first call, 40 frames | compiled before (s) | not (s) |", "|---|---|---|"],
    )
    for step in ("statistics", "azimuthal"):
        command = [sys.executable, "-c", FIRST, step, str(path), poni(SPARSE.shape)]
        warm, cold = [], []
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as cache:
                for times in (cold, warm):
                    start = time.perf_counter()
                    subprocess.run(command, check=True, env=os.environ | {"NUMBA_CACHE_DIR": cache})
                    times.append(time.perf_counter() - start)
        lines.append(f"| {step} | {_span(warm)} | {_span(cold)} |")
    return [*lines, "\nGoals: 1 s and 6 s.\n"]


def stream(folder: Path) -> list[str]:
    """100 GB of pixels through the sums: a virtual dataset that has the same file many times."""
    source, frames = write_stack(folder, SPARSE, 400), int(STREAM / bytes_per_frame(SPARSE))
    path = folder / "stream.h5"
    layout = h5py.VirtualLayout((frames, *SPARSE.shape), SPARSE.dtype)
    for first in range(0, frames, 400):
        count = min(400, frames - first)
        layout[first : first + count] = h5py.VirtualSource(str(source), DATA, (400, *SPARSE.shape))[:count]
    with h5py.File(path, "w", libver="v110") as file:
        file.create_virtual_dataset(DATA, layout)
    command = [sys.executable, "-c", LONG, str(path), str(THREADS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    watched, peaks = psutil.Process(process.pid), [0]
    while process.poll() is None:
        peaks.append(watched.memory_info().rss if watched.status() != psutil.STATUS_ZOMBIE else 0)
        time.sleep(0.05)
    assert process.returncode == 0
    assert process.stdout is not None
    seconds, half = float(process.stdout.read()), max(peaks[: len(peaks) // 2])
    return [
        f"Stream of {STREAM / 1e9:.0f} GB, {frames} frames: {seconds:.1f} s ({STREAM / 1e9 / seconds:.1f} GB/s), "
        f"peak {max(peaks) / 1e6:.0f} MB, {half / 1e6:.0f} MB in its first half. Goal: 500 MB, not growing.\n"
    ]


def plan(folder: Path) -> list[str]:
    """The table of many chunks, against asking for each."""
    from panosc_analysis.nexus import ArrayHandle

    path = folder / "many.h5"
    with h5py.File(path, "w", libver="v110") as file:
        data = file.create_dataset(DATA, (CHUNKS, 8, 8), "u2", chunks=(1, 8, 8))
        for number in range(CHUNKS):
            data.id.write_direct_chunk((number, 0, 0), bytes(128))
    start = time.perf_counter()
    table = ArrayHandle(path, DATA).chunk_table()
    ours = time.perf_counter() - start
    assert table is not None
    with h5py.File(path) as file:
        some = np.random.default_rng(0).integers(0, CHUNKS, 20)
        start = time.perf_counter()
        for number in map(int, some):
            assert file[DATA].id.get_chunk_info(number).byte_offset == table.offset[number, 0]
        each = (time.perf_counter() - start) / len(some)
    return [
        f"Plan of {CHUNKS} chunks: {ours:.2f} s; asking for each with get_chunk_info would take {each * CHUNKS:.0f} s. "
        "Goal: 0.3 s.\n"
    ]


def _span(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


ONCE: dict[str, Callable[[Path], list[str]]] = {"first-call": first_call, "stream": stream, "plan": plan}
