"""Show the plan of an act, begin it, follow it, stop it, and take it up again."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.acts.base import ActPlan, Fields, PageAct
from turkctl.dashboard.acts.registry import find_act
from turkctl.dashboard.commands import command_line
from turkctl.dashboard.desk import desk, page, parts
from turkctl.dashboard.requests import ActRequest
from turkctl.errors import NotFoundError, RefusedError, TurkctlError
from turkctl.operations.engine.world import CommandOrigin
from turkctl.operations.intents.forms import ActForm, FormLine, begin_form, begun_before, read_form_line
from turkctl.scheduler.worlds import ChildWorld
from turkctl.web.inside import inside

pages = Blueprint("acts", __name__)

MOST = 100
"""Items of a plan that are listed."""


class OtherModeError(RefusedError):
    """The page was made for another mode than the session has now."""

    code = "other_mode"

    def __init__(self, of_page: str, of_session: str) -> None:
        super().__init__(
            f"that page was for mode {of_page}, and you have switched to mode {of_session} since; nothing was done",
            hint="go back, reload the page, and look at it again",
        )


@pages.post("/acts/<slug>")
def plan(slug: str) -> ResponseReturnValue:
    """Show what an act would do, and ask."""
    act, here = find_act(slug), desk()
    made_for = request.form.get("mode", here.mode)
    if made_for != here.mode:
        raise OtherModeError(made_for, here.mode)
    return _ask(act, act.read(request.form), here.mode)


def _ask(act: PageAct, fields: dict[str, Any], mode: str, **more: Any) -> str:
    here = desk()
    proposal = act.propose(_world(act, fields, mode, 0.0), fields)
    asked = ActRequest.new(act.slug, fields, mode, here.user.name, proposal.digest)
    return _confirming(act, proposal, asked, **more)


def _confirming(act: PageAct, proposal: ActPlan, asked: ActRequest, **more: Any) -> str:
    return page(
        "confirm.html",
        act.command(asked.fields),
        act=act,
        proposal=proposal,
        signed=parts().signer.sign(asked),
        mode=asked.mode,
        back=_back(act),
        most=MOST,
        **more,
    )


@pages.post("/runs")
def start() -> ResponseReturnValue:
    """Begin what a confirming page asked for, once, if the plan is still the one that was shown."""
    here = desk()
    asked, age = parts().signer.read(request.form.get("request", ""), here.user.name)
    act = find_act(asked.act)
    if (sent := _begun(act, asked)) is not None:
        return sent
    if asked.mode != here.mode:
        raise OtherModeError(asked.mode, here.mode)
    world = _world(act, asked.fields, asked.mode, age)
    form = ActForm(asked.form, act.name, asked.fields, world.origin.account or here.user.name)
    try:
        proposal = act.propose(world, asked.fields)
    except TurkctlError:
        if (sent := _begun(act, asked)) is not None:
            return sent
        raise
    trouble = _people_trouble(proposal)
    if proposal.digest != asked.digest or trouble:
        # The plan is another one too if the same page, sent twice, began meanwhile and has done some of it.
        if (sent := _begun(act, asked)) is not None:
            return sent
        again = ActRequest.new(act.slug, asked.fields, asked.mode, here.user.name, proposal.digest)
        return _confirming(act, proposal, again, changed=not trouble, trouble=trouble), 409
    parts().jobs.refuse_more()
    line = begin_form(world, form)
    if line.begun:
        _begin(line, proposal, world)
    return _to_run(act, line.number)


def _begun(act: PageAct, asked: ActRequest) -> ResponseReturnValue | None:
    """Return the way to the act that this page began before, if it was sent before."""
    number = begun_before(parts().studies(asked.mode), asked.form)
    return None if number is None else _to_run(act, number)


def _begin(line: FormLine, proposal: ActPlan, world: ChildWorld) -> None:
    """Begin an act whose line was begun; the line says so if it cannot begin."""
    try:
        parts().jobs.start(line, proposal, world)
    except (TurkctlError, RuntimeError):  # too many at once after all, or no more threads
        with line.keeping():
            raise
    parts().frames.forget()


def _to_run(act: PageAct, number: int) -> ResponseReturnValue:
    target: dict[str, Any] = {"number": number, "from": _back(act)}
    return redirect(url_for("acts.show", **target), 303)


def _people_trouble(proposal: ActPlan) -> str | None:
    """Return why the typed number of people is wrong; None if it is right, or none is asked for."""
    if proposal.people is None:
        return None
    typed = request.form.get("people", "").strip()
    return None if typed == str(proposal.people) else f"You typed '{typed}', which is not the number of people."


def _world(act: PageAct, fields: Fields, mode: str, age: float) -> ChildWorld:
    """Return the world of one act, whose origin says who asked for it, as which command, and how long ago."""
    here, studies = desk(), parts().studies
    command = command_line(act.command(fields), mode, studies.first_mode)
    account = f"{here.user.name} (dashboard)"
    origin = CommandOrigin(command, since=time.monotonic() - age, act=act.name, account=account)
    return ChildWorld(studies(mode), origin)


@pages.get("/runs/<int:number>")
def show(number: int) -> ResponseReturnValue:
    """Show one act: its progress, or what became of it."""
    return page("run.html", ["log"], **_state(number))


@pages.get("/runs/<int:number>/state")
def state(number: int) -> ResponseReturnValue:
    """Return the part of the page that changes while an act is at work."""
    return render_template("dashboard/run_state.html", desk=desk(), here=request.full_path, **_state(number))


def _state(number: int) -> dict[str, Any]:
    line = read_form_line(desk().world, number)
    if line is None:
        raise NotFoundError(f"there is no run {number}", hint="see the log")
    job = parts().jobs.get(number)
    if job is not None and job.ended and line["state"] == "at work":  # it ended between the two looks
        line = read_form_line(desk().world, number) or line
    return {"line": line, "job": job, "back": inside(request.args.get("from"), "/dashboard", url_for("log.index"))}


@pages.post("/runs/<int:number>/stop")
def stop(number: int) -> ResponseReturnValue:
    """Stop an act after what it has in hand."""
    job = parts().jobs.get(number)
    if job is None:
        raise NotFoundError(f"run {number} is not at work in this process", hint="stop it where it runs")
    job.stop.set()
    return redirect(url_for("acts.show", number=number), 303)


@pages.post("/runs/<int:number>/again")
def again(number: int) -> ResponseReturnValue:
    """Show what is left of an act that was interrupted, and ask."""
    line = read_form_line(desk().world, number)
    if line is None or line["fields"] is None:
        raise NotFoundError(f"run {number} was not begun on the dashboard", hint="give its command again")
    if line["mode"] != desk().mode:
        raise OtherModeError(line["mode"], desk().mode)
    return _ask(find_act(line["act"].replace(" ", "-")), line["fields"], line["mode"], finishing=True)


def _back(act: PageAct) -> str:
    return inside(request.form.get("from"), "/dashboard", url_for(act.back))
