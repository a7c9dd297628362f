"""Ask people to agree: to the consent of a HIT before they accept it, and to the site's own terms before all else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import escape

from turkctl.market.consents import NEEDED, ConsentAsked
from turkctl.market.errors import WorkError
from turkctl.market.site.desk import content_origin, me, parts
from turkctl.market.site.entrance import FORM
from turkctl.market.site.frames import AGREEMENT_SANDBOX
from turkctl.web.headers import policy

pages = Blueprint("agreements", __name__, url_prefix="/worker")

_PLAIN = "font: 1rem/1.5 system-ui, sans-serif; white-space: pre-wrap; max-width: 45rem; margin: 0"


@dataclass(frozen=True)
class SiteTerms:
    """The site's own terms.

    Attributes:
        page: HTML.
        version: changes with the text.
    """

    page: str
    version: str


def terms_of(text: str, *, is_html: bool) -> SiteTerms:
    """Return the terms in a file: HTML, or a plain text whose paragraphs and lines are kept."""
    plain = f'<!doctype html><meta charset="utf-8"><p style="{_PLAIN}">{escape(text)}</p>'
    return SiteTerms(text if is_html else plain, hashlib.sha256(text.encode()).hexdigest()[:12])


def must_agree_to_terms() -> bool:
    """Return whether the person who asks has not agreed to the site's terms as they are now."""
    terms = parts().terms
    return terms is not None and me().terms_version != terms.version


def send_to_terms() -> ResponseReturnValue:
    """Send somebody to the site's terms, from which they come back to the page that they were on."""
    wanted = request.full_path if request.method == "GET" else None
    return redirect(url_for("agreements.terms_form", next=FORM.way_on(wanted)), 303)


@pages.get("/terms")
def terms_form() -> ResponseReturnValue:
    """Show the site's terms."""
    terms = parts().terms
    if terms is None:
        abort(404)
    target = FORM.way_on(request.args.get("next"))
    address = f"{content_origin()}/content/terms"
    page = render_template("market/terms.html", terms=terms, address=address, next=target, sandbox=AGREEMENT_SANDBOX)
    return _showing(page)


@pages.post("/terms")
def agree_to_terms() -> ResponseReturnValue:
    """Note that somebody agrees to the terms that they were shown, and go on."""
    terms = parts().terms
    if terms is not None and request.form.get("version") == terms.version:
        parts().market.agree_to_terms(parts().environment, me().worker_id, terms.version)
    return redirect(FORM.way_on(request.form.get("next")), 303)


@pages.get("/hits/<hit_id>/consent")
def consent_form(hit_id: str) -> ResponseReturnValue:
    """Show the consent that a HIT asks for before it is accepted."""
    asked = _asked(hit_id)
    if asked is None:
        return redirect(url_for("tasks.hit", hit_id=hit_id))
    address = f"{content_origin()}/content/consent/{quote(asked.type_id, safe='')}"
    auto = request.args.get("auto") == "1"
    return _showing(
        render_template("market/consent.html", asked=asked, address=address, auto=auto, sandbox=AGREEMENT_SANDBOX)
    )


def _asked(hit_id: str) -> ConsentAsked | None:
    try:
        return parts().market.consent_asked(parts().environment, me().worker_id, hit_id)
    except WorkError as error:
        abort(403 if error.code == "DoesNotMeetRequirements" else 404, "There is no such HIT for you.")


@pages.post("/hits/<hit_id>/consent")
def agree(hit_id: str) -> ResponseReturnValue:
    """Note that somebody agrees to the consent that they were shown, and accept the HIT."""
    market, environment = parts().market, parts().environment
    auto = request.form.get("auto") or None
    try:
        market.agree(environment, me().worker_id, hit_id, request.form.get("consent", ""))
        taken = market.accept_like(environment, me().worker_id, hit_id)
    except WorkError as error:
        if error.code == NEEDED:
            flash(error.message, "warning")
            return redirect(url_for("agreements.consent_form", hit_id=hit_id, auto=auto), 303)
        if error.code == "NotFound":
            abort(404, "There is no such HIT for you.")
        flash(error.message, "warning")
        return redirect(url_for("listing.index"), 303)
    return redirect(url_for("tasks.work", assignment_id=taken["AssignmentId"], auto=auto), 303)


def _showing(page: str) -> Response:
    """Return a page that shows another one, of the content origin, in a frame."""
    response = make_response(page)
    response.headers["Content-Security-Policy"] = policy(frames=("'self'", "https:", content_origin()))
    return response
