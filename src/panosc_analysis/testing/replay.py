"""Recorded answers, given again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from panosc_analysis.testing.server import Answer, Request, json_answer

__all__ = ["Replay"]


class Replay:
    """An application that answers below ``/N`` what was recorded in pair N, whatever it is asked.

    A list is given once: a request with ``skip`` gets an empty one, as behind the last page. Files are given only where
    files were recorded.

    Parameters
    ----------
    pairs
        Each with ``status`` and ``response``.
    """

    def __init__(self, pairs: Iterable[Mapping[str, Any]]) -> None:
        self.pairs = list(pairs)

    @classmethod
    def from_file(cls, path: Path) -> Replay:
        """Read pairs from a file of JSON lines."""
        return cls(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        pair = self.pairs[int(request.path.split("/")[1])]
        if request.path.endswith("/files") != str(pair.get("path", request.path)).endswith("/files"):
            return json_answer({"error": {"statusCode": 404, "message": "not recorded"}}, 404)
        filter = request.argument("filter")
        further = isinstance(filter, dict) and filter.get("skip") and isinstance(pair["response"], list)
        return json_answer([] if further else pair["response"], pair["status"])
