"""What this installation knows about its surroundings: providers to search, directories where data are mounted.

One loader reads one TOML file and three environment variables; nothing else in the package looks at the environment for
settings, and nothing does at import.

::

    [[providers]]
    name = "demo"
    url = "http://127.0.0.1:8010/api"
    token_env = "JUPYTERHUB_API_TOKEN"      # optional: the variable that holds the bearer token for this provider

    [[roots]]
    path = "~/data"                          # where files are mounted
    provider = "demo"                        # optional: only for datasets of this provider
    prefix = "/gpfs/facility"                # optional: what to cut from the catalogue's paths first
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DataRoot", "Provider", "Settings", "load_settings"]

SETTINGS_FILE = "PANOSC_SETTINGS"
PROVIDERS = "PANOSC_PROVIDERS"
DATA_ROOTS = "PANOSC_DATA_ROOTS"


@dataclass(frozen=True, slots=True)
class Provider:
    """One search API to ask.

    Parameters
    ----------
    name
        Short name shown beside its answers.
    url
        Base address; ``/Datasets`` and the other paths are appended to it.
    token_env
        Name of the environment variable that holds the bearer token, if this provider takes one. The token itself is
        read at each request and never stored here.
    """

    name: str
    url: str
    token_env: str | None = None


@dataclass(frozen=True, slots=True)
class DataRoot:
    """One directory below which data are mounted.

    Parameters
    ----------
    path
        The directory on this machine.
    provider
        Only datasets of this provider lie here; ``None`` for any.
    prefix
        Leading part of the catalogue's paths that this directory stands for.
    """

    path: Path
    provider: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Explicit arguments of a call go before these.

    Parameters
    ----------
    providers
        Search APIs, asked all at once.
    roots
        Data directories, tried in order.
    timeout
        Seconds that one provider may take for an answer.
    answer_limit
        Largest answer accepted from a provider, in bytes after decompression.
    """

    providers: tuple[Provider, ...] = ()
    roots: tuple[DataRoot, ...] = ()
    timeout: float = 5.0
    answer_limit: int = 5_000_000


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from file and environment.

    Opens at most one small file and asks no network. The file is ``$PANOSC_SETTINGS``, else
    ``~/.config/panosc-analysis/settings.toml``, else ``/etc/panosc-analysis/settings.toml``; none is fine. The
    variables ``PANOSC_PROVIDERS`` (``name=url,name=url``) and ``PANOSC_DATA_ROOTS`` (``path:path``) replace what the
    file says.

    Raises
    ------
    SettingsError
        A named file that is missing or unreadable, an unknown key, a wrong type.
    """
    env = os.environ if environment is None else environment
    path = _settings_file(env)
    settings = _from_table(_read_toml(path), str(path)) if path else Settings()
    providers = _providers_from_variable(env[PROVIDERS]) if env.get(PROVIDERS) else settings.providers
    roots = _roots_from_variable(env[DATA_ROOTS]) if env.get(DATA_ROOTS) else settings.roots
    return Settings(
        providers=providers,
        roots=roots,
        timeout=settings.timeout,
        answer_limit=settings.answer_limit,
    )


def _settings_file(env: Mapping[str, str]) -> Path | None:
    if env.get(SETTINGS_FILE):
        return Path(env[SETTINGS_FILE]).expanduser()
    config_home = Path(env.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    candidates = [config_home / "panosc-analysis" / "settings.toml", Path("/etc/panosc-analysis/settings.toml")]
    return next((c for c in candidates if c.is_file()), None)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"The settings file {path} cannot be read ({error.strerror})",
            hint=f"Correct or unset {SETTINGS_FILE}",
            path=str(path),
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The settings file {path} is not valid TOML: {error}", hint="Correct that line", path=str(path)
        ) from error


def _from_table(table: dict[str, Any], where: str) -> Settings:
    _check_keys(table, Settings, where)
    values: dict[str, Any] = {}
    if "timeout" in table:
        values["timeout"] = float(_typed(table, "timeout", (int, float), where))
    if "answer_limit" in table:
        values["answer_limit"] = int(_typed(table, "answer_limit", int, where))
    values["providers"] = tuple(_provider(row, where) for row in _typed(table, "providers", list, where, default=[]))
    values["roots"] = tuple(_root(row, where) for row in _typed(table, "roots", list, where, default=[]))
    return Settings(**values)


def _provider(row: dict[str, Any], where: str) -> Provider:
    _check_keys(row, Provider, f"{where}, [[providers]]")
    token_env = _typed(row, "token_env", str, where, default="")
    return _checked_provider(_typed(row, "name", str, where), _typed(row, "url", str, where), token_env or None, where)


def _root(row: dict[str, Any], where: str) -> DataRoot:
    _check_keys(row, DataRoot, f"{where}, [[roots]]")
    return DataRoot(
        path=Path(_typed(row, "path", str, where)).expanduser(),
        provider=_typed(row, "provider", str, where, default="") or None,
        prefix=_typed(row, "prefix", str, where, default=""),
    )


def _providers_from_variable(text: str) -> tuple[Provider, ...]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return tuple(_checked_provider(name.strip(), url.strip(), None, PROVIDERS) for name, _, url in pairs)


def _roots_from_variable(text: str) -> tuple[DataRoot, ...]:
    return tuple(DataRoot(Path(part).expanduser()) for part in text.split(os.pathsep) if part)


def _checked_provider(name: str, url: str, token_env: str | None, where: str) -> Provider:
    if not name or not url.startswith(("http://", "https://")):
        raise SettingsError(
            f"{where}: provider {name!r} has no usable address ({url!r})",
            hint="Give a name and an address that starts with http:// or https://",
        )
    return Provider(name, url.rstrip("/"), token_env)


def _check_keys(table: dict[str, Any], kind: type, where: str) -> None:
    known = {f.name for f in fields(kind)}
    for key in table:
        if key not in known:
            raise SettingsError(f"{where}: unknown key {key!r}", hint=f"Use one of {', '.join(sorted(known))}")


def _typed(table: dict[str, Any], key: str, kind: Any, where: str, *, default: Any = None) -> Any:
    value = table.get(key, default)
    if not isinstance(value, kind) or isinstance(value, bool):
        names = kind.__name__ if isinstance(kind, type) else " or ".join(k.__name__ for k in kind)
        raise SettingsError(f"{where}: {key!r} must be of type {names}, not {value!r}", hint="Correct that line")
    return value
