"""Settings from file and environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from panosc_analysis.errors import SettingsError
from panosc_analysis.settings import DataRoot, Provider, Settings, load_settings

FILE = """
timeout = 2.5
[[providers]]
name = "demo"
url = "http://127.0.0.1:8010/api/"
token_env = "TOKEN"
token_header = "access_token"
dialect = "ill"
[[roots]]
path = "/data"
provider = "demo"
prefix = "/gpfs"
"""


def write(path: Path, text: str) -> dict[str, str]:
    file = path / "settings.toml"
    file.write_text(text)
    return {"PANOSC_SETTINGS": str(file)}


def test_a_file_is_read(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, FILE))
    assert settings.providers == (Provider("demo", "http://127.0.0.1:8010/api", "TOKEN", "access_token", "ill"),)
    assert settings.roots == (DataRoot(Path("/data"), "demo", "/gpfs"),)
    assert settings.timeout == 2.5


def test_nothing_configured_is_fine(tmp_path: Path) -> None:
    assert load_settings({"XDG_CONFIG_HOME": str(tmp_path)}) == Settings()


def test_the_persons_own_file_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "panosc-analysis"
    folder.mkdir()
    (folder / "settings.toml").write_text(FILE)
    assert load_settings({"XDG_CONFIG_HOME": str(tmp_path)}).timeout == 2.5


def test_variables_replace_the_file(tmp_path: Path) -> None:
    providers = "a=http://a/api, b=scicat+https://b/"
    env = write(tmp_path, FILE) | {"PANOSC_PROVIDERS": providers, "PANOSC_DATA_ROOTS": "/x:/y"}
    settings = load_settings(env)
    assert settings.providers == (Provider("a", "http://a/api"), Provider("b", "https://b", dialect="scicat"))
    assert [r.path for r in settings.roots] == [Path("/x"), Path("/y")]
    assert settings.timeout == 2.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("timeot = 3", "unknown key 'timeot'"),
        ("timeout = 'x'", "'timeout' must be of type"),
        ("timeout = true", "'timeout' must be of type"),
        ("[[providers]]\nname = 'a'", "'url' must be of type"),
        ("[[providers]]\nname = 'a'\nurl = 'ftp://x'", "no usable address"),
        ("[[providers]]\nname = 'a'\nurl = 'http://x'\ndialect = 'sicat'", "unknown dialect"),
        ("[[providers]]\nname = 'a'\nurl = 'http://x'\ntoken_header = 'a b'", "no header's name"),
        ("cache_seconds = 'x'", "'cache_seconds' must be of type"),
        ("[[roots]]\npath = 3", "'path' must be of type"),
        ("[[roots]]\npath = '/x'\nmode = 'rw'", "unknown key 'mode'"),
        ("roots = 3", "'roots' must be of type list"),
        ("= 3", "not valid TOML"),
    ],
)
def test_a_bad_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load_settings(write(tmp_path, text))


def test_a_named_file_that_is_missing_is_an_error() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings({"PANOSC_SETTINGS": "/nonexistent/settings.toml"})


def test_no_token_is_ever_part_of_the_settings(tmp_path: Path) -> None:
    env = write(tmp_path, FILE) | {"TOKEN": "a-secret-token"}
    assert "a-secret-token" not in repr(load_settings(env))
