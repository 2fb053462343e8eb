"""Indexing a tree: what becomes a dataset, and what happens the second time."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from panosc_analysis.catalogue import build_index
from panosc_analysis.catalogue.querying import Catalogue
from panosc_analysis.catalogue.visibility import Viewer
from panosc_analysis.errors import CatalogueError
from panosc_analysis.filters import parse_filter

ALL = Viewer(time.time(), everything=True)
Make = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite"


def datasets(index: Path, **filter: Any) -> list[dict[str, Any]]:
    return Catalogue(index).find("Dataset", parse_filter({"order": "title", **filter}), ALL)


def titles(index: Path) -> list[str]:
    return [one["title"] for one in datasets(index)]


def files(index: Path, title: str) -> list[tuple[str, int | None]]:
    (found,) = datasets(index, where={"title": title}, include=["files"])
    return [(one["path"], one.get("size")) for one in found["files"]]


def data_file(root: Path, name: str) -> Path:
    path = root / name
    with h5py.File(path, "w") as file:
        file.create_group("entry").attrs["NX_class"] = "NXentry"
        file["entry/data/data"] = np.zeros((2, 3), "u2")
    return path


def link(path: Path, target: str, name: str = "data_000001") -> None:
    with h5py.File(path, "a") as file:
        file["entry/data"][name] = h5py.ExternalLink(target, "/entry/data/data")


def test_the_second_time_nothing_is_opened(root: Path, index: Path, make_file: Make, measured) -> None:
    paths = [make_file(f"{n}.h5", measured(f"scan {n}")) for n in range(3)]
    first = build_index(root, index)
    assert (first.added, first.updated, first.unchanged, first.removed, first.datasets) == (3, 0, 0, 0, 3)
    before = datasets(index, include=["files", "parameters"])
    version = index.stat().st_ino
    for path in paths:  # as large and as old as before, and no longer readable
        status = path.stat()
        path.write_bytes(b"\0" * status.st_size)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    second = build_index(root, index)
    assert (second.added, second.updated, second.unchanged, second.removed) == (0, 0, 3, 0)
    assert second.refused == ()
    assert datasets(index, include=["files", "parameters"]) == before
    assert index.stat().st_ino == version


def test_only_what_changed_is_read_again(root: Path, index: Path, make_file: Make, measured) -> None:
    for n in range(3):
        make_file(f"{n}.h5", measured(f"scan {n}"))
    build_index(root, index)
    make_file("1.h5", measured("scan 1, repeated"))
    (root / "2.h5").unlink()
    make_file("3.h5", measured("scan 3"))
    status = (root / "0.h5").stat()
    (root / "0.h5").write_bytes(b"\0" * status.st_size)
    os.utime(root / "0.h5", ns=(status.st_atime_ns, status.st_mtime_ns))
    told: list[tuple[int, int | None]] = []
    report = build_index(root, index, progress=lambda done, total, what="": told.append((done, total)))
    assert (report.added, report.updated, report.unchanged, report.removed) == (1, 1, 1, 1)
    assert titles(index) == ["scan 0", "scan 1, repeated", "scan 3"]
    assert told == [(1, 2), (2, 2)]


def test_an_index_brought_up_to_date_equals_a_new_one(root: Path, index: Path, make_file: Make, measured) -> None:
    for n in range(4):
        make_file(f"{n}.h5", measured(f"scan {n}", entry_identifier=f"10.5072/x/{n // 2}", experiment_identifier="p"))
    build_index(root, index)
    (root / "0.h5").unlink()
    make_file("2.h5", measured("scan 2", experiment_identifier="q"))
    data_file(root, "d.h5")
    link(make_file("5.h5", measured("scan 5")), "d.h5")
    build_index(root, index)
    other = index.with_name("new.sqlite")
    build_index(root, other)
    everything = {"include": ["files", "parameters", "samples", "techniques", "instrument", "documents"]}
    assert datasets(index, **everything) == datasets(other, **everything)
    documents = parse_filter({"include": ["datasets", "members"]})
    assert Catalogue(index).find("Document", documents, ALL) == Catalogue(other).find("Document", documents, ALL)


def test_a_master_and_its_data_files_are_one_dataset(root: Path, index: Path, make_file: Make, measured) -> None:
    master = make_file("m.h5", measured("stack"))
    for n in (1, 2):
        data_file(root, f"m_data_{n}.h5")
        link(master, f"m_data_{n}.h5", f"data_{n}")
    link(master, "m_data_3.h5", "data_3")
    report = build_index(root, index)
    assert (report.added, report.datasets, report.refused) == (3, 1, ())
    sizes = [(name, (root / name).stat().st_size) for name in ("m.h5", "m_data_1.h5", "m_data_2.h5")]
    assert files(index, "stack") == [*sizes, ("m_data_3.h5", None)]
    assert datasets(index)[0]["size"] == sum(size for _, size in sizes)
    data_file(root, "m_data_3.h5")
    assert build_index(root, index).datasets == 1
    assert files(index, "stack")[3] == ("m_data_3.h5", (root / "m_data_3.h5").stat().st_size)
    master.unlink()
    assert build_index(root, index).datasets == 3
    assert titles(index) == ["m_data_1.h5", "m_data_2.h5", "m_data_3.h5"]


def test_the_raw_file_behind_a_processed_one_stays_a_dataset(
    root: Path, index: Path, make_file: Make, measured
) -> None:
    make_file("raw.h5", measured("raw"))
    link(make_file("processed.h5", measured("processed")), "raw.h5")
    build_index(root, index)
    assert titles(index) == ["processed", "raw"]
    assert [path for path, _ in files(index, "processed")] == ["processed.h5"]


def test_files_that_name_each_other_are_one_dataset(root: Path, index: Path) -> None:
    link(data_file(root, "a.h5"), "b.h5")
    link(data_file(root, "b.h5"), "a.h5")
    build_index(root, index)
    assert titles(index) == ["a.h5"]
    assert [path for path, _ in files(index, "a.h5")] == ["a.h5", "b.h5"]


def test_a_file_of_links_to_datasets_is_none(root: Path, index: Path, make_file: Make, measured) -> None:
    make_file("raw.h5", measured("raw"))
    with h5py.File(root / "collection.h5", "w") as file:
        file["1.1"] = h5py.ExternalLink("raw.h5", "/entry")
    with h5py.File(root / "empty.h5", "w") as file:
        file.create_group("entry")
    report = build_index(root, index)
    assert report.datasets == 1
    reasons = {one.path: one.reason for one in report.refused}
    assert reasons == {"collection.h5": "it holds nothing but links to other files", "empty.h5": "it holds no data"}


def test_raw_frames_beside_a_master_belong_to_it(root: Path, index: Path, make_file: Make, measured) -> None:
    (root / "frames.raw").write_bytes(bytes(6))
    master = make_file("m.h5", measured("stack"))
    with h5py.File(master, "a") as file:
        file["entry/data"].create_dataset("raw", (6,), "u1", external=[("frames.raw", 0, 6)])
    report = build_index(root, index)
    assert report.refused == ()
    assert [path for path, _ in files(index, "stack")] == ["m.h5", "frames.raw"]


def test_links_that_leave_the_tree_are_not_listed(root: Path, index: Path, make_file: Make, measured) -> None:
    link(make_file("m.h5", measured("stack")), "/etc/passwd")
    link(root / "m.h5", "../../outside.h5", "data_2")
    build_index(root, index)
    assert [path for path, _ in files(index, "stack")] == ["m.h5"]


def test_what_cannot_be_read_is_listed_with_the_reason(root: Path, index: Path, make_file: Make, measured) -> None:
    path = make_file("cut.h5", measured())
    path.write_bytes(path.read_bytes()[:3000])
    os.utime(path, (1, 1))
    (root / "empty.h5").touch()
    (root / "strange.bin").write_bytes(b"\x01\x02 strange")
    (root / "notes.txt").write_text("sample upside down")
    (root / "out.h5").symlink_to("/etc/passwd")
    report = build_index(root, index)
    assert (report.added, report.datasets, report.passed_over) == (4, 0, ("notes.txt",))
    assert [one.path for one in report.refused] == ["cut.h5", "empty.h5", "out.h5", "strange.bin"]
    reasons = {one.path: one.reason for one in report.refused}
    assert "truncated" in reasons["cut.h5"]
    assert "0 bytes" in reasons["empty.h5"]
    assert "no HDF5 signature" in reasons["strange.bin"]
    assert str(root) not in "".join(reasons.values())
    assert build_index(root, index).refused == report.refused


def test_a_file_being_written_is_tried_again(root: Path, index: Path, make_file: Make, measured) -> None:
    path = make_file("a.h5", measured("later"))
    whole = path.read_bytes()
    path.write_bytes(whole[:3000])
    (refusal,) = build_index(root, index).refused
    assert "still being written" in refusal.reason
    path.write_bytes(whole)
    assert build_index(root, index).refused == ()
    assert titles(index) == ["later"]


def test_two_files_with_one_identifier_have_two(root: Path, index: Path, make_file: Make, measured) -> None:
    for name in ("b", "a"):
        make_file(f"{name}.h5", measured(name, entry_identifier="10.5072/x/1"))
    build_index(root, index)
    pids = {one["title"]: one["pid"] for one in datasets(index)}
    assert pids["a"] == "10.5072/x/1"
    assert pids["b"].startswith("local/")
    (root / "a.h5").unlink()
    build_index(root, index)
    assert [one["pid"] for one in datasets(index)] == ["10.5072/x/1"]


def test_the_facility_table_names_and_opens(root: Path, index: Path, make_file: Make, measured) -> None:
    make_file("hc-1/a.h5", measured("closed", experiment_identifier="open"))
    make_file("open/b.h5", measured("open"))
    make_file("c.h5", measured("nobody's"))
    table = {
        "facility": "Here",
        "proposals": [
            {"id": "HC-1", "title": "Secret", "directory": "hc-1", "release_date": "9999-12-31", "members": ["alice"]},
            {"id": "open", "title": "For all", "directory": "open", "public": True},
        ],
    }
    (root / "facility.json").write_text(json.dumps(table))
    report = build_index(root, index)
    assert (report.added, report.refused) == (3, ())
    catalogue, everything = Catalogue(index), parse_filter({"include": ["instrument", "documents"], "order": "title"})
    public = catalogue.find("Dataset", everything, Viewer(time.time()))
    assert [one["title"] for one in public] == ["open"]
    assert public[0]["instrument"] == {"pid": "here/id31", "name": "ID31", "facility": "Here"}
    assert public[0]["documents"][0]["title"] == "For all"
    member = catalogue.find("Dataset", everything, Viewer(time.time(), frozenset({"hc-1"})))
    assert [(one["title"], one["isPublic"]) for one in member] == [("closed", False), ("open", True)]
    people = {"relation": "members", "scope": {"include": ["person"]}}
    secret = parse_filter({"include": [people], "where": {"title": "Secret"}})
    (document,) = catalogue.find("Document", secret, ALL)
    assert document["pid"] == "proposal/hc-1"
    assert document["members"] == [{"role": "member", "person": {"fullName": "alice"}}]
    assert document["releaseDate"] == "9999-12-31T00:00:00.000Z"

    table["proposals"][0]["release_date"] = "2020-01-01"
    (root / "facility.json").write_text(json.dumps(table))
    report = build_index(root, index)
    assert (report.added, report.updated, report.unchanged) == (0, 0, 3)
    assert len(catalogue.find("Dataset", everything, Viewer(time.time()))) == 2


def test_public_opens_what_says_nothing(root: Path, index: Path, make_file: Make, measured) -> None:
    make_file("a.h5", measured("silent"))
    proposal = {"@NX_class": "NXcollection", "release_date": "9999-12-31"}
    make_file("b.h5", measured("embargoed", proposal=proposal))
    anybody = Viewer(time.time())
    for public, expected in ((None, []), (True, ["silent"]), (False, [])):
        report = build_index(root, index, public=public, facility="My group")
        assert [one["title"] for one in Catalogue(index).find("Dataset", parse_filter({}), anybody)] == expected
    assert report.unchanged == 2
    assert datasets(index, include=["instrument"])[0]["instrument"]["facility"] == "My group"


def test_a_broken_table_leaves_the_index_as_it_was(root: Path, index: Path, make_file: Make, measured) -> None:
    make_file("a.h5", measured("a"))
    build_index(root, index)
    content = index.read_bytes()
    (root / "facility.json").write_text("{")
    with pytest.raises(CatalogueError, match=r"facility\.json"):
        build_index(root, index)
    assert index.read_bytes() == content


def test_a_crash_leaves_the_index_as_it_was(root: Path, index: Path, make_file: Make, measured) -> None:
    make_file("a.h5", measured("a"))
    build_index(root, index)
    content = index.read_bytes()
    serving = Catalogue(index)
    make_file("b.h5", measured("b"))
    code = (
        "import os, sys; from pathlib import Path; from panosc_analysis.catalogue import build_index\n"
        "build_index(Path(sys.argv[1]), Path(sys.argv[2]), progress=lambda done, total, what='': os._exit(9))"
    )
    assert subprocess.run([sys.executable, "-c", code, root, index], check=False).returncode == 9
    assert index.read_bytes() == content
    assert serving.count("Dataset", parse_filter({}), ALL) == 1

    def stop(done: int, total: int | None, what: str = "") -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(root, index, progress=stop)
    assert index.read_bytes() == content
    assert build_index(root, index).added == 1
    assert serving.count("Dataset", parse_filter({}), ALL) == 2
    assert sorted(one.name for one in index.parent.iterdir() if one.name.endswith(".new")) == []


def test_one_process_at_a_time(root: Path, index: Path, make_file: Make, measured) -> None:
    make_file("a.h5", measured("a"))

    def again(done: int, total: int | None, what: str = "") -> None:
        with pytest.raises(CatalogueError, match="Another process"):
            build_index(root, index)

    assert build_index(root, index, progress=again).added == 1


def test_the_index_may_lie_in_the_tree_and_the_tree_may_move(root: Path, make_file: Make, measured) -> None:
    make_file("a.h5", measured("a"))
    build_index(root, root / "index.db")
    assert build_index(root, root / "index.db").unchanged == 1
    moved = shutil.move(root, root.with_name("with spaces, % and ?#"))
    report = build_index(Path(moved), Path(moved) / "index.db")
    assert (report.unchanged, report.added) == (1, 0)


def test_what_is_no_index_is_left_alone(root: Path, index: Path) -> None:
    index.write_text("my thesis")
    with pytest.raises(CatalogueError, match="not an index"):
        build_index(root, index)
    assert index.read_text() == "my thesis"
    with pytest.raises(CatalogueError, match="no directory"):
        build_index(root / "none", index)
    with pytest.raises(CatalogueError, match="There is no index"):
        Catalogue(root / "none.db")


def test_an_index_of_another_version_is_made_anew(root: Path, index: Path, make_file: Make, measured) -> None:
    make_file("a.h5", measured("a"))
    with sqlite3.connect(index) as older:
        older.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
        older.execute("INSERT INTO meta VALUES ('format', 'panosc-analysis catalogue 0')")
    older.close()
    with pytest.raises(CatalogueError, match="another version"):
        Catalogue(index)
    assert build_index(root, index).added == 1
    assert titles(index) == ["a"]


def test_the_policy_says_what_is_indexed_and_what_is_open(root: Path, index: Path) -> None:
    for name in ("closed", "open"):
        (root / name).mkdir()
        data_file(root, f"{name}/{name}.h5")
    policy = root.parent / "panosc.yaml"
    policy.write_text(
        "facility: F\nroots: {visitor: {path: data}, other: {path: other}}\nproposals:\n  list:\n"
        "    - {id: open, root: visitor, directory: open, public: true}\n"
        "    - {id: closed, root: visitor, directory: closed, members: [alice]}\n"
    )
    command = [sys.executable, "-m", "panosc_analysis", "catalogue", "index", "--index", str(index)]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *more], capture_output=True, text=True, check=False, timeout=120)

    assert "--root: visitor, other" in run("--policy", str(policy)).stderr
    done = run("--policy", str(policy), "--root", "visitor")
    assert done.returncode == 0, done.stderr
    assert titles(index) == ["closed.h5", "open.h5"]
    [seen] = Catalogue(index).find("Dataset", parse_filter({}), Viewer(time.time()))
    assert seen["title"] == "open.h5"
    policy.write_text("facility: F\n")
    refused = run("--policy", str(policy))
    assert refused.returncode == 1
    assert "'roots' is a required property" in refused.stderr
    assert "--policy" in run().stderr
