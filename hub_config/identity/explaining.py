"""What a person's claims would give, value by value, and whether a provider has what the settings ask of it.

For operators who connect a provider: nothing here lets anybody in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub_config.entitlements import ClaimShapeError, Refused, claim_values, parse
from hub_config.identity.claims import ClaimReader, UserNameRefused

if TYPE_CHECKING:
    from hub_config.identity.claims import KnownProposals, Person
    from hub_config.identity.provider import Provider
    from hub_config.identity.settings import IdentitySettings

__all__ = ["Explanation", "Value", "explain_claims", "shortcomings"]


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a membership claim, and what it gives or why it gives nothing."""

    claim: str
    value: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person's claims give.

    Parameters
    ----------
    user_name
        Her name in the hub; empty if she could not log in.
    reason
        Why not; empty if she could.
    display_name
        What pages show.
    person
        Groups and the rest.
    values
        Entitlements one by one.
    """

    user_name: str
    reason: str
    display_name: str
    person: Person
    values: tuple[Value, ...]


def explain_claims(claims: Mapping[str, Any], settings: IdentitySettings, known: KnownProposals) -> Explanation:
    """Say what `claims`, a provider's answer about one person, would give. Asks no source outside the claims."""
    reader = ClaimReader(settings, known)
    person = reader.person(claims)
    name, reason = "", ""
    try:
        name = reader.user_name(claims)
    except UserNameRefused as refusal:
        reason = str(refusal)
    # Operators may always log in: they administer the hub.
    allowed = settings.allow_everybody or person.groups & (settings.allowed_groups | {"operators"})
    if name and not allowed:
        reason = f"in none of the groups that may log in ({', '.join(sorted(settings.allowed_groups))})"
    return Explanation(name, reason, reader.display_name(claims), person, tuple(_values(claims, settings)))


def _values(claims: Mapping[str, Any], settings: IdentitySettings) -> Iterator[Value]:
    section = settings.entitlements
    for claim in section.claims if section else ():
        try:
            values = claim_values(claims.get(claim))
        except ClaimShapeError as error:
            yield Value(claim, type(claims.get(claim)).__name__, f"the whole claim is refused: {error}")
            continue
        for value in values:
            try:
                yield Value(claim, value, f"group {parse(value, section.rules)}")  # type: ignore[union-attr]
            except Refused as refusal:
                yield Value(claim, value, f"nothing, {refusal}")


def shortcomings(provider: Provider, settings: IdentitySettings) -> Iterator[str]:
    """Yield what the settings ask for and the provider does not say that it has. A provider need not say everything."""
    for scope in settings.scopes:
        if provider.scopes and scope not in provider.scopes:
            yield f"the scope {scope} is asked for, and the provider does not list it"
    wanted = [settings.user_name.claim, settings.uid_claim, settings.gid_claim]
    wanted += [settings.plain_groups.claim] if settings.plain_groups else []
    for claim in filter(None, wanted):
        if provider.claims and claim not in provider.claims:
            yield f"the claim {claim} is needed, and the provider does not list it"
    if settings.entitlements and provider.claims and not set(settings.entitlements.claims) & set(provider.claims):
        yield f"none of the claims {', '.join(settings.entitlements.claims)} is in the provider's list"
    if "offline_access" not in settings.scopes:
        yield "offline_access is not asked for: everybody logs in again when an access token has expired"
