"""The viewer as a page in a browser, served by the process that reads the file."""

from panosc_analysis.documents.page.serving import serving

__all__ = ["serving"]
