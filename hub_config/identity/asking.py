"""Asking the provider, and telling its answers apart: good, refused, or not to be had."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

import jwt
from oauthenticator.generic import GenericOAuthenticator
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from traitlets import default

if TYPE_CHECKING:
    from tornado.httpclient import HTTPRequest

    from hub_config.identity.settings import IdentitySettings

__all__ = ["AskingAuthenticator", "ClaimsRefused", "ProviderRefused", "ProviderUnavailable"]

# Logins at the same time: tornado's own limit of 10 makes the 11th wait, and fail after 20 s, at a slow provider.
CONNECTIONS = 100
MAX_BYTES = 1 << 20


class ProviderUnavailable(Exception):
    """The provider did not answer, or answered what no working provider does. Says nothing about the person."""


class ProviderRefused(Exception):
    """The provider answered that a token or code is not good.

    Parameters
    ----------
    error
        OAuth's word for the reason, such as ``invalid_grant``; empty if the provider gave none.
    """

    def __init__(self, status: int, error: str) -> None:
        super().__init__(f"answered {status} {error}".strip())
        self.error = error


class ClaimsRefused(Exception):
    """The answer is about somebody else, or about nobody."""


class AskingAuthenticator(GenericOAuthenticator):  # type: ignore[misc]  # oauthenticator ships no types
    """oauthenticator's way to the provider, with failures told apart and no body of an answer in the log."""

    identity: IdentitySettings

    @default("http_client")  # type: ignore[untyped-decorator]  # traitlets
    def _http_client(self) -> Any:
        limits = {"max_clients": CONNECTIONS, "max_body_size": MAX_BYTES}
        return AsyncHTTPClient(force_instance=True, defaults={"validate_cert": self.validate_server_cert}, **limits)

    async def fetch(self, req: HTTPRequest, label: str = "fetching", parse_json: bool = True, **kwargs: Any) -> Any:
        """Send one request to the provider and return the JSON object that it answers with.

        Raises
        ------
        ProviderUnavailable
            No answer, an answer of a broken server or of something in between, or no JSON object.
        ProviderRefused
            400, 401 or 403.
        """
        address = req.url.partition("?")[0]
        try:
            response = await self.http_client.fetch(req, raise_error=False)
        except (OSError, HTTPClientError, ValueError) as error:
            raise ProviderUnavailable(f"{address} did not answer: {error}") from error
        answer = _json_object(response.body)
        if response.code in {400, 401, 403}:
            word = str((answer or {}).get("error", ""))
            raise ProviderRefused(response.code, word if re.fullmatch(r"[a-z_]{1,40}", word) else "")
        if not 200 <= response.code < 300:
            raise ProviderUnavailable(f"{address} answered {response.code}")
        if answer is None:
            raise ProviderUnavailable(f"{address} answered with something that is no JSON object")
        return answer

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Exchange a code or a refresh token for tokens."""
        info = await self.httpfetch(
            self.token_url,
            method="POST",
            headers=self.build_token_info_request_headers(),
            body=urlencode(params).encode(),
            validate_cert=self.validate_server_cert,
        )
        if not all(isinstance(info.get(key), str) for key in ("access_token", "token_type")):
            raise ProviderUnavailable(f"{self.token_url} gave no token")
        return cast("dict[str, Any]", info)

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Return what the provider says about the person whom the tokens belong to.

        Raises
        ------
        ClaimsRefused
            The answer has another subject than the login (OpenID Connect Core, 5.3.2).
        """
        claims = cast("dict[str, Any]", await super().token_to_user(token_info))
        if claims.get("sub") != self._subject(token_info.get("id_token")):
            raise ClaimsRefused("userinfo and ID token name different subjects")
        return claims

    def _subject(self, id_token: object) -> str:
        """Return the subject of an ID token that came from the provider directly; so its signature may go unchecked.

        An old one is kept for its subject when tokens are renewed, so neither does its age count.
        """
        try:
            options = {
                "verify_signature": False,
                "verify_aud": True,
                "verify_iss": True,
                "require": ["sub", "iss", "aud"],
            }
            token = jwt.decode(id_token, audience=self.client_id, issuer=self.identity.issuer, options=options)  # type: ignore[arg-type]
        except jwt.InvalidTokenError as error:
            raise ClaimsRefused(f"the ID token is not for this hub: {type(error).__name__}") from error
        return str(token["sub"])


def _json_object(body: bytes | None) -> dict[str, Any] | None:
    try:
        value = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
