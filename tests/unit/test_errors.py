"""The exception tree: messages, builtin bases, pickling."""

from __future__ import annotations

import pickle

import pytest

from panosc_analysis import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", CLASSES)
def test_the_message_ends_with_what_to_try(kind: type[errors.PanoscError]) -> None:
    error = kind("It broke", hint="Mend it", path="/a")
    assert str(error) == "It broke. Mend it."
    assert error.path == "/a"
    with pytest.raises(AttributeError):
        _ = error.nothing


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_crosses_processes(kind: type[errors.PanoscError]) -> None:
    copy = pickle.loads(pickle.dumps(kind("It broke", hint="Mend it", path="/a")))
    assert type(copy) is kind
    assert (copy.message, copy.hint, copy.data) == ("It broke", "Mend it", {"path": "/a"})


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.FileNotHere, FileNotFoundError),
        (errors.NotYours, PermissionError),
        (errors.ProviderUnreachable, ConnectionError),
        (errors.FilterError, ValueError),
        (errors.DatasetNotFound, LookupError),
        (errors.OpenError, OSError),
        (errors.SaveError, OSError),
    ],
)
def test_each_error_is_also_the_builtin_one_would_catch(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)


def test_the_drawn_tree_is_the_real_one() -> None:
    assert errors.__doc__ is not None
    for kind in CLASSES:
        assert kind.__name__ in errors.__doc__
        assert issubclass(kind, errors.PanoscError)
