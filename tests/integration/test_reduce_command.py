"""``panosc-analysis reduce``: any step with its parameters, one dataset or a list of them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

from panosc_analysis.cli import main
from panosc_analysis.output import read_record


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = []
    for number in range(3):
        path = tmp_path / f"run{number}.nxs"
        with h5py.File(path, "w") as file:
            file.create_group("entry/data").attrs.update({"NX_class": "NXdata", "signal": "data"})
            file["entry"].attrs["NX_class"] = "NXentry"
            file["entry/data/data"] = np.random.default_rng(number).poisson(5, (4, 20, 30)).astype("u2")
        found.append(path)
    return found


def test_a_step_with_parameters(files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "spot.nxs"
    options = ["--quiet", "--json", "--step", "roi", "--set", "regions=spot=2:4, 3:9"]
    assert main(["reduce", str(files[0]), "-o", str(output), *options]) == 0
    assert json.loads(capsys.readouterr().out)["arrays"]["roi_sum"]["shape"] == [4, 1]
    assert read_record(output).steps[0].parameters == {"regions": "spot=2:4, 3:9", "monitor": None}
    with h5py.File(files[0]) as data, h5py.File(output) as result:
        expected = data["entry/data/data"][:, 2:4, 3:9].sum(axis=(1, 2), dtype="i8")
        assert result["entry/roi_sum/roi_sum"][:, 0].tolist() == expected.tolist()


def test_a_list_of_datasets_of_which_one_fails(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed, directory = tmp_path / "list.txt", tmp_path / "results"
    files[1].write_bytes(b"nothing")
    listed.write_text(f"# runs\n{files[1]}\n{files[2]}\n")
    options = ["--quiet", "--step", "rebin", "--set", "frames=2"]
    assert main(["reduce", str(files[0]), "--from", str(listed), "-o", str(directory), *options]) == 1
    said = capsys.readouterr()
    assert "2 of 3 reduced" in said.out
    assert str(files[1]) in said.err
    assert sorted(path.name for path in directory.iterdir()) == ["run0_rebin.nxs", "run2_rebin.nxs"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--step", "rebin", "--set", "frames=many"], "whole number"),
        (["--step", "rebin", "--set", "npt=3"], "has a parameter 'npt'"),
        (["--step", "rebin", "--set", "frames"], "NAME=VALUE"),
        (["--npt", "x"], "whole number"),
        (["--step", "magic"], "Use one of statistics"),
        (["--from", "/no/such/list"], "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert main(["reduce", str(files[0]), "-o", str(tmp_path / "x.nxs"), "--quiet", *options]) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "x.nxs").exists()


def test_the_steps_are_listed_with_their_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["reduce", "--steps"])
    assert ended.value.code == 0
    listed = capsys.readouterr().out
    assert "azimuthal" in listed
    assert "row1 [pixel]" in listed


WRITER = Path(__file__).parents[1] / "unit/reduction/writing.py"


def write(path: Path, *orders: object, **options: object) -> subprocess.Popen[str]:
    """Start a program that writes a stack, and give it orders; its standard input stays open."""
    asked = {"mode": "swmr", "count": 60, "dtype": "u2", "codec": "gzip", "per_chunk": 1, "presized": False} | options
    writer = subprocess.Popen(
        [sys.executable, str(WRITER), str(path), json.dumps(asked)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdin
    assert writer.stdout
    writer.stdout.readline()
    for order in orders:
        writer.stdin.write(f"{json.dumps(order)}\n")
        writer.stdin.flush()
        writer.stdout.readline()
    return writer


def test_a_file_that_is_written_is_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command begins before there is a file, and ends when its writer has closed it."""
    path, output, writers = tmp_path / "live.h5", tmp_path / "mean.nxs", list[subprocess.Popen[str]]()
    timer = threading.Timer(0.5, lambda: writers.append(write(path, 20, 25, "close")))
    timer.start()
    options = ["--follow", "--json", "--step", "statistics", "--patience", "60"]
    assert main(["reduce", str(path), "-o", str(output), *options]) == 0
    timer.join()
    writers[0].communicate(timeout=60)
    said = capsys.readouterr()
    assert json.loads(said.out)["partial"] is False
    assert "45/45 frames" in said.err
    with h5py.File(path) as data, h5py.File(output) as result:
        assert result["entry/sum/sum"][()].tolist() == data["entry/data/data"][()].sum(axis=0, dtype="u8").tolist()
