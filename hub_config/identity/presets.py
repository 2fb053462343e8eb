"""What is the same for everybody who uses a certain provider. An operator's own settings go before these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["PRESETS", "with_preset"]

# Membership of research AAIs is in userinfo only, in one of two claims (AARC-G002, AARC-G069).
_RESEARCH_SCOPES = [
    "openid", "profile", "aarc", "voperson_id", "eduperson_entitlement", "eduperson_scoped_affiliation",
    "eduperson_assurance", "offline_access",
]  # fmt: skip
_ENTITLEMENT_CLAIMS = ["eduperson_entitlement", "entitlements"]

_COMMON: dict[str, Any] = {
    "client_id": "env:PANOSC_OIDC_CLIENT_ID",
    "client_secret": "env:PANOSC_OIDC_CLIENT_SECRET",
    "crypt_keys": "env:JUPYTERHUB_CRYPT_KEY",
    "display_name": "name",
    "allowed_groups": ["members"],
    "proposal_pattern": "[A-Za-z0-9]+(-[A-Za-z0-9]+)*",
    "refresh": {"age": 300, "grace": 3600, "unverified": 86400, "timeout": 10},
    "lifetimes": {"cookie": 1, "token": 7},
}

PRESETS: dict[str, dict[str, Any]] = {
    # EGI Check-in: the service "MUST NOT rely upon" preferred_username being unique; voperson_id is for ever.
    "egi": {
        "login_name": "EGI Check-in",
        "issuer": "https://aai.egi.eu/auth/realms/egi",
        "scopes": _RESEARCH_SCOPES,
        "user_name": {"claim": "voperson_id", "scope": "egi.eu", "case_insensitive": True},
        "entitlements": {
            "claims": _ENTITLEMENT_CLAIMS, "namespace": "urn:mace:egi.eu", "authorities": ["aai.egi.eu"],
            "authority_required": True, "roles": ["member", "pi"],
        },
    },
    # GÉANT's eduTEAMS, MyAccessID, UmbrellaID: issuer, scope of the identifiers and namespace are the community's own.
    "geant": {
        "login_name": "GÉANT eduTEAMS",
        "scopes": _RESEARCH_SCOPES,
        "user_name": {
            "claim": "voperson_id", "scope": "eduteams.org", "case_insensitive": True,
            # Open test accounts, "should not be authorised to access any valuable resources".
            "blocked": ["test@eduteams.org", "test@aai.geant.org"],
        },
        "entitlements": {"claims": _ENTITLEMENT_CLAIMS, "authority_required": False, "roles": ["member", "pi"]},
    },
    "keycloak": {
        "login_name": "Keycloak",
        "scopes": ["openid", "profile", "offline_access"],
        "user_name": {"claim": "sub", "pattern": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"},
        "group_claim": {"claim": "groups", "proposal_prefix": "/proposals/"},
    },
    "oidc": {
        "login_name": "Facility account",
        "scopes": ["openid", "profile", "offline_access"],
        "user_name": {"claim": "sub", "pattern": "[a-z0-9][a-z0-9._-]{6,61}[a-z0-9]"},
        "group_claim": {"claim": "groups", "proposal_prefix": "proposal-"},
    },
}  # fmt: skip


def with_preset(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return `table` with what its preset says where it says nothing. Lists are replaced, tables are merged."""
    return _merged(_merged(_COMMON, PRESETS[table["provider"]]), table)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        both = isinstance(value, dict) and isinstance(under, dict) and key != "hub_groups"
        result[key] = _merged(under, value) if both else value  # type: ignore[arg-type]  # checked on the line above
    return result
