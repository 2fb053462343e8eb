"""From a record to files: every way that facilities write paths, and a reason for every file that is not here."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from panosc_analysis.errors import FileNotHere, NotYours, OutsideRoots
from panosc_analysis.locate import locate
from panosc_analysis.model import Dataset, Document, File, Member, Person
from panosc_analysis.settings import DataRoot, Settings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "hc-1/id31/raw").mkdir(parents=True)
    for name in ("scan.nxs", "scan_data_000001.h5", "scan_master.h5", "notes.txt"):
        (folder / "hc-1/id31/raw" / name).touch()
    return folder


def record(*files: tuple[str, str | None], **more) -> Dataset:
    return Dataset(pid="10.5072/x", provider="demo", files=tuple(File(str(i), *f) for i, f in enumerate(files)), **more)


def settings(*roots: DataRoot | Path) -> Settings:
    return Settings(roots=tuple(r if isinstance(r, DataRoot) else DataRoot(r) for r in roots))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("scan.nxs", "hc-1/id31/raw"),
        ("scan.nxs", "hc-1/id31/raw/"),
        ("scan.nxs", "hc-1/id31/raw/scan.nxs"),
        ("raw/scan.nxs", "hc-1/id31"),
        ("raw/scan.nxs", "hc-1/id31/raw/scan.nxs"),
        ("hc-1/id31/raw/scan.nxs", None),
        ("Scan 1", "hc-1/id31/raw/scan.nxs"),
        ("scan.nxs", "/hc-1/id31/raw"),
    ],
)
def test_every_reading_of_path_and_name(root, name, path):
    located = locate(record((name, path)), settings(root))
    assert located.paths == (root / "hc-1/id31/raw/scan.nxs",)
    assert located.missing == ()


@pytest.mark.parametrize("prefix", ["/gpfs/facility", "/gpfs/facility/"])
def test_prefix_is_cut(root, prefix):
    dataset = record(("scan.nxs", "/gpfs/facility/hc-1/id31/raw"))
    assert locate(dataset, settings(DataRoot(root, prefix=prefix))).paths
    assert not locate(
        record(("scan.nxs", "/gpfs/facility2/hc-1/id31/raw")), settings(DataRoot(root, prefix=prefix))
    ).paths


def test_absolute_path_that_is_the_mount(root):
    assert locate(record(("scan.nxs", str(root / "hc-1/id31/raw"))), settings(root)).paths


def test_roots_of_other_providers_are_left_out_and_the_others_tried_in_order(root, tmp_path):
    dataset = record(("scan.nxs", "hc-1/id31/raw"))
    second = DataRoot(root, provider="demo")
    assert locate(dataset, settings(tmp_path / "empty", second)).main == root / "hc-1/id31/raw/scan.nxs"
    located = locate(dataset, settings(DataRoot(root, provider="other")))
    with pytest.raises(FileNotHere, match="no data directory"):
        located.require()


def test_file_to_open_comes_first(root):
    names = ("notes.txt", "scan_data_000001.h5", "scan_master.h5", "scan.nxs", "gone.nxs")
    located = locate(record(*((name, "hc-1/id31/raw") for name in names)), settings(root))
    assert [p.name for p in located.paths] == ["scan_master.h5", "scan_data_000001.h5", "scan.nxs", "notes.txt"]
    assert located.main.name == "scan_master.h5"
    assert [m.file.name for m in located.missing] == ["gone.nxs"]
    assert located.require() is located


def test_not_here(root):
    located = locate(record(("gone.nxs", "hc-1/id31/raw")), settings(root))
    (missing,) = located.missing
    assert type(missing.error) is FileNotHere
    assert "listed by demo and not on this machine" in str(missing.error)
    with pytest.raises(FileNotHere) as caught:
        _ = located.main
    assert caught.value is missing.error


def test_data_directory_that_is_not_there(tmp_path):
    with pytest.raises(FileNotHere, match="is not there"):
        locate(record(("a.nxs", "x")), settings(tmp_path / "gone")).require()


def test_record_without_files(root):
    with pytest.raises(FileNotHere, match="lists no files"):
        locate(record(), settings(root)).require()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("passwd", "/etc"),
        ("passwd", "../../../../../../etc"),
        ("../../secret.nxs", "hc-1"),
        ("secret.nxs", "%2e%2e"),
        ("secret.nxs", "..%2f"),
        ("secret.nxs", "....//"),
        ("secret.nxs", "file:///etc"),
        ("secret.nxs", "~root"),
        ("secret.nxs\0", "hc-1"),
        ("", None),
        ("secret.nxs", "hc-1/out"),
        ("raw", "hc-1/id31"),
        ("pipe.nxs", "hc-1"),
    ],
)
def test_nothing_outside_and_nothing_but_files(root, tmp_path, name, path):
    (tmp_path / "secret.nxs").touch()
    (root / "hc-1" / "out").symlink_to(tmp_path)
    os.mkfifo(root / "hc-1" / "pipe.nxs")
    located = locate(record((name, path), is_public=True), settings(root))
    assert located.files == ()
    assert isinstance(located.missing[0].error, FileNotHere | OutsideRoots)


def test_link_that_leaves_is_named(root, tmp_path):
    (tmp_path / "secret.nxs").touch()
    (root / "hc-1" / "link.nxs").symlink_to(tmp_path / "secret.nxs")
    with pytest.raises(OutsideRoots):
        locate(record(("link.nxs", "hc-1")), settings(root)).require()


def test_proposal_that_is_not_mounted(root):
    proposal = Document(
        pid="10.5072/hc-2",
        type="Proposal",
        title="Zeolites",
        release_date=datetime(2029, 3, 1, tzinfo=UTC),
        members=(Member(person=Person("Alice A.")),),
    )
    dataset = record(("scan.nxs", "hc-2/id31"), is_public=False, documents=(proposal,))
    with pytest.raises(NotYours) as caught:
        locate(dataset, settings(root)).require()
    for words in ("hc-2", "Zeolites", "2029-03-01", "Alice A."):
        assert words in str(caught.value)
    assert caught.value.proposal == "hc-2"


def test_public_data_that_are_not_mounted_are_just_not_here(root):
    with pytest.raises(FileNotHere):
        locate(record(("scan.nxs", "hc-2/id31"), is_public=True), settings(root)).require()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("closed", ["hc-1", "hc-1/id31/raw/scan.nxs"])
def test_no_permission(root, closed):
    (root / closed).chmod(0)
    try:
        with pytest.raises(NotYours, match="permissions"):
            locate(record(("scan.nxs", "hc-1/id31/raw"), is_public=False), settings(root)).require()
    finally:
        (root / closed).chmod(0o755)


def test_no_right_says_more_than_absence(root, tmp_path):
    (tmp_path / "other").mkdir()
    dataset = record(("scan.nxs", "hc-2/id31"), is_public=False)
    with pytest.raises(NotYours):
        locate(dataset, settings(tmp_path / "gone", root)).require()


def test_importing_is_light():
    code = "import sys, panosc_analysis.locate; sys.exit(any(m in sys.modules for m in ('h5py', 'numpy', 'silx')))"
    subprocess.run([sys.executable, "-c", code], check=True)
