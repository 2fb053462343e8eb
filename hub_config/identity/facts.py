"""What the rest of the hub may know about a person: a small table in her encrypted state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub_config.identity.claims import Person

__all__ = ["FACTS", "elsewhere", "facts", "groups_of", "last_good_refresh", "numbers", "unassured", "withheld"]

FACTS = "panosc"


def facts(person: Person, now: datetime) -> dict[str, Any]:
    """Return what is kept of `person`, whose provider gave a good answer at `now`."""
    return {
        "groups": sorted(person.groups),
        "refreshed_at": now.timestamp(),
        "claims": dict(person.numbers),
        "elsewhere": sorted(person.elsewhere),
        "withheld": list(person.withheld),
        "unassured": sorted(person.unassured),
    }


def last_good_refresh(auth_state: Mapping[str, Any] | None) -> datetime | None:
    """When the provider last answered well about this person; ``None`` if nothing is known."""
    moment = _table(auth_state).get("refreshed_at")
    sound = isinstance(moment, int | float) and not isinstance(moment, bool) and 0 < moment < 1e11
    return datetime.fromtimestamp(moment, UTC) if sound and moment is not None else None


def groups_of(auth_state: Mapping[str, Any] | None) -> frozenset[str]:
    """Hub groups at the last good answer."""
    return frozenset(_names(auth_state, "groups"))


def numbers(auth_state: Mapping[str, Any] | None) -> dict[str, int]:
    """``uid`` and ``gid`` from the claims, as far as they give them."""
    claims = _table(auth_state).get("claims")
    known = claims.items() if isinstance(claims, dict) else ()
    return {name: value for name, value in known if isinstance(value, int) and not isinstance(value, bool)}


def elsewhere(auth_state: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Proposals the person is member of, whose data are not at this facility."""
    return _names(auth_state, "elsewhere")


def withheld(auth_state: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Assurance that the person's institute does not give, for lack of which she gets no proposal."""
    return _names(auth_state, "withheld")


def unassured(auth_state: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the groups of the proposals that are kept from her for that reason."""
    return _names(auth_state, "unassured")


def _names(auth_state: Mapping[str, Any] | None, key: str) -> tuple[str, ...]:
    values = _table(auth_state).get(key)
    return tuple(str(value) for value in values) if isinstance(values, list) else ()


def _table(auth_state: Mapping[str, Any] | None) -> Mapping[str, Any]:
    table = (auth_state or {}).get(FACTS)
    return table if isinstance(table, Mapping) else {}
