"""The page's own files, and what the page they make up may do."""

from __future__ import annotations

from tornado.web import StaticFileHandler

__all__ = ["Asset"]

_POLICY = (
    "default-src 'none'; script-src 'self' blob:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Asset(StaticFileHandler):
    """One file. The page loads nothing from elsewhere, stands in no frame and tells nobody its address."""

    def set_default_headers(self) -> None:
        """Say what the page may do."""
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")
