"""The access table: from a person's memberships to what her session gets. One answer for every backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hub_config.accounts import Account, NoAccount, account_for

if TYPE_CHECKING:
    from hub_config.policy import Policy, Profile
    from hub_config.registry import Proposal

__all__ = ["Access", "Mount", "Person", "Refusal", "access_for", "is_open_data"]


@dataclass(frozen=True, slots=True)
class Person:
    """Who is asking, as far as the identity provider and the hub know her.

    Parameters
    ----------
    name
        Name in the hub.
    groups
        Hub groups she is in now.
    confirmed
        When her memberships were last confirmed; ``None`` if never.
    claims
        ``uid``, ``gid``, ``account`` where the identity provider says them.
    assured
        Whether she was identified well enough for embargoed data.
    unassured
        Groups of proposals that she would be in, had she been identified well enough.
    elsewhere
        Proposals that she is a member of and this facility has no data of.
    """

    name: str
    groups: frozenset[str]
    confirmed: datetime | None = None
    claims: Mapping[str, object] = field(default_factory=dict)
    assured: bool = True
    unassured: frozenset[str] = frozenset()
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mount:
    """One directory that a session sees read-only, as ``~/data/<name>``."""

    source: Path
    name: str
    reason: str
    embargoed: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that a session does not get (a proposal, a profile, an account), and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Access:
    """What one person gets, and what not.

    Parameters
    ----------
    person
        Her name in the hub.
    account
        Her numbers; ``None`` if she has none, and then no container is started.
    gids
        Supplementary groups, in order.
    mounts, refusals
        Proposals she sees and does not see.
    profiles, refused_profiles
        Sessions she may and may not choose.
    """

    person: str
    account: Account | None
    gids: tuple[int, ...]
    mounts: tuple[Mount, ...]
    refusals: tuple[Refusal, ...]
    profiles: tuple[Profile, ...]
    refused_profiles: tuple[Refusal, ...]
    no_account: str = ""

    @property
    def embargoed(self) -> tuple[str, ...]:
        """Proposals that she sees because she is a member."""
        return tuple(one.name for one in self.mounts if one.embargoed)


def access_for(person: Person, policy: Policy, now: datetime) -> Access:
    """Decide what `person` gets at `now`. Reads no data directory and asks nobody.

    A proposal is mounted if it is open, or if the person is in its group, was identified well enough and her
    memberships were confirmed lately; nothing else opens it, neither a role nor a name. There is one mount for each
    proposal and never one of a parent directory.

    Parameters
    ----------
    person
        Name, groups and what is known about them.
    policy
        The facility's rules.
    now
        Moment of the decision, with a time zone.
    """
    mounts: list[Mount] = []
    refusals: list[Refusal] = []
    gids: set[int] = set()
    for proposal in policy.proposals:
        granted = _grant(proposal, person, policy, now)
        if isinstance(granted, Refusal):
            refusals.append(granted)
            continue
        mounts.append(granted)
        gids |= {proposal.gid} if proposal.gid is not None else set()
    refusals += [Refusal(name, "member, but this facility has no data of it") for name in person.elsewhere]
    account, no_account = _account(person, policy)
    may, may_not = _profiles(person, policy)
    return Access(
        person.name, account, tuple(sorted(gids)), tuple(mounts), tuple(refusals), may, may_not, no_account
    )  # fmt: skip


def _grant(proposal: Proposal, person: Person, policy: Policy, now: datetime) -> Mount | Refusal:
    if is_open_data(proposal, policy, now):
        return Mount(proposal.directory, proposal.id, "open data")
    if not person.assured and proposal.group in person.groups | person.unassured:
        return Refusal(proposal.id, f"{person.name} is a member, but her identity was not verified well enough")
    if proposal.group not in person.groups:
        until = f"until {proposal.release_date:%Y-%m-%d}" if proposal.release_date else "without an end date"
        released = proposal.release_date is not None and proposal.release_date <= now
        closed = "this facility shows released data to members only" if released else f"embargoed {until}"
        return Refusal(proposal.id, f"{closed}, and {person.name} is not a member")
    if person.confirmed is None or now - person.confirmed > timedelta(seconds=policy.sessions.fresh):
        return Refusal(
            proposal.id, "membership could not be confirmed with the identity provider lately; start the session again"
        )
    return Mount(proposal.directory, proposal.id, f"member of {proposal.id}", embargoed=True)


def is_open_data(proposal: Proposal, policy: Policy, now: datetime) -> bool:
    """Whether everybody may see `proposal` at `now`, by the facility's rule for open data."""
    if policy.open_data == "released":
        return proposal.is_open(now)
    return policy.open_data == "public" and proposal.public


def _account(person: Person, policy: Policy) -> tuple[Account | None, str]:
    try:
        return account_for(person.name, person.claims, policy.accounts), ""
    except NoAccount as error:
        return None, str(error)


def _profiles(person: Person, policy: Policy) -> tuple[tuple[Profile, ...], tuple[Refusal, ...]]:
    may, may_not = [], []
    for profile in policy.profiles:
        if profile.groups is None or profile.groups & person.groups:
            may.append(profile)
        else:
            may_not.append(Refusal(profile.name, f"for members of {', '.join(sorted(profile.groups))} only"))
    return tuple(may), tuple(may_not)
