"""What a session sees of the data, proven from inside a process started as a session is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub_config.spawning.session import can_mount, writable_mounts

WRITE_ATTACKS = """
import json, os, shutil, subprocess, sys
data, first = sys.argv[1], sys.argv[1] + "/p1"
def attempts():
    yield "create", lambda: open(first + "/new", "w")
    yield "overwrite", lambda: open(first + "/a.txt", "w")
    yield "append", lambda: open(first + "/a.txt", "a")
    yield "truncate", lambda: os.truncate(first + "/a.txt", 0)
    yield "delete", lambda: os.unlink(first + "/a.txt")
    yield "rename", lambda: os.rename(first + "/a.txt", first + "/b.txt")
    yield "mkdir", lambda: os.mkdir(first + "/d")
    yield "rmdir", lambda: os.rmdir(first + "/empty")
    yield "chmod", lambda: os.chmod(first + "/a.txt", 0o777)
    yield "chown", lambda: os.chown(first + "/a.txt", os.getuid(), os.getgid())
    yield "times", lambda: os.utime(first + "/a.txt", (1, 1))
    yield "symlink", lambda: os.symlink("/etc", first + "/link")
    yield "hard link", lambda: os.link(first + "/a.txt", first + "/hard")
    yield "fifo", lambda: os.mkfifo(first + "/fifo")
    yield "xattr", lambda: os.setxattr(first + "/a.txt", "user.x", b"1")
    yield "beside", lambda: os.mkdir(data + "/other")
    yield "remount", lambda: subprocess.run(["mount", "-o", "remount,rw", first], check=True, capture_output=True)
    yield "unmount", lambda: subprocess.run(["umount", first], check=True, capture_output=True)
done = []
for name, attempt in attempts():
    try:
        attempt()
    except (OSError, subprocess.CalledProcessError):
        continue
    done.append(name)
print(json.dumps({"succeeded": done, "listing": sorted(os.listdir(data)), "text": open(first + "/a.txt").read()}))
"""

needs_namespaces = pytest.mark.skipif(not can_mount(), reason="this system allows no mount namespaces")


@pytest.fixture
def facility(tmp_path: Path) -> Path:
    for name in ("p1", "p2", "secret"):
        (tmp_path / "facility" / name / "empty").mkdir(parents=True)
        (tmp_path / "facility" / name / "a.txt").write_text(name)
    return tmp_path / "facility"


def session(data: Path, mounts: list[tuple[Path, str]], *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PANOSC_MOUNTS": json.dumps([{"source": str(s), "name": n} for s, n in mounts])}
    start = [sys.executable, "-m", "hub_config.spawning.session", "--data", str(data), "--", *command]
    return subprocess.run(start, env=environment, capture_output=True, text=True, check=False, timeout=60)


@needs_namespaces
def test_no_write_attack_succeeds_and_only_the_mounts_are_there(facility: Path, tmp_path: Path) -> None:
    data = tmp_path / "home" / "data"
    mounts = [(facility / "p1", "p1"), (facility / "p2", "p2")]
    done = session(data, mounts, sys.executable, "-c", WRITE_ATTACKS, str(data))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"succeeded": [], "listing": ["p1", "p2"], "text": "p1"}
    assert (facility / "p1" / "a.txt").read_text() == "p1"
    assert sorted(os.listdir(facility / "p1")) == ["a.txt", "empty"]


@needs_namespaces
def test_a_file_system_mounted_below_the_data_is_read_only_too(facility: Path, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can mount a file system below the data first")
    inner = facility / "p1" / "empty"
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(inner)], check=True)
    try:
        data = tmp_path / "data"
        touch = session(data, [(facility / "p1", "p1")], "touch", str(data / "p1" / "empty" / "new"))
        assert touch.returncode != 0
        assert "Read-only file system" in touch.stderr
        assert os.listdir(inner) == []
    finally:
        subprocess.run(["umount", str(inner)], check=True)


@needs_namespaces
def test_nothing_of_an_earlier_session_shows_through(facility: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert session(data, [(facility / "p1", "p1")], "ls", str(data)).stdout.split() == ["p1"]
    assert session(data, [(facility / "p2", "p2")], "ls", str(data)).stdout.split() == ["p2"]
    assert session(data, [], "ls", str(data)).stdout.split() == []


def test_a_missing_directory_stops_the_session_with_the_reason(tmp_path: Path) -> None:
    done = session(tmp_path / "data", [(tmp_path / "gone", "p1")], "true")
    assert done.returncode == 1
    assert "is not there" in done.stderr
    assert "Ask the operator" in done.stderr


def test_the_mounts_are_not_passed_on_to_the_session(facility: Path, tmp_path: Path) -> None:
    shown = session(tmp_path / "data", [], sys.executable, "-c", "import os; print(os.environ.get('PANOSC_MOUNTS'))")
    assert shown.stdout.strip() == "None"


@pytest.mark.parametrize(
    ("line", "writable"),
    [
        ("64 63 254:0 /x /home/a/data ro,relatime - ext4 /dev/vda rw", []),
        ("64 63 254:0 /x /home/a/data/p1 rw,relatime - ext4 /dev/vda rw", ["/home/a/data/p1"]),
        ("64 63 254:0 /x /home/a/data/p1 rw,relatime shared:1 - ext4 /dev/vda ro", ["/home/a/data/p1"]),
        ("64 63 254:0 /x /home/a/database rw,relatime - ext4 /dev/vda rw", []),
        ("64 63 254:0 /x /home/a rw,relatime - ext4 /dev/vda rw", []),
        (r"64 63 254:0 /x /home/a/data/with\040space rw - ext4 /dev/vda rw", ["/home/a/data/with space"]),
    ],
)
def test_the_self_check_reads_mountinfo(line: str, writable: list[str]) -> None:
    assert writable_mounts(Path("/home/a/data"), line + "\n") == writable
