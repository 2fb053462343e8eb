"""Logging in as at EGI Check-in: entitlements become groups, and only well-formed identifiers become anybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

P = "urn:mace:egi.eu:group:panosc.example:proposals:"
ID = "0123456789abcdef" * 4
RAF = "https://refeds.org/assurance"


def person(identifier: Any, *entitlements: str, assurance: str = "IAP/medium") -> dict[str, Any]:
    return {
        "voperson_id": identifier, "eduperson_entitlement": list(entitlements), "email": "ada@institute.example",
        "preferred_username": "ada", "eduperson_assurance": [f"{RAF}/{assurance}"], "uidNumber": "20001",
    }  # fmt: skip


MEMBER = f"{P}2026-1:role=member#aai.egi.eu"
# Identifiers that must not become anybody, whatever the attribute authority says.
STRANGE = [
    "Alice", "\u212aate", "\u017fam", "\ufb01ona", "\u0130x", f"{ID}\u200b@egi.eu", f"{ID}@egi.eu\n", f" {ID}@egi.eu",
    ".", "..", "%2e%2e", "a/b", "a%2fb", "a--b", "a_b", "-x", "x" * 300, "", "😀", "a:b", "${USER}", "{username}",
    "root", "admin", "test@eduteams.org", f"{ID}@eduteams.org", f"{ID}@egi.eu.evil.example", f"\u212a{ID[1:]}@egi.eu",
    None, 7, [f"{ID}@egi.eu"],
]  # fmt: skip
PEOPLE = {
    "ada": person(f"{ID.upper()}@EGI.eu", MEMBER, f"{P}2026-2#evil.example", f"{P}2026-2:role=pending#aai.egi.eu"),
    "low": person(
        f"{'1' * 64}@egi.eu", MEMBER, "urn:mace:egi.eu:group:panosc.example:users#aai.egi.eu", assurance="IAP/low"
    ),
} | {f"strange-{n}": person(identifier, MEMBER) for n, identifier in enumerate(STRANGE)}
IDENTITY = {
    "provider": "egi", "user_name": {}, "entitlements": {"proposals": "panosc.example:proposals"},
    "hub_groups": {"users": ["panosc.example:users"]}, "assurance": {"required": ["IAP/medium"]},
    "numbers": {"uid": "uidNumber"},
}  # fmt: skip


@pytest.fixture(scope="module")
def hub(start_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE, identity=IDENTITY) as running:
        yield running


def user(hub: Any, name: str) -> dict[str, Any]:
    return dict(hub.api("GET", f"/users/{name}", "reader").raise_for_status().json())


def test_entitlements_become_groups_and_the_identifier_a_name(hub: Any) -> None:
    _, page = hub.log_in("ada")
    assert page.url.path == "/hub/home"
    known = user(hub, f"{ID}@egi.eu")
    assert set(known["groups"]) == {"members", "proposal-2026-1"}
    assert known["auth_state"]["panosc"]["claims"] == {"uid": 20001}
    assert "1 membership value(s)" in hub.log


def test_who_is_not_vouched_for_logs_in_and_gets_no_proposal(hub: Any) -> None:
    _, page = hub.log_in("low")
    assert page.url.path == "/hub/home"
    known = user(hub, f"{'1' * 64}@egi.eu")
    assert known["groups"] == ["users"]
    assert known["auth_state"]["panosc"]["unassured"] == ["proposal-2026-1"]


def test_strange_identifiers_become_nobody_and_leave_nothing(hub: Any) -> None:
    hub.log_in("ada")
    hub.log_in("low")
    homes = {path.name for path in hub.state.iterdir()}
    for n, identifier in enumerate(STRANGE):
        _, page = hub.log_in(f"strange-{n}")
        assert page.status_code == 403, identifier
        assert "usable identifier" in page.text
    assert len(hub.api("GET", "/users", "reader").json()) == 2
    assert {path.name for path in hub.state.iterdir()} == homes
    assert "Traceback" not in hub.log
