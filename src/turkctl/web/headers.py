"""Set the security headers of every answer: a strict policy, under which no page loads anything from another host."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, g
from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

_YEAR = 365 * 24 * 3600
_MAY_BE_FRAMED = "may_be_framed"


def add_headers(app: Flask, *, over_tls: bool) -> None:
    """Give every answer of the application the headers; pages are not kept by any cache, static files are.

    Args:
        app: the application.
        over_tls: whether browsers reach it over TLS only, so that they shall never try without.
    """
    headers = _headers(over_tls=over_tls).headers

    @app.after_request
    def add(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if g.get(_MAY_BE_FRAMED):
            del response.headers["X-Frame-Options"]
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def let_be_framed(response: Response) -> Response:
    """Let any page show this answer in a frame; it may hold nothing that a click could do."""
    setattr(g, _MAY_BE_FRAMED, True)
    response.headers["Content-Security-Policy"] = policy(frame_ancestors=("*",))
    return response


def policy(
    *, frames: Sequence[str] = (), frame_ancestors: Sequence[str] = ("'none'",), images: Sequence[str] = ()
) -> str:
    """Return the policy of a page that shows frames or images of some sources, or may be shown in frames of some."""
    return _policy(frames, frame_ancestors, images).header_value


def _policy(
    frames: Sequence[str] = (), frame_ancestors: Sequence[str] = ("'none'",), images: Sequence[str] = ()
) -> ContentSecurityPolicy:
    made = (
        ContentSecurityPolicy()
        .default_src("'self'")
        .img_src("'self'", "data:", *images)
        .object_src("'none'")
        .frame_ancestors(*frame_ancestors)
        .base_uri("'none'")
        .form_action("'self'")
    )
    return made.frame_src(*frames) if frames else made


def _headers(*, over_tls: bool) -> Secure:
    return Secure(
        csp=_policy(),
        coop=CrossOriginOpenerPolicy().same_origin(),
        permissions=PermissionsPolicy().camera().microphone().geolocation(),
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
        hsts=StrictTransportSecurity().max_age(_YEAR) if over_tls else None,
    )
