"""What all implementations share: addresses, the error envelope, pages; and the records behind them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from panosc_analysis.testing.server import Answer, Request, json_answer

__all__ = ["Implementation", "Json", "Refusal", "own_fields"]

Json = dict[str, Any]
RELATIONS = frozenset(
    {"instrument", "techniques", "parameters", "samples", "files", "documents", "document", "datasets", "members"}
)
NOT_UNIQUE = 100_000


class Refusal(Exception):
    """An answer with an error's status."""

    def __init__(self, status: int, message: str = "Internal Server Error") -> None:
        super().__init__(message)
        self.status = status


def own_fields(record: Json) -> Json:
    """Give a record without its relations."""
    return {name: value for name, value in record.items() if name not in RELATIONS}


class Implementation(ABC):
    """An application that answers the search API over records.

    Parameters
    ----------
    datasets
        With their relations inside them; ``documents`` as a list.
    most
        Rows in one page at most, whatever is asked for; ``None`` for no limit.
    """

    def __init__(self, datasets: Iterable[Json], *, most: int | None = None) -> None:
        self.datasets = list(datasets)
        self.most = most

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        try:
            return json_answer(self.route(request))
        except Refusal as refusal:
            envelope = {"statusCode": refusal.status, "name": "Error", "message": str(refusal)}
            return json_answer({"error": envelope}, refusal.status)

    def route(self, request: Request) -> Any:
        """Find out what is asked for and give it."""
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        if parts[0] not in {"Datasets", "Documents", "Instruments"}:
            raise Refusal(404, "There is no method to handle it")
        try:
            filter, where = request.argument("filter") or {}, request.argument("where") or {}
        except ValueError:
            raise Refusal(400, "Value is not an object.") from None
        match parts:
            case [entity]:
                return self.find(entity, filter)
            case [entity, "count"]:
                return self.count(entity, where)
            case [entity, pid]:
                return self.get(entity, pid, filter)
            case ["Datasets", pid, "files"]:
                return self.files(pid, filter)
        raise Refusal(404, "has no method handling it")

    @abstractmethod
    def find(self, entity: str, filter: Json) -> list[Json]:
        """Give the records of one page."""

    def shown_documents(self) -> list[Json]:
        """Give all documents as this implementation shows them, with their datasets and all that belongs to these."""
        return [{**one, "datasets": self._shown_of(one)} for one in self.table("Documents")]

    def _shown_of(self, document: Json) -> list[Json]:
        shown = dict(zip((one["pid"] for one in self.datasets), self.shown(), strict=True))
        return [shown[one["pid"]] for one in document["datasets"]]

    @abstractmethod
    def shown(self) -> list[Json]:
        """Give all datasets as this implementation shows them when everything is included."""

    def count(self, entity: str, where: Json) -> Any:
        """Count the records that fulfil a condition."""
        return {"count": len(self.find(entity, {"where": where, "limit": NOT_UNIQUE} if where else {}))}

    def get(self, entity: str, pid: str, filter: Json) -> Json:
        """Give one record; conditions in a filter play no part."""
        bare = [{"relation": one["relation"]} for one in filter.get("include", [])]
        for record in self.find(entity, {"limit": NOT_UNIQUE, "include": bare} if bare else {}):
            if record["pid"] == pid:
                return record
        raise Refusal(404, f'Unknown "{entity[:-1]}" id "{pid}".')

    def files(self, pid: str, filter: Json) -> list[Json]:
        """Give a dataset's files, page by page."""
        for record in self.datasets:
            if record["pid"] == pid:
                files: list[Json] = record.get("files", [])
                skip, limit = filter.get("skip", 0), filter.get("limit") or len(files)
                return files[skip : skip + limit]
        raise Refusal(404, f"could not find a model with id {pid}")

    def table(self, entity: str) -> list[Json]:
        """Give the records of an entity, with their relations inside them."""
        if entity == "Datasets":
            return self.datasets
        found: dict[str, Json] = {}
        for dataset in self.datasets:
            related = dataset.get("documents", []) if entity == "Documents" else [dataset.get("instrument") or {}]
            for one in related:
                if one:
                    found.setdefault(one["pid"], {**one, "datasets": []})["datasets"].append(dataset)
        return list(found.values())

    def page(self, rows: list[Json], filter: Json, default: int | None) -> list[Json]:
        """Cut a page out of rows."""
        limit = int(filter.get("limit") or 0) or default or len(rows)
        limit = limit if self.most is None else min(limit, self.most)
        skip = int(filter.get("skip") or filter.get("offset") or 0)
        return rows[skip : skip + limit]
