"""The tree as a whole: the same every time, complete or not there, read-only."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from datetime import date
from pathlib import Path

import pytest

from panosc_analysis.demo import PROPOSALS, make_facility
from panosc_analysis.errors import PanoscError, SaveError


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_same_seed_gives_the_same_bytes_and_another_seed_other_counts(facility, tmp_path):
    again = make_facility(tmp_path / "elsewhere" / "again", size="tiny")
    other = make_facility(tmp_path / "other", size="tiny", seed=7)
    assert digests(again.directory) == digests(facility.directory)
    frames = "hc-5001/ID31/20260512/RAW_DATA/LaB6_300K_0002_data_000001.h5"
    assert digests(other.directory)[frames] != digests(facility.directory)[frames]


def test_tree_is_that_of_a_facility(facility):
    folders = {str(p.relative_to(facility.directory)) for p in facility.directory.glob("*/*/*/*")}
    days = ["hc-5001/ID31/20260512", "ma-6203/BM18/20260519", "ma-6203/ID21/20260521", "es-1402/BM23/20260526"]
    days += ["open/TOFDIFF/20210914", "open/ID02/20210921"]
    assert folders == {f"{day}/{kind}" for day in days for kind in ("RAW_DATA", "PROCESSED_DATA")}


def test_table_of_proposals_lies_at_the_root(facility):
    table = json.loads((facility.directory / "facility.json").read_text())
    assert table["facility"] == facility.name
    assert [row["id"] for row in table["proposals"]] == [proposal.id for proposal in PROPOSALS]
    members = {row["id"]: row["members"] for row in table["proposals"]}
    assert members["hc-5001"] == ["alice"]
    assert members["ma-6203"] == ["bob"]
    assert members["es-1402"] == ["alice", "bob"]
    for row in table["proposals"]:
        assert (facility.directory / row["directory"]).is_dir()
        assert row["public"] == (date.fromisoformat(row["release_date"]) < date(2026, 1, 1))


def test_files_are_read_only_and_counted(facility):
    paths = [p for p in facility.directory.rglob("*") if p.is_file()]
    assert {stat.S_IMODE(p.stat().st_mode) for p in paths} == {0o444}
    assert {stat.S_IMODE(p.stat().st_mode) for p in facility.directory.rglob("*") if p.is_dir()} == {0o755}
    assert facility.files == len(paths)
    assert facility.size == sum(p.stat().st_size for p in paths)


def test_directory_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(SaveError, match="not empty") as caught:
        make_facility(tmp_path, size="tiny")
    assert "new directory" in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_empty_directory_is_used(tmp_path):
    empty = tmp_path / "with spaces"
    empty.mkdir()
    assert make_facility(empty, size="tiny").directory == empty
    assert (empty / "facility.json").is_file()


def test_progress_rises_to_the_total(tmp_path):
    seen: list[tuple[int, int, str]] = []
    make_facility(tmp_path / "f", size="tiny", progress=lambda *step: seen.append(step))
    done = [step[0] for step in seen]
    assert done == sorted(done)
    assert {step[1] for step in seen} == {done[-1]}
    assert "LaB6 660c in 0.5 mm capillary, 300 K, 40 keV" in {step[2] for step in seen}


def test_interrupted_making_leaves_nothing(tmp_path):
    def interrupt(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_facility(tmp_path / "f", size="tiny", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_remains_of_a_killed_process_are_replaced(tmp_path):
    remains = tmp_path / "f.partial"
    (remains / "hc-5001").mkdir(parents=True)
    (remains / "hc-5001" / "half.h5").write_bytes(b"half")
    (remains / ".unfinished").touch()
    made = make_facility(tmp_path / "f", size="tiny")
    assert not remains.exists()
    assert not list(made.directory.rglob("half.h5"))
    assert not list(made.directory.rglob(".unfinished"))


def test_directory_that_another_process_writes_is_not_touched(tmp_path):
    partial = tmp_path / "f.partial"
    partial.mkdir()
    (partial / "half.h5").touch()
    descriptor = os.open(partial / ".unfinished", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(SaveError, match="another process"):
            make_facility(tmp_path / "f", size="tiny")
    finally:
        os.close(descriptor)
    assert (partial / "half.h5").exists()


def test_foreign_directory_of_that_name_is_not_touched(tmp_path):
    partial = tmp_path / "f.partial"
    partial.mkdir()
    (partial / "thesis.tex").touch()
    with pytest.raises(SaveError, match="not an unfinished facility"):
        make_facility(tmp_path / "f", size="tiny")
    assert [p.name for p in partial.iterdir()] == ["thesis.tex"]


def test_unwritable_place_is_a_save_error(tmp_path):
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(SaveError, match="cannot be written"):
        make_facility(tmp_path / "file" / "f", size="tiny")


@pytest.mark.parametrize(("size", "seed", "said"), [("huge", 0, "size 'huge'"), ("tiny", -1, "negative")])
def test_what_cannot_be_made_is_said(tmp_path, size, seed, said):
    with pytest.raises(PanoscError, match=said):
        make_facility(tmp_path / "f", size=size, seed=seed)
    assert list(tmp_path.iterdir()) == []
