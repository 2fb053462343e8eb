"""LOCATE: from the record of a dataset to files that can be read on this machine, or the reason why not."""

from __future__ import annotations

from panosc_analysis.locate.boundary import inside, is_inside, with_mounts
from panosc_analysis.locate.located import Located, LocatedFile, Missing, locate
from panosc_analysis.locate.resolvers import MountedPathResolver, Resolver

__all__ = [
    "Located",
    "LocatedFile",
    "Missing",
    "MountedPathResolver",
    "Resolver",
    "inside",
    "is_inside",
    "locate",
    "with_mounts",
]
