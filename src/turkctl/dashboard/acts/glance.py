"""Show what an act would do and cost while its form is filled in; nothing is asked, and nothing begun."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from turkctl.dashboard.acts.pages import OtherModeError
from turkctl.dashboard.acts.registry import find_act
from turkctl.dashboard.desk import desk
from turkctl.dashboard.looks import looking
from turkctl.errors import TurkctlError

pages = Blueprint("glance", __name__)


@pages.post("/acts/<slug>/glance")
def show(slug: str) -> ResponseReturnValue:
    """Return the plan of an act for a part of a page, or what its form still lacks."""
    act = find_act(slug)
    made_for = request.form.get("mode", desk().mode)
    try:
        if made_for != desk().mode:
            raise OtherModeError(made_for, desk().mode)
        proposal = act.propose(looking(), act.read(request.form))
    except TurkctlError as error:
        return render_template("dashboard/glance.html", desk=desk(), proposal=None, error=error)
    return render_template("dashboard/glance.html", desk=desk(), proposal=proposal, error=None)
