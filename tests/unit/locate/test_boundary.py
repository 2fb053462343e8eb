"""Paths are compared after every link is followed, component by component."""

from __future__ import annotations

import pytest

from panosc_analysis.errors import OutsideRoots
from panosc_analysis.locate import inside, is_inside, with_mounts


@pytest.fixture
def tree(tmp_path):
    for name in ("p1/sub", "p10", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "p1" / "file").touch()
    (tmp_path / "p1" / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "p1" / "in").symlink_to(tmp_path / "p1" / "sub")
    (tmp_path / "alias").symlink_to(tmp_path / "p1")
    return tmp_path


@pytest.mark.parametrize("path", ["p1", "p1/file", "p1/not/there", "p1/sub/../file", "p1/in/x", "alias/file"])
def test_inside(tree, path):
    assert inside(tree / path, [tree / "p1"]).is_relative_to(tree / "p1")


@pytest.mark.parametrize("path", ["p10/file", "p1/../p10", "p1/out/file", "p1/in/../../p10", "elsewhere", "p1\0"])
def test_outside(tree, path):
    with pytest.raises(OutsideRoots):
        inside(tree / path, [tree / "p1"])


def test_root_may_be_a_link_and_no_root_means_nowhere(tree):
    assert is_inside(tree / "p1" / "file", [tree / "alias"])
    assert not is_inside(tree / "p1" / "file", [])


def test_links_in_the_place_of_mounts_count_only_where_nobody_can_write(tree):
    data = tree / "data"
    data.mkdir()
    (data / "p1").symlink_to(tree / "p1")
    assert with_mounts([data]) == (data,)
    data.chmod(0o555)
    try:
        assert with_mounts([data]) == (data, tree / "p1")
        assert is_inside(data / "p1" / "file", with_mounts([data]))
        assert not is_inside(data / "p1" / "out" / "file", with_mounts([data]))
    finally:
        data.chmod(0o755)
    assert with_mounts([tree / "gone"]) == (tree / "gone",)
