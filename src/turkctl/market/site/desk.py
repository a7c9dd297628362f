"""What the pages of one worker site share, and who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import current_app, g, request
from flask_login import current_user

from turkctl.market.people import Member
from turkctl.market.requester import Environment
from turkctl.market.site.folder import FilesFolder
from turkctl.market.site.foot_lines import Foot
from turkctl.web.sign_in import Door

if TYPE_CHECKING:
    from turkctl.market.service import Market
    from turkctl.market.site.agreements import SiteTerms

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
    behind_proxy: bool = False
    """Whether a proxy serves the site to others."""
    files: FilesFolder | None = None
    """A folder whose files tasks can show."""
    content_port: int | None = None
    """The port of the site's own host from which HTML tasks are shown, if there is one."""
    correct: timedelta = timedelta()
    """How long a submission can be corrected before its requester is told; zero: not at all."""
    terms: SiteTerms | None = None
    """The site's own terms, to which everybody must agree first."""
    foot: Foot = field(default_factory=Foot)
    """What stands below every page."""


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
    port = parts().content_port
    if parts().content_url is None and port is not None:
        return f"{address.scheme}://{with_port(address.hostname or '', port)}"
    return f"{address.scheme}://{address.netloc}"


def with_port(host: str, port: int) -> str:
    """Return a host with another port, as addresses have them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
