"""Looking through a stack in JupyterLab: the first image, the rate of a slider, and what the server feels of it.

Ours and what people use today, in one run, in turns, each in a fresh kernel, in a real JupyterLab and a real Chromium:

    .venv/bin/uv pip install --group peers
    .venv/bin/python -m benchmarks.viewing --rounds 5

The stack, 1000 × 2162 × 2068 uint32 with bitshuffle and LZ4, is written below --directory, once (1.3 GB). --frames and
--shape make smaller ones.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.viewing.laboratory import Laboratory, laboratory, latencies
from benchmarks.viewing.peers import PEERS, Peer
from benchmarks.viewing.stack import write_stack
from tests.conftest import ARGUMENTS, chromium

SCRUB = 6.0  # seconds that the slider moves
CACHED = 40  # frames that are looked at one by one before they are gone through again
RATE = 60.0  # steps a second that the slider is asked to make

Figures = dict[str, dict[str, list[float]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--shape", default="2162x2068", help="rows x columns (default: %(default)s)")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()), help="where the stack is kept")
    parser.add_argument("--only", nargs="*", default=[], help="names of viewers (default: all)")
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
                for name, value in measure(lab, peer, number, arguments.frames).items():
                    figures[peer.name][name].append(value)
                print(number, peer.name, {k: round(v[-1], 3) for k, v in figures[peer.name].items()}, flush=True)
    report(figures, arguments.rounds)


def measure(lab: Laboratory, peer: Peer, number: int, frames: int) -> dict[str, float]:
    """One viewer, once, in a browser and a kernel of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(120_000)
        page.add_init_script(path=Path(__file__).with_name("watching.js"))
        name = f"{peer.name.replace(' ', '-')}-{number}"
        try:
            found = {"first": first_image(lab, page, peer, name)}
            page.evaluate("([picture]) => watching.settle(picture, 1.5)", [peer.picture])
            found |= scrub(lab, page, peer, peer.frames or frames)
            if peer.caches:
                found |= again(page, peer)
        except Exception:
            page.screenshot(path=Path(tempfile.gettempdir()) / f"panosc-viewing-{name}.png")
            raise
        finally:
            browser.close()
            lab.end_kernels()
    return found


def first_image(lab: Laboratory, page: Page, peer: Peer, name: str) -> float:
    """Seconds from running the cell to a picture on the screen."""
    lab.open_notebook(page, name, [peer.before or "pass", peer.cell])
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    page.wait_for_function(IDLE)
    run = "window.jupyterapp.commands.execute('notebook:run-cell')"
    return float(page.evaluate(f"([picture]) => watching.first(picture, () => {run})", [peer.picture]))


IDLE = """() => {
    const prompt = document.querySelector('.jp-Notebook .jp-Cell .jp-InputPrompt');
    return /\\[\\d+\\]/.test(prompt?.textContent ?? '');
}"""


def scrub(lab: Laboratory, page: Page, peer: Peer, frames: int) -> dict[str, float]:
    """Move the slider through frames that were not shown yet; how many come, and what the server does meanwhile."""
    with latencies(lab.url) as idle:
        time.sleep(2)
    slider = page.locator(peer.slider).first
    slider.focus()
    with latencies(lab.url) as busy:
        seen = watch(page, peer, "ArrowRight", min(SCRUB, 0.9 * frames / RATE))
    quiet, loaded = statistics.median(idle), statistics.median(busy)
    return {"rate": seen, "idle": quiet, "busy": loaded}


def again(page: Page, peer: Peer) -> dict[str, float]:
    """Go back and forth over frames that were shown before."""
    slider = page.locator(peer.slider).first
    slider.focus()
    for _ in range(CACHED):
        page.keyboard.press("ArrowLeft")
        page.evaluate("([picture]) => watching.settle(picture, 0.1)", [peer.picture])
    rates = [watch(page, peer, key, (CACHED - 2) / RATE) for key in ("ArrowRight", "ArrowLeft") * 3]
    return {"cached": statistics.median(rates)}


def watch(page: Page, peer: Peer, key: str, seconds: float) -> float:
    """Press `key` at a steady rate; returns the frames that came a second."""
    page.evaluate("([picture]) => watching.watch(picture)", [peer.picture])
    start = time.perf_counter()
    presses = 0
    while (now := time.perf_counter() - start) < seconds:
        page.keyboard.press(key)
        presses += 1
        time.sleep(max(0.0, presses / RATE - (time.perf_counter() - start)))
    seen: dict[str, Any] = page.evaluate("() => watching.stop()")
    kept = page.locator(peer.slider).first.evaluate("slider => document.activeElement === slider")
    assert kept, "the slider lost the focus: the keys went astray"
    return float(seen["changes"] / max(seen["seconds"], now))


def report(figures: Figures, rounds: int) -> None:
    """Print the table, and ours beside the others."""
    print(f"\nload average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {rounds} rounds; medians (min–max)\n")
    print("| viewer | first image (s) | frames a second | again, from its cache | `/api`, idle → scrubbing (ms) |")
    print("|---|---|---|---|---|")
    for name, found in figures.items():
        cached = span(found["cached"]) if "cached" in found else "–"
        idle, busy = (1000 * statistics.median(found[which]) for which in ("idle", "busy"))
        print(f"| {name} | {span(found['first'])} | {span(found['rate'])} | {cached} | {idle:.1f} → {busy:.1f} |")
    ours = figures.get("panosc-analysis")
    for name, found in figures.items():
        if ours and name != "panosc-analysis":
            sooner = statistics.median(found["first"]) / statistics.median(ours["first"])
            faster = statistics.median(ours["rate"]) / max(statistics.median(found["rate"]), 1e-9)
            print(
                f"\nAgainst {name}: first image {sooner:.1f} times sooner, {faster:.1f} times as many frames a second."
            )


def span(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


if __name__ == "__main__":
    main()
