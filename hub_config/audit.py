"""Who saw what: one line for every start and stop of a session, for the facility's own records."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from hub_config.access import Access
    from hub_config.policy import Profile

__all__ = ["keep_audit", "record_start", "record_stop"]

LOG = logging.getLogger("panosc.audit")


def keep_audit(file: Path) -> None:
    """Write audit lines to `file` (JSON lines, appended, readable by the hub's account only)."""
    file.touch(mode=0o600)
    for old in LOG.handlers[:]:
        LOG.removeHandler(old)
        old.close()
    LOG.addHandler(logging.FileHandler(file, encoding="utf-8"))
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def record_start(access: Access, server: str, profile: Profile, image: str = "") -> None:
    """Record who started what, and every directory that was mounted for it."""
    account = access.account
    _write(
        event="start",
        person=access.person,
        server=server,
        profile=profile.name,
        image=image,
        uid=account.uid if account else None,
        gid=account.gid if account else None,
        gids=list(access.gids),
        mounts={m.name: str(m.source) for m in access.mounts},
    )


def record_stop(person: str, server: str) -> None:
    """Record that a session ended."""
    _write(event="stop", person=person, server=server)


def _write(**fields: object) -> None:
    LOG.info(json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **fields}, ensure_ascii=False))
