"""The other way to write a filter into an address: ``filter[where][title]=x&filter[limit]=1``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import FilterError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["bracketed"]

_NAME = re.compile(r"(\w+)((?:\[[^\[\]]*\])*)")
_DEEPEST = 20


def bracketed(name: str, arguments: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Put the arguments of one name together; all values are texts. Others are passed over.

    Keys that are numbers from 0 on, or none, make a list.

    Raises
    ------
    FilterError
        Brackets that do not close, contradict each other or nest too deeply.
    """
    found: dict[str, Any] = {}
    for argument, value in arguments:
        if argument.partition("[")[0] != name or argument == name:
            continue
        match = _NAME.fullmatch(argument)
        keys = match[2][1:-1].split("][") if match else []
        if not keys or len(keys) > _DEEPEST or not _put(found, keys, value):
            raise FilterError(f"The argument {argument[:60]!r} cannot be read", hint=f"Write {name}={{…}}, as JSON")
    result: dict[str, Any] = {key: _lists(one) for key, one in found.items()}
    return result


def _put(table: Any, keys: list[str], value: str) -> bool:
    for key in keys[:-1]:
        table = table.setdefault(key or str(len(table)), {})
        if not isinstance(table, dict):
            return False
    last = keys[-1] or str(len(table))
    return bool(table.setdefault(last, value) is value)


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(one) for key, one in value.items()}
    is_list = all(key == str(position) for position, key in enumerate(inner))
    return list(inner.values()) if is_list else inner
