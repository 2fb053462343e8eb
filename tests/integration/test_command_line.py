"""The way of the data from the command line, over real files of other facilities."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from silx.io.nxdata import get_default

from hub_config.launcher import free_ports
from panosc_analysis.nexus import open_file
from panosc_analysis.output import read_record

pytestmark = pytest.mark.shared_data


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does, in a process of its own."""
    command = [sys.executable, "-m", "panosc_analysis", *arguments]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=300
    )


@dataclass(frozen=True)
class Served:
    """Real files, indexed and served."""

    files: Path
    index: Path
    url: str
    report: dict[str, object]

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command with this catalogue and these files as its surroundings."""
        return run(*arguments, PANOSC_PROVIDERS=f"real={self.url}", PANOSC_DATA_ROOTS=str(self.files))


@pytest.fixture(scope="module")
def served(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    index = tmp_path_factory.mktemp("catalogue") / "catalogue.sqlite"
    files = shared_data / "nexus"
    indexed = run("catalogue", "index", str(files), "--index", str(index), "--json")
    assert indexed.returncode == 0, indexed.stderr
    [port] = free_ports(1)
    command = [sys.executable, "-m", "panosc_analysis", "catalogue", "serve", "--index", str(index), "--all"]
    server = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                httpx.get(f"{url}/health", timeout=1)
                break
            except httpx.TransportError:
                assert server.poll() is None
                time.sleep(0.1)
        yield Served(files, index, f"{url}/api", json.loads(indexed.stdout))
    finally:
        server.terminate()
        server.communicate(timeout=20)


def test_what_could_not_be_indexed_is_listed_with_the_reason(served: Served) -> None:
    refused = served.report["refused"]
    assert isinstance(refused, list)
    assert all(row["reason"] and row["path"] for row in refused)
    assert served.report["added"]


@pytest.mark.parametrize(
    ("query", "file"),
    [
        (("--technique", "SAXS"), ".h5"),
        (("--technique", "ARPES"), "201805_WSe2_arpes.nxs"),
        (("MgB2",), "chopper.nxs"),
    ],
)
def test_a_real_dataset_is_found_by_what_it_is_and_shown(
    served: Served, tmp_path: Path, query: tuple[str, ...], file: str
) -> None:
    found = served("search", *query, "--json")
    assert found.returncode == 0, found.stderr
    [first, *_] = json.loads(found.stdout)["datasets"]
    located = served("locate", first["pid"])
    assert located.returncode == 0, located.stderr
    assert located.stdout.splitlines()[0].endswith(file)
    picture = tmp_path / "picture.png"
    shown = served("show", first["pid"], "--png", str(picture))
    assert shown.returncode == 0, shown.stderr
    assert "chosen by" in shown.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_real_detector_frame_is_reduced_and_saved_with_its_origin(served: Served, tmp_path: Path) -> None:
    pid = _pid(served, "S2p5min_00070_00001")
    output = tmp_path / "frame.nxs"
    done = served("reduce", pid, "-o", str(output), "--step", "statistics", "--quiet", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["arrays"]) >= {"sum", "mean", "max"}
    record = read_record(output)
    assert record.sources[0].pid == pid
    with open_file(served.files / "punx" / "S2p5min_00070_00001.h5") as file:
        frame = file["entry/data/data"][()].reshape(3262, 3108)
    with open_file(output) as file:
        total = np.asarray(file["entry/sum/sum"][()], dtype=np.float64)
        assert get_default(file) is not None
    dead = frame == np.iinfo(frame.dtype).max
    assert dead.any()
    np.testing.assert_array_equal(total.reshape(frame.shape)[~dead], frame[~dead])


def _pid(served: Served, name: str) -> str:
    everything = json.loads(served("search", "--limit", "200", "--json").stdout)["datasets"]
    for dataset in everything:
        located = served("locate", dataset["pid"])
        if name in located.stdout:
            return str(dataset["pid"])
    raise AssertionError(f"{name} is not in the catalogue")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("open-nothing",), "invalid choice"),
        (("show",), "required"),
        (("reduce", "x"), "required"),
        (("search", "--photon-energy", "a:b"), "write for example 8:12"),
    ],
)
def test_wrong_use_is_said_and_exits_with_2(arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert says in done.stderr


def test_errors_are_one_line_with_what_to_try(served: Served, tmp_path: Path) -> None:
    text = tmp_path / "notes.h5"
    text.write_text("not HDF5")
    output = tmp_path / "out.nxs"
    output.write_text("mine")
    frame = str(served.files / "punx" / "S2p5min_00070_00001.h5")
    attempts = [
        ("locate", "10.5072/nothing-like-this"),
        ("show", str(text)),
        ("show", str(tmp_path / "missing.h5")),
        ("show", frame, "--path", "/entry/nothing"),
        ("reduce", frame, "-o", str(output), "--quiet"),
        ("reduce", frame, "-o", str(tmp_path / "x.nxs"), "--step", "azimuthal", "--quiet"),
        ("reduce", frame, "-o", str(tmp_path / "x.nxs"), "--step", "magic", "--quiet"),
        ("search", "--technique", "no such technique at all"),
        ("search", "--provider", "http://127.0.0.1:9/api"),
        ("catalogue", "serve", "--index", str(tmp_path / "none.sqlite")),
        ("catalogue", "index", str(tmp_path / "none"), "--index", str(tmp_path / "i.sqlite")),
    ]
    for arguments in attempts:
        done = served(*arguments)
        assert done.returncode == 1, (arguments, done.stdout, done.stderr)
        said = [line for line in done.stderr.splitlines() if "Search API at" not in line]
        if arguments[0] != "search" or "--technique" in arguments:
            assert len(said) == 1, (arguments, done.stderr)
            assert said[0].startswith("panosc-analysis: ")
        assert "Traceback" not in done.stderr
    assert output.read_text() == "mine"


def test_every_command_has_help_with_an_example() -> None:
    for command in ("search", "locate", "show", "reduce", "demo-facility", "demo", "doctor"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert f"example: panosc-analysis {command}" in done.stdout


def test_the_doctor_finds_this_installation_well(tmp_path: Path) -> None:
    done = run("doctor", "--json", XDG_CONFIG_HOME=str(tmp_path))
    findings = {row["what"]: row for row in json.loads(done.stdout)}
    assert findings["filters"]["state"] == "ok"
    assert findings["nexus"]["state"] == "ok"
    assert done.returncode == (1 if any(row["state"] == "failed" for row in findings.values()) else 0)


def test_the_doctor_says_what_is_broken_and_how_to_mend_it(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('[[providers]]\nname="down"\nurl="http://127.0.0.1:9/api"\n[[roots]]\npath="/nonexistent"\n')
    done = run("doctor", "--json", PANOSC_SETTINGS=str(settings))
    assert done.returncode == 1
    broken = {row["what"]: row for row in json.loads(done.stdout) if row["state"] == "failed"}
    assert {"provider", "data"} <= set(broken)
    assert all(row["mend"] for row in broken.values())
