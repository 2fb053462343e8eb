"""What has ended at the provider has ended here: at the next start, whoever asks for it, and at the next request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.hub.conftest import eventually
from tests.openid_provider import TOKEN, USERINFO, subject

PEOPLE: dict[str, dict[str, Any]] = {
    name: {"groups": ["/proposals/2026-1", "/proposals/2026-2"]} for name in ("alice", "bob", "carol", "dora", "emil")
} | {"oskar": {"groups": ["/operators"]}, "fritz": {"groups": ["/proposals/2026-1", "/users"]}}
# So that only what a start itself asks for can find a revocation out (finding F2).
LONG = {"refresh": {"age": 3600}}


@pytest.fixture(scope="module")
def hub(start_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE, identity=LONG) as running:
        yield running


def starts(hub: Any, person: str, browser: Any, token: str) -> dict[str, int]:
    """Status of a start of a session, asked for with each of the three credentials."""
    cookie = browser.get(f"{hub.url}/hub/spawn", follow_redirects=False)
    back_to_login = cookie.status_code == 302 and "/hub/login" in cookie.headers["Location"]
    return {
        "cookie": 403 if back_to_login else cookie.status_code,
        "token": hub.start_session(person, token),
        "service": hub.start_session(person, "starter"),
    }


def test_f1_a_closed_account_starts_nothing_with_cookie_api_token_and_service_token(hub: Any) -> None:
    browser, _ = hub.log_in("alice")
    token = hub.token(browser, "alice")
    hub.provider.close_account("alice")
    assert starts(hub, "alice", browser, token) == {"cookie": 403, "token": 403, "service": 403}
    assert hub.user("alice")["groups"] == []
    assert hub.user("alice")["servers"] == {}
    assert hub.log_in("alice")[1].status_code == 401


def test_a_withdrawn_proposal_is_gone_at_the_next_start(hub: Any) -> None:
    browser, _ = hub.log_in("bob")
    token = hub.token(browser, "bob")
    hub.provider.set_claims("bob", {"groups": ["/proposals/2026-2"]})
    assert hub.start_session("bob", token) == 201
    assert hub.session("bob", token).json()["environment"]["PROPOSALS"] == "2026-2"
    assert hub.proposals("bob") == {"proposal-2026-2"}


def test_f3_who_lost_every_allowed_group_starts_nothing(hub: Any) -> None:
    browser, _ = hub.log_in("carol")
    token = hub.token(browser, "carol")
    hub.provider.set_claims("carol", {"groups": ["/strangers"]})
    assert starts(hub, "carol", browser, token) == {"cookie": 403, "token": 403, "service": 403}
    assert hub.user("carol")["groups"] == []
    assert hub.log_in("carol")[1].status_code == 403


def test_a_claim_that_breaks_later_ends_memberships(hub: Any) -> None:
    browser, _ = hub.log_in("dora")
    token = hub.token(browser, "dora")
    hub.provider.set_claims("dora", {"groups": {"/proposals/2026-1": True}})
    assert hub.start_session("dora", token) == 403
    assert hub.proposals("dora") == set()


def test_dead_tokens_of_a_living_account_need_a_login_and_nothing_else(hub: Any) -> None:
    browser, _ = hub.log_in("emil")
    token = hub.token(browser, "emil")
    hub.provider.revoke("emil")
    assert hub.start_session("emil", token) == 403
    hub.log_in("emil")
    assert hub.start_session("emil", token) == 201
    assert hub.proposals("emil") == {"proposal-2026-1", "proposal-2026-2"}


def test_an_operator_who_is_none_any_more_has_no_rights_left(hub: Any) -> None:
    browser, _ = hub.log_in("oskar")
    token = hub.token(browser, "oskar")
    assert hub.user("oskar")["admin"] is True
    hub.provider.close_account("oskar")
    assert hub.start_session("oskar", token) == 403
    assert hub.user("oskar")["admin"] is False
    assert "admin" not in hub.user("oskar")["roles"]


def test_who_loses_proposals_but_may_stay_goes_on_without_them(hub: Any) -> None:
    browser, _ = hub.log_in("fritz")
    token = hub.token(browser, "fritz")
    hub.provider.set_claims("fritz", {"groups": ["/users"]})
    assert hub.start_session("fritz", token) == 201
    assert hub.session("fritz", token).json()["environment"]["PROPOSALS"] == ""
    assert set(hub.user("fritz")["groups"]) == {"users"}


@pytest.fixture(scope="module")
def short_lived(start_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Access tokens that live a second: every question needs the refresh token, which is good once."""
    identity = {"refresh": {"age": 1}}
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE, token_seconds=1, identity=identity) as running:
        yield running


def test_renewed_tokens_are_kept(short_lived: Any) -> None:
    hub = short_lived
    browser, _ = hub.log_in("bob")
    token = hub.token(browser, "bob")
    for _ in range(3):
        time.sleep(1.2)
        assert hub.start_session("bob", token) == 201
        hub.api("DELETE", f"/users/{subject('bob')}/server", token).raise_for_status()
        eventually(lambda: not hub.user("bob")["servers"], seconds=10)
    assert hub.provider.requests(TOKEN) >= 4


def test_many_questions_at_once_use_no_refresh_token_twice(short_lived: Any) -> None:
    hub = short_lived
    browser, _ = hub.log_in("carol")
    token = hub.token(browser, "carol")
    hub.provider.fault(TOKEN, delay=0.2)
    try:
        for _ in range(3):
            time.sleep(1.2)
            with ThreadPoolExecutor(8) as pool:
                answers = pool.map(lambda _: hub.api("GET", "/user", token).status_code, range(16))
                assert set(answers) == {200}
    finally:
        hub.provider.mend(TOKEN)
    assert hub.proposals("carol") == {"proposal-2026-1", "proposal-2026-2"}


def test_a_token_that_was_renewed_but_not_answered_with_is_kept(short_lived: Any) -> None:
    hub = short_lived
    browser, _ = hub.log_in("dora")
    token = hub.token(browser, "dora")
    hub.provider.fault(USERINFO, status=401)
    time.sleep(1.2)
    try:
        assert hub.api("GET", "/user", token).status_code == 200
    finally:
        hub.provider.mend(USERINFO)
    time.sleep(1.2)
    assert hub.api("GET", "/user", token).status_code == 200
    assert hub.proposals("dora") == {"proposal-2026-1", "proposal-2026-2"}


def test_without_refresh_tokens_an_expired_login_is_no_revocation(
    start_hub: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    identity = {"refresh": {"age": 1}}
    folder = tmp_path_factory.mktemp("hub")
    with start_hub(folder, PEOPLE, token_seconds=3, refresh_tokens=False, identity=identity) as hub:
        browser, _ = hub.log_in("bob")
        token = hub.token(browser, "bob")
        assert hub.start_session("bob", token) == 201
        eventually(lambda: hub.api("GET", "/user", token).status_code == 403, seconds=10)
        assert hub.proposals("bob") == {"proposal-2026-1", "proposal-2026-2"}
        assert hub.user("bob")["servers"][""]["ready"]
        hub.log_in("bob")
        assert hub.api("GET", "/user", token).status_code == 200
