"""The beamlines and the neutron instrument of the demo facility."""

from __future__ import annotations

from typing import Final

from panosc_analysis.demo.nexus_entry import Instrument, Source

__all__ = ["BM18", "BM23", "ID02", "ID21", "ID31", "TOFDIFF"]

_RING: Final = Source("PaNOSC demo storage ring", "Synchrotron X-ray Source", "x-ray")
_SPALLATION: Final = Source("PaNOSC demo spallation source", "Spallation Neutron Source", "neutron")

BM18: Final = Instrument("BM18 hierarchical tomography", "BM18", _RING)
BM23: Final = Instrument("BM23 X-ray absorption spectroscopy", "BM23", _RING)
ID02: Final = Instrument("ID02 small-angle scattering", "ID02", _RING)
ID21: Final = Instrument("ID21 X-ray microscopy", "ID21", _RING)
ID31: Final = Instrument("ID31 high-energy diffraction", "ID31", _RING)
TOFDIFF: Final = Instrument("TOFDIFF time-of-flight powder diffractometer", "TOFDIFF", _SPALLATION)
