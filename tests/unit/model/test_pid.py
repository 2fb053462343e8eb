import pytest

from panosc_analysis.errors import FilterError
from panosc_analysis.model import landing_page, normal_pid, pid_key, quote_pid, same_pid


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("10.5072/ESRF-DC-123", "10.5072/ESRF-DC-123"),
        ("doi:10.5072/ESRF-DC-123", "10.5072/ESRF-DC-123"),
        ("DOI: 10.5072/x", "10.5072/x"),
        ("https://doi.org/10.1000/a%2Fb", "10.1000/a/b"),
        ("http://dx.doi.org/10.1000/ab", "10.1000/ab"),
        ("hdl:21.11151/x", "21.11151/x"),
        ("  20.500.12345/x ", "20.500.12345/x"),
        ("10.1000/%2e%2e%2f", "10.1000/%2e%2e%2f"),
        ("../../etc", "../../etc"),
    ],
)
def test_normal_form(written, normal):
    assert normal_pid(written) == normal
    assert normal_pid(normal) == normal


@pytest.mark.parametrize("bad", ["", "   ", ".", "..", "doi:", "10.1000/ a", "a\nb", "a\u202eb", "\ud800", "x" * 501])
def test_what_is_no_pid_is_refused(bad):
    with pytest.raises(FilterError):
        normal_pid(bad)
    assert pid_key(bad) == bad


def test_dois_compare_without_case_and_others_with_it():
    assert same_pid("10.5072/ABC", "doi:10.5072/abc")
    assert not same_pid("20.500.12269/ABC", "20.500.12269/abc")
    assert len({pid_key(p) for p in ("10.5072/ABC", "https://doi.org/10.5072/aBc")}) == 1


@pytest.mark.parametrize(
    ("pid", "quoted"),
    [
        ("10.34967/20201001/lung_5/lung_5060", "10.34967%2F20201001%2Flung_5%2Flung_5060"),
        ("10.1000/a#b?c", "10.1000%2Fa%23b%3Fc"),
        ("10.1000/ü", "10.1000%2F%C3%BC"),
        ("10.1000/%2f", "10.1000%2F%252f"),
        ("../../etc", "..%2F..%2Fetc"),
    ],
)
def test_quoted_once(pid, quoted):
    assert quote_pid(pid) == quoted


def test_pages_only_for_dois_that_resolve():
    assert landing_page("doi:10.1000/<script>") == "https://doi.org/10.1000/%3Cscript%3E"
    assert landing_page("10.5072/demo/x") is None
    assert landing_page("javascript:alert(1)") is None
