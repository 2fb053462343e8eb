"""A small facility on disk whose modes would let anybody write: only the mounts protect it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["MEMBERS", "PROPOSALS", "Tree", "make_tree", "policy_content", "profiles"]

PROPOSALS = ("p1", "p2", "p3")
MEMBERS = {"alice": ("p1", "p2"), "bob": ("p2",), "carol": ("p3",)}
GID = 51000


@dataclass(frozen=True)
class Tree:
    """The facility's directory, and a checksum over everything in it."""

    root: Path

    def mounted(self, sources: list[str], name: str = "") -> bool:
        """Whether a folder of it is among the sources of mounts, which count from the top of their own file system.

        Only this one's: where sessions are processes of this machine they see everything that is mounted on it.
        """
        folder = str(self.root / name)
        return any(source != "/" and folder.endswith(source) for source in sources)

    def checksum(self) -> str:
        """Names, modes, owners, times and contents of every file."""
        digest = hashlib.sha256()
        for path in sorted(self.root.rglob("*")):
            found = path.lstat()
            facts = (str(path.relative_to(self.root)), found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns)
            digest.update(repr(facts).encode())
            if path.is_file():
                digest.update(path.read_bytes())
        return digest.hexdigest()


def make_tree(root: Path) -> Tree:
    """Write the proposals' directories, each with a file that names it and a directory for a mount below it."""
    for index, name in enumerate((*PROPOSALS, "open"), 1):
        directory = root / name
        (directory / "nested").mkdir(parents=True)
        (directory / "empty").mkdir()
        (directory / "canary.txt").write_text(f"canary of {name}")
        closed = name != "open"
        for path in (directory, *directory.rglob("*")):
            if os.getuid() == 0 and closed:
                os.chown(path, 0, GID + index)
            path.chmod((0o770 if closed else 0o777) if path.is_dir() else (0o660 if closed else 0o666))
    return Tree(root)


def profiles(**rows: Any) -> dict[str, Any]:
    """Return profiles with the images of this run, which ``$PANOSC_IMAGES_TAG`` names."""
    tag = os.environ.get("PANOSC_IMAGES_TAG") or version("panosc-analysis")
    return {name: {"image": f"panosc-analysis/{row.get('kind', 'lab')}:{tag}", **row} for name, row in rows.items()}


def policy_content(root: Path, **more: Any) -> dict[str, Any]:
    """Return the policy of that tree."""
    rows: list[dict[str, Any]] = [
        {"id": name, "directory": name, "gid": GID + index, "release_date": "2999-01-01",
         "members": [person for person, theirs in MEMBERS.items() if name in theirs]}
        for index, name in enumerate(PROPOSALS, 1)
    ]  # fmt: skip
    rows.append({"id": "open", "directory": "open", "public": True})
    accounts = root.parent / "passwd"
    accounts.write_text("".join(f"{name}:x:{20001 + i}:{20001 + i}::/:/bin/sh\n" for i, name in enumerate(MEMBERS)))
    return {
        "facility": "Test facility",
        "profiles": profiles(lab={"title": "JupyterLab"}),
        "roots": {"data": {"path": str(root)}},
        "proposals": {"list": rows},
        "accounts": {"source": "file", "file": str(accounts)},
        **more,
    }
