"""One viewer, measured once: the first image, frames under a held key, one frame after the other, and again."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.viewing.keyboard import Keyboard, free_port
from benchmarks.viewing.laboratory import Laboratory
from benchmarks.viewing.peers import Peer
from benchmarks.viewing.pulse import pulse
from tests.conftest import ARGUMENTS, chromium

SCRUB = 6.0  # seconds that a key is held
STEPS = 12  # frames that are looked at one after the other
FETCHED = 20  # frames before these, which a viewer may have fetched already while the slider stood still
CACHED = 100  # frames that are gone through again
RATE = 60.0  # times a second that the held key repeats

IDLE = """() => {
    const prompt = document.querySelector('.jp-Notebook .jp-Cell .jp-InputPrompt');
    return /\\[\\d+\\]/.test(prompt?.textContent ?? '');
}"""


def measure(lab: Laboratory, peer: Peer, number: int, pictures: Path | None = None) -> dict[str, float]:
    """One viewer, once, in a browser and a kernel of its own; its picture is kept in a directory."""
    with sync_playwright() as playwright:
        port = free_port()
        arguments = [*ARGUMENTS, f"--remote-debugging-port={port}"]
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(120_000)
        page.add_init_script(path=Path(__file__).with_name("watching.js"))
        name = f"{peer.name.replace(' ', '-')}-{number}"
        try:
            found = {"first": first_image(lab, page, peer, name)}
            settle(page, peer, 1.5)
            if pictures:
                page.screenshot(path=pictures / f"{name}.png")
            with Keyboard(port) as keyboard:
                found |= look_through(lab, Slider(page, keyboard, peer))
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


def settle(page: Page, peer: Peer, quiet: float) -> None:
    page.evaluate("([picture, quiet]) => watching.settle(picture, quiet)", [peer.picture, quiet])


@dataclass(frozen=True)
class Slider:
    """What takes the keys of one viewer."""

    page: Page
    keyboard: Keyboard
    peer: Peer

    def focus(self) -> None:
        self.page.locator(self.peer.slider).first.focus()

    def tap(self, key: str) -> None:
        self.keyboard.tap(key)

    def hold(self, key: str, presses: int, *, turn: int | None = None) -> dict[str, Any]:
        """Hold a key for so many repeats, turning round after each `turn`; what was seen meanwhile."""
        self.page.evaluate("([picture]) => watching.watch(picture)", [self.peer.picture])
        keys = (key, "ArrowLeft" if key == "ArrowRight" else "ArrowRight")
        self.keyboard.hold([keys[i // turn % 2 if turn else 0] for i in range(presses)], RATE)
        seen: dict[str, Any] = self.page.evaluate("() => watching.stop()")
        focused = self.page.locator(self.peer.slider).first.evaluate("slider => document.activeElement === slider")
        assert focused, "the slider lost the focus: the keys went astray"
        assert len(seen["keys"]) >= presses, "keys went astray"
        return seen


def look_through(lab: Laboratory, slider: Slider) -> dict[str, float]:
    """New frames under a held key, and what the server does meanwhile; then one by one; then again."""
    turn = slider.peer.frames and slider.peer.frames - 1
    with pulse(lab.url) as idle:
        time.sleep(2)
    slider.focus()
    slider.tap("Home")
    settle(slider.page, slider.peer, 1)
    with pulse(lab.url) as busy:
        seen = slider.hold("ArrowRight", int(SCRUB * RATE), turn=turn)
    found = {"rate": rate(seen), "idle": statistics.median(idle), "busy": statistics.median(busy)}
    settle(slider.page, slider.peer, 1)
    found["steps"] = one_by_one(slider, "ArrowLeft" if turn else "ArrowRight")
    if slider.peer.caches:
        found |= again(lab, slider)
    return found


def rate(seen: dict[str, Any]) -> float:
    """Pictures a second, from the first key to the last, or to the last picture if that came later."""
    changes, keys = seen["changes"], seen["keys"]
    # A spinner or a flicker is no progress: there are 64 different frames, and as many different pictures.
    assert seen["pictures"] >= min(len(changes), 50) // 2, f"{len(changes)} changes of {seen['pictures']} pictures"
    spent = max(keys[-1], changes[-1] if changes else 0) - keys[0] + 1000 / RATE
    return 1000 * len(changes) / spent


def one_by_one(slider: Slider, key: str) -> float:
    """New frames a second for who waits for each."""
    if slider.peer.caches:
        step(slider, key, FETCHED)
    start = time.perf_counter()
    steps = STEPS * (5 if slider.peer.caches else 1)  # the faster, the more of them
    step(slider, key, steps)
    return steps / (time.perf_counter() - start)


def step(slider: Slider, key: str, count: int) -> None:
    for _ in range(count):
        slider.tap(key)
        slider.page.evaluate("([picture]) => watching.another(picture)", [slider.peer.picture])


def again(lab: Laboratory, slider: Slider) -> dict[str, float]:
    """Go to and fro over frames that were shown before, each of them."""
    slider.focus()
    step(slider, "ArrowLeft", CACHED)
    settle(slider.page, slider.peer, 1)
    with pulse(lab.url) as calm:
        rates = [rate(slider.hold(key, CACHED - 2)) for key in ("ArrowRight", "ArrowLeft") * 2]
    return {"cached": statistics.median(rates), "calm": statistics.median(calm)}
