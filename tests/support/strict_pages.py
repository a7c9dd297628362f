"""A site of a few pages, under the policy that all pages of turkctl have, with the vendored files."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import turkctl

VENDOR = Path(turkctl.__file__).parent / "web" / "static" / "vendor"
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
_ICON = '<link rel="icon" href="data:,">'


def strict_pages(pages: Mapping[str, str]) -> Callable[..., Iterable[bytes]]:
    """Return a WSGI app that serves these texts by path, and ``/vendor/…``; the kind is told by the path's ending."""

    def app(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        content = _content(pages, path)
        kind = mimetypes.guess_type(path)[0] or "text/html; charset=utf-8"
        status = "404 Not Found" if content is None else "200 OK"
        start_response(status, [("Content-Type", kind), ("Content-Security-Policy", POLICY)])
        return [page("Missing").encode() if content is None else content]

    return app


def _content(pages: Mapping[str, str], path: str) -> bytes | None:
    if path.startswith("/vendor/"):
        return (VENDOR / path.removeprefix("/vendor/")).read_bytes()
    return pages[path].encode() if path in pages else None


def page(body: str, head: str = "") -> str:
    """Return a page with which nothing is wrong but what is given."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{_ICON}{head}</head>'
        f"<body><main><h1>Page</h1>{body}</main></body></html>"
    )
