"""A token that does not show itself, and where a provider's token comes from and goes to."""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import NoReturn

from panosc_analysis.errors import ProviderRefused
from panosc_analysis.settings import Provider

__all__ = ["Secret", "headers_with", "token_of", "whose"]

_KEY = secrets.token_bytes(32)  # so that what `whose` gives says nothing outside this process


class Secret:
    """A text that prints as ``Secret(…)``, compares with nothing and cannot be pickled.

    Keeps a token out of logs, tracebacks and saved notebooks; it does not protect the process's memory. A copy, also
    that of `dataclasses.asdict`, is the same object.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return "Secret(…)"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def token_of(provider: Provider) -> Secret | None:
    """Read the provider's token from its environment variable, now; ``None`` if it takes none or none is set."""
    text = os.environ.get(provider.token_env or "", "").strip()
    return Secret(text) if text else None


def headers_with(provider: Provider, token: Secret | None) -> dict[str, str]:
    """Give the header that carries a token to a provider; nothing without a token.

    Raises
    ------
    ProviderRefused
        The token holds something that cannot be sent.
    """
    if token is None:
        return {}
    text = token.reveal()
    if not text.isascii() or not text.isprintable():
        source = f"Set {provider.token_env} again, on one line" if provider.token_env else "Give it again, on one line"
        raise ProviderRefused(
            f"The token for {provider.name} holds characters that cannot be sent", hint=source, provider=provider.name
        )
    bearer = provider.token_header.lower() == "authorization"
    return {provider.token_header: f"Bearer {text}" if bearer else text}


def whose(token: Secret | None) -> bytes:
    """Give one key for each token, from which the token cannot be found; for keeping people's answers apart."""
    return b"" if token is None else hashlib.blake2b(token.reveal().encode(), key=_KEY).digest()
