"""How asking one provider went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from panosc_analysis.errors import PanoscError, ProviderRefused, ProviderUnreachable

if TYPE_CHECKING:
    from panosc_analysis.search.asking import Found

__all__ = ["Outcome", "State", "outcome_of", "state_of"]

State: TypeAlias = Literal["ok", "partial", "timed out", "unreachable", "refused", "failed", "malformed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one provider contributed, and if it failed, how.

    Parameters
    ----------
    provider
        Its name.
    state
        ``ok``; ``partial`` if it failed after some datasets, or left out what it could not say; else how it failed:
        ``timed out``, ``unreachable`` (no connection, or busy), ``refused`` (the token), ``failed`` (it answered with
        an error), ``malformed`` (it answered with something that is no record).
    hits
        Datasets of it that fit.
    more
        Whether it may have more than these.
    read
        Records looked at.
    seconds
        How long it took.
    reason
        What happened, if anything did.
    hint
        What to try, if anything happened.
    """

    provider: str
    state: State
    hits: int = 0
    more: bool = False
    read: int = 0
    seconds: float = 0.0
    reason: str = ""
    hint: str = ""

    @property
    def answered(self) -> bool:
        """Whether it gave an answer that counts."""
        return self.state in {"ok", "partial"}

    def __str__(self) -> str:
        number = f"{'at least ' if self.more else ''}{self.hits} {'dataset' if self.hits == 1 else 'datasets'}"
        if self.state == "ok":
            return f"{self.provider}: {number} {_within(self.seconds)}"
        reason = self.reason.removeprefix(f"{self.provider} ")
        if self.state == "partial":
            return f"{self.provider}: partial, {number} {_within(self.seconds)}; {reason}. {self.hint}."
        return f"{self.provider}: {self.state}; {reason}. {self.hint}."

    def to_json(self) -> dict[str, Any]:
        """Write it for a program."""
        return {
            "provider": self.provider,
            "state": self.state,
            "hits": self.hits,
            "more": self.more,
            "read": self.read,
            "seconds": round(self.seconds, 3),
            "reason": self.reason,
            "hint": self.hint,
        }


def _within(seconds: float) -> str:
    return f"in {seconds:.1f} s" if seconds >= 0.1 else f"in {1000 * seconds:.0f} ms"


def state_of(error: PanoscError) -> State:
    """Name the way in which a provider failed."""
    if isinstance(error, ProviderRefused):
        return "refused"
    if isinstance(error, ProviderUnreachable):
        return "timed out" if error.data.get("timed_out") else "unreachable"
    return "failed" if "status" in error.data else "malformed"


def outcome_of(provider: str, hits: int, found: Found, failure: PanoscError | None, seconds: float) -> Outcome:
    """Say how asking a provider went, from what was found and what happened."""
    if failure is not None:
        state = "partial" if hits else state_of(failure)
        return Outcome(provider, state, hits, hits > 0, found.read, seconds, failure.message, failure.hint)
    if found.unusable:
        reason = f"{found.unusable} of its records have no PID and were left out"
        return Outcome(provider, "partial", hits, found.more, found.read, seconds, reason, "Tell its operators")
    return Outcome(provider, "ok", hits, found.more, found.read, seconds)
