"""Looking through a stack in JupyterLab: the first image, the rate of a slider, and what the server feels of it.

Ours and what people use today, in one run, in turns, each in a fresh kernel, in a real JupyterLab and a real Chromium:

    .venv/bin/uv pip install --group peers
    .venv/bin/python -m benchmarks.viewing --rounds 5

The stack, 1000 × 2162 × 2068 uint32 with bitshuffle and LZ4, is written below --directory, once (1.3 GB). --frames and
--shape make smaller ones. A picture counts when its pixels are others than before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.viewing.laboratory import laboratory
from benchmarks.viewing.measuring import measure
from benchmarks.viewing.peers import PEERS
from benchmarks.viewing.stack import write_stack

OURS = "panosc-analysis"

Figures = dict[str, dict[str, list[float]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--shape", default="2162x2068", help="rows x columns (default: %(default)s)")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()), help="where the stack is kept")
    parser.add_argument("--only", nargs="*", default=[], help="names of viewers (default: all)")
    parser.add_argument("--pictures", type=Path, help="a directory for a picture of each viewer")
    arguments = parser.parse_args()
    rows, columns = (int(number) for number in arguments.shape.split("x"))
    stack = arguments.directory / f"panosc-stack-{arguments.frames}x{rows}x{columns}.nxs"
    if not stack.exists():
        write_stack(stack.with_suffix(".part"), arguments.frames, (rows, columns))
        stack.with_suffix(".part").rename(stack)
    peers = [peer for peer in PEERS if not arguments.only or peer.name in arguments.only]
    figures: Figures = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="panosc-viewing-") as directory, laboratory(Path(directory)) as lab:
        (lab.directory / "stack.nxs").symlink_to(stack)
        for number in range(arguments.rounds):
            turn = number % len(peers)
            for peer in peers[turn:] + peers[:turn]:
                for name, value in measure(lab, peer, number, arguments.pictures).items():
                    figures[peer.name][name].append(value)
                print(number, peer.name, {k: round(v[-1], 4) for k, v in figures[peer.name].items()}, flush=True)
    report(figures, arguments.rounds)


def report(figures: Figures, rounds: int) -> None:
    """Print the table, and ours beside the others."""
    print(f"\nload average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {rounds} rounds; medians (min–max)\n")
    print("| viewer | first image (s) | key held (frames/s) | one by one (frames/s) | again, key held (frames/s) |")
    print("|---|---|---|---|---|")
    for name, found in figures.items():
        cells = [span(found[which]) if which in found else "–" for which in ("first", "rate", "steps", "cached")]
        print(f"| {name} | {' | '.join(cells)} |")
    print("\n| server's answer while (ms) | nothing | key held | again |\n|---|---|---|---|")
    for name, found in figures.items():
        waits = [f"{1000 * statistics.median(found[w]):.1f}" if w in found else "–" for w in ("idle", "busy", "calm")]
        print(f"| {name} | {' | '.join(waits)} |")
    for name, found in figures.items():
        if name == OURS or OURS not in figures:
            continue
        sooner = statistics.median(found["first"]) / statistics.median(figures[OURS]["first"])
        print(f"\nAgainst {name}: first image {sooner:.1f} times sooner, frames")
        for which, text in (("rate", "under a held key"), ("steps", "one by one")):
            theirs = statistics.median(found[which])
            times = (
                f"{statistics.median(figures[OURS][which]) / theirs:.1f} times as many" if theirs else "some, not none,"
            )
            print(f"  {times} {text}")


def span(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


if __name__ == "__main__":
    main()
