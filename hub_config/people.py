"""From what the hub holds about a user to the `Person` that the access table decides about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hub_config.access import Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["person_known_to_the_hub", "person_signed_in"]


def person_known_to_the_hub(name: str, groups: Iterable[str], now: datetime) -> Person:
    """Make the person of a hub that holds the memberships itself: they are confirmed at any time."""
    return Person(name, frozenset(groups), confirmed=now)


def person_signed_in(name: str, groups: Iterable[str], auth_state: Mapping[str, Any] | None) -> Person:
    """Make the person of a hub with an identity provider, from what her last refresh left in `auth_state`.

    What is missing or malformed there leaves her memberships unconfirmed, and embargoed data closed.
    """
    known = (auth_state or {}).get("panosc")
    known = known if isinstance(known, dict) else {}
    moment, claims = known.get("refreshed_at"), known.get("claims")
    sound = isinstance(moment, int | float) and not isinstance(moment, bool) and 0 < moment < 1e11
    return Person(
        name,
        frozenset(groups),
        confirmed=datetime.fromtimestamp(moment, UTC) if sound and moment is not None else None,
        claims=claims if isinstance(claims, dict) else {},
        assured=not known.get("withheld"),
    )
