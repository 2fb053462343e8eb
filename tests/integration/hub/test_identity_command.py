"""``panosc-analysis identity``: an operator looks at her provider, and at what one person's claims would give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from panosc_analysis.cli import main
from tests.openid_provider import openid_provider

P = "urn:mace:egi.eu:group:panosc.example:proposals:"
POLICY = """\
facility: F
roots: {d: {path: .}}
proposals: {list: [{id: 2024-1234, root: d, directory: x}]}
identity:
  provider: egi
  issuer: ISSUER
  callback_url: https://hub.example.org/hub/oauth_callback
  entitlements: {proposals: "panosc.example:proposals"}
  assurance: {required: [IAP/medium]}
  scopes: [openid, offline_access, astrology]
"""
CLAIMS = {
    "voperson_id": f"{'0123456789abcdef' * 2}@egi.eu",
    "name": "Ada Lovelace",
    "eduperson_assurance": ["https://refeds.org/assurance/IAP/high"],
    "eduperson_entitlement": [
        f"{P}2024-1234:role=member#aai.egi.eu", f"{P}2025-7#aai.egi.eu", f"{P}2024-1234#evil.example",
    ],
}  # fmt: skip


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "panosc.yaml"
    file.write_text(POLICY.replace("ISSUER", "https://aai.egi.eu/auth/realms/egi"))
    return file


def explain(policy: Path, claims: Any, *more: str) -> int:
    file = policy.with_name("userinfo.json")
    file.write_text(claims if isinstance(claims, str) else json.dumps(claims))
    return main(["identity", "explain", str(file), "--policy", str(policy), *more])


def test_claims_are_explained_value_by_value(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(policy, CLAIMS) == 0
    said = capsys.readouterr().out
    for part in (
        "@egi.eu  shown as Ada Lovelace",
        "login     yes",
        "members proposal-2024-1234",
        "2025-7  member, but",
    ):
        assert part in said
    assert "#evil.example\n            → nothing, an authority that is not trusted" in said


def test_claims_are_explained_to_programs(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(policy, CLAIMS | {"eduperson_assurance": []}, "--json") == 1
    table = json.loads(capsys.readouterr().out)
    assert (table["login"], table["groups"], table["unassured"]) == (False, [], ["proposal-2024-1234"])
    assert table["elsewhere"] == ["2025-7"]
    assert "none of the groups" in table["reason"]


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"voperson_id": "ada@egi.eu"}, "voperson_id does not look as it must"),
        (CLAIMS | {"eduperson_entitlement": {"a": 1}}, "the whole claim is refused"),
    ],
)
def test_who_could_not_log_in_is_told_why(
    policy: Path, capsys: pytest.CaptureFixture[str], claims: dict[str, Any], said: str
) -> None:
    assert explain(policy, claims) == 1
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("claims", ["<html>", "[]", ""])
def test_what_is_no_userinfo_answer_is_said_so(policy: Path, capsys: pytest.CaptureFixture[str], claims: str) -> None:
    assert explain(policy, claims) == 1
    assert "userinfo" in capsys.readouterr().err


def test_a_provider_is_asked_what_it_offers(
    policy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with openid_provider({}, ["http://127.0.0.1/hub/oauth_callback"]) as provider:
        policy.write_text(POLICY.replace("ISSUER", provider.issuer))
        check = ["identity", "check", "--policy", str(policy)]
        assert main(check) == 1
        assert "PANOSC_OIDC_CLIENT_ID is empty" in capsys.readouterr().err
        for name in ("PANOSC_OIDC_CLIENT_ID", "PANOSC_OIDC_CLIENT_SECRET"):
            monkeypatch.setenv(name, "very-secret")
        monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "ab" * 32)
        assert main(check) == 0
        said = capsys.readouterr().out
        assert f"logs in at  {provider.issuer}/auth" in said
        assert "warning  the scope astrology is asked for, and the provider does not list it" in said
        assert "very-secret" not in said


def test_a_policy_without_identity_is_said_so(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text("facility: F\nroots: {d: {path: .}}\n")
    assert main(["identity", "check", "--policy", str(policy)]) == 1
    assert "no `identity:` section" in capsys.readouterr().err
