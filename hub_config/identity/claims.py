"""From what a provider says about a person to her user name and her hub groups. Decides, asks nobody, logs nothing."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub_config.entitlements import ClaimShapeError, Group, Refused, component, plain_groups, read_claim
from hub_config.errors import HubConfigError
from hub_config.identity.assurance import lacking
from hub_config.identity.settings import IdentitySettings

__all__ = ["MEMBERS", "ClaimReader", "KnownProposals", "Person", "UserNameRefused"]

KnownProposals = Collection[str] | Callable[[], Collection[str]]
# Hub group of everybody who is member of at least one proposal of this facility.
MEMBERS = "members"
MAX_ID = 0x7FFFFFFE


class UserNameRefused(ValueError):
    """The identifier of a person is missing, malformed or blocked; the text never holds it."""


@dataclass(slots=True)
class Person:
    """What follows from a person's claims.

    Parameters
    ----------
    groups
        Hub groups.
    proposals
        Identifiers of the proposals among them, as the facility writes them.
    elsewhere
        Proposals she is member of, whose data are not here.
    withheld
        Assurance that the provider does not give and without which she gets no proposal.
    unassured
        Groups of the proposals that are kept from her for that reason.
    numbers
        Her numeric ``uid`` and ``gid``, where claims give them.
    alarms
        Claims of the wrong shape, by name, with the reason; they gave nothing.
    refused
        How many values were refused, by reason.
    """

    groups: set[str] = field(default_factory=set)
    proposals: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    withheld: tuple[str, ...] = ()
    unassured: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)


class ClaimReader:
    """Reads claims by the rules of one hub.

    Parameters
    ----------
    settings
        The rules.
    known_proposals
        Identifiers of the proposals whose data are here, or what returns them as they are now. They compare without
        case, and keep the case given here.

    Raises
    ------
    HubConfigError
        Two known proposals differ in case only.
    """

    def __init__(self, settings: IdentitySettings, known_proposals: KnownProposals) -> None:
        self.settings = settings
        self._known_proposals = known_proposals
        self._known()
        self._pattern = re.compile(settings.proposal_pattern)
        self._user_name = re.compile(settings.user_name.pattern)

    def user_name(self, claims: Mapping[str, Any]) -> str:
        """Return the hub's name of a person.

        Raises
        ------
        UserNameRefused
            The claim is missing, not plain ASCII, not as it must look, or blocked.
        """
        rule = self.settings.user_name
        raw = claims.get(rule.claim)
        if not isinstance(raw, str) or not raw:
            raise UserNameRefused(f"the claim {rule.claim} is missing or no text")
        if not raw.isascii():
            raise UserNameRefused(f"the claim {rule.claim} is not plain ASCII")
        name = raw.lower()
        if name != raw and not rule.case_insensitive and not rule.digest:
            raise UserNameRefused(f"the claim {rule.claim} has capitals, which user names cannot tell apart")
        if not self._user_name.fullmatch(name if rule.case_insensitive else raw):
            raise UserNameRefused(f"the claim {rule.claim} does not look as it must")
        if name in rule.blocked:
            raise UserNameRefused("this account is blocked here")
        if rule.digest:
            return "u" + hashlib.sha256(f"{self.settings.issuer}\n{raw}".encode()).hexdigest()[:31]
        return name

    def display_name(self, claims: Mapping[str, Any]) -> str:
        """Return a name for people to read, or nothing; it identifies nobody."""
        value = claims.get(self.settings.display_name)
        if not isinstance(value, str):
            return ""
        return "".join(c for c in value if c.isprintable())[:100]

    def person(self, claims: Mapping[str, Any], other_proposals: Iterable[str] = ()) -> Person:
        """Return groups and facts of a person.

        Parameters
        ----------
        claims
            The provider's answer about her.
        other_proposals
            Proposals from sources outside the claims.
        """
        person = Person()
        found, names = self._memberships(claims, person)
        known = self._known()
        for identifier in [*found, *other_proposals]:
            self._add_proposal(identifier, known, person)
        self._numbers(claims, person)
        self._assurance(claims, person)
        person.groups = {_group(identifier) for identifier in person.proposals}
        person.groups |= {group for group, values in self.settings.hub_groups.items() if values & names}
        if person.proposals:
            person.groups.add(MEMBERS)
        return person

    def _known(self) -> dict[str, str]:
        named = self._known_proposals() if callable(self._known_proposals) else self._known_proposals
        known = {identifier.lower(): identifier for identifier in named}
        if len(known) != len(set(named)):
            raise HubConfigError("Two proposals differ in upper and lower case only. Rename one of them.")
        return known

    def _memberships(self, claims: Mapping[str, Any], person: Person) -> tuple[list[str], set[str]]:
        """Return identifiers of proposals, and the names of all groups as `hub_groups` writes them."""
        proposals: list[str] = []
        names: set[str] = set()
        for group in self._entitled(claims, person):
            names |= {str(group), ":".join(group.path)} if self._is_membership(group) else {str(group)}
            proposals += self._proposal_of(group, person)
        for value in self._plain(claims, person):
            names.add(value)
            proposals += self._plain_proposal(value, person)
        # A claim of the wrong shape is a fault or an attack: then nothing else of this answer makes a member either.
        return ([], set()) if person.alarms else (proposals, names)

    def _entitled(self, claims: Mapping[str, Any], person: Person) -> Iterable[Group]:
        section = self.settings.entitlements
        groups: set[Group] = set()
        for claim in section.claims if section else ():
            try:
                reading = read_claim(claims.get(claim), section.rules)  # type: ignore[union-attr]  # there are claims
            except ClaimShapeError as error:
                person.alarms[claim] = str(error)
            else:
                groups |= reading.groups
                person.refused += reading.suspicious
        return groups

    def _is_membership(self, group: Group) -> bool:
        return self.settings.entitlements is not None and group.role in self.settings.entitlements.roles

    def _proposal_of(self, group: Group, person: Person) -> list[str]:
        section = self.settings.entitlements
        if section is None or group.path[:-1] != section.proposals:
            return []
        if not self._is_membership(group):
            person.refused["a role that is no membership"] += 1
            return []
        return [group.path[-1]]

    def _plain(self, claims: Mapping[str, Any], person: Person) -> Iterable[str]:
        section = self.settings.plain_groups
        if section is None:
            return ()
        try:
            return plain_groups(claims.get(section.claim))
        except ClaimShapeError as error:
            person.alarms[section.claim] = str(error)
            return ()

    def _plain_proposal(self, value: str, person: Person) -> list[str]:
        prefix = self.settings.plain_groups.proposal_prefix if self.settings.plain_groups else ""
        if not value.startswith(prefix) or "%" in value:
            return []
        try:
            return [component(value.removeprefix(prefix))]
        except Refused as refusal:
            person.refused[str(refusal)] += 1
            return []

    def _add_proposal(self, identifier: str, known: Mapping[str, str], person: Person) -> None:
        if not self._pattern.fullmatch(identifier):
            person.refused["not the identifier of a proposal"] += 1
        elif (here := known.get(identifier.lower())) is not None:
            person.proposals.add(here)
        else:
            person.elsewhere.add(identifier.lower())

    def _numbers(self, claims: Mapping[str, Any], person: Person) -> None:
        for name, claim in (("uid", self.settings.uid_claim), ("gid", self.settings.gid_claim)):
            value = claims.get(claim) if claim else None
            if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,9}", value):
                value = int(value)
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID:
                person.numbers[name] = value
            elif value is not None:
                person.alarms[claim] = "not a positive number"

    def _assurance(self, claims: Mapping[str, Any], person: Person) -> None:
        """Take the proposals away again from somebody of whom the provider is not sure enough."""
        rule = self.settings.assurance
        if rule is None or not person.proposals:
            return
        try:
            person.withheld = lacking(plain_groups(claims.get(rule.claim)), rule.required)
        except ClaimShapeError as error:
            person.alarms[rule.claim] = str(error)
            person.withheld = rule.required
        if person.withheld:
            person.unassured, person.proposals = {_group(p) for p in person.proposals}, set()


def _group(identifier: str) -> str:
    return f"proposal-{identifier.lower()}"
