"""The facility's proposals: which there are, where their data lie, who is a member, when they become open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from hub_config.errors import HubConfigError

__all__ = ["Proposal", "Registry", "read_registry"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal, or one collection of open data.

    Parameters
    ----------
    id
        Identifier, also the name below ``~/data``.
    title
        What it is about.
    directory
        Where its data lie, absolute.
    members
        Names of its members, for deployments whose identity provider does not say.
    public
        Open from the first day.
    release_date
        When the embargo ends; ``None`` means never by itself.
    """

    id: str
    title: str
    directory: Path
    members: tuple[str, ...] = ()
    public: bool = False
    release_date: datetime | None = None

    @property
    def group(self) -> str:
        """Name of the hub group whose members may see these data."""
        return f"proposal-{self.id}"

    def is_open(self, now: datetime) -> bool:
        """Whether everybody may see these data at `now`. Without a release date: only if `public`."""
        return self.public or (self.release_date is not None and self.release_date <= now)


@dataclass(frozen=True, slots=True)
class Registry:
    """All proposals of a facility."""

    facility: str
    proposals: tuple[Proposal, ...]


def read_registry(path: Path) -> Registry:
    """Read a registry from YAML or JSON; directories are relative to the file.

    Raises
    ------
    HubConfigError
        The file is missing or malformed, an identifier or directory is unusable, or two proposals share an identifier.
    """
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        proposals = tuple(_proposal(row, path.parent.resolve()) for row in table["proposals"])
        registry = Registry(str(table["facility"]), proposals)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        message = f"The registry of proposals {path} cannot be used: {error}. Correct the file or make it anew."
        raise HubConfigError(message) from error
    ids = [p.id for p in proposals]
    if len(set(ids)) != len(ids):
        raise HubConfigError(f"The registry {path} lists a proposal twice. Keep one entry for each identifier.")
    return registry


def _proposal(row: dict[str, Any], root: Path) -> Proposal:
    identifier = str(row["id"])
    if not identifier.replace("-", "").isalnum() or not identifier.isascii():
        raise ValueError(f"proposal identifier {identifier!r} is not letters, digits and hyphens")
    directory = (root / str(row["directory"])).resolve()
    if root not in directory.parents:
        raise ValueError(f"the directory of proposal {identifier} is not below {root}")
    return Proposal(
        id=identifier,
        title=str(row.get("title", "")),
        directory=directory,
        members=tuple(str(m) for m in row.get("members") or ()),
        public=row.get("public") is True,
        release_date=_date(row.get("release_date")),
    )


def _date(value: object) -> datetime | None:
    """Read a release date; anything unreadable is no date, and no date keeps the data closed."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
