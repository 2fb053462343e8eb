"""Which files of a tree are looked at."""

from __future__ import annotations

import os
from pathlib import Path

from panosc_analysis.catalogue.walking import FoundFile, Refusal, files_below


def test_regular_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/2.h5", "b/1.h5", "a.h5", ".hidden", ".git/x.h5", "facility.json", "b/facility.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("12")
    os.mkfifo(tmp_path / "pipe")
    found = list(files_below(tmp_path, frozenset({os.path.realpath(tmp_path / "a.h5")})))
    assert [one.path for one in found] == ["b/1.h5", "b/2.h5", "b/facility.json"]
    first = found[0]
    assert isinstance(first, FoundFile)
    assert (first.size, first.mtime_ns) == (2, (tmp_path / "b/1.h5").stat().st_mtime_ns)


def test_links_inside_are_passed_over_and_links_out_are_refused(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "root-2"
    (root / "real").mkdir(parents=True)
    other.mkdir()
    (other / "secret.h5").touch()
    (root / "real/a.h5").touch()
    (root / "again").symlink_to(root / "real")
    (root / "round").symlink_to(root)
    (root / "out").symlink_to(other)
    (root / "out.h5").symlink_to(other / "secret.h5")
    (tmp_path / "door").symlink_to(root)
    found = {one.path: one for one in files_below(tmp_path / "door")}
    assert sorted(found) == ["out", "out.h5", "real/a.h5"]
    assert all(isinstance(found[name], Refusal) for name in ("out", "out.h5"))


def test_names_that_are_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"a\xff.h5")).touch()
    (found,) = files_below(tmp_path)
    assert isinstance(found, Refusal)
    found.path.encode("utf-8")
