"""One GET to one provider: what is sent, what is accepted, and how every failure is called.

An answer is read as it comes and given up at the size limit, counted after decompression. Time is limited by the
caller, around whole operations (`limited`). Redirects are followed on the same host only.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

import httpx

from panosc_analysis.errors import ProviderAnswerError, ProviderRefused, ProviderUnreachable
from panosc_analysis.filters import strict_json
from panosc_analysis.search.secret import token_of
from panosc_analysis.settings import Provider

if TYPE_CHECKING:
    import ssl

__all__ = ["Transport", "address", "limited"]

MOST_REDIRECTS = 3
ERROR_LIMIT = 20_000  # bytes of an error's body that are worth reading
CHARACTERS_OF_A_REASON = 200
_BROKEN_OFF = ("disconnected", "closed connection")  # how httpx words a connection that ended too early


@dataclass(frozen=True, slots=True)
class Transport:
    """The way to one provider, open as long as `limited` lasts."""

    provider: Provider
    client: httpx.AsyncClient
    answer_limit: int

    async def get(self, path: str) -> Any:
        """Get what stands at a path below the provider's address, as strictly read JSON.

        Raises
        ------
        ProviderUnreachable
            No connection, or it broke; or the provider says it is busy.
        ProviderRefused
            401 or 403.
        ProviderAnswerError
            Any other status (its number is in ``status``), or a body that is too large or not JSON.
        """
        try:
            body = await self._body(httpx.URL(self.provider.url + path))
        except httpx.InvalidURL as error:
            _fail(self.provider, f"has an address that cannot be used ({error})", "Correct its url in the settings")
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            if isinstance(error, httpx.RemoteProtocolError) and not any(word in reason for word in _BROKEN_OFF):
                _fail(self.provider, f"does not speak HTTP ({reason})", "Check its url in the settings")
            raise ProviderUnreachable(
                f"{self.provider.name} cannot be reached ({reason})",
                hint=f"Try again later, or check the address {self.provider.url}",
                provider=self.provider.name,
            ) from error
        try:
            return strict_json(body)
        except ValueError as error:  # also UnicodeDecodeError
            what = "an HTML page" if body.lstrip()[:1] == b"<" else f"no valid JSON ({error})"
            _fail(self.provider, f"answered with {what}", "Tell its operators, or check its url in the settings")

    async def _body(self, url: httpx.URL) -> bytes:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        token = token_of(self.provider)
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        for _ in range(MOST_REDIRECTS + 1):
            async with self.client.stream("GET", url, headers=headers) as response:
                if not response.has_redirect_location:
                    return await self._checked(response)
                target = url.join(response.headers["location"])
                if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
                    _fail(
                        self.provider, f"redirects to another place ({target.host})", "Give that address if it is meant"
                    )
                url = target
        _fail(self.provider, "redirects in a circle", "Check its url in the settings")

    async def _checked(self, response: httpx.Response) -> bytes:
        status = response.status_code
        if status == 200:
            return await self._limited_body(response, self.answer_limit)
        reason = _reason(await self._start_of_body(response))
        said = f"{status}: {reason}" if reason else str(status)
        name = self.provider.name
        if status in {401, 403}:
            variable = self.provider.token_env
            hint = f"Check the token in {variable}" if variable else "Give token_env for this provider in the settings"
            raise ProviderRefused(f"{name} refuses the request ({said})", hint=hint, provider=name, status=status)
        if status in {429, 502, 503, 504}:
            raise ProviderUnreachable(
                f"{name} is busy or down ({said})", hint="Try again later", provider=name, status=status
            )
        _fail(self.provider, f"answered {said}", "Ask for something simpler, or tell its operators", status=status)

    async def _limited_body(self, response: httpx.Response, limit: int) -> bytes:
        body = bytearray()
        async for part in _decoded(response, self.provider, limit):
            body += part
            if len(body) > limit:
                hint = "Ask for fewer datasets at once"
                _fail(self.provider, f"answered more than {limit} bytes", hint, too_large=True)
        return bytes(body)

    async def _start_of_body(self, response: httpx.Response) -> bytes:
        try:
            return await self._limited_body(response, ERROR_LIMIT)
        except ProviderAnswerError:
            return b""  # the status says enough


@asynccontextmanager
async def limited(provider: Provider, *, timeout: float, answer_limit: int) -> AsyncIterator[Transport]:
    """Open the way to a provider; whatever is done inside ends after so many seconds.

    Raises
    ------
    ProviderUnreachable
        The time is over.
    """
    try:
        async with (
            asyncio.timeout(timeout),
            httpx.AsyncClient(verify=_certificates(), timeout=httpx.Timeout(None), follow_redirects=False) as client,
        ):
            yield Transport(provider, client, answer_limit)
    except TimeoutError as error:
        raise ProviderUnreachable(
            f"{provider.name} gave no answer within {timeout:g} s",
            hint="Try again later, or set a longer timeout",
            provider=provider.name,
            timed_out=True,
        ) from error


def address(path: str, argument: str, text: str) -> str:
    """Write a path with one JSON argument."""
    return f"{path}?{argument}={quote(text, safe='')}" if text else path


async def _decoded(response: httpx.Response, provider: Provider, limit: int) -> AsyncIterator[bytes]:
    """Decompress piece by piece: never more at once than the limit, whatever a few bytes claim to unfold to."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"gzip", "x-gzip", "identity", ""}:
        _fail(provider, f"answered in an encoding that was not offered ({encoding[:20]})", "Tell its operators")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if encoding not in {"identity", ""} else None
    async for part in response.aiter_raw():
        try:
            yield unpack.decompress(part, limit + 1) if unpack else part
        except zlib.error as error:
            _fail(provider, f"answered something that does not unpack ({error})", "Try again, or tell its operators")


def _reason(body: bytes) -> str:
    """Give the message of an error's envelope; a person may read it, so only printable characters stay."""
    try:
        answer = strict_json(body)
    except ValueError:
        return ""
    said = answer.get("error", answer) if isinstance(answer, dict) else None
    text = said.get("message") if isinstance(said, dict) else None
    return "".join(filter(str.isprintable, text))[:CHARACTERS_OF_A_REASON] if isinstance(text, str) else ""


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # reads the trusted certificates: once per process


def _fail(provider: Provider, what: str, hint: str, **data: object) -> NoReturn:
    raise ProviderAnswerError(f"{provider.name} {what}", hint=hint, provider=provider.name, **data)
