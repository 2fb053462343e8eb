"""Writing a record in the search API's words."""

from __future__ import annotations

from typing import Any

__all__ = ["stated"]


def stated(**fields: Any) -> dict[str, Any]:
    """Keep the fields that say something: ``None`` and empty relations are left out, as the search API does."""
    return {name: _plain(value) for name, value in fields.items() if value is not None and value != ()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.to_json() if hasattr(value, "to_json") else value
