"""Set the security headers of every answer: a strict policy, under which no page loads anything from another host."""

from __future__ import annotations

from flask import Flask, Response
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
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def _headers(*, over_tls: bool) -> Secure:
    policy = (
        ContentSecurityPolicy()
        .default_src("'self'")
        .img_src("'self'", "data:")
        .object_src("'none'")
        .frame_ancestors("'none'")
        .base_uri("'none'")
        .form_action("'self'")
    )
    return Secure(
        csp=policy,
        coop=CrossOriginOpenerPolicy().same_origin(),
        permissions=PermissionsPolicy().camera().microphone().geolocation(),
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
        hsts=StrictTransportSecurity().max_age(_YEAR) if over_tls else None,
    )
