"""Join the scripts and styles of a site: one of each on a page, compressed once, at an address that changes with them.

Browsers keep what has such an address for good, so that a page costs them its text alone.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, url_for
from flask.typing import ResponseReturnValue

from turkctl.web.packing import takes_gzip

_STATIC = Path(__file__).parent / "static"
STYLES = (_STATIC / "vendor" / "pico.min.css", _STATIC / "web.css")
"""The styles of every page."""
SCRIPTS = (_STATIC / "web.js",)
"""The scripts of every page."""
HTMX = (_STATIC / "vendor" / "htmx.min.js",)
"""For pages with live parts."""
CHART_STYLES = (_STATIC / "vendor" / "uPlot.min.css",)
CHART_SCRIPTS = (_STATIC / "vendor" / "uPlot.iife.min.js", _STATIC / "chart.js")
"""For pages with a chart."""
_LONG = "public, max-age=31536000, immutable"
_SHORT = "public, max-age=300"


@dataclass(frozen=True)
class Bundle:
    """Some files in one.

    Attributes:
        body: their texts.
        packed: the same, compressed with gzip.
        digest: changes with the text.
    """

    body: bytes
    packed: bytes
    digest: str


@lru_cache(maxsize=16)
def joined(files: tuple[Path, ...]) -> Bundle:
    """Return the files as one, in this order."""
    body = b"\n".join(each.read_bytes() for each in files)
    return Bundle(body, gzip.compress(body, 9, mtime=0), hashlib.sha256(body).hexdigest()[:12])


def add_bundles(app: Flask, pages: Blueprint, bundles: Mapping[str, tuple[Path, ...]]) -> None:
    """Serve the bundles of a site by their names below ``/static``, and give templates ``bundle(name)``."""

    @pages.get("/static/<digest>/<name>")
    def bundle(digest: str, name: str) -> ResponseReturnValue:
        """Answer with a bundle: for long at the address of its present text, for minutes at that of another one."""
        if name not in bundles:
            abort(404)
        found = joined(bundles[name])
        packed = takes_gzip()
        response = Response(found.packed if packed else found.body)
        response.headers["Content-Type"] = f"{mimetypes.guess_type(name)[0] or 'text/plain'}; charset=utf-8"
        response.headers["Cache-Control"] = _LONG if digest == found.digest else _SHORT
        response.vary.add("Accept-Encoding")
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        return response

    def address(name: str) -> str:
        return url_for("web.bundle", digest=joined(bundles[name]).digest, name=name)

    app.jinja_env.globals["bundle"] = address
