"""From the file to a `Policy`: paths made absolute, names looked up, contradictions refused with their lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub_config.policy.document import Document, PolicyError, Spot, policy_schema, read_document
from hub_config.policy.model import (
    Accounts,
    Dask,
    Docker,
    Homes,
    Hub,
    Limits,
    Policy,
    Profile,
    Sessions,
    Share,
    default_image,
)
from hub_config.registry import Proposal, release_date

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_dask", "read_policy"]

DEFAULT_PROFILES: dict[str, dict[str, Any]] = {
    "lab": {"title": "JupyterLab", "description": "Notebooks, terminals and the data viewer"},
    "desktop": {"title": "Remote desktop", "description": "silx view, PyMca and a terminal", "kind": "desktop"},
}


def read_policy(path: Path) -> Policy:
    """Read ``panosc.yaml`` and the tables of proposals that it names. Looks at no data directory.

    Parameters
    ----------
    path
        The file. Relative paths in it are relative to its directory.

    Raises
    ------
    PolicyError
        Something in it must not be used; every fault is named with its line.
    """
    path = path.absolute()
    document = read_document(path, schema=policy_schema())
    content, base, faults = document.content, path.parent, _Faults(path)
    roots = {name: (base / root["path"]).resolve() for name, root in content["roots"].items()}
    proposals = _proposals(document, base, roots, faults)
    profiles = _profiles(content, content.get("limits", {}))
    faults.raise_if_any()
    return Policy(
        path=path,
        facility=content["facility"],
        roots=roots,
        proposals=proposals,
        profiles=profiles,
        open_data=content.get("open_data", "released"),
        accounts=_accounts(content.get("accounts"), base),
        homes=Homes(Path(content["homes"]["directory"]) if content.get("homes", {}).get("directory") else None),
        sessions=Sessions(**content.get("sessions", {})),
        hub=_hub(content.get("hub", {}), base),
        docker=Docker(**content.get("docker", {})),
        dask=read_dask(content.get("dask", {})),
        identity=content.get("identity"),
        tables=tuple(base / name for name in content.get("proposals", {}).get("files", ())),
    )


def read_dask(row: Mapping[str, Any]) -> Dask:
    """Make the ``dask`` section, checked by the schema, into a record; what it leaves out has its default."""
    usual = Dask()
    shares = {name: replace(getattr(usual, name), **row[name]) for name in row if isinstance(row[name], dict)}
    return replace(usual, **{**row, **{name: _share(share) for name, share in shares.items()}})


def _share(share: Share) -> Share:
    return replace(share, cpu=float(share.cpu))


class _Faults:
    def __init__(self, path: Path) -> None:
        self.path, self.found = path, list[str]()

    def add(self, document: Document, spot: Spot, message: str) -> None:
        self.found.append(document.fault(spot, message))

    def raise_if_any(self) -> None:
        if self.found:
            raise PolicyError(str(self.path), self.found)


def _proposals(document: Document, base: Path, roots: Mapping[str, Path], faults: _Faults) -> tuple[Proposal, ...]:
    section = document.content.get("proposals", {})
    known: dict[str, Proposal] = {}
    for index, row in enumerate(section.get("list", ())):
        _take(document, ("proposals", "list", index), row, None, roots, known, faults)
    for name in section.get("files", ()):
        table = read_document(base / name, schema=_table_schema())
        for index, row in enumerate(table.content["proposals"]):
            _take(table, ("proposals", index), row, (base / name).parent.resolve(), roots, known, faults)
    _refuse_nesting(document, known, faults)
    return tuple(known.values())


def _table_schema() -> dict[str, Any]:
    """Return the schema of a user office's table: the same rows, which may have columns of the office's own."""
    row = {k: v for k, v in policy_schema()["$defs"]["proposal"].items() if k != "additionalProperties"}
    return {"type": "object", "required": ["proposals"], "properties": {"proposals": {"type": "array", "items": row}}}


def _take(
    document: Document,
    spot: Spot,
    row: dict[str, Any],
    beside: Path | None,
    roots: Mapping[str, Path],
    known: dict[str, Proposal],
    faults: _Faults,
) -> None:
    """Add one row to `known`, or its fault to `faults`.

    Without a root its directory is relative to `beside`, where its table lies; if nothing of the data is there, as in a
    cluster, to the only root.
    """
    if row["id"].lower() in known:
        faults.add(document, spot, f"proposal {row['id']} is there twice")
        return
    name = row.get("root")
    if name is None and beside is None and len(roots) > 1:
        faults.add(document, spot, f"say which root it is below: one of {', '.join(roots)}")
        return
    if name is not None and name not in roots:
        faults.add(document, (*spot, "root"), f"there is no root {name!r}; there are {', '.join(roots)}")
        return
    only = next(iter(roots.values())) if len(roots) == 1 else None
    places = [roots[name]] if name is not None else [one for one in (beside, only) if one is not None]
    directories = [(place / row["directory"]).resolve() for place in places]
    directory = next((d for d in directories if any(root in d.parents for root in roots.values())), directories[0])
    if not any(root in directory.parents for root in roots.values()):
        faults.add(
            document, (*spot, "directory"), f"{directory} is not below a root, and a root itself is never mounted"
        )
        return
    known[row["id"].lower()] = Proposal(
        id=row["id"],
        title=row.get("title", ""),
        directory=directory,
        gid=row.get("gid"),
        members=tuple(row.get("members", ())),
        public=row.get("public", False),
        release_date=release_date(row.get("release_date")),
    )


def _refuse_nesting(document: Document, known: Mapping[str, Proposal], faults: _Faults) -> None:
    """Mounting a proposal must not show another one that lies below it."""
    by_directory: dict[Path, Proposal] = {}
    for one in known.values():
        if one.directory in by_directory:
            other = by_directory[one.directory]
            faults.add(document, ("proposals",), f"{one.id} and {other.id} have the same directory {one.directory}")
        by_directory[one.directory] = one
    for one in known.values():
        for parent in one.directory.parents:
            if holder := by_directory.get(parent):
                faults.add(
                    document,
                    ("proposals",),
                    f"{one.id} lies inside {holder.id}: whoever sees {holder.id} would see both",
                )


def _profiles(content: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[Profile, ...]:
    rows = content.get("profiles") or DEFAULT_PROFILES
    return tuple(_profile(name, row, defaults) for name, row in rows.items())


def _profile(name: str, row: Mapping[str, Any], defaults: Mapping[str, Any]) -> Profile:
    profile = Profile(
        name=name,
        title=row["title"],
        description=row.get("description", ""),
        kind=row.get("kind", "lab"),
        groups=frozenset(row["groups"]) if "groups" in row else None,
        limits=replace(Limits(**defaults), **row.get("limits", {})),
    )
    return replace(profile, image=row.get("image") or default_image(profile.kind))


def _accounts(row: Mapping[str, Any] | None, base: Path) -> Accounts:
    if row is None:
        return Accounts()
    return Accounts(**{**row, **({"file": base / row["file"]} if "file" in row else {})})


def _hub(row: Mapping[str, Any], base: Path) -> Hub:
    return Hub(**{**row, "state": (base / row.get("state", "state")).absolute()})
