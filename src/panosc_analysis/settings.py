"""What this installation knows about its surroundings: providers to search, directories where data are mounted.

One loader reads one TOML file and three environment variables; nothing else in the package looks at the environment for
settings, and nothing does at import.

::

    [[providers]]
    name = "demo"
    url = "http://127.0.0.1:8010/api"
    dialect = "panosc-analysis"              # optional: which implementation it is; "common" without
    token_env = "JUPYTERHUB_API_TOKEN"      # optional: the variable that holds the token for this provider
    token_header = "access_token"            # optional: the header that it takes the token in; a bearer token without

    [[roots]]
    path = "~/data"                          # where files are mounted
    provider = "demo"                        # optional: only for datasets of this provider
    prefix = "/gpfs/facility"                # optional: what to cut from the catalogue's paths first
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DIALECTS", "DataRoot", "Provider", "Settings", "load_settings", "provider_from"]

SETTINGS_FILE = "PANOSC_SETTINGS"
PROVIDERS = "PANOSC_PROVIDERS"
DATA_ROOTS = "PANOSC_DATA_ROOTS"
DIALECTS = ("common", "reference", "scicat", "ill", "datagateway", "panosc-analysis")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_DIALECT = re.compile(r"[a-z-]+")


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
        Name of the environment variable that holds the token, if this provider takes one. The token itself is read at
        each call and never stored here.
    token_header
        The header in which it goes there: ``Authorization`` for a bearer token, or one that takes it bare.
    dialect
        Which implementation it is (``reference``, ``scicat``, ``ill``, ``datagateway``, ``panosc-analysis``): decides
        how much of a filter it is asked. With ``common`` nothing is assumed, and more rows are read.
    """

    name: str
    url: str
    token_env: str | None = None
    token_header: str = "Authorization"  # noqa: S105 - a header's name
    dialect: str = "common"


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
        Seconds that one provider may take for everything it is asked; with what comes after, an answer takes 5.
    answer_limit
        Largest answer accepted from a provider, in bytes after decompression.
    cache_seconds
        How long an answer may be used again for the same person; 0 for never.
    """

    providers: tuple[Provider, ...] = ()
    roots: tuple[DataRoot, ...] = ()
    timeout: float = 4.5
    answer_limit: int = 5_000_000
    cache_seconds: float = 30.0


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from file and environment.

    Opens at most one small file and asks no network. The file is ``$PANOSC_SETTINGS``, else
    ``~/.config/panosc-analysis/settings.toml``, else ``/etc/panosc-analysis/settings.toml``; none is fine. The
    variables ``PANOSC_PROVIDERS`` (``name=url,name=dialect+url``) and ``PANOSC_DATA_ROOTS`` (``path:path``) replace
    what the file says.

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
        cache_seconds=settings.cache_seconds,
    )


def provider_from(name: str, address: str, where: str) -> Provider:
    """Make a provider of ``url`` or ``dialect+url``; `where` says where that stands, for an error.

    Raises
    ------
    SettingsError
        No usable address, or an unknown dialect.
    """
    dialect, plus, url = address.partition("+")
    known = bool(plus) and _DIALECT.fullmatch(dialect) is not None
    provider = Provider(name, url, dialect=dialect) if known else Provider(name, address)
    return _checked_provider(provider, where)


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
    if "cache_seconds" in table:
        values["cache_seconds"] = float(_typed(table, "cache_seconds", (int, float), where))
    if "answer_limit" in table:
        values["answer_limit"] = int(_typed(table, "answer_limit", int, where))
    values["providers"] = tuple(_provider(row, where) for row in _typed(table, "providers", list, where, default=[]))
    values["roots"] = tuple(_root(row, where) for row in _typed(table, "roots", list, where, default=[]))
    return Settings(**values)


def _provider(row: dict[str, Any], where: str) -> Provider:
    _check_keys(row, Provider, f"{where}, [[providers]]")
    token_env = _typed(row, "token_env", str, where, default="")
    token_header = _typed(row, "token_header", str, where, default="Authorization")
    if not _HEADER.fullmatch(token_header):
        raise SettingsError(
            f"{where}: {token_header!r} is no header's name", hint='Write "access_token", or leave it out'
        )
    dialect = _typed(row, "dialect", str, where, default="common")
    name, url = _typed(row, "name", str, where), _typed(row, "url", str, where)
    return _checked_provider(Provider(name, url, token_env or None, token_header, dialect), where)


def _root(row: dict[str, Any], where: str) -> DataRoot:
    _check_keys(row, DataRoot, f"{where}, [[roots]]")
    return DataRoot(
        path=Path(_typed(row, "path", str, where)).expanduser(),
        provider=_typed(row, "provider", str, where, default="") or None,
        prefix=_typed(row, "prefix", str, where, default=""),
    )


def _providers_from_variable(text: str) -> tuple[Provider, ...]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return tuple(provider_from(name.strip(), address.strip(), PROVIDERS) for name, _, address in pairs)


def _roots_from_variable(text: str) -> tuple[DataRoot, ...]:
    return tuple(DataRoot(Path(part).expanduser()) for part in text.split(os.pathsep) if part)


def _checked_provider(provider: Provider, where: str) -> Provider:
    if not provider.name or not provider.url.startswith(("http://", "https://")):
        raise SettingsError(
            f"{where}: provider {provider.name!r} has no usable address ({provider.url!r})",
            hint="Give a name and an address that starts with http:// or https://",
        )
    if provider.dialect not in DIALECTS:
        raise SettingsError(
            f"{where}: provider {provider.name!r} has an unknown dialect ({provider.dialect[:60]!r})",
            hint=f"Use one of {', '.join(DIALECTS)}",
        )
    return replace(provider, url=provider.url.rstrip("/"))


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
