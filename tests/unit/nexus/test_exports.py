"""The room's door: every name is there, and opening the door costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from panosc_analysis import nexus


def test_every_exported_name_is_there():
    for name in nexus.__all__:
        assert getattr(nexus, name) is not None
    assert dir(nexus) == nexus.__all__
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = nexus.no_such_name


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import panosc_analysis.nexus", ("h5py", "numpy", "silx")),
        ("from panosc_analysis.nexus import *", ("dask", "ipywidgets", "matplotlib", "PySide6", "PyQt5")),
    ],
)
def test_import_is_light(statement, forbidden):
    code = (
        f"import sys\n{statement}\nloaded = [m for m in {forbidden!r} if m in sys.modules]\nassert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
