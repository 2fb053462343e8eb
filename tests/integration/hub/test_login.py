"""Logging in at a real provider: who gets in, with which groups, and what is said to whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.openid_provider import subject

PEOPLE: dict[str, dict[str, Any]] = {
    "alice": {"name": "Alice Example", "email": "alice@facility.example", "preferred_username": "alice",
              "groups": ["/proposals/2026-1", "/proposals/2026-2", "/proposals/elsewhere-7"]},
    "bob": {"groups": ["/proposals/2026-2"]},
    "oskar": {"groups": ["/operators"]},
    "mallory": {"preferred_username": "alice", "email": "alice@facility.example", "groups": ["/nobody", "admin"]},
    "broken": {"groups": {"/proposals/2026-1": "canary-in-a-claim"}},
    "nameless": {"sub": "Canary-In-A-Claim", "email": "canary@facility.example", "groups": ["/proposals/2026-1"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def hub(start_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE) as running:
        yield running


def test_login_brings_the_groups_and_an_opaque_name(hub: Any) -> None:
    _, page = hub.log_in("alice")
    assert page.status_code == 200
    assert page.url.path == "/hub/home"
    known = hub.user("alice")
    assert known["name"] == subject("alice")
    assert set(known["groups"]) == {"proposal-2026-1", "proposal-2026-2", "members"}
    assert known["user_info"] == {"name": "Alice Example", "display_name": "Alice Example"}
    facts = known["auth_state"]["panosc"]
    assert facts["elsewhere"] == ["elsewhere-7"]
    assert "alice@facility.example" not in str(known)


def test_operators_administer_and_others_do_not(hub: Any) -> None:
    hub.log_in("oskar")
    hub.log_in("bob")
    assert hub.user("oskar")["admin"] is True
    assert hub.user("bob")["admin"] is False


@pytest.mark.parametrize(
    ("person", "said"),
    [("mallory", "none of the groups"), ("broken", "none of the groups"), ("nameless", "identifier")],
)
def test_who_is_not_let_in_reads_why_and_leaves_no_trace(hub: Any, person: str, said: str) -> None:
    browser, page = hub.log_in(person)
    assert page.status_code == 403
    assert said in page.text
    assert browser.get(f"{hub.url}/hub/home").url.path != "/hub/home"
    known = {user["name"] for user in hub.api("GET", "/users", "reader").json()}
    assert PEOPLE[person].get("sub", subject(person)).lower() not in known


def test_no_claim_and_no_token_is_in_the_log(hub: Any) -> None:
    for person in ("broken", "nameless", "alice"):
        hub.log_in(person)
    log = hub.log
    assert "Identity alarm (claim): the claim groups of" in log
    assert "Identity alarm (login)" in log
    for canary in ("canary", "Canary", "alice@facility", "/proposals/", hub.provider.client_secret):
        assert canary not in log
    assert "Traceback" not in log


def test_alarms_are_counted_for_prometheus(hub: Any) -> None:
    hub.log_in("broken")
    token = hub.services["reader"]
    metrics = hub.browser().get(f"{hub.url}/hub/metrics", headers={"Authorization": f"token {token}"})
    assert 'panosc_identity_alarms_total{kind="claim"}' in metrics.raise_for_status().text


def test_pkce_is_asked_for(hub: Any) -> None:
    answer = hub.browser().get(f"{hub.url}/hub/oauth_login", follow_redirects=False)
    assert answer.headers["Location"].startswith(hub.provider.issuer)
    assert "code_challenge_method=S256" in answer.headers["Location"]


def test_the_providers_tokens_stay_in_the_hub(hub: Any) -> None:
    """Not in the session's environment, not readable in the database, not in the log."""
    browser, _ = hub.log_in("alice")
    token = hub.token(browser, "alice")
    kept = hub.user("alice")["auth_state"]["token_response"]
    secrets = [kept["access_token"], kept["refresh_token"], kept["id_token"], hub.provider.client_secret, "5a" * 32]
    assert all(len(secret) > 20 for secret in secrets)
    assert hub.start_session("alice", token) == 201
    environment = hub.session("alice", token).json()["environment"]
    assert environment["JUPYTERHUB_USER"] == subject("alice")
    places = {
        "environment": str(environment),
        "database": (hub.state / "hub.sqlite").read_bytes().decode("latin-1"),
        "log": hub.log,
    }
    assert [(place, secret) for place, text in places.items() for secret in secrets if secret in text] == []
    assert "alice@facility.example" not in places["database"]
