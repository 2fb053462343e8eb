"""The pictures of docs/viewing.md, one for each way in which the viewer shows data, from made data:

    .venv/bin/python -m benchmarks.viewing.pictures [NAME ...]

They are to be looked at, also those that no page shows.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from panosc_analysis.documents import Document, serving
from panosc_analysis.nexus import create_file
from panosc_analysis.widgets import FileTree, Region, Viewer, show
from tests.conftest import ARGUMENTS, chromium

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
RANDOM = np.random.default_rng(8)
GAP = 2**32 - 1


def heating() -> np.ndarray:
    """Rings on a background that come and go, with gaps between the modules."""
    rows, columns = np.mgrid[0:514, 0:515]
    far = np.hypot(rows - 250, columns - 260)
    mean = 3 + 150 * np.exp(-far / 60) + sum(90 * np.exp(-(((far - r) / 4) ** 2)) for r in (90, 150, 200))
    frames = RANDOM.poisson(mean * (1 + 0.4 * np.sin(np.arange(40) / 6))[:, None, None]).astype(np.uint32)
    frames[:, 250:262], frames[:, :, 255:262] = GAP, GAP
    return frames


def interference() -> np.ndarray:
    """Two sources, without any noise."""
    rows, columns = np.mgrid[0:300, 0:400]
    near, far = np.hypot(rows - 150, columns - 130), np.hypot(rows - 150, columns - 270)
    return (np.cos(near / 9) + np.cos(far / 9)) ** 2 / (1 + (near + far) / 300)


def write_scan(path: Path) -> None:
    """One file with everything that a file may want shown."""
    with create_file(path) as file:
        pixels = {"y": np.arange(514) * 0.075, "x": np.arange(515) * 0.075}
        axes = {"temperature": 100 + np.arange(40.0), **pixels}
        plot = nxdata(file, "entry/data", "data", list(axes), data=heating(), **axes)
        units(plot, data="counts", temperature="K", y="mm", x="mm")
        file.attrs["default"] = "entry"
        file["entry"].attrs.update(NX_class="NXentry", default="data")
        file["entry/title"] = "Silver behenate while it is heated"
        write_curve(file)
        write_spectra(file)
        x, y = RANDOM.random((2, 1200)) * np.array([[8], [5]])
        plot = nxdata(file, "entry/map", "strain", ["x", "y"], x=x, y=y, strain=np.sin(x) * np.cos(y) * 1e-3)
        units(plot, x="mm", y="mm")
        plot.attrs.update(x_indices=0, y_indices=0)
        kind = [("time", "f8"), ("motor", "S8"), ("position", "f8")]
        motors = [b"samx", b"samy", b"rot"]
        file["entry/events"] = np.array([(12.5 * i, motors[i % 3], 0.25 * i) for i in range(12)], kind)
        file["entry/sample/description"] = "Silver behenate in a capillary, 1 mm"


def write_curve(file: Any) -> None:
    q = np.geomspace(0.005, 0.4, 160)
    intensity = 900 / (1 + (q / 0.02) ** 4) + 0.6 + 8 * np.exp(-(((q - 0.11) / 0.008) ** 2))
    errors = np.sqrt(intensity) * 0.12 + 0.05
    values = {"I": RANDOM.normal(intensity, errors), "I_errors": errors, "q": q}
    units(nxdata(file, "entry/small_angle", "I", ["q"], **values), I="1/cm", q="1/Å")


def write_spectra(file: Any) -> None:
    energy = np.linspace(2, 12, 600)
    lines = ((900, 6.4), (160, 7.06), (500, 8.04), (80, 3.7))
    mean = sum(height * np.exp(-(((energy - at) / 0.09) ** 2)) for height, at in lines)
    axes = {"y": np.arange(6.0), "x": np.arange(8.0), "energy": energy}
    counts = RANDOM.poisson(mean * RANDOM.random((6, 8, 1)) + 4)
    plot = nxdata(file, "entry/fluorescence", "counts", list(axes), counts=counts, **axes)
    units(plot, counts="counts", energy="keV", x="mm", y="mm")
    plot["counts"].attrs["interpretation"] = "spectrum"


def nxdata(file: Any, path: str, signal: str, axes: list[str], **arrays: Any) -> Any:
    group = file.create_group(path)
    group.attrs.update(NX_class="NXdata", signal=signal)
    group.attrs["axes"] = axes
    for name, values in arrays.items():
        group[name] = values
    return group


def units(group: Any, **named: str) -> None:
    for name, unit in named.items():
        group[name].attrs["units"] = unit


def edge(shift: float, whiteline: float) -> dict[str, np.ndarray]:
    energy = np.linspace(7000, 7300, 400)
    step = 0.5 + np.arctan((energy - 7112 - shift) / 2) / np.pi
    return {"energy": energy, "mu": step + whiteline * np.exp(-(((energy - 7124 - shift) / 5) ** 2))}


def spectra(folder: Path) -> dict[str, Path]:
    files = {}
    for name, (shift, whiteline) in {"foil": (0, 0.12), "oxide": (4.5, 0.5)}.items():
        files[name] = folder / f"{name}.h5"
        with create_file(files[name]) as f:
            units(nxdata(f, "entry/data", "mu", ["energy"], **edge(shift, whiteline)), energy="eV")
    return files


def pictures(folder: Path) -> dict[str, Callable[[], Any]]:
    stack, absorption = folder / "scan.nxs", spectra(folder)
    write_scan(stack)
    ring = Region("annulus", ((250.0, 260.0), (250.0, 345.0), (250.0, 355.0)))
    return {
        "curve": lambda: show(stack, path="/entry/small_angle", scale="log", x_scale="log"),
        "overlay": lambda: show(absorption["foil"], overlay={"oxide": absorption["oxide"]}, title="Iron K edge"),
        "stack": lambda: show(stack, scale="log", frame=12),
        "spectra": lambda: show(stack, path="/entry/fluorescence", frame=10),
        "scatter": lambda: show(stack, path="/entry/map"),
        "table": lambda: show(stack, path="/entry/events"),
        "text": lambda: show(stack, path="/entry/sample/description"),
        "region": lambda: show(stack, frame=12, colormap="magma", roi=ring),
        "profile": lambda: profile(show(stack, frame=12, scale="sqrt")),
        "image": lambda: show(interference(), title="Two sources", contours=4, colormap="cividis"),
        "tree": lambda: FileTree(stack),
    }


def profile(viewer: Viewer) -> Viewer:
    viewer._profile = {"kind": "line", "points": [[40.0, 60.0], [470.0, 480.0]], "width": 5}
    return viewer


def take(page: Page, name: str, make: Callable[[], Any]) -> None:
    def document() -> Document:
        return Document("docs", (make(),))

    with serving(document) as address:
        page.goto(address)
        part = page.locator(".panosc-tree" if name == "tree" else ".panosc-viewer").first
        part.wait_for(timeout=60_000)
        page.wait_for_timeout(1500)
        if name == "region":
            page.get_by_role("button", name="Histogram").click()
            page.get_by_role("button", name="Curve over the stack").click()
            page.wait_for_timeout(3000)
        if name == "tree":
            page.get_by_role("treeitem").first.focus()
            for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
                page.keyboard.press(key)
                page.wait_for_timeout(500)
        picture = Image.open(io.BytesIO(part.screenshot()))
        picture.convert("RGB").quantize(160).save(PICTURES / f"viewer-{name}.png", optimize=True)


def main() -> None:
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 860, "height": 1000}, color_scheme="light")
        for name, make in pictures(Path(folder)).items():
            if not wanted or name in wanted:
                take(page, name, make)
        browser.close()


if __name__ == "__main__":
    main()
