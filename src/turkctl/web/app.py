"""Make the Flask application of a site: sessions, CSRF, headers, base template, and pages for errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from turkctl.harmless import harmless
from turkctl.own_market import DOLLARS
from turkctl.web.bundles import add_bundles
from turkctl.web.filters import add_filters
from turkctl.web.headers import add_headers
from turkctl.web.packing import pack_pages
from turkctl.web.sign_in import LASTS

MOST_BYTES = 2 * 1024 * 1024
"""Longest body of a request."""
_LONGEST = 1000
"""Characters of a page's error in the log; its traceback has all."""


@dataclass(frozen=True)
class Site:
    """What differs between the sites.

    Attributes:
        import_name: the package with the site's templates.
        root: the path of all its pages, as in ``/dashboard``.
        cookie: the name of its session's cookie.
        secret_key: signs sessions and forms.
        bundles: its scripts and styles by name, each the files that it is joined of; pages have ``site.css`` and
            ``site.js`` unless they say otherwise.
        behind_proxy: a proxy in front adds TLS and says who asks in X-Forwarded-For and X-Forwarded-Proto.
        unit: returns what the amounts of the page that is asked for are counted in.
    """

    import_name: str
    root: str
    cookie: str
    secret_key: str
    bundles: Mapping[str, tuple[Path, ...]]
    behind_proxy: bool = False
    unit: Callable[[], str] = lambda: DOLLARS


def make_app(site: Site) -> Flask:
    """Return an application without pages of its own."""
    app = Flask(site.import_name, static_folder=None)
    app.config.update(
        SECRET_KEY=site.secret_key,
        SESSION_COOKIE_NAME=f"__Host-{site.cookie}" if site.behind_proxy else site.cookie,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=site.behind_proxy,
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=LASTS,
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=MOST_BYTES,
        MAX_FORM_MEMORY_SIZE=MOST_BYTES,
        MAX_FORM_PARTS=20_000,
        WTF_CSRF_TIME_LIMIT=None,  # a token is worth as long as its session
        WTF_CSRF_SSL_STRICT=True,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    CSRFProtect(app)
    add_headers(app, over_tls=site.behind_proxy)
    pack_pages(app)
    add_filters(app, site.unit)
    _add_shared_files(app, site)
    _refuse_nul(app)
    _add_errors(app)
    if site.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]  # Flask's documented way
    return app


def _add_shared_files(app: Flask, site: Site) -> None:
    """Add the templates that both sites use, and the site's scripts and styles."""
    shared = Blueprint("web", __name__, template_folder="templates")
    add_bundles(app, shared, site.bundles)
    app.register_blueprint(shared, url_prefix=site.root)


def _refuse_nul(app: Flask) -> None:
    """Refuse requests with a NUL character in their address or form: PostgreSQL keeps none, and nobody types one."""

    @app.before_request
    def refuse() -> None:
        fields = (*request.args.items(multi=True), *request.form.items(multi=True))
        if "\0" in request.path or any("\0" in text for field in fields for text in field):
            abort(400, "The address or the form contains a NUL character, which no text has. Leave it out.")


_PLAIN: Mapping[int, tuple[str, str]] = {
    400: ("This could not be read", "The address or the form has something in it that this site does not understand."),
    403: ("This is not open to you", "You may not open this page as who you are here."),
    404: ("There is no such page here", "The address may have a mistake in it, or what was there is gone."),
    405: ("Nothing was done", "This address is not for opening, or not for sending something to it."),
    413: ("This is too much at once", "What was sent is larger than this site takes."),
}
"""What pages say of errors, by status: the heading, and the words where there are none that fit better."""
_GO_ON = "Go back, or begin again at the first page. If you think that this is a mistake, ask whoever runs this site."


def _add_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> ResponseReturnValue:
        if isinstance(error, CSRFError):
            words = (
                "This form is too old, or was not sent by this page. Nothing was done: go back, reload and try again."
            )
            return error_page("Nothing was done", words, 400)
        code = error.code or 500
        title, words = _PLAIN.get(code, (error.name, error.description or error.name))
        said = error.description
        if said and said != type(error).description:
            words = said
        return error_page(title, words, code, _GO_ON)

    @app.errorhandler(Exception)
    def broken(error: Exception) -> ResponseReturnValue:
        said = harmless(f"{request.method} {request.path} failed: {type(error).__name__}: {error}")
        app.logger.error("%s", " ".join(said.split())[:_LONGEST], exc_info=error, extra={"event": "page_failed"})
        return error_page("Something went wrong", "The server's log says more. What was done before is kept.", 500)


def error_page(title: str, words: str, status: int, hint: str | None = None) -> ResponseReturnValue:
    """Return a page that says what is wrong and what to do, with its status; plain text where even that page fails."""
    try:
        return render_template("web/error.html", title=title, words=words, hint=hint), status
    except Exception:
        current_app.logger.exception("the page of an error failed")
        return Response("Something went wrong. The server's log says more.", 500, content_type="text/plain")
