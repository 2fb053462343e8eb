"""A token that does not show itself."""

from __future__ import annotations

import os
from typing import NoReturn

from panosc_analysis.errors import ProviderRefused
from panosc_analysis.settings import Provider

__all__ = ["Secret", "token_of"]


class Secret:
    """A text that prints as ``Secret(…)``, compares with nothing and cannot be pickled.

    Keeps a token out of logs, tracebacks and saved notebooks; it does not protect the process's memory.
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

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def token_of(provider: Provider) -> Secret | None:
    """Read the provider's token from its environment variable, now; ``None`` if it takes none or none is set.

    Raises
    ------
    ProviderRefused
        The variable holds something that cannot be a token.
    """
    text = os.environ.get(provider.token_env or "", "").strip()
    if not text.isascii() or not text.isprintable():
        raise ProviderRefused(
            f"The token for {provider.name} holds characters that cannot be sent",
            hint=f"Set {provider.token_env} again, on one line",
            provider=provider.name,
        )
    return Secret(text) if text else None
