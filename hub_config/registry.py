"""One proposal of the facility: where its data lie, who may read them, when they become open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Proposal", "release_date"]


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
    gid
        Numeric group that may read the directory; ``None`` where modes do not depend on a group.
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
    gid: int | None = None
    members: tuple[str, ...] = ()
    public: bool = False
    release_date: datetime | None = None

    @property
    def group(self) -> str:
        """Name of the hub group whose members may see these data."""
        return f"proposal-{self.id.lower()}"

    def is_open(self, now: datetime) -> bool:
        """Whether everybody may see these data at `now`. Without a release date: only if `public`."""
        return self.public or (self.release_date is not None and self.release_date <= now)


def release_date(value: object) -> datetime | None:
    """Read a release date (UTC where it says no zone); anything unreadable is no date, and no date stays closed."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
