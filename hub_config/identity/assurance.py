"""The REFEDS assurance framework: how sure a provider is of a person."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["lacking"]

RAF = "https://refeds.org/assurance"
# Each level of identity proofing includes the ones before it.
_LEVELS = [f"{RAF}/IAP/low", f"{RAF}/IAP/medium", f"{RAF}/IAP/high"]
# What the framework's two profiles include (RAF 1.0, section 3).
_PROFILES = {
    f"{RAF}/profile/cappuccino": {f"{RAF}/ID/unique", f"{RAF}/IAP/medium"},
    f"{RAF}/profile/espresso": {f"{RAF}/ID/unique", f"{RAF}/IAP/high"},
}


def lacking(vouched: Iterable[str], required: Iterable[str]) -> tuple[str, ...]:
    """Return those of `required` that do not follow from `vouched`.

    Parameters
    ----------
    vouched
        Values of ``eduperson_assurance``.
    required
        Values such as ``https://refeds.org/assurance/IAP/medium``; without the prefix (``IAP/medium``) they mean the
        same.
    """
    have = set(vouched)
    for profile in have & _PROFILES.keys():
        have = have | _PROFILES[profile]
    reached = max((_LEVELS.index(value) for value in have if value in _LEVELS), default=-1)
    have |= set(_LEVELS[: reached + 1])
    return tuple(value for value in required if value not in have and f"{RAF}/{value}" not in have)
