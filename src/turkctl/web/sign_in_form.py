"""Show the form through which people sign in to a site, and take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from turkctl.web.inside import inside
from turkctl.web.sign_in import Door, TooManyAttempts


@dataclass(frozen=True)
class SignInForm:
    """The form of one site.

    Attributes:
        template: shows it, with ``next``, ``name`` and ``trouble``.
        roots: the paths below which all pages of the site are.
        home: the endpoint to go to if no page was asked for.
        wrong: what to say if name and password do not match.
        door: returns the door of the site.
    """

    template: str
    roots: tuple[str, ...]
    home: str
    wrong: str
    door: Callable[[], Door]

    def show(self) -> ResponseReturnValue:
        """Show the form; who has signed in already goes on."""
        target = self.way_on(request.args.get("next"))
        return redirect(target) if current_user.is_authenticated else self._page(target)

    def take(self) -> ResponseReturnValue:
        """Sign in, and go on to the page that was asked for."""
        name, target = request.form.get("name", ""), self.way_on(request.form.get("next"))
        entered = self.door().enter(name, request.form.get("password", ""), request.remote_addr or "")
        if isinstance(entered, TooManyAttempts):
            minutes = -(-int(entered.wait.total_seconds()) // 60)
            return self._page(target, name, f"Too many attempts. Try again in {minutes} min."), 429
        return redirect(target, 303) if entered else (self._page(target, name, self.wrong), 401)

    def way_on(self, target: str | None) -> str:
        """Return the page to go on to: the one that is named if it is inside the site, else the site's first."""
        wanted, home = (target or "").removesuffix("?"), url_for(self.home)
        return next((wanted for root in self.roots if inside(wanted, root, "") == wanted != ""), home)

    def _page(self, target: str, name: str = "", trouble: str | None = None) -> str:
        return render_template(self.template, next=target, name=name, trouble=trouble)
