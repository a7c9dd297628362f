"""Compress pages for browsers that take it: a phone loads a list of HITs in a fifth of the bytes.

What a compressed page's length tells about a secret on it needs requests that carry the session from another site, and
the cookie goes along with none but plain links; the page's token is signed anew each second.
"""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

_LEAST = 1_000
"""Bytes of a page that is worth it."""
_LEVEL = 4


def takes_gzip() -> bool:
    """Return whether the browser that asks takes answers in gzip."""
    return request.accept_encodings.quality("gzip") > 0


def pack_pages(app: Flask) -> None:
    """Compress every whole HTML page that the application answers with, if the browser takes gzip."""

    @app.after_request
    def pack(response: Response) -> Response:
        if response.mimetype != "text/html" or response.is_streamed or response.direct_passthrough:
            return response
        response.vary.add("Accept-Encoding")
        if takes_gzip() and (response.content_length or 0) >= _LEAST:
            response.set_data(gzip.compress(response.get_data(), _LEVEL, mtime=0))
            response.headers["Content-Encoding"] = "gzip"
        return response
