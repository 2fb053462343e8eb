"""Files that end, or never end, the process that reads them: it is given up, the others are read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import psutil
import pytest

from panosc_analysis.catalogue import build_index
from panosc_analysis.catalogue.querying import Catalogue
from panosc_analysis.catalogue.visibility import Viewer
from panosc_analysis.filters import parse_filter

ALL = Viewer(time.time(), everything=True)


def reading_now(path: Path, wanted: int | None = None) -> psutil.Process | None:
    """The process below this one (or below `wanted`) that has a file open."""
    for process in psutil.Process(wanted).children(recursive=True):
        try:
            if any(one.path == str(path) for one in process.open_files()):
                return process
        except psutil.Error:
            continue
    return None


@pytest.fixture
def slow(tmp_path: Path, make_file: Any, measured: Any) -> Path:
    """A tree with one file that takes a while among others."""
    for number in range(3):
        make_file(f"{number}.h5", measured(f"scan {number}"))
    path = make_file("1-slow.h5", measured("slow"))
    with h5py.File(path, "a", libver="latest") as file:
        group = file.create_group("entry/many")
        for number in range(20_000):
            group.create_group(str(number))
    return path


@contextmanager
def whoever_reads(path: Path, gets: signal.Signals) -> Iterator[set[int]]:
    """Send a signal to every process that opens a file; gives their numbers."""
    met: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            process = reading_now(path)
            if process is not None and process.pid not in met:
                met.add(process.pid)
                process.send_signal(gets)

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield met
    done.set()
    watcher.join()


def test_a_file_that_kills_its_reader_is_listed(tmp_path: Path, slow: Path) -> None:
    with whoever_reads(slow, signal.SIGSEGV) as met:
        report = build_index(tmp_path / "data", tmp_path / "index.db")
    assert len(met) == 2  # once among others, once alone
    (refusal,) = report.refused
    assert refusal.path == "1-slow.h5"
    assert "ended the reading process (signal 11)" in refusal.reason
    assert report.datasets == 3
    found = Catalogue(tmp_path / "index.db").find("Dataset", parse_filter({"order": "title"}), ALL)
    assert [one["title"] for one in found] == ["scan 0", "scan 1", "scan 2"]


def test_a_file_that_takes_for_ever_is_listed(tmp_path: Path, slow: Path) -> None:
    with whoever_reads(slow, signal.SIGSTOP) as met:  # as on a file system that does not answer
        report = build_index(tmp_path / "data", tmp_path / "index.db", patience=3)
    assert len(met) == 2
    assert [(one.path, "longer than 3 seconds" in one.reason) for one in report.refused] == [("1-slow.h5", True)]
    assert report.datasets == 3
    # Nothing about it changed, so it is not tried again.
    assert build_index(tmp_path / "data", tmp_path / "index.db").unchanged == 4


def test_an_indexing_process_that_is_killed_leaves_the_old_index_serving(tmp_path: Path, slow: Path) -> None:
    index = tmp_path / "index.db"
    build_index(tmp_path / "data", index)
    serving, content = Catalogue(index), index.read_bytes()
    os.utime(slow)
    command = [sys.executable, "-m", "panosc_analysis", "catalogue", "index", str(slow.parent), "--index", str(index)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while reading_now(slow, process.pid) is None:
        assert process.poll() is None
        time.sleep(0.002)
    while not index.with_name(".index.db.new").exists():  # half made
        time.sleep(0.002)
    process.kill()
    process.wait(timeout=30)
    assert index.read_bytes() == content
    assert serving.count("Dataset", parse_filter({}), ALL) == 4
    report = build_index(slow.parent, index)
    assert (report.updated, report.unchanged) == (1, 3)
    assert not index.with_name(".index.db.new").exists()
    assert serving.count("Dataset", parse_filter({}), ALL) == 4


def test_only_the_named_places_are_looked_at(tmp_path: Path, make_file: Any, measured: Any) -> None:
    for name in ("a/1.h5", "a/2.h5", "b/1.h5", "ab/1.h5"):
        make_file(name, measured(name))
    root, index = tmp_path / "data", tmp_path / "index.db"
    assert build_index(root, index, only=[root / "a"]).added == 2
    (root / "a/1.h5").unlink()
    (root / "ab/1.h5").unlink()
    report = build_index(root, index, only=[root / "a", root / "b/1.h5"])
    assert (report.added, report.removed, report.unchanged, report.datasets) == (1, 1, 1, 2)
    make_file("ab/1.h5", measured("ab"))
    assert build_index(root, index).datasets == 3
    (root / "ab/1.h5").unlink()
    assert build_index(root, index, only=[root / "a"]).datasets == 3  # what is elsewhere stays as it was
    with pytest.raises(ValueError, match="not below"):
        build_index(root, index, only=[tmp_path])


@pytest.mark.parametrize("is_file", [True, False])
def test_a_program_need_not_guard_its_main_part(tmp_path: Path, make_file: Any, measured: Any, is_file: bool) -> None:
    make_file("1.h5", measured("one"))
    code = "import sys; from panosc_analysis.catalogue import build_index\nprint(build_index(*sys.argv[1:]).datasets)"
    program = tmp_path / "program.py"
    program.write_text(code)
    done = subprocess.run(
        [sys.executable, program if is_file else "-", tmp_path / "data", tmp_path / "index.db"],
        input=code, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["1"]
    assert done.stderr == ""
