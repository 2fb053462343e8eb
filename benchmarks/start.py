"""How long a newcomer waits: hub, JupyterLab, first image, reduction. Real Chromium, several rounds, medians.

    .venv/bin/python benchmarks/start.py --rounds 5

Each round starts the demo anew over the same facility, logs a new person in and runs the tutorial by the menu.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

PARTS = {
    "hub: jupyterhub": "import jupyterhub.app",
    "session: jupyterlab": "import jupyterlab.labapp",
    "session: hub's side of it": "import jupyterhub.singleuser.extension",
    "session: h5web": "import jupyterlab_h5web",
    "kernel: ipykernel": "import ipykernel.kernelapp",
    "search: http client": "import httpx",
    "search: units": "import pint; pint.UnitRegistry()",
    "show: h5py, silx, plot rules": "import panosc_analysis.nexus.plot",
    "show: viewer": "import panosc_analysis.widgets.viewer",
    "reduce: pyFAI": "import pyFAI.integrator.azimuthal",
    "reduce: dask": "import panosc_analysis.reduction.reducing",
}

# More than a few colours in the middle of the first viewer: the frame is drawn, not only its axes.
DRAWN = """() => {
    const canvas = document.querySelector(".panosc-viewer canvas");
    if (!canvas || !canvas.width) return false;
    const [x, y] = [Math.round(canvas.width / 3), Math.round(canvas.height / 2)];
    const pixels = canvas.getContext("2d").getImageData(x, y, 100, 1).data;
    return new Set(new Uint32Array(pixels.buffer)).size > 5; }"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for number in range(arguments.rounds + 1):
            row = one_round(Path(directory), browser.new_context(viewport={"width": 1280, "height": 1000}).new_page())
            print(json.dumps(row), file=sys.stderr, flush=True)
            # The first round writes the facility and warms the page cache; it is printed, not counted.
            if number:
                rows.append(row)
        browser.close()
    print(f"{'step':<34}{'median':>8}{'min':>8}{'max':>8}   seconds, {len(rows)} rounds")
    for step in rows[0]:
        values = [row[step] for row in rows]
        print(f"{step:<34}{statistics.median(values):8.2f}{min(values):8.2f}{max(values):8.2f}")
    parts(arguments.rounds)


def one_round(directory: Path, page: Page) -> dict[str, float]:
    shutil.rmtree(directory / "hub", ignore_errors=True)
    started = time.monotonic()
    command = [sys.executable, "-m", "panosc_analysis", "demo", "--directory", str(directory), "--port", "19000"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        url, password = address(process)
        row = {"command → address printed": time.monotonic() - started}
        return row | journey(page, url, password)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        page.context.close()


def address(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        if match := re.match(r"\s*(Open|Password)\s+(\S+)", line):
            found[match[1]] = match[2]
        if len(found) == 2:
            return found["Open"], found["Password"]
    raise SystemExit("the demo gave no address")


def journey(page: Page, url: str, password: str) -> dict[str, float]:
    row: dict[str, float] = {}
    page.goto(url)
    page.fill("input[name=username]", "alice")
    page.fill("input[name=password]", password)
    clicked = time.monotonic()
    page.click("input[type=submit], button[type=submit]")
    page.wait_for_url(re.compile("/user/alice/lab"), timeout=90_000)
    row["log in → JupyterLab's address"] = time.monotonic() - clicked
    expect(page.locator(".jp-NotebookPanel .jp-Notebook")).to_be_visible(timeout=60_000)
    row["log in → tutorial on screen"] = time.monotonic() - clicked
    wait_for_kernel(page, url)
    row["log in → kernel ready"] = time.monotonic() - clicked
    page.locator(".jp-Notebook .jp-Cell").first.click()
    run = time.monotonic()
    for _ in range(2):  # a text cell and the search
        page.keyboard.press("Shift+Enter")
    finished(page, 1)
    row["run → search answered"] = time.monotonic() - run
    run = time.monotonic()
    for _ in range(2):  # a text cell and ds.show()
        page.keyboard.press("Shift+Enter")
    page.wait_for_function(DRAWN, timeout=60_000)
    row["run → first image"] = time.monotonic() - run
    run = time.monotonic()
    for _ in range(5):  # the rest
        page.keyboard.press("Shift+Enter")
    finished(page, 5)
    row["run → reduced, shown and saved"] = time.monotonic() - run
    row["log in → result saved"] = time.monotonic() - clicked
    return row


def finished(page: Page, cell: int) -> None:
    expect(page.locator(f".jp-CodeCell .jp-InputPrompt:text-is('[{cell}]:')")).to_be_attached(timeout=120_000)


def parts(rounds: int) -> None:
    """What the steps are made of: imports, each in a fresh interpreter, its own start taken off."""
    empty = statistics.median(seconds_of("pass") for _ in range(rounds))
    print(f"\n{'part':<34}{'median':>8}   seconds, {rounds} rounds, without {empty:.2f} s for an empty interpreter")
    for name, code in PARTS.items():
        taken = statistics.median(seconds_of(code) for _ in range(rounds)) - empty
        print(f"{name:<34}{taken:8.2f}")


def seconds_of(code: str) -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.monotonic() - started


def wait_for_kernel(page: Page, url: str) -> None:
    while True:
        kernels = page.request.get(f"{url}/user/alice/api/kernels").json()
        if kernels and kernels[0]["connections"] and kernels[0]["execution_state"] == "idle":
            return
        page.wait_for_timeout(50)


if __name__ == "__main__":
    main()
