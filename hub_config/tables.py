"""The table of a root's proposals, as the catalogue reads it: written from the policy, so that both show the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from hub_config.policy import Policy

__all__ = ["write_table"]


def write_table(policy: Policy, root: str, file: Path) -> None:
    """Write the proposals that lie below `root` into `file`, for ``panosc-analysis catalogue index --proposals``."""
    directory = policy.roots[root]
    rows = [
        {
            "id": p.id, "title": p.title, "directory": str(p.directory.relative_to(directory)), "public": p.public,
            "release_date": p.release_date.isoformat() if p.release_date else None, "members": list(p.members),
        }
        for p in policy.proposals if directory in p.directory.parents
    ]  # fmt: skip
    file.write_text(json.dumps({"facility": policy.facility, "proposals": rows}, indent=2), encoding="utf-8")
