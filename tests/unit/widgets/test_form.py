"""Forms for the parameters of steps, made from their declarations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import panosc_analysis as pan
from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction import STEPS
from panosc_analysis.widgets import StepForm

VALUES = np.random.default_rng(0).poisson(5, (20, 6, 9)).astype("u2")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as made:
        made.create_group("entry/data").attrs.update({"NX_class": "NXdata", "signal": "data"})
        made["entry"].attrs["NX_class"] = "NXentry"
        made["entry/data"].create_dataset("data", data=VALUES, chunks=(1, 6, 9), compression="gzip")
    return path


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_a_form_whose_defaults_are_right(step: str) -> None:
    form = StepForm(step, lambda _: None, lambda values, _: repr(values))
    assert [field["name"] for field in form.fields] == [p.name for p in STEPS[step].parameters]
    assert form.values == {}
    for field in form.fields:
        assert field["label"]
        form.fill(field["name"], field["default"])
    assert not form.errors
    assert form.values == {}


def test_what_is_wrong_is_said_beside_the_field(file: Path) -> None:
    shown = pan.form("azimuthal", file)
    form = shown.form
    form.fill("npt", "many")
    assert form.errors == {"npt": "Use a whole number from 1 up to 1000000."}
    assert form.code == ""
    form.run()
    assert shown.running is None
    form.fill("npt", "50")
    form.fill("radial_min", "3")
    assert not form.errors
    assert "Give a low end below the high one" in form.problem
    form.fill("radial_min", "")
    assert form.is_right
    assert form.values == {"npt": 50}
    with pytest.raises(ReductionError, match="no step 'magic'"):
        pan.form("magic", file)
    with pytest.raises(ReductionError, match="whole number"):
        pan.form("rebin", file, frames="x")


@pytest.mark.parametrize("follow", [False, True])
def test_the_form_and_its_code_give_the_same(file: Path, follow: bool) -> None:
    shown = pan.form("rebin", file, rows=2)
    shown.form.fill("frames", "5")
    shown.form.follow = follow
    code = re.sub(
        r"\.follow\((.*)\)\.wait", r".follow(\1, patience=0.5).wait", shown.code.replace("result.show()\n", "")
    )
    assert f"data = pan.open({str(file)!r})" in code
    if not follow:
        shown.form.run()
        assert shown.form.running
        found = shown.running.wait(120)
        assert found.reduction.record.steps[0].parameters == {"frames": 5, "rows": 2, "columns": 1}
        assert shown.result is not None
    said: dict[str, Any] = {}
    exec(code, said)
    expected = np.add.reduceat(VALUES.astype("i8").reshape(4, 5, 6, 9).sum(axis=1), range(0, 6, 2), axis=1)
    np.testing.assert_array_equal(said["result"]["binned"].values, expected)
    if not follow:
        np.testing.assert_array_equal(found["binned"].values, expected)
        assert not shown.form.running
