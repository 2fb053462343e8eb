"""The provider that the other tests log in through does what they take for granted."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.openid_provider import DISCOVERY, USERINFO, OpenIDProvider, free_port, log_in, openid_provider, subject

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@pytest.fixture(scope="module")
def provider() -> Any:
    port = free_port()
    # Somewhere that answers: the code is then in the address of the last page.
    with openid_provider({"alice": {"groups": ["a"]}}, [f"http://127.0.0.1:{port}{DISCOVERY}"], port=port) as running:
        yield running


def tokens(provider: OpenIDProvider, person: str) -> dict[str, Any]:
    """Log in by authorization code and PKCE."""
    callback, client = provider.issuer + DISCOVERY, (provider.client_id, provider.client_secret)
    query = {
        "client_id": provider.client_id, "redirect_uri": callback, "response_type": "code", "state": "s",
        "scope": "openid groups", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    with httpx.Client(follow_redirects=True) as browser:
        last = log_in(browser, f"{provider.issuer}/auth?{httpx.QueryParams(query)}", person)
    code = parse_qs(last.url.query.decode())["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": VERIFIER}
    return dict(httpx.post(f"{provider.issuer}/token", data=form, auth=client).raise_for_status().json())


def userinfo(provider: OpenIDProvider, token: str) -> httpx.Response:
    return httpx.get(provider.issuer + USERINFO, headers={"Authorization": f"Bearer {token}"})


def test_login_claims_that_change_and_revocation(provider: OpenIDProvider) -> None:
    given = tokens(provider, "alice")
    assert given["refresh_token"]
    assert userinfo(provider, given["access_token"]).json() == {"sub": subject("alice"), "groups": ["a"]}
    provider.set_claims("alice", {"groups": ["b"]})
    assert userinfo(provider, given["access_token"]).json()["groups"] == ["b"]
    provider.revoke("alice")
    assert userinfo(provider, given["access_token"]).status_code == 401


def test_a_closed_account_cannot_log_in(provider: OpenIDProvider) -> None:
    provider.set_claims("eve", {"groups": ["a"]})
    token = tokens(provider, "eve")["access_token"]
    provider.close_account("eve")
    assert userinfo(provider, token).status_code == 401
    with pytest.raises(KeyError):
        tokens(provider, "eve")


def test_faults_come_and_go(provider: OpenIDProvider) -> None:
    provider.fault(USERINFO, status=200, body="<html>Maintenance</html>", content_type="text/html")
    assert userinfo(provider, "x").text == "<html>Maintenance</html>"
    provider.mend(USERINFO)
    assert userinfo(provider, "x").status_code == 401
    provider.fault(delay=0.3)
    assert httpx.get(provider.issuer + DISCOVERY).elapsed.total_seconds() >= 0.3
    provider.mend()
