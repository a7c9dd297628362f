"""What stands below every page of the worker site: whom to ask, and the note on privacy."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,190}", re.ASCII)
_WEB = re.compile(r"https?://[^\s\"'<>\\]{1,500}", re.ASCII)
_BODY = re.compile(r"<body[^>]*>(.*?)(?:</body\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_PARAGRAPHS = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class Foot:
    """What whoever runs the market says of themselves.

    Attributes:
        contact: a mail address, an address of the web, or any text; None: there is none.
        privacy: the note on privacy as HTML; None: there is none.
    """

    contact: str | None = None
    privacy: Markup | None = None

    @property
    def contact_html(self) -> Markup:
        """Return the contact, as a link where it is an address."""
        text = self.contact or ""
        if _MAIL.fullmatch(text):
            return Markup('<a href="mailto:{0}">{0}</a>').format(text)
        if _WEB.fullmatch(text):
            return Markup('<a href="{0}" rel="noopener noreferrer">{0}</a>').format(text)
        return Markup("{}").format(text)


def note_of(text: str, *, is_html: bool) -> Markup:
    """Return a note as the inside of a page: the body of an HTML document, or the paragraphs of a text."""
    if is_html:
        body = _BODY.search(text)
        return Markup(text if body is None else body[1])  # noqa: S704  # a file of whoever runs the site
    paragraphs = [each.strip() for each in _PARAGRAPHS.split(text) if each.strip()]
    return Markup("").join(Markup("<p>{}</p>\n").format(each) for each in paragraphs)
