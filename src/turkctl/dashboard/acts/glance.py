"""Show what an act would do and cost while its form is filled in; nothing is asked, and nothing begun."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from turkctl.dashboard.acts.pages import check_mode
from turkctl.dashboard.acts.registry import find_act
from turkctl.dashboard.commands import command_line
from turkctl.dashboard.desk import desk, parts
from turkctl.dashboard.looks import looking
from turkctl.errors import TurkctlError

pages = Blueprint("glance", __name__)


@pages.post("/acts/<slug>/glance")
def show(slug: str) -> ResponseReturnValue:
    """Return the plan of an act for a part of a page, or what its form still lacks."""
    here, act = desk(), find_act(slug)
    try:
        check_mode(request.form.get("mode", here.mode))
        fields = act.read(request.form)
        proposal = act.propose(looking(), fields)
    except TurkctlError as error:
        words = here.veil.text("; ".join(filter(None, (error.message, error.hint))))
        return render_template("dashboard/glance.html", desk=here, error=act.in_labels(words))
    line = command_line(act.command(fields), here.mode, parts().studies.first_mode)
    return render_template("dashboard/glance.html", desk=here, proposal=proposal, command=line)
