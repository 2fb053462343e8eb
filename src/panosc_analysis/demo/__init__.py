"""A facility to try things on: proposals, beamlines and NeXus files that could be real, written from a seed."""

from panosc_analysis.demo.facility import PROPOSALS, Facility, make_facility

__all__ = ["PROPOSALS", "Facility", "make_facility"]
