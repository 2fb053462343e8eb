"""When the provider cannot be asked: running work goes on for the grace time, and is cut then; nobody new comes in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub_config.identity.facts import last_good_refresh
from tests.integration.hub.conftest import eventually
from tests.openid_provider import TOKEN, USERINFO

GRACE = 3
PEOPLE: dict[str, dict[str, Any]] = {
    name: {"groups": ["/proposals/2026-1"]} for name in ("alice", "bob", "carol", "dora", "emil")
}
SHORT = {"refresh": {"age": 1, "grace": GRACE, "timeout": 1}}


@pytest.fixture(scope="module")
def hub(start_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE, identity=SHORT) as running:
        yield running


def running_session(hub: Any, person: str) -> tuple[Any, str]:
    browser, _ = hub.log_in(person)
    token = hub.token(browser, person)
    if not hub.user(person)["servers"]:
        assert hub.start_session(person, token) == 201
    assert hub.session(person, token).status_code == 200
    return browser, token


def time_until_cut(hub: Any, person: str, token: str) -> float:
    """Ask the running session again and again, as an open JupyterLab does; returns seconds until it answers no more."""
    started = time.monotonic()
    while hub.session(person, token).status_code == 200:
        assert time.monotonic() - started < 60, "the grace time never ends"
        time.sleep(0.3)
    return time.monotonic() - started


FAULTS: dict[str, dict[str, Any]] = {
    "answers 500": {"status": 500, "body": "oops"},
    "answers HTML": {"status": 200, "body": "<html>Down for maintenance</html>", "content_type": "text/html"},
    "answers nothing": {"status": 200, "body": "", "content_type": "application/json"},
    "answers a list": {"status": 200, "body": "[]", "content_type": "application/json"},
    "is not found": {"status": 404, "body": "no such page"},
    "hangs": {"hang": True},
}


@pytest.mark.parametrize(("person", "fault"), [("alice", "answers 500"), ("bob", "answers HTML"), ("carol", "hangs")])
def test_f4_running_work_goes_on_for_the_grace_time_and_is_cut_then(hub: Any, person: str, fault: str) -> None:
    _, token = running_session(hub, person)
    time.sleep(1.2)
    hub.provider.fault(USERINFO, **FAULTS[fault])
    broken = datetime.now(UTC)
    try:
        held = time_until_cut(hub, person, token)
        assert GRACE - 1 < held < GRACE + 20, f"cut after {held:.1f} s"
        assert hub.start_session(person, token) == 403
        assert hub.proposals(person) == {"proposal-2026-1"}, "an outage says nothing about memberships"
        confirmed = last_good_refresh(hub.user(person)["auth_state"])
        assert confirmed is not None
        assert confirmed <= broken + timedelta(seconds=1), "only good answers count"
    finally:
        hub.provider.mend(USERINFO)
    assert hub.api("GET", "/user", token).status_code == 200, "access comes back with the provider, without a login"
    eventually(lambda: hub.session(person, token).status_code == 200, seconds=5)


@pytest.mark.parametrize("fault", ["answers nothing", "answers a list", "is not found"])
def test_whatever_no_working_provider_says_is_an_outage(hub: Any, fault: str) -> None:
    _, token = running_session(hub, "dora")
    time.sleep(1.2)
    asked = hub.provider.requests(USERINFO)
    hub.provider.fault(USERINFO, **FAULTS[fault])
    try:
        eventually(lambda: hub.provider.requests(USERINFO) > asked, seconds=5)
        assert hub.api("GET", "/user", token).status_code == 200
    finally:
        hub.provider.mend(USERINFO)


def test_a_refresh_token_that_cannot_be_used_now_is_an_outage_too(hub: Any) -> None:
    _, token = running_session(hub, "emil")
    time.sleep(1.2)
    hub.provider.fault(USERINFO, status=401, body="{}", content_type="application/json")
    hub.provider.fault(TOKEN, status=503, body="<html>busy</html>", content_type="text/html")
    try:
        assert hub.api("GET", "/user", token).status_code == 200
        hub.provider.fault(TOKEN, status=401, body='{"error": "invalid_client"}', content_type="application/json")
        time.sleep(1.2)
        assert hub.api("GET", "/user", token).status_code == 200
        assert "Identity alarm (client)" in hub.log
        hub.provider.mend(TOKEN)
        renewed = hub.provider.requests(TOKEN)
        eventually(lambda: hub.provider.requests(TOKEN) > renewed + 1, seconds=10)
        assert hub.api("GET", "/user", token).status_code == 200, "a token given and refused is no revocation"
        hub.provider.fault(TOKEN, status=400, body='{"error": "invalid_grant"}', content_type="application/json")
        time.sleep(1.2)
        assert hub.api("GET", "/user", token).status_code == 403
        assert hub.proposals("emil") == set()
    finally:
        hub.provider.mend(USERINFO)
        hub.provider.mend(TOKEN)


@pytest.mark.parametrize("fault", [FAULTS["answers 500"], FAULTS["answers HTML"], FAULTS["hangs"]])
def test_a_login_meanwhile_reads_what_is_the_matter_and_soon(hub: Any, fault: dict[str, Any]) -> None:
    hub.provider.fault(USERINFO, **fault)
    try:
        started = time.monotonic()
        _, page = hub.log_in("bob")
        assert page.status_code == 503
        assert "does not answer" in page.text
        assert time.monotonic() - started < 10
    finally:
        hub.provider.mend(USERINFO)
    assert hub.log_in("bob")[1].status_code == 200


def test_another_subject_in_userinfo_is_refused(hub: Any) -> None:
    hub.provider.fault(USERINFO, status=200, body='{"sub": "somebody-else"}', content_type="application/json")
    try:
        _, page = hub.log_in("bob")
        assert page.status_code == 403
    finally:
        hub.provider.mend(USERINFO)


def test_the_unverified_end_after_their_time(start_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    short = {"refresh": {"age": 1, "grace": 86400, "unverified": 60}}
    lines = "import dataclasses as d; i = c.InstituteAuthenticator.identity\n"
    lines += "c.InstituteAuthenticator.identity = d.replace(i, refresh=d.replace(i.refresh, unverified=4))"
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE, identity=short, last_lines=lines) as hub:
        _, token = running_session(hub, "alice")
        hub.provider.fault(USERINFO, status=500)
        deadline = time.monotonic() + 20
        while hub.proposals("alice"):
            assert time.monotonic() < deadline
            hub.api("GET", "/user", token)
            time.sleep(0.3)
        # The next request after the refresh age asks again, and is refused.
        eventually(lambda: hub.api("GET", "/user", token).status_code == 403, seconds=5)
        assert "Identity alarm (unverified)" in hub.log


def test_a_hub_that_starts_again_meanwhile_keeps_its_sessions(
    start_hub: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    identity = {"refresh": {"age": 1, "grace": 60, "timeout": 1}}
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE, identity=identity) as hub:
        _, token = running_session(hub, "alice")
        hub.provider.fault(status=503)
        hub.process.stop()
        hub.process.start()
        assert hub.process.poll() is None, hub.log
        eventually(lambda: hub.session("alice", token).status_code == 200, seconds=15)
        assert hub.log_in("bob")[1].status_code == 503
        assert hub.proposals("alice") == {"proposal-2026-1"}
        hub.provider.mend()
        assert hub.log_in("bob")[1].status_code == 200
        assert hub.session("alice", token).status_code == 200
