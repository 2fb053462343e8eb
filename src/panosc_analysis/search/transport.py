"""One GET to one provider: what is sent, what is accepted, and how every failure is called.

An answer is read as it comes and given up at the size limit, counted after decompression. Time is limited by the
caller, around whole operations (`limited`). Redirects are followed on the same host only. A GET may be repeated, so one
that meets a broken connection or a busy server is, after a pause, as long as there is time.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

import httpx

from panosc_analysis.errors import ProviderAnswerError, ProviderRefused, ProviderUnreachable
from panosc_analysis.filters import strict_json
from panosc_analysis.search.cache import answers
from panosc_analysis.search.dialects import COMMON, Dialect, dialect_named
from panosc_analysis.search.secret import Secret, headers_with, whose
from panosc_analysis.settings import Provider

if TYPE_CHECKING:
    import ssl

__all__ = ["Limits", "Transport", "address", "limited"]

MOST_REDIRECTS = 3
REPEATS = 2
FIRST_PAUSE = 0.2  # seconds before the first repeat; each further one waits twice as long, a little shifted by chance
LONGEST_PAUSE = 2.0
ERROR_LIMIT = 20_000  # bytes of an error's body that are worth reading
CHARACTERS_OF_A_REASON = 200
_BUSY = frozenset({429, 502, 503, 504})
_BROKEN_OFF = ("disconnected", "closed connection")  # how httpx words a connection that ended too early


@dataclass(frozen=True, slots=True)
class Limits:
    """What asking one provider may cost.

    Parameters
    ----------
    timeout
        Seconds for everything that one call does.
    answer_limit
        Largest answer to one request, in bytes after decompression.
    cache_seconds
        How long an answer may be used again for the same person; 0 for never.
    """

    timeout: float = 4.5
    answer_limit: int = 5_000_000
    cache_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Transport:
    """The way to one provider, open as long as `limited` lasts."""

    provider: Provider
    dialect: Dialect
    client: httpx.AsyncClient
    limits: Limits
    token: Secret | None

    async def get(self, path: str) -> Any:
        """Get what stands at a path below the provider's address, as strictly read JSON.

        Raises
        ------
        ProviderUnreachable
            No connection, or it broke; or the provider says it is busy; each also when tried again.
        ProviderRefused
            401 or 403.
        ProviderAnswerError
            Any other status (its number is in ``status``), or a body that is too large or not JSON.
        """
        url = self.provider.url + path
        body = answers.get(whose(self.token), url, self.limits.cache_seconds)
        kept = body is not None
        if body is None:
            body = await self._repeated(url)
        try:
            found = strict_json(body)
        except ValueError as error:  # also UnicodeDecodeError
            what = "an HTML page" if body.lstrip()[:1] == b"<" else f"no valid JSON ({error})"
            _fail(self.provider, f"answered with {what}", "Tell its operators, or check its url in the settings")
        if not kept and self.limits.cache_seconds > 0:
            answers.put(whose(self.token), url, body)
        return found

    async def _repeated(self, url: str) -> bytes:
        for repeat in range(REPEATS):
            try:
                return await self._reached(url)
            except ProviderUnreachable as error:
                pause = error.data.get("retry_after") or FIRST_PAUSE * 2**repeat * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
                if not isinstance(pause, float) or pause > LONGEST_PAUSE:
                    raise
            await asyncio.sleep(pause)
        return await self._reached(url)

    async def _reached(self, url: str) -> bytes:
        """Get a body. What httpx raises is not kept as a cause: it holds the request, and with it the token."""
        try:
            return await self._body(httpx.URL(url))
        except httpx.InvalidURL as error:
            what, hint = f"has an address that cannot be used ({error})", "Correct its url in the settings"
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            if not isinstance(error, httpx.RemoteProtocolError) or any(word in reason for word in _BROKEN_OFF):
                what, hint = "", reason
            else:
                what, hint = f"does not speak HTTP ({reason})", "Check its url in the settings"
        if what:
            _fail(self.provider, what, hint)
        raise ProviderUnreachable(
            f"{self.provider.name} cannot be reached ({hint})",
            hint=f"Try again later, or check the address {self.provider.url}",
            provider=self.provider.name,
        )

    async def _body(self, url: httpx.URL) -> bytes:
        headers, signed = {"Accept": "application/json", "Accept-Encoding": "gzip"}, _Signed(self.provider, self.token)
        for _ in range(MOST_REDIRECTS + 1):
            async with self.client.stream("GET", url, headers=headers, auth=signed) as response:
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
            return await self._limited_body(response, self.limits.answer_limit)
        reason = _reason(await self._start_of_body(response))
        said = f"{status}: {reason}" if reason else str(status)
        name = self.provider.name
        if status in {401, 403}:
            variable = self.provider.token_env
            hint = f"Check the token in {variable}" if variable else "Give token_env for this provider in the settings"
            raise ProviderRefused(f"{name} refuses the request ({said})", hint=hint, provider=name, status=status)
        if status in _BUSY:
            raise ProviderUnreachable(
                f"{name} is busy or down ({said})",
                hint="Try again later",
                provider=name,
                status=status,
                retry_after=_seconds(response.headers.get("retry-after", "")),
            )
        hint = "Ask for something simpler, or tell its operators"
        if self.dialect is COMMON:
            hint = "Set its dialect in the settings (panosc-analysis doctor may know it), or ask for something simpler"
        _fail(self.provider, f"answered {said}", hint, status=status)

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


class _Signed(httpx.Auth):
    """Puts the token into a request at the last moment, so that no frame of ours holds it as text."""

    def __init__(self, provider: Provider, token: Secret | None) -> None:
        self.provider, self.token = provider, token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.update(headers_with(self.provider, self.token))
        yield request


@asynccontextmanager
async def limited(provider: Provider, limits: Limits, token: Secret | None) -> AsyncIterator[Transport]:
    """Open the way to a provider; whatever is done inside ends after so many seconds.

    Raises
    ------
    ProviderUnreachable
        The time is over.
    SettingsError
        The provider's dialect does not exist.
    """
    dialect = dialect_named(provider.dialect)
    try:
        async with (
            asyncio.timeout(limits.timeout),
            httpx.AsyncClient(verify=_certificates(), timeout=httpx.Timeout(None), follow_redirects=False) as client,
        ):
            yield Transport(provider, dialect, client, limits, token)
    except TimeoutError:
        pass
    else:
        return
    raise ProviderUnreachable(
        f"{provider.name} gave no full answer within {limits.timeout:g} s",
        hint="Try again later, or set a longer timeout",
        provider=provider.name,
        timed_out=True,
    )


def _seconds(text: str) -> float | None:
    """Read a pause in seconds; a date is not read: the pause is then our own."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


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
