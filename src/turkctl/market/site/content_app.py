"""Serve HTML tasks, and the scripts that they load, from an origin other than the market's."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from turkctl import paths
from turkctl.market.errors import ParameterValidationError
from turkctl.market.site.folder import PARAMETER, FilesFolder, file_answer
from turkctl.market.site.frames import AGREEMENT_SANDBOX, SAME_ORIGIN, SANDBOX, may_keep_origin, origin
from turkctl.market.site.html_tasks import STATIC, html_content, task_page, version

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Lookup = Callable[[str], str | None]
"""Returns the Question of the HIT with an id; None if its task may not be shown."""

_AGREEMENT = re.compile(r"/content/(terms|consent/[A-Z0-9]{1,64})")
_TASK = re.compile(r"/content/([A-Za-z0-9]{1,64})")
_SCRIPT = re.compile(
    r"/content/static/(?:([0-9a-f]{12})/)?((?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.(?:js|css))"
)
_NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline' https:; img-src https: data:; font-src https: data:"
_LONG = "public, max-age=31536000, immutable"
_SHORT = "public, max-age=300"
_NOTHING = b"There is nothing here.\n"


def content_app(
    lookup: Lookup,
    market_origin: str,
    content_origin: str,
    agreement: Lookup = lambda _name: None,
    *,
    behind_proxy: bool = False,
    files: FilesFolder | None = None,
) -> WSGIApplication:
    """Return an application that answers ``/content/<HITId>``, ``/content/static/…`` and ``/content/files/…``.

    Also ``/content/consent/<id>`` and ``/content/terms``: pages to agree to, which run no scripts.

    It has no sessions and reads no cookies. Below a mount, the mount's path counts as part of the address.

    Args:
        lookup: finds the question of a HIT.
        market_origin: the only origin whose pages may show tasks in a frame.
        content_origin: the origin of this application. Tasks keep it only where their scripts cannot read what the
            market's pages keep in the browser; see :func:`~turkctl.market.site.frames.may_keep_origin`.
        agreement: finds the page of ``consent/<id>`` or ``terms``.
        behind_proxy: whether a proxy serves the market to others.
        files: a folder whose files tasks can show, at ``/content/files/…``.
    """
    keeps = may_keep_origin(content_origin, market_origin, behind_proxy=behind_proxy)
    flags = f"{SANDBOX} {SAME_ORIGIN}" if keeps else SANDBOX
    framed = f"frame-ancestors {origin(market_origin)}"
    plain = f"sandbox {AGREEMENT_SANDBOX}; {_NO_SCRIPTS}; {framed}"
    policy = f"sandbox {flags}; {framed}"

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _answer(environ, start_response, HTTPStatus.METHOD_NOT_ALLOWED, _NOTHING, Allow="GET, HEAD")
        if (wanted := _SCRIPT.fullmatch(path)) and paths.is_file(STATIC / wanted[2]):
            return _script(environ, start_response, wanted[2], wanted[1])
        if wanted := _AGREEMENT.fullmatch(path):
            return _agreement(environ, start_response, agreement(wanted[1]), plain)
        if files is not None and (answer := file_answer(files, path, environ)) is not None:
            return answer(environ, start_response)
        page = _page(lookup, wanted[1], content_origin) if (wanted := _TASK.fullmatch(path)) else None
        if files is not None and page is not None:
            asked = parse_qs(environ.get("QUERY_STRING", "")).get(PARAMETER, [""])
            page = files.addressed(page, asked[0])
        if page is None:
            return _answer(environ, start_response, HTTPStatus.NOT_FOUND, _NOTHING)
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
        return _answer(environ, start_response, HTTPStatus.OK, page.encode("utf-8", "replace"), **headers)

    return app


def _agreement(
    environ: WSGIEnvironment, start_response: StartResponse, page: str | None, policy: str
) -> Iterable[bytes]:
    """Answer with a page to agree to, or with 404."""
    if page is None:
        return _answer(environ, start_response, HTTPStatus.NOT_FOUND, _NOTHING)
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
    return _answer(environ, start_response, HTTPStatus.OK, page.encode("utf-8", "replace"), **headers)


def _page(lookup: Lookup, hit_id: str, content_origin: str) -> str | None:
    question = lookup(hit_id)
    try:
        content = None if question is None else html_content(question)
    except ParameterValidationError:  # a document that an older version let in
        return None
    return None if content is None else task_page(content, content_origin)


def _script(environ: WSGIEnvironment, start_response: StartResponse, name: str, asked: str | None) -> Iterable[bytes]:
    """Answer with a script: for long if the address names the present text of all, else for a few minutes.

    Tasks without an origin of their own may load it as a module or with ``crossorigin``, so that every origin may.
    """
    headers = {
        "Content-Type": f"{mimetypes.guess_type(name)[0] or 'text/javascript'}; charset=utf-8",
        "Cache-Control": _LONG if asked == version() else _SHORT,
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return _answer(environ, start_response, HTTPStatus.OK, (STATIC / name).read_bytes(), **headers)


def _answer(
    environ: WSGIEnvironment, start_response: StartResponse, status: HTTPStatus, body: bytes, **headers: str
) -> Iterable[bytes]:
    every = {
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Length": str(len(body)),
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
    start_response(f"{status.value} {status.phrase}", list((every | headers).items()))
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]
