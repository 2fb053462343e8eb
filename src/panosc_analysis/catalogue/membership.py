"""Whose proposals: asking, with the person's own token, the service that knows her groups.

If that service does not answer, or does not know the token, the request is refused. It is not answered with the
public records alone: a person who cannot see that hits are missing would take them for all there are.
"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any, Protocol

import httpx

from panosc_analysis.errors import ProviderAnswerError, ProviderRefused, ProviderUnreachable
from panosc_analysis.filters import strict_json

__all__ = ["HttpMembership", "Membership"]

_KEPT = 60.0  # seconds that an answer is used again; as long may a revoked membership live on
_MOST_KEPT = 1000
_LARGEST_ANSWER = 1_000_000


class Membership(Protocol):
    """Knows the proposals of the person behind a token."""

    def proposals(self, token: str) -> frozenset[str]:
        """Give the identifiers of her proposals.

        Raises
        ------
        ProviderRefused
            The token is not valid, or may not tell.
        ProviderUnreachable, ProviderAnswerError
            The service that knows does not answer, or not usefully.
        """
        ...


class HttpMembership:
    """Asks an address such as JupyterHub's ``/hub/api/user``, which answers ``{"groups": [...], …}``.

    Keeps an answer for a minute, under a hash of the token; failures are not kept. Safe to use from several threads.

    Parameters
    ----------
    url
        Asked by GET, with the person's token.
    groups_key
        Where the answer lists the groups.
    prefix
        Groups that begin so stand for proposals; the rest of the name is the proposal's identifier.
    timeout
        Seconds.
    """

    def __init__(self, url: str, groups_key: str = "groups", prefix: str = "proposal-", timeout: float = 5.0) -> None:
        self.url = url
        self.groups_key = groups_key
        self.prefix = prefix
        self._client = httpx.Client(timeout=timeout, follow_redirects=False, trust_env=False)
        self._known: dict[bytes, tuple[float, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def proposals(self, token: str) -> frozenset[str]:
        """Give the identifiers of the person's proposals; see `Membership.proposals`."""
        key = hashlib.sha256(token.encode()).digest()
        now = time.monotonic()
        with self._lock:
            kept = self._known.get(key)
        if kept is not None and now < kept[0]:
            return kept[1]
        names = (one.removeprefix(self.prefix) for one in self._groups(token) if one.startswith(self.prefix))
        found = frozenset(filter(None, names))
        with self._lock:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[key] = (now + _KEPT, found)
        return found

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._client.close()

    def _groups(self, token: str) -> list[str]:
        table = self._asked(token)
        groups = table.get(self.groups_key) if isinstance(table, dict) else None
        if groups is None:
            raise ProviderRefused(
                "This token may not tell which groups its owner is in",
                hint="Use a token with the scope read:users:groups!user, or none for the public records",
            )
        if not isinstance(groups, list) or not all(isinstance(one, str) for one in groups):
            raise ProviderAnswerError(f"{self.url} lists no groups", hint="Check the address of the membership service")
        return groups

    def _asked(self, token: str) -> Any:
        try:
            answer = self._client.get(self.url, headers={"Authorization": f"Bearer {token}"})
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise ProviderUnreachable(
                f"The service that knows memberships does not answer ({type(error).__name__})",
                hint="Try again in a minute, or ask without a token for the public records",
            ) from error
        if answer.status_code in {401, 403}:
            raise ProviderRefused(
                "The token is not valid", hint="Get a new one, or ask without a token for the public records"
            )
        try:
            if answer.status_code == 200 and len(answer.content) <= _LARGEST_ANSWER:
                return strict_json(answer.content)
        except ValueError:
            pass
        raise ProviderAnswerError(
            f"The service that knows memberships answers {answer.status_code} and nothing useful",
            hint="Check the address of the membership service",
        )
