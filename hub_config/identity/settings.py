"""The ``identity:`` section of ``panosc.yaml`` as checked values. Secrets come from elsewhere, never from it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema

from hub_config.entitlements import EntitlementRules
from hub_config.errors import HubConfigError
from hub_config.identity.addresses import check_address
from hub_config.identity.presets import with_preset

__all__ = [
    "SCHEMA",
    "Assurance",
    "EntitlementClaims",
    "IdentitySettings",
    "PlainGroups",
    "Refresh",
    "identity_settings",
]

SCHEMA: dict[str, Any] = json.loads((files("hub_config.identity") / "schema.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class UserNameRule:
    """Which claim is the user name, and what it must look like.

    Parameters
    ----------
    claim
        An identifier that is opaque and never given to somebody else.
    pattern
        What the whole claim must match.
    case_insensitive
        The provider compares without case, so the lower-cased claim is the name; otherwise capitals are refused.
    digest
        The name is a digest of issuer and claim, for identifiers that are no usable names.
    blocked
        Identifiers that never log in.
    """

    claim: str
    pattern: str
    case_insensitive: bool = False
    digest: bool = False
    blocked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EntitlementClaims:
    """Claims with entitlements, and which of them are proposals."""

    claims: tuple[str, ...]
    rules: EntitlementRules
    proposals: tuple[str, ...]
    roles: frozenset[str | None]


@dataclass(frozen=True, slots=True)
class PlainGroups:
    """A claim with plain group names, and what stands before a proposal's identifier."""

    claim: str
    proposal_prefix: str


@dataclass(frozen=True, slots=True)
class Assurance:
    """What a provider must vouch for before embargoed data are given."""

    claim: str
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refresh:
    """How often memberships are asked for, and how long the last known ones hold without an answer; seconds."""

    age: int
    grace: int
    unverified: int
    timeout: int


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One source of memberships outside the claims: a file or an address."""

    registry: Path | None = None
    user_office: str = ""
    token: str = field(default="", repr=False)
    timeout: float = 5.0
    person: str = ""


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Who may log in, and how claims become groups."""

    issuer: str
    client_id: str
    callback_url: str
    login_name: str
    scopes: tuple[str, ...]
    allowed_groups: frozenset[str]
    allow_everybody: bool
    user_name: UserNameRule
    display_name: str
    proposal_pattern: str
    refresh: Refresh
    cookie_days: float
    token_days: float
    entitlements: EntitlementClaims | None = None
    plain_groups: PlainGroups | None = None
    hub_groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sources: tuple[SourceSettings, ...] = ()
    assurance: Assurance | None = None
    uid_claim: str = ""
    gid_claim: str = ""
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    client_secret: str = field(default="", repr=False)
    crypt_keys: tuple[str, ...] = field(default=(), repr=False)


def identity_settings(table: Mapping[str, Any], environment: Mapping[str, str] | None) -> IdentitySettings:
    """Read the section `table`, filled up from its preset; secrets from `environment` or from the files it names.

    Without an environment the secrets stay empty: good for looking at claims, not for a hub.

    Raises
    ------
    HubConfigError
        Something is missing, contradictory or not allowed; the message names the key.
    """
    for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(dict(table)):
        place = ".".join(["identity", *map(str, error.absolute_path)])
        raise HubConfigError(f"{place}: {error.message}. See docs/operating/identity.md for what may stand there.")
    full = with_preset(table)
    if "issuer" not in full:
        raise HubConfigError(
            "identity.issuer is missing: the address of the provider, such as https://login.example.org."
        )
    everybody = bool(full.get("allow_everybody"))
    if everybody and "allowed_groups" in table:
        raise HubConfigError("identity: allow_everybody and allowed_groups contradict each other. Keep one of them.")
    return IdentitySettings(
        issuer=check_address(full["issuer"], "identity.issuer"),
        client_id=_secret(full, "client_id", environment),
        client_secret=_secret(full, "client_secret", environment),
        crypt_keys=_crypt_keys(full, environment),
        callback_url=check_address(full["callback_url"], "identity.callback_url"),
        login_name=full["login_name"],
        scopes=tuple(full["scopes"]),
        authorize_params=dict(full.get("authorize_params", {})),
        allowed_groups=frozenset() if everybody else frozenset(full["allowed_groups"]),
        allow_everybody=everybody,
        user_name=_user_name(full["user_name"]),
        display_name=full["display_name"],
        proposal_pattern=_pattern(full["proposal_pattern"], "proposal_pattern"),
        refresh=Refresh(**full["refresh"]),
        cookie_days=full["lifetimes"]["cookie"],
        token_days=full["lifetimes"]["token"],
        hub_groups={name: frozenset(values) for name, values in full.get("hub_groups", {}).items()},
        sources=tuple(_source(row, environment) for row in full.get("memberships", ())),
        uid_claim=full.get("numbers", {}).get("uid", ""),
        gid_claim=full.get("numbers", {}).get("gid", ""),
        **_claims(full),
    )


def _claims(full: Mapping[str, Any]) -> dict[str, Any]:
    """Read which claims say what a person is member of and how sure the provider is of her."""
    found: dict[str, Any] = {}
    if (section := full.get("entitlements")) and ("namespace" in section or full["provider"] != "geant"):
        found["entitlements"] = _entitlements(section)
    if section := full.get("group_claim"):
        found["plain_groups"] = PlainGroups(section["claim"], section.get("proposal_prefix", "proposal-"))
    if section := full.get("assurance"):
        found["assurance"] = Assurance(section.get("claim", "eduperson_assurance"), tuple(section["required"]))
    if not found.keys() & {"entitlements", "plain_groups"} and not full.get("memberships"):
        message = (
            "identity: nothing says which proposals a person is member of. Give entitlements.namespace and "
            "entitlements.proposals, or group_claim, or memberships."
        )
        raise HubConfigError(message)
    return found


def _entitlements(section: Mapping[str, Any]) -> EntitlementClaims:
    for key in ("namespace", "proposals"):
        if key not in section:
            raise HubConfigError(
                f"identity.entitlements.{key} is missing. See docs/operating/identity.md for examples."
            )
    rules = EntitlementRules(
        section["namespace"], frozenset(section.get("authorities", ())), section.get("authority_required", True)
    )
    roles = frozenset({None, *section.get("roles", ())})
    claims = tuple(section.get("claims", ("eduperson_entitlement", "entitlements")))
    return EntitlementClaims(claims, rules, tuple(section["proposals"].split(":")), roles)


def _user_name(section: Mapping[str, Any]) -> UserNameRule:
    if "pattern" in section:
        pattern = section["pattern"]
    elif "scope" in section:
        pattern = rf"[0-9a-f]{{16,64}}@{re.escape(section['scope'])}"
    else:
        raise HubConfigError("identity.user_name: give scope or pattern, so that only well-formed identifiers log in.")
    return UserNameRule(
        claim=section["claim"],
        pattern=_pattern(pattern, "user_name.pattern"),
        case_insensitive=section.get("case_insensitive", False),
        digest=section.get("digest", False),
        blocked=frozenset(name.lower() for name in section.get("blocked", ())),
    )


def _pattern(pattern: str, key: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise HubConfigError(f"identity.{key} is no regular expression: {error}. Correct it.") from error
    return pattern


def _source(row: Mapping[str, Any], environment: Mapping[str, str] | None) -> SourceSettings:
    if "registry" in row:
        path = Path(row["registry"])
        if not path.is_absolute():
            raise HubConfigError(f"identity.memberships: {path} is not an absolute path. Write it whole.")
        return SourceSettings(registry=path, person=row.get("person", ""))
    return SourceSettings(
        user_office=check_address(row["user_office"], "identity.memberships.user_office"),
        token=_secret(row, "token", environment) if "token" in row else "",
        timeout=row.get("timeout", 5.0),
        person=row.get("person", ""),
    )


def _crypt_keys(full: Mapping[str, Any], environment: Mapping[str, str] | None) -> tuple[str, ...]:
    """Return the keys that tokens of the provider are encrypted with; the first encrypts, all decrypt."""
    keys = tuple(key.strip() for key in _secret(full, "crypt_keys", environment).split(";") if key.strip())
    for key in keys:
        if not re.fullmatch(r"[0-9a-fA-F]{64}", key):
            raise HubConfigError(
                "identity.crypt_keys: a key is not 64 hexadecimal digits. `openssl rand -hex 32` makes one."
            )
    return keys


def _secret(table: Mapping[str, Any], key: str, environment: Mapping[str, str] | None) -> str:
    if environment is None:
        return ""
    kind, _, name = str(table[key]).partition(":")
    if kind == "env":
        value = environment.get(name, "")
    else:
        try:
            value = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise HubConfigError(f"identity.{key}: {name} cannot be read ({error}). Mount the secret there.") from error
    value = value.strip()
    if not value:
        where = f"the environment variable {name}" if kind == "env" else name
        raise HubConfigError(f"identity.{key}: {where} is empty. Put the value there.")
    return value
