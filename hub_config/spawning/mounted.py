"""Which file systems are mounted below a directory, as this process sees it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["mount_points", "nested_mounts"]

MOUNTINFO = Path("/proc/self/mountinfo")


def mount_points(mountinfo: str) -> list[tuple[Path, frozenset[str]]]:
    """Mount points and their options in the text of a ``/proc/<pid>/mountinfo``."""
    points = []
    for line in mountinfo.splitlines():
        fields = line.split()
        name = fields[4].encode("latin-1").decode("unicode_escape").encode("latin-1").decode("utf-8", "replace")
        points.append((Path(name), frozenset(fields[5].split(","))))
    return points


def nested_mounts(directory: Path, mountinfo: str | None = None) -> list[Path]:
    """Mount points strictly below `directory`, relative to it, outer ones first."""
    text = MOUNTINFO.read_text(encoding="utf-8") if mountinfo is None else mountinfo
    below = {point for point, _ in mount_points(text) if directory in point.parents}
    return sorted(point.relative_to(directory) for point in below)
