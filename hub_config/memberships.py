"""Memberships that the provider's claims do not carry: a registry file, or the user office's own service.

A source is anything with `MembershipSource.proposals_of`. What it names still passes the facility's rules for
identifiers and its list of proposals; a source cannot make anybody an operator.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import httpx
import yaml

if TYPE_CHECKING:
    from hub_config.identity.settings import SourceSettings

__all__ = ["MembershipSource", "Memberships", "RegistryMembers", "SourceUnavailable", "UserOffice"]

MAX_BYTES, MAX_PROPOSALS, MAX_NAME = 1 << 20, 2000, 255


class SourceUnavailable(Exception):
    """A source cannot be asked now: its memberships are unknown, which is not the same as none."""


class MembershipSource(Protocol):
    """Somebody who knows who is member of which proposal."""

    async def proposals_of(self, person: str) -> frozenset[str]:
        """Return the identifiers of the proposals of `person`; nobody known there has none.

        Raises
        ------
        SourceUnavailable
            It cannot say.
        """


class RegistryMembers:
    """Members as a YAML file lists them: ``proposals: [{id: …, members: […]}]``. Read again when it changed.

    Parameters
    ----------
    path
        The file; other keys of it are for other readers.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._proposals: dict[str, frozenset[str]] = {}

    async def proposals_of(self, person: str) -> frozenset[str]:
        """Return the identifiers of the proposals that list `person`, spelt exactly so."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != self._stamp:
                self._proposals = self._read()
                self._stamp = stamp
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise SourceUnavailable(f"the registry {self._path} cannot be read: {error}") from error
        return frozenset(identifier for identifier, members in self._proposals.items() if person in members)

    def _read(self) -> dict[str, frozenset[str]]:
        table = yaml.safe_load(self._path.read_text(encoding="utf-8"))
        return {str(row["id"]): frozenset(map(str, row.get("members") or ())) for row in table["proposals"]}


class UserOffice:
    """The user office's service: one GET for a person, answered with a JSON list of proposals.

    Parameters
    ----------
    address
        With ``{person}`` where the quoted identifier belongs.
    token
        Sent as bearer token; empty for none.
    timeout
        Seconds until it counts as not answering.
    """

    def __init__(self, address: str, token: str = "", timeout: float = 5.0) -> None:
        self._address = address
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._client = httpx.AsyncClient(headers=headers, timeout=timeout, follow_redirects=False)

    async def proposals_of(self, person: str) -> frozenset[str]:
        """Return the identifiers that the service answers with: a list, or ``{"proposals": […]}``; 404 is nobody."""
        address = self._address.replace("{person}", quote(person, safe=""))
        try:
            async with self._client.stream("GET", address) as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return frozenset()
                answer.raise_for_status()
                content = b"".join([piece async for piece in _limited(answer)])
            return frozenset(_identifiers(json.loads(content)))
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            reason = (
                f"answered {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else str(error)
            )
            raise SourceUnavailable(f"the user office cannot be asked: {reason or type(error).__name__}") from error

    async def close(self) -> None:
        """Close the connections to the service."""
        await self._client.aclose()


class Memberships:
    """All sources of one hub together.

    Parameters
    ----------
    settings
        Which sources there are, and which claim names a person to each; without one it is the hub's user name.
    """

    def __init__(self, settings: tuple[SourceSettings, ...]) -> None:
        self._sources: list[tuple[MembershipSource, str]] = [(_source(row), row.person) for row in settings]

    async def proposals_of(self, user_name: str, claims: Mapping[str, Any]) -> frozenset[str]:
        """Return what all sources together name; a person without the claim of a source has nothing there.

        Raises
        ------
        SourceUnavailable
            One of them cannot say.
        """
        found: frozenset[str] = frozenset()
        for source, claim in self._sources:
            person = claims.get(claim) if claim else user_name
            if isinstance(person, str) and 0 < len(person) <= MAX_NAME and person.isprintable():
                found |= await source.proposals_of(person)
        return found


def _source(row: SourceSettings) -> MembershipSource:
    if row.registry is not None:
        return RegistryMembers(row.registry)
    return UserOffice(row.user_office, row.token, row.timeout)


async def _limited(answer: httpx.Response) -> AsyncIterator[bytes]:
    size = 0
    async for piece in answer.aiter_bytes():
        size += len(piece)
        if size > MAX_BYTES:
            raise ValueError("its answer is too long")
        yield piece


def _identifiers(document: Any) -> list[str]:
    values = document.get("proposals") if isinstance(document, dict) else document
    if not isinstance(values, list) or len(values) > MAX_PROPOSALS or not all(isinstance(v, str) for v in values):
        raise ValueError("its answer is no list of identifiers")
    return values
