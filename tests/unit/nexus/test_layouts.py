"""Files of other facilities: each layout gives what a person expects, and no file makes anything raise."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from panosc_analysis.errors import NothingToPlot, SourceMissing
from panosc_analysis.nexus import default_plot, read_tree
from panosc_analysis.widgets.export import picture_file
from panosc_analysis.widgets.sources import content_of
from panosc_analysis.widgets.viewer import Viewer
from tests.unit.nexus.layouts import LAYOUTS, ODD

QUESTION = {"kind": "frame", "frame": 0, "rows": 100, "columns": 100, "view": "1", "id": 1}

EMPTY = {"null", "named type", "times of HDF5", "no frames yet", "nothing", "empty groups", "signal is a group"}
EMPTY |= {"circle of links", "names of other alphabets"}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_of_a_facility(name: str, tmp_path: Path) -> None:
    make, expected = LAYOUTS[name]
    path = make(tmp_path)
    plot = default_plot(path)
    found = (plot.rule, plot.kind, plot.signal.path, [axis and axis.name for axis in plot.axes])
    assert found == expected
    assert plot.signal[(0,) * (plot.signal.ndim - 1)].numpy().size > 0
    assert Viewer(content_of(path)).answer(QUESTION)[0]["kind"] != "error"


@pytest.mark.parametrize("name", ODD)
def test_no_file_that_opens_makes_anything_raise(name: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        ODD[name](file)
    if name in EMPTY:
        with pytest.raises((NothingToPlot, SourceMissing)):
            default_plot(path)
    else:
        assert default_plot(path).signal.size > 0
    read_tree(path, depth=4)
    content = content_of(path)
    if content.kind in ("image", "curve", "scatter", "rgb", "table"):
        assert Viewer(content).answer(QUESTION)[0]["kind"] != "error"
    else:
        assert content.text
    if not name.startswith(("long", "large")):
        assert picture_file(content, "png", dpi=40)[0].startswith(b"\x89PNG")
