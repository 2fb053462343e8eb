"""Entitlements (AARC-G002/G069) and plain group claims, read strictly: what is not exactly right gives nothing.

``urn:mace:egi.eu:group:panosc.example:proposals:2024-1234:role=member#aai.egi.eu`` is a namespace, a group with
subgroups, perhaps a role, perhaps the authority that vouches for it. Namespace and authority compare without case, the
rest with case; percent-encoding is undone after splitting, never before. Nothing here reads configuration or logs:
reasons of refusal are counted, contents are kept to nobody.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from hub_config.errors import HubConfigError

__all__ = ["ClaimShapeError", "EntitlementRules", "Group", "Reading", "Refused", "claim_values", "parse", "read_claim"]

MAX_VALUES, MAX_LENGTH = 2000, 512
_PRINTABLE = re.compile(rf"[\x21-\x7e]{{1,{MAX_LENGTH}}}")
_FORBIDDEN = re.compile(r"[?/\\]")
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_COMPONENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")

# Values of other services stand in the same claim; they are counted, and nobody is warned.
FOREIGN = frozenset({"another namespace", "not a group"})


class ClaimShapeError(ValueError):
    """A claim that is neither a text nor a list of texts, or far too long: it gives no membership at all."""


class Refused(ValueError):
    """One value that gives no membership; the text is the reason and never holds the value."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a person, as the attribute authority writes it.

    Parameters
    ----------
    path
        Group and subgroups, percent-encoding undone.
    role
        Role in the deepest group; ``None`` is plain membership.
    """

    path: tuple[str, ...]
    role: str | None = None

    def __str__(self) -> str:
        return ":".join(self.path) + (f":role={self.role}" if self.role is not None else "")


@dataclass(frozen=True, slots=True)
class EntitlementRules:
    """Which entitlements are ours.

    Parameters
    ----------
    namespace
        Such as ``urn:mace:egi.eu``.
    authorities
        Authorities (after ``#``) that are trusted; empty trusts none, so that only values without one are accepted.
    authority_required
        Whether a value without authority is refused. AARC-G002 writes one, G069 does not.

    Raises
    ------
    HubConfigError
        The namespace is not a URN namespace.
    """

    namespace: str
    authorities: frozenset[str] = frozenset()
    authority_required: bool = True
    prefix: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(?i:urn):[A-Za-z0-9-]{2,32}(:[A-Za-z0-9._-]+)+", self.namespace):
            message = f"identity: {self.namespace!r} is no entitlement namespace. An example is urn:mace:egi.eu."
            raise HubConfigError(message)
        object.__setattr__(self, "prefix", tuple(self.namespace.lower().split(":")))
        object.__setattr__(self, "authorities", frozenset(a.lower() for a in self.authorities))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a claim gave: the groups, and how many values were refused for which reason."""

    groups: frozenset[Group]
    refused: Counter[str]

    @property
    def suspicious(self) -> Counter[str]:
        """Refusals other than values meant for somebody else."""
        return Counter({reason: count for reason, count in self.refused.items() if reason not in FOREIGN})


def claim_values(claim: object) -> list[str]:
    """Return the values of a claim that is one text or a list of texts; a missing claim has none.

    Raises
    ------
    ClaimShapeError
        It is anything else, or has more than 2000 values.
    """
    if claim is None:
        return []
    if isinstance(claim, str):
        return [claim]
    if not isinstance(claim, list) or not all(isinstance(value, str) for value in claim):
        raise ClaimShapeError("neither a text nor a list of texts")
    if len(claim) > MAX_VALUES:
        raise ClaimShapeError(f"more than {MAX_VALUES} values")
    return claim


def read_claim(claim: object, rules: EntitlementRules) -> Reading:
    """Read a whole claim; values that are refused do not spoil the others.

    Raises
    ------
    ClaimShapeError
        The claim has the wrong shape: no value of it counts.
    """
    groups, refused = set(), Counter[str]()
    for value in claim_values(claim):
        try:
            groups.add(parse(value, rules))
        except Refused as refusal:
            refused[str(refusal)] += 1
    return Reading(frozenset(groups), refused)


def parse(value: str, rules: EntitlementRules) -> Group:
    """Read one entitlement.

    Raises
    ------
    Refused
        It is not ours, or not exactly as the grammar says.
    """
    if not _PRINTABLE.fullmatch(value):
        raise Refused("not printable ASCII, or too long")
    body = _vouched_for(value, rules)
    if _FORBIDDEN.search(body):
        raise Refused("a character of paths or queries")
    if _BROKEN_PERCENT.search(body):
        raise Refused("broken percent-encoding")
    parts = body.split(":")
    count = len(rules.prefix)
    if tuple(part.lower() for part in parts[:count]) != rules.prefix:
        raise Refused("another namespace")
    if parts[count : count + 1] != ["group"]:
        raise Refused("not a group")
    return _group(parts[count + 1 :])


def _vouched_for(value: str, rules: EntitlementRules) -> str:
    """Return the value without its authority, once that is found to be trusted."""
    body, mark, authority = value.partition("#")
    if not mark:
        if rules.authority_required:
            raise Refused("no authority")
        return body
    if authority.lower() not in rules.authorities:
        raise Refused("an authority that is not trusted")
    return body


def _group(parts: list[str]) -> Group:
    role = None
    if parts and parts[-1].startswith("role="):
        role = component(parts[-1].removeprefix("role="))
        parts = parts[:-1]
    if not parts:
        raise Refused("no group")
    return Group(tuple(component(part) for part in parts), role)


def component(text: str) -> str:
    """Undo the percent-encoding of one component and check that what comes out is a plain name.

    Raises
    ------
    Refused
        It is not; "role=" in the wrong place and "*" are found here too.
    """
    try:
        decoded = unquote_to_bytes(text).decode("ascii") if "%" in text else text
    except UnicodeDecodeError:
        raise Refused("not ASCII after decoding") from None
    if not _COMPONENT.fullmatch(decoded) or ".." in decoded:
        raise Refused("a component that is not a name")
    return decoded


def plain_groups(claim: object) -> list[str]:
    """Return the values of a plain group claim that are printable and not too long.

    Raises
    ------
    ClaimShapeError
        The claim has the wrong shape.
    """
    return [value for value in claim_values(claim) if _PRINTABLE.fullmatch(value)]
