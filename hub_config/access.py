"""The access table: from a person's memberships to the data she sees. One answer for every backend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from hub_config.registry import Registry

__all__ = ["Access", "Mount", "Refusal", "access_for"]


@dataclass(frozen=True, slots=True)
class Mount:
    """One directory that a session sees read-only, as ``~/data/<name>``."""

    source: Path
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One proposal that a session does not see, and why."""

    proposal: str
    reason: str


@dataclass(frozen=True, slots=True)
class Access:
    """What one person gets."""

    person: str
    mounts: tuple[Mount, ...]
    refusals: tuple[Refusal, ...]


def access_for(person: str, groups: Collection[str], registry: Registry, now: datetime) -> Access:
    """Decide what `person` sees at `now`. Reads no file system and asks nobody.

    A proposal is mounted if its embargo is over or if the person is in its group; nothing else opens it, neither a role
    nor a name. There is one mount for each proposal and never one of a parent directory.

    Parameters
    ----------
    person
        Name, for the answer only.
    groups
        The hub groups she is in now.
    registry
        The facility's proposals.
    now
        Moment of the decision, with a time zone.
    """
    mounts: list[Mount] = []
    refusals: list[Refusal] = []
    for proposal in registry.proposals:
        if proposal.is_open(now):
            mounts.append(Mount(proposal.directory, proposal.id, "open data"))
        elif proposal.group in groups:
            mounts.append(Mount(proposal.directory, proposal.id, f"member of {proposal.id}"))
        else:
            until = f"{proposal.release_date:%Y-%m-%d}" if proposal.release_date else "further notice"
            refusals.append(Refusal(proposal.id, f"embargoed until {until}, and {person} is not a member"))
    return Access(person, tuple(mounts), tuple(refusals))
