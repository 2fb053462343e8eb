"""Reduction against what people use, and against the limit: all in one run, in random order, results compared.

    .venv/bin/uv pip install --group peers
    .venv/bin/python -m benchmarks.reduction                  everything
    .venv/bin/python -m benchmarks.reduction statistics-sparse integration-dense-no --repeats 9
    .venv/bin/python -m benchmarks.reduction --small          40 frames; ends with 1 where not half a goal is reached

Each case has a process of its own, which is kept: it has done the same on a few frames when the clock starts. With
--fresh each round is repeated with new processes. Peers that are not installed are named. The data are drawn from a
seed into a folder that is removed at the end, unless --directory names one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.reduction.case import LIMIT, OURS, Group
from benchmarks.reduction.comparing import compare
from benchmarks.reduction.groups import GROUPS
from benchmarks.reduction.once import ONCE
from benchmarks.reduction.reporting import missed, table

FRAMES, SMALL = 400, 40
SMALL_GROUPS = {
    "statistics-sparse": ["h5py + numpy", OURS, "dask.array, threads", LIMIT],
    "integration-sparse-no": ["h5py + pyFAI, the usual loop", OURS],
    "gzip": ["h5py + numpy", OURS],
    "roi-sparse": ["h5py slices", OURS],
    "events": ["numpy.histogram", OURS],
    "events-gzip": ["h5py + numpy.histogram", OURS],
}
SHARE, TRIES = 0.5, 3  # of a goal; how often a group is measured again where less is reached: the machine may be busy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join([*GROUPS, *ONCE])} (default: all)")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--fresh", type=int, default=0, help="rounds with new processes")
    parser.add_argument("--cases", nargs="*", help="names of cases (default: all)")
    parser.add_argument("--directory", type=Path, help="where the data are kept")
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    if unknown := set(arguments.groups) - {*GROUPS, *ONCE}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="panosc-reduction-") as made:
        folder = arguments.directory or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n", flush=True)
        sys.exit(small(folder) if arguments.small else everything(folder, arguments))


def everything(folder: Path, arguments: argparse.Namespace) -> int:
    for name in arguments.groups or [*GROUPS, *ONCE]:
        if name in ONCE:
            print("\n".join(ONCE[name](folder)), flush=True)
            continue
        group, frames = GROUPS[name], arguments.frames
        if name == "statistics-4m":
            frames = max(SMALL, frames // 4)
        found = compare(group, folder, frames, arguments.repeats, only=arguments.cases, fresh=arguments.fresh)
        print("\n".join(table(group, found)), f"\n\nload {os.getloadavg()[0]:.1f}, {frames} frames\n", flush=True)
    return 0


def small(folder: Path) -> int:
    wrong: list[str] = []
    for name, cases in SMALL_GROUPS.items():
        start, failed = time.perf_counter(), floors(GROUPS[name], folder, cases)
        print(f"({time.perf_counter() - start:.0f} s)\n", flush=True)
        wrong += failed
    print("\n".join(wrong) or f"{SHARE:g} of each goal is reached", flush=True)
    return 1 if wrong else 0


def floors(group: Group, folder: Path, cases: list[str]) -> list[str]:
    """Measure a group until its floors are reached, or often enough; the least times of all tries count."""
    for number in range(TRIES):
        found = compare(group, folder, SMALL, 5, only=cases)
        if number == 0:
            samples = found
        else:
            for name, more in found.kept.items():
                samples.kept[name] += more
        if not (wrong := missed(group, samples, SHARE)):
            break
    print("\n".join(table(group, samples)), flush=True)
    return wrong


if __name__ == "__main__":
    main()
