"""Who is compared: what a person types for each, where its picture is, and what moves it through the frames."""

from __future__ import annotations

from dataclasses import dataclass

IN_MEMORY = 20  # frames that plopp gets, which shows arrays in memory only; reading them is not counted


@dataclass(frozen=True)
class Peer:
    """One viewer.

    Attributes
    ----------
    name
        As the table calls it.
    before
        What is run before the clock starts; nothing of it is measured.
    cell
        What is typed to see the first frame.
    picture, slider
        Where its picture is, and what takes the arrow keys.
    caches
        Whether it promises to show frames that were shown before without asking for them again.
    frames
        How many frames it has, if not all; it is then moved to and fro.
    """

    name: str
    cell: str
    picture: str
    slider: str
    before: str = ""
    caches: bool = False
    frames: int | None = None


MATPLOTLIB = """
%matplotlib inline
import h5py, hdf5plugin, numpy as np, matplotlib.pyplot as plt
from ipywidgets import IntSlider, interact
stack = h5py.File("stack.nxs")["entry/data/data"]
@interact(frame=IntSlider(0, 0, len(stack) - 1))
def show(frame):
    image = stack[frame]
    plt.figure(figsize=(7, 7))
    plt.imshow(np.ma.masked_equal(image, 2**32 - 1), vmax=200)
    plt.colorbar()
    plt.show()
"""

IPYMPL = """
%matplotlib widget
import h5py, hdf5plugin, numpy as np, matplotlib.pyplot as plt
from ipywidgets import IntSlider, interact
stack = h5py.File("stack.nxs")["entry/data/data"]
figure, axes = plt.subplots(figsize=(7, 7))
image = axes.imshow(np.ma.masked_equal(stack[0], 2**32 - 1), vmax=200)
figure.colorbar(image)
@interact(frame=IntSlider(0, 0, len(stack) - 1))
def show(frame):
    image.set_data(np.ma.masked_equal(stack[frame], 2**32 - 1))
    figure.canvas.draw_idle()
"""

PLOPP_BEFORE = f"""
import h5py, hdf5plugin, numpy as np
values = h5py.File("stack.nxs")["entry/data/data"][:{IN_MEMORY}]
values = np.where(values == 2**32 - 1, 0, values).astype("f4")
"""

PLOPP = """
%matplotlib widget
import scipp as sc, plopp as pp
array = sc.DataArray(sc.array(dims=["frame", "y", "x"], values=values))
pp.slicer(array, keep=["y", "x"], mode="single")
"""

H5WEB = """
from jupyterlab_h5web import H5Web
H5Web("stack.nxs")
"""

OURS = """
import panosc_analysis as pan
pan.show("stack.nxs")
"""

IPYWIDGETS_SLIDER = ".jupyter-widgets .noUi-handle"

PEERS = (
    Peer("panosc-analysis", OURS, ".panosc-viewer canvas", ".panosc-viewer input[type=range]", caches=True),
    Peer("matplotlib inline", MATPLOTLIB, ".jp-OutputArea img", IPYWIDGETS_SLIDER),
    Peer("ipympl", IPYMPL, ".jupyter-matplotlib canvas", IPYWIDGETS_SLIDER),
    Peer("plopp", PLOPP, ".jupyter-matplotlib canvas", IPYWIDGETS_SLIDER, before=PLOPP_BEFORE, frames=IN_MEMORY),
    Peer("jupyterlab-h5web", H5WEB, ".jp-OutputArea canvas", "[class*=_sliders_] [role=slider]"),
)
