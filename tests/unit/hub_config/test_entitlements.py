"""Entitlements: the table of inputs, and a million mutated ones against a second reading of the grammar."""

from __future__ import annotations

import random
import re
from typing import Any
from urllib.parse import unquote

import pytest

from hub_config.entitlements import ClaimShapeError, EntitlementRules, Group, Refused, parse, read_claim
from hub_config.errors import HubConfigError
from hub_config.identity.claims import ClaimReader, Person
from hub_config.identity.settings import identity_settings

P = "urn:mace:egi.eu:group:panosc.example:proposals:"
A = "#aai.egi.eu"
ENVIRONMENT = {"PANOSC_OIDC_CLIENT_ID": "hub", "PANOSC_OIDC_CLIENT_SECRET": "s", "JUPYTERHUB_CRYPT_KEY": "a" * 64}
RULES = EntitlementRules("urn:mace:egi.eu", frozenset({"aai.egi.eu"}))
HERE = {"proposal-2024-1234", "members"}


def person(claim: Any, **entitlements: Any) -> Person:
    section = {"claims": ["eduperson_entitlement"], "proposals": "panosc.example:proposals", **entitlements}
    table = {"provider": "egi", "callback_url": "https://h.example/hub/oauth_callback", "entitlements": section}
    reader = ClaimReader(identity_settings(table, ENVIRONMENT), {"2024-1234", "mx-1234", "x"})
    return reader.person({"eduperson_entitlement": claim})


ACCEPTED = {
    "1 plain": ([f"{P}2024-1234{A}"], HERE),
    "2 role=member": ([f"{P}2024-1234:role=member{A}"], HERE),
    "4 text, not list": (f"{P}2024-1234{A}", HERE),
    "5 namespace and authority in capitals": (
        [f"URN:MACE:EGI.EU:group:panosc.example:proposals:2024-1234{A.upper()}"], HERE,
    ),
    "6 percent-encoded": ([f"{P}MX%2d1234{A}"], {"proposal-mx-1234", "members"}),
}  # fmt: skip

REFUSED = {
    "7 GROUP": [f"urn:mace:egi.eu:GROUP:panosc.example:proposals:2024-1234{A}"],
    "8 group in capitals": [f"urn:mace:egi.eu:group:PANOSC.EXAMPLE:proposals:2024-1234{A}"],
    "9 encoded separators": [f"urn:mace:egi.eu:group:panosc.example%3Aproposals%3A2024-1234{A}"],
    "10 our group below another": [f"urn:mace:egi.eu:group:evil:panosc.example:proposals:2024-1234{A}"],
    "11 namespace with a tail": [f"urn:mace:egi.eu.evil.example:group:panosc.example:proposals:2024-1234{A}"],
    "12 another namespace": [f"urn:geant:evil.example:group:panosc.example:proposals:2024-1234{A}"],
    "13 another authority": [f"{P}2024-1234#evil.example"],
    "14 two authorities": [f"{P}2024-1234{A}#x"],
    "15 encoded slashes": [f"{P}..%2F..%2Fetc{A}"],
    "16 slashes": [f"{P}../../etc{A}"],
    "17 star": [f"{P}*{A}"],
    "18 NUL": [f"{P}2024-1234%00x{A}"],
    "19 hyphen of another script": [f"{P}2024‑1234{A}"],
    "20 empty role": [f"{P}2024-1234:role={A}"],
    "21 role misplaced": [f"urn:mace:egi.eu:group:panosc.example:proposals:role=member:2024-1234{A}"],
    "22a role not mapped": [f"{P}2024-1234:role=pending{A}"],
    "22b role in capitals": [f"{P}2024-1234:role=PI{A}"],
    "23 parent only": [f"urn:mace:egi.eu:group:panosc.example:proposals{A}"],
    "24 empty part": [f"{P}:{A}"],
    "25 capability": [f"urn:mace:egi.eu:res:panosc.example:proposals:2024-1234{A}"],
    "26 old form": ["urn:mace:egi.eu:aai.egi.eu:member@fedcloud.egi.eu"],
    "27 q-component": [f"urn:mace:egi.eu?=x:group:panosc.example:proposals:2024-1234{A}"],
    "28 newline": [f"{P}2024-1234\n{A}"],
    "28 newline at the end": [f"{P}2024-1234{A}\n"],
    "29 bare word": ["admin"],
    "30 empty list": [],
    "30 null": None,
    "32 very long value": [f"{P}{'x' * 600}{A}"],
    "empty authority": [f"{P}2024-1234#"],
    "broken percent": [f"{P}2024%2-1234{A}"],
    "deeper than a proposal": [f"{P}2024-1234:sub{A}"],
}  # fmt: skip


@pytest.mark.parametrize(("claim", "groups"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(claim: Any, groups: set[str]) -> None:
    found = person(claim)
    assert found.groups == groups
    assert not found.alarms


def test_3_no_authority_only_where_the_site_allows_it() -> None:
    claim = [f"{P}2024-1234"]
    assert person(claim, authority_required=False).groups == HERE
    assert person(claim).groups == set()


@pytest.mark.parametrize("claim", REFUSED.values(), ids=REFUSED)
def test_refused(claim: Any) -> None:
    found = person(claim)
    assert found.groups == set()
    assert not found.alarms


@pytest.mark.parametrize("claim", [{"a": 1}, [123], [f"{P}2024-1234{A}", 1], 7, True, ["x"] * 2001], ids=repr)
def test_31_a_claim_of_the_wrong_shape_gives_nothing_and_an_alarm(claim: Any) -> None:
    found = person(claim)
    assert found.groups == set()
    assert list(found.alarms) == ["eduperson_entitlement"]
    with pytest.raises(ClaimShapeError):
        read_claim(claim, RULES)


def test_one_bad_value_does_not_spoil_the_others_and_foreign_ones_are_not_suspicious() -> None:
    reading = read_claim(
        [f"{P}2024-1234{A}", f"{P}x#evil", "urn:mace:egi.eu:aai.egi.eu:member@x", f"urn:geant:x:group:y{A}"], RULES
    )
    assert reading.groups == {Group(("panosc.example", "proposals", "2024-1234"))}
    assert sum(reading.refused.values()) == 3
    assert reading.suspicious == {"an authority that is not trusted": 1, "no authority": 1}


def test_a_reason_never_holds_the_value() -> None:
    for value in ("secret\n", f"{P}secret*{A}", f"{P}2024-1234#secret", f"{P}x:role=secret*{A}"):
        with pytest.raises(Refused) as refusal:
            parse(value, RULES)
        assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("namespace", ["", "egi.eu", "urn:mace", "urn:mace:", "urn:mace:a b", "urn:x:egi"])
def test_a_namespace_that_is_none_is_refused_at_boot(namespace: str) -> None:
    with pytest.raises(HubConfigError, match="namespace"):
        EntitlementRules(namespace)


# The grammar once more, as one regular expression, written apart from the parser. "%" escapes one printable byte.
COMPONENT = r"(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+"
GRAMMAR = re.compile(
    rf"(?i:urn:mace:egi\.eu):group:(?P<path>{COMPONENT}(?::{COMPONENT})*)(?::role=(?P<role>{COMPONENT}))?#(?i:aai\.egi\.eu)",
    re.ASCII,
)
NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


def second_reading(value: str) -> Group | None:
    """What the grammar says about `value`, or nothing."""
    found = GRAMMAR.fullmatch(value) if len(value) <= 512 else None
    if found is None:
        return None
    path = tuple(unquote(part, "latin-1") for part in found["path"].split(":"))
    role = None if found["role"] is None else unquote(found["role"], "latin-1")
    names = [*path, role] if role is not None else path
    return Group(path, role) if all(NAME.fullmatch(name) for name in names) else None


BASES = [
    f"{P}2024-1234{A}", f"{P}2024-1234:role=member{A}", f"{P}MX%2d1234{A}", f"URN:MACE:EGI.EU:group:a:b{A}",
    f"urn:mace:egi.eu:res:a:b{A}", f"urn:mace:egi.eu:group:a:role=pi{A}", f"{P}2024-1234", "admin",
]  # fmt: skip
PIECES = [
    *"abcxyzABCZ0189:#%?/\\*._-=@+ \n\t\0", "%2F", "%2e", "%41", "%4", "%", "%00", "%E2%80%91", "%3A", "role=",
    ":role=member",
    ":role=", "group", "GROUP", ":group:", "urn:", "..", "::", "##", A, "#AAI.EGI.EU", "#evil", "?=x", "\u2011",
    "\u212a",
    "\u0130", "\ud800", "é", "😀", "a" * 70, "x" * 520, "proposals", "egi.eu", "$", "\r\n", "\u200b",
]  # fmt: skip


def mutated(count: int, seed: int) -> Any:
    """Values near right ones: pieces put in, cut out, put in another place, cases changed; and pure noise."""
    rng = random.Random(seed)
    number, choice = rng.random, rng.choice
    for _ in range(count):
        value = choice(BASES)
        for _ in range(1 + int(number() * 3)):
            at = int(number() * (len(value) + 1))
            kind = number()
            if kind < 0.45:
                value = value[:at] + choice(PIECES) + value[at:]
            elif kind < 0.7:
                value = value[:at] + value[at + 1 + int(number() * 3) :]
            elif kind < 0.85:
                value = value[:at] + choice(PIECES) + value[at + 1 :]
            elif kind < 0.95:
                value = value[:at] + value[at:].swapcase()
            else:
                value = value[at:] + value[:at]
        yield value


def test_a_million_random_and_mutated_values_are_read_as_the_grammar_says() -> None:
    accepted = 0
    for value in mutated(1_000_000, seed=20260101):
        try:
            group = parse(value, RULES)
        except Refused:
            group = None
        if group is not None or value.startswith(("urn", "URN")):
            assert group == second_reading(value), value
        accepted += group is not None
    # The values are near enough to right ones that both answers are tried often.
    assert 20_000 < accepted < 500_000, accepted
