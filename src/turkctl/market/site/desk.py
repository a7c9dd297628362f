"""What the pages of one worker site share, and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import current_app, g, request
from flask_login import current_user

from turkctl.market.people import Member
from turkctl.market.requester import Environment
from turkctl.web.sign_in import Door

if TYPE_CHECKING:
    from turkctl.market.service import Market

ROOT = "/worker"
EXTENSION = "turkctl_worker_site"


@dataclass(frozen=True)
class MemberAccount:
    """A person as the door knows them: by worker id, however they came in."""

    person: Member

    @property
    def name(self) -> str:
        """Return the worker id, which their session carries."""
        return self.person.worker_id

    @property
    def password_hash(self) -> str:
        """Return the hash of their password; empty if the link alone lets them in."""
        return self.person.password_hash


@dataclass(frozen=True)
class SiteParts:
    """What all pages need."""

    market: Market
    environment: Environment
    door: Door
    url: str | None
    """The site's own address, where the settings give it."""
    content_url: str | None
    """The origin of HTML tasks, if there is one."""


def parts() -> SiteParts:
    """Return what all pages need."""
    found: SiteParts = current_app.extensions[EXTENSION]
    return found


def me() -> Member:
    """Return the person who asks; only for pages that nobody sees who is not signed in."""
    member: MemberAccount = current_user.account
    return member.person


def unit_of_amounts() -> str:
    """Return what the market's amounts are counted in, read once for each page that shows some."""
    if "unit" not in g:
        g.unit = parts().market.rules().unit
    unit: str = g.unit
    return unit


def site_origin() -> str:
    """Return the origin of this site, as browsers reach it, without a slash at its end."""
    address = urlsplit(parts().url or request.host_url)
    return f"{address.scheme}://{address.netloc}"


def content_origin() -> str:
    """Return the origin of HTML tasks; this site's own if there is no other one."""
    address = urlsplit(parts().content_url or site_origin())
    return f"{address.scheme}://{address.netloc}"
