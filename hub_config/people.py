"""From what the hub holds about a user to the `Person` that the access table decides about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub_config.access import Person
from hub_config.identity.facts import elsewhere, last_good_refresh, numbers, unassured, withheld

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

__all__ = ["person_known_to_the_hub", "person_signed_in"]


def person_known_to_the_hub(name: str, groups: Iterable[str], now: datetime) -> Person:
    """Make the person of a hub that holds the memberships itself: they are confirmed at any time."""
    return Person(name, frozenset(groups), confirmed=now)


def person_signed_in(name: str, groups: Iterable[str], auth_state: Mapping[str, Any] | None) -> Person:
    """Make the person of a hub with an identity provider, from what her last refresh left in `auth_state`.

    What is missing or malformed there leaves her memberships unconfirmed, and embargoed data closed.
    """
    return Person(
        name,
        frozenset(groups),
        confirmed=last_good_refresh(auth_state),
        claims=numbers(auth_state),
        assured=not withheld(auth_state),
        unassured=frozenset(unassured(auth_state)),
        elsewhere=elsewhere(auth_state),
    )
