"""A YAML document that knows its lines: read, checked against the schema, refused with the place of every fault."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from hub_config.errors import HubConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from jsonschema import ValidationError

__all__ = ["Document", "PolicyError", "Spot", "policy_schema", "read_document"]

Spot = tuple[str | int, ...]
"""Where something stands: ``("proposals", "list", 3, "gid")``."""


class PolicyError(HubConfigError):
    """A policy that must not be used; one line for each fault, with its line in the file."""

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"The policy {source} cannot be used:\n{lines}\nCorrect the file; nothing has been started.")


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a YAML file and where in it everything stands."""

    source: str
    content: Any
    lines: dict[Spot, int] = field(repr=False)

    def line(self, spot: Spot) -> int:
        """Line of `spot`, or of the nearest thing that holds it."""
        while spot and spot not in self.lines:
            spot = spot[:-1]
        return self.lines.get(spot, 1)

    def fault(self, spot: Spot, message: str) -> str:
        """One fault as people read it: ``panosc.yaml:12: proposals.list[3].gid: …``."""
        return f"{self.source}:{self.line(spot)}: {written(spot)}{': ' if spot else ''}{message}"


def read_document(path: Path, *, schema: dict[str, Any] | None = None) -> Document:
    """Read a YAML (or JSON) file and check it.

    Parameters
    ----------
    path
        The file.
    schema
        JSON Schema it must fulfil; ``None`` checks nothing but the syntax.

    Raises
    ------
    PolicyError
        It cannot be read, is no YAML, has a key twice, or does not fulfil the schema; every fault is listed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(str(path), [f"{path}: {getattr(error, 'strerror', None) or error}"]) from error
    try:
        node = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
        document = Document(str(path), content, _lines(node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise PolicyError(str(path), [f"{path}:{line}: {error.problem or error.context}"]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PolicyError(str(path), [f"{path}: {error}"]) from error
    faults = _faults(document, schema) if schema is not None else []
    if faults:
        raise PolicyError(str(path), faults)
    return document


@cache
def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``panosc.yaml``, with that of its ``identity:`` section."""
    schema = dict(json.loads((files("hub_config.policy") / "schema.json").read_text(encoding="utf-8")))
    identity = json.loads((files("hub_config.identity") / "schema.json").read_text(encoding="utf-8"))
    # With a name of its own the section's references stay inside it.
    schema["properties"]["identity"] = {"$id": "urn:panosc-analysis:identity", **identity}
    return schema


def written(spot: Spot) -> str:
    """Write a spot as people do: ``proposals.list[3].gid``."""
    out = ""
    for part in spot:
        out += f"[{part}]" if isinstance(part, int) else f".{part}"
    return out.removeprefix(".")


class _Loader(yaml.SafeLoader):
    """YAML without surprises: a key that stands twice is refused instead of the last one winning."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if isinstance(key, Hashable) and key in seen:
            raise yaml.MarkedYAMLError(problem=f"{key!r} stands twice", problem_mark=key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


# Dates stay texts: whoever needs one reads it, and one that does not exist is no fault of the whole file.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _lines(node: yaml.Node | None) -> dict[Spot, int]:
    lines: dict[Spot, int] = {}
    seen: set[int] = set()  # an alias may lead back to what holds it
    todo: list[tuple[Spot, yaml.Node | None]] = [((), node)]
    while todo:
        spot, one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        lines.setdefault(spot, one.start_mark.line + 1)
        if isinstance(one, yaml.MappingNode):
            for key, value in one.value:
                lines[*spot, key.value] = key.start_mark.line + 1
                todo.append(((*spot, key.value), value))
        elif isinstance(one, yaml.SequenceNode):
            todo.extend(((*spot, i), value) for i, value in enumerate(one.value))
    return lines


def _faults(document: Document, schema: dict[str, Any]) -> list[str]:
    # Imported here: it takes a quarter of a second, and the command line's help needs none of it.
    from jsonschema import Draft202012Validator, validators

    checker = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
    found = []
    for error in checker(schema).iter_errors(document.content):
        spot = tuple(error.absolute_path)
        found.append((document.line(spot), document.fault(spot, error.message)))
    return [text for _, text in sorted(found)]


def _pattern(_validator: object, pattern: str, value: object, _schema: object) -> Iterator[ValidationError]:
    """Check a pattern as other languages read it: Python's ``$`` would let a line break at the end pass."""
    from jsonschema import ValidationError

    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")
