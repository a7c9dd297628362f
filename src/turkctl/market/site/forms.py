"""Show a QuestionForm on a page, with the policy that its images need."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response
from markupsafe import Markup

from turkctl.market.site.form_answers import Filled
from turkctl.market.site.form_pages import form_html, image_sources
from turkctl.market.site.question_form import read_form
from turkctl.web.headers import policy


def shown(
    document: str | None, filled: Filled | None = None, problems: Mapping[str, str] | None = None
) -> Markup | None:
    """Return the inside of an HTML form for a QuestionForm; None where there is none."""
    return None if document is None else form_html(read_form(document), filled, problems)


def with_images(response: Response, document: str | None) -> Response:
    """Let a page show the images of its QuestionForm."""
    images = [] if document is None else image_sources(read_form(document))
    if images:
        response.headers["Content-Security-Policy"] = policy(images=images)
    return response
