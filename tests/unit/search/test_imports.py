import subprocess
import sys

HEAVY = ("httpx", "pint", "numpy", "h5py", "dask", "ipywidgets", "asyncio")


def test_importing_the_room_and_what_is_below_loads_nothing_heavy():
    code = (
        "import sys, panosc_analysis.search, panosc_analysis.filters, panosc_analysis.model;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_every_name_is_there():
    from panosc_analysis import search as _  # noqa: F401
    from panosc_analysis.search import __all__ as names

    room = sys.modules["panosc_analysis.search"]
    assert all(getattr(room, name) for name in names)
    assert set(names) <= set(dir(room))
