"""What a provider says about itself: its discovery document, read at boot and held against what we need of it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from hub_config.errors import HubConfigError
from hub_config.identity.addresses import check_address

__all__ = ["Provider", "discover"]

WELL_KNOWN = "/.well-known/openid-configuration"
MAX_BYTES = 1 << 20
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Provider:
    """Addresses of one OpenID provider, and the scopes and claims that it lists."""

    issuer: str
    authorization: str
    token: str
    userinfo: str
    end_session: str = ""
    scopes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


class NoDocument(HubConfigError):
    """The provider gave no discovery document now; which it may have done before."""


def discover(issuer: str, *, timeout: float = 10.0, kept: Path | None = None) -> Provider:
    """Read the discovery document of `issuer`; one request, at most 1 MiB.

    Parameters
    ----------
    issuer
        The provider, spelt as it spells itself.
    timeout
        Seconds to wait for each part of the answer.
    kept
        File for the last good document, with which a hub starts again while its provider is down.

    Raises
    ------
    HubConfigError
        It cannot be reached, is no discovery document, names another issuer, or lacks what a login needs.
    """
    address = check_address(issuer.rstrip("/") + WELL_KNOWN, "identity.issuer")
    try:
        document = _document(address, timeout)
    except NoDocument as error:
        if kept is None or not kept.is_file():
            raise
        log.error("%s The hub starts with the document of the last time, %s.", error, kept)
        return _provider(issuer, address, json.loads(kept.read_text(encoding="utf-8")))
    provider = _provider(issuer, address, document)
    if kept is not None:
        aside = kept.with_suffix(".new")
        aside.write_text(json.dumps(document), encoding="utf-8")
        aside.replace(kept)
    return provider


def _provider(issuer: str, address: str, document: dict[str, Any]) -> Provider:
    """Hold a document against what a login needs."""
    if document.get("issuer") != issuer:
        message = (
            f"{address} is the document of another issuer: {document.get('issuer')!r}. "
            "Write identity.issuer exactly as the provider does, with or without the slash at the end."
        )
        raise HubConfigError(message)
    methods = document.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        raise HubConfigError(f"{issuer} does not support PKCE with S256. Ask its operator to allow it for this client.")
    return Provider(
        issuer=issuer,
        authorization=_endpoint(document, "authorization_endpoint", address),
        token=_endpoint(document, "token_endpoint", address),
        userinfo=_endpoint(document, "userinfo_endpoint", address),
        end_session=_endpoint(document, "end_session_endpoint", address) if "end_session_endpoint" in document else "",
        scopes=_names(document, "scopes_supported"),
        claims=_names(document, "claims_supported"),
    )


def _document(address: str, timeout: float) -> dict[str, Any]:
    try:
        with httpx.stream("GET", address, timeout=timeout, follow_redirects=False) as answer:
            answer.raise_for_status()
            content = b"".join(_limited(answer))
        document = httpx.Response(200, content=content).json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        message = f"{address} cannot be read: {error}. Is the issuer right, and reachable from here?"
        raise NoDocument(message) from error
    except (ValueError, RecursionError) as error:
        raise NoDocument(f"{address} is not a discovery document: it is not JSON. Is the issuer right?") from error
    if not isinstance(document, dict):
        raise HubConfigError(f"{address} is not a discovery document: it is JSON, but no object. Is the issuer right?")
    return document


def _limited(answer: httpx.Response) -> Any:
    size = 0
    for piece in answer.iter_bytes():
        size += len(piece)
        if size > MAX_BYTES:
            raise ValueError("too long")
        yield piece


def _names(document: dict[str, Any], key: str) -> tuple[str, ...]:
    values = document.get(key)
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def _endpoint(document: dict[str, Any], key: str, address: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise HubConfigError(f"{address} names no {key}. A provider without it cannot be used for logins.")
    return check_address(value, f"{key} of {address}")
