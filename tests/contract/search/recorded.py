"""The records behind the recorded answers, put together again from all that was answered about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TO_MANY = ("techniques", "parameters", "samples", "files")

Pair = dict[str, Any]


def pairs_in(shared_data: Path) -> list[Pair]:
    lines = (shared_data / "search-api" / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def records_of(pairs: list[Pair], *servers: str) -> list[dict[str, Any]]:
    """Give each dataset with every related record that any answer of these servers showed."""
    known: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        if pair["server"] in servers and pair["status"] == 200 and pair["path"] in {"/Datasets", "/Documents"}:
            for dataset, document in _datasets(pair):
                one = known.setdefault(dataset["pid"], {"documents": [], **{name: [] for name in TO_MANY}})
                _learn(one, dataset)
                if document and document not in one["documents"]:
                    one["documents"].append(document)
    return list(known.values())


def _datasets(pair: Pair) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
    if pair["path"] == "/Datasets":
        return [(one, None) for one in pair["response"]]
    found = []
    for document in pair["response"]:
        alone = {name: document.get(name) for name in ("pid", "title", "isPublic", "type")}
        found += [(one, alone) for one in document.get("datasets") or [] if "pid" in one]
    return found


def _learn(one: dict[str, Any], dataset: dict[str, Any]) -> None:
    for name, value in dataset.items():
        if name in TO_MANY:
            one[name] += [child for child in value if child not in one[name]]
        elif name not in {"document", "documents"} and value != {}:
            one.setdefault(name, value)
