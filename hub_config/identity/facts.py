"""What the rest of the hub may know about a person: a small table in her encrypted state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hub_config.identity.claims import Person

__all__ = ["FACTS", "elsewhere", "facts", "groups_of", "last_good_refresh", "numeric_id", "withheld_for"]

FACTS = "panosc"


def facts(person: Person, now: datetime) -> dict[str, Any]:
    """Return what is kept of `person`, whose provider gave a good answer at `now`."""
    return {
        "groups": sorted(person.groups),
        "refreshed_at": now.timestamp(),
        "claims": dict(person.numbers),
        "elsewhere": sorted(person.elsewhere),
        "withheld": list(person.withheld),
    }


def last_good_refresh(auth_state: Mapping[str, Any] | None) -> datetime | None:
    """When the provider last answered well about this person; ``None`` if nothing is known."""
    moment = _table(auth_state).get("refreshed_at")
    return datetime.fromtimestamp(moment, UTC) if isinstance(moment, (int, float)) else None


def groups_of(auth_state: Mapping[str, Any] | None) -> frozenset[str]:
    """Hub groups at the last good answer."""
    return frozenset(_table(auth_state).get("groups", ()))


def numeric_id(auth_state: Mapping[str, Any] | None, name: str) -> int | None:
    """``uid`` or ``gid`` from the claims, if they give one."""
    value = _table(auth_state).get("claims", {}).get(name)
    return value if isinstance(value, int) else None


def elsewhere(auth_state: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Proposals the person is member of, whose data are not at this facility."""
    return tuple(_table(auth_state).get("elsewhere", ()))


def withheld_for(auth_state: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Assurance that the person's institute does not give, for lack of which she gets no proposal."""
    return tuple(_table(auth_state).get("withheld", ()))


def _table(auth_state: Mapping[str, Any] | None) -> Mapping[str, Any]:
    table = (auth_state or {}).get(FACTS)
    return table if isinstance(table, Mapping) else {}
