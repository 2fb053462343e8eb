"""Which implementation answers: told by what it answers to questions on which the implementations differ.

Three requests, each for at most one record. Nothing is guessed: what fits no description is ``common``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from panosc_analysis.errors import ProviderAnswerError
from panosc_analysis.search.background import run
from panosc_analysis.search.secret import Secret, token_of
from panosc_analysis.search.transport import Limits, Transport, address, limited
from panosc_analysis.settings import Provider

__all__ = ["Detected", "adetect", "detect"]

_NOBODY = "no facility is called like this"


@dataclass(frozen=True, slots=True)
class Detected:
    """Which dialect a provider's answers look like, and why.

    Parameters
    ----------
    dialect
        Its name; ``common`` if they look like none or several.
    because
        What was seen, in words.
    measured
        Whether the sign was seen on a running server of that implementation, or only read in its source.
    """

    dialect: str
    because: str
    measured: bool = True


def detect(provider: Provider, *, timeout: float = 4.5, token: Secret | None = None) -> Detected:
    """Ask a provider what its implementation is, by questions on which they differ.

    Raises
    ------
    ProviderUnreachable, ProviderRefused
        It does not answer.
    """
    return run(adetect(provider, timeout=timeout, token=token))


async def adetect(provider: Provider, *, timeout: float = 4.5, token: Secret | None = None) -> Detected:
    """Do the same from asynchronous code."""
    async with limited(provider, Limits(timeout=timeout, cache_seconds=0), token or token_of(provider)) as transport:
        _, instruments = await _asked(transport, "Instruments", {"where": {"facility": _NOBODY}, "limit": 1})
        unknown = {"include": [{"relation": "noSuchRelation"}], "limit": 1}
        status, said = await _asked(transport, "Datasets", unknown)
        _, datasets = await _asked(transport, "Datasets", {"include": [{"relation": "instrument"}], "limit": 1})
    if _first(instruments):
        return Detected("scicat", "it shows instruments of a facility that does not exist")
    first = _first(datasets)
    if status == 500 and first.get("score") == 0:
        return Detected("reference", "an unknown relation makes it fail, and a score is 0")
    if status == 400 and "has no relation 'noSuchRelation'. Use one of" in str(said):
        return Detected("panosc-analysis", "it refuses an unknown relation in this package's words")
    if status == 400 and "is not a member of" in str(said):
        return Detected("ill", "it refuses an unknown relation in LoopBack 4's words", measured=False)
    if status == 400 and first.get("techniques") == [] == first.get("parameters"):
        return Detected("datagateway", "relations that were not asked for are there, and empty", measured=False)
    return Detected("common", "its answers look like none of those that are known")


def _first(answer: Any) -> dict[str, Any]:
    """Give the first record of an answer; an empty one if there is none."""
    found = answer[0] if isinstance(answer, list) and answer else None
    return found if isinstance(found, dict) else {}


async def _asked(transport: Transport, entity: str, filter: dict[str, Any]) -> tuple[int, Any]:
    """Give the status and the answer, or the error's message."""
    try:
        return 200, await transport.get(address(f"/{entity}", "filter", json.dumps(filter)))
    except ProviderAnswerError as error:
        status = error.data.get("status")
        if not isinstance(status, int):
            raise
        return status, error.message
