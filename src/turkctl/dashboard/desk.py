"""What a page works with: who asks, the mode of their session, and the study in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from flask import abort, current_app, g, render_template, request, session
from flask_login import current_user

from turkctl.dashboard.commands import command_line
from turkctl.operations.participants.veil import Veil
from turkctl.settings import MODES
from turkctl.units import count_in

if TYPE_CHECKING:
    from turkctl.context import Context
    from turkctl.dashboard.frame import Frames
    from turkctl.dashboard.jobs import Jobs
    from turkctl.dashboard.requests import RequestSigner
    from turkctl.dashboard.studies import Studies
    from turkctl.operations.participants.counting import CountCache
    from turkctl.settings_users import DashboardUser
    from turkctl.web.sign_in import Door

EXTENSION = "turkctl_dashboard"
LOOKS_ONLY = "You may look, and change nothing. Ask for the role manage."
MODE = "mode"


@dataclass(frozen=True)
class Parts:
    """What the application holds for all requests."""

    studies: Studies
    jobs: Jobs
    door: Door
    counts: CountCache
    frames: Frames
    signer: RequestSigner
    secret: bytes
    """Makes pseudonyms."""


@dataclass(frozen=True)
class Desk:
    """The study as one person sees it in one request."""

    parts: Parts
    user: DashboardUser
    mode: str

    @property
    def world(self) -> Context:
        """Return the study in the mode of the session."""
        return self.parts.studies(self.mode)

    @property
    def may_change(self) -> bool:
        """Return whether the person may do more than look."""
        return self.user.manages

    @property
    def veil(self) -> Veil:
        """Return what puts pseudonyms in place of worker ids, or leaves them to those who may see them."""
        return Veil(None if self.user.names else self.parts.secret)

    def require_manager(self) -> None:
        """Answer that they may not, if the person may only look."""
        if not self.may_change:
            abort(403, LOOKS_ONLY)

    def find_worker(self, shown: str) -> str:
        """Return the id of a worker whom an address or a form names, perhaps by a pseudonym.

        Raises:
            NotFoundError: there is no such worker.
        """
        return self.veil.find_worker(self.world, shown)


def parts() -> Parts:
    """Return what the application holds."""
    return cast("Parts", current_app.extensions[EXTENSION])


def desk() -> Desk:
    """Return the desk of this request; its person has signed in."""
    if "desk" not in g:
        user = current_user.account
        g.desk = Desk(parts(), user, chosen_mode())
        count_in(parts().frames.facts(g.desk.world).unit)
    return cast("Desk", g.desk)


def chosen_mode() -> str:
    """Return the mode of the session: the one that was switched to, else that of the settings."""
    chosen = session.get(MODE)
    return chosen if chosen in MODES else parts().studies.first_mode


def page(template: str, command: Sequence[str] = (), *, names_mode: bool = True, **values: Any) -> str:
    """Render a page.

    Args:
        template: its name.
        command: the command line that lists or does the same, without ``turkctl``.
        names_mode: whether the command line may name the mode of the session; for ``participants`` it is a filter.
        values: for the template.
    """
    here = desk()
    usual = parts().studies.first_mode
    text = command_line(command, here.mode if names_mode else usual, usual) if command else None
    return render_template(f"dashboard/{template}", desk=here, command=text, here=request.full_path, **values)
