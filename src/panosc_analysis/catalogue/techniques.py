"""From a NeXus application definition and a probe to terms of the PaNET ontology.

An application definition often serves several probes (``NXcanSAS`` is written for X-rays and neutrons alike). Where the
file does not say which probe was used, the common parent term is given and never a guess between the two.
"""

from __future__ import annotations

from panosc_analysis.model import Technique
from panosc_analysis.search import panet

__all__ = ["NEUTRON", "XRAY", "technique_for"]

XRAY = "x-ray"
NEUTRON = "neutron"

_SMALL_ANGLE = ("PaNET01124", "PaNET01188", "PaNET01189")
_SINGLE_CRYSTAL = ("PaNET01029", "PaNET01102", "PaNET01236")
_POWDER = ("PaNET01030", "PaNET01101", "PaNET01100")
_REFLECTOMETRY = ("PaNET01121", "PaNET01121", "PaNET01239")
_TOMOGRAPHY = ("PaNET01129", "PaNET01207", "PaNET01129")


def _always(code: str) -> tuple[str, str, str]:
    return (code, code, code)


# Definition in lower case -> PaNET code without a known probe, for X-rays, for neutrons.
_TERMS: dict[str, tuple[str, str, str]] = {
    "nxarpes": _always("PaNET01089"),
    "nxmpes_arpes": _always("PaNET01089"),
    "nxmpes": ("PaNET01202", "PaNET01202", "PaNET01202"),
    "nxxps": _always("PaNET01204"),
    "nxcansas": _SMALL_ANGLE,
    "nxsas": _SMALL_ANGLE,
    "nxsastof": ("PaNET01189", "PaNET01188", "PaNET01189"),
    "nxcxi_ptycho": _always("PaNET01212"),
    "nxcxi": _always("PaNET01174"),
    "nxdirecttof": _always("PaNET01244"),
    "nxindirecttof": _always("PaNET01244"),
    "nxtas": _always("PaNET01245"),
    "nxspe": _always("PaNET01245"),
    "nxellipsometry": _always("PaNET01255"),
    "nxraman": _always("PaNET01195"),
    "nxfluo": _always("PaNET01177"),
    "nxxrf": _always("PaNET01177"),
    "nxxrfmap": _always("PaNET01288"),
    "nxiqproc": _SMALL_ANGLE,
    "nxlauetof": ("PaNET01236", "PaNET01102", "PaNET01236"),
    "nxmonopd": _POWDER,
    "nxpowder": _POWDER,
    "nxtofnpd": _always("PaNET01100"),
    "nxmx": _always("PaNET01164"),
    "nxrefscan": _REFLECTOMETRY,
    "nxreftof": _always("PaNET01239"),
    "nxstxm": _always("PaNET01219"),
    "nxtofraw": _always("PaNET01001"),
    "nxtofsingle": ("PaNET01001", "PaNET01001", "PaNET01001"),
    "nxtomo": _TOMOGRAPHY,
    "nxtomophase": _TOMOGRAPHY,
    "nxtomoproc": _TOMOGRAPHY,
    "nxxas": _always("PaNET01196"),
    "nxxasproc": _always("PaNET01196"),
    "nxxas_trans": _always("PaNET01196"),
    "nxxbase": _SINGLE_CRYSTAL,
    "nxxeuler": _SINGLE_CRYSTAL,
    "nxxkappa": _SINGLE_CRYSTAL,
    "nxxlaue": _SINGLE_CRYSTAL,
    "nxxlaueplate": _SINGLE_CRYSTAL,
    "nxxnb": _SINGLE_CRYSTAL,
    "nxxrot": _SINGLE_CRYSTAL,
}


def technique_for(definition: str | None, probe: str | None = None) -> Technique | None:
    """Name the PaNET term of an application definition; ``None`` for a definition that names no technique.

    Looks up a table and reads no file. Definitions that only say how data are arranged (``NXscan``, ``NXarchive``) have
    no term.

    Parameters
    ----------
    definition
        For example ``NXtomo``; letter case does not matter.
    probe
        `XRAY`, `NEUTRON`, or anything else for not known.
    """
    codes = _TERMS.get((definition or "").strip().lower())
    if codes is None:
        return None
    code = codes[1 if probe == XRAY else 2 if probe == NEUTRON else 0]
    return panet.resolve(code)
