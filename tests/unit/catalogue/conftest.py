"""Small real files and trees for the catalogue's tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

Maker = Callable[..., Path]


def put(group: h5py.Group, fields: Mapping[str, Any]) -> None:
    """Write nested fields: a mapping makes a group, ``@name`` an attribute, a pair (value, unit) a dataset."""
    for name, value in fields.items():
        if name.startswith("@"):
            group.attrs[name[1:]] = value
        elif isinstance(value, Mapping):
            put(group.create_group(name), value)
        elif isinstance(value, tuple):
            group[name] = value[0]
            group[name].attrs["units"] = value[1]
        else:
            group[name] = value


@pytest.fixture
def make_file(tmp_path: Path) -> Maker:
    """Write an HDF5 file below ``tmp_path / "data"`` from nested fields."""

    def make(name: str, fields: Mapping[str, Any]) -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            put(file, fields)
        return path

    return make


def measurement(title: str = "LaB6 at 300 K", **more: Any) -> dict[str, Any]:
    """Fields of a file as a careful beamline writes it; `more` goes into the entry."""
    entry = {
        "@NX_class": "NXentry",
        "title": title,
        "definition": "NXmonopd",
        "start_time": "2026-05-12T09:14:03+02:00",
        "end_time": "2026-05-12T09:14:13+02:00",
        "instrument": {
            "@NX_class": "NXinstrument",
            "name": "ID31",
            "source": {"@NX_class": "NXsource", "name": "ESRF", "type": "Synchrotron X-ray Source", "probe": "x-ray"},
            "beam": {"@NX_class": "NXbeam", "incident_energy": (40.0, "keV")},
        },
        "sample": {
            "@NX_class": "NXsample",
            "name": "LaB6",
            "chemical_formula": "La B6",
            "temperature": (300.0, "K"),
        },
        "data": {"@NX_class": "NXdata", "@signal": "data", "data": np.arange(6.0)},
    }
    return {"@default": "entry", "entry": entry | more}


@pytest.fixture
def measured() -> Callable[..., dict[str, Any]]:
    """Give the fields of one measurement."""
    return measurement
