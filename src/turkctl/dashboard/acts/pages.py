"""Show the plan of an act, begin it, follow it, stop it, and take it up again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.dashboard.acts.base import ActPlan, Fields, PageAct
from turkctl.dashboard.acts.people import unveiled, veiled, workers_in
from turkctl.dashboard.acts.registry import find_act
from turkctl.dashboard.commands import command_line
from turkctl.dashboard.desk import desk, page, parts
from turkctl.dashboard.requests import ActRequest
from turkctl.errors import NotFoundError, RefusedError, TurkctlError, UsageError
from turkctl.operations.engine.world import CommandOrigin
from turkctl.operations.intents.forms import ActForm, FormLine, begin_form, begun_before, read_form_line
from turkctl.operations.intents.runs import RunAtWorkError, RunOvertakenError, StaleRunError
from turkctl.scheduler.worlds import ChildWorld
from turkctl.web.inside import inside

pages = Blueprint("acts", __name__)

MOST = 100
"""Items of a plan that are listed."""
_AGAIN = ("new", "resume")
"""Fields of acts whose runs can be interrupted, and the values of the buttons that choose."""
_CHOICES: Mapping[type[TurkctlError], str] = {
    StaleRunError: '"Do the rest" does what it left, as it was planned. "Begin another" abandons it and starts anew.',
    RunAtWorkError: 'Wait until it is over. "Do the rest" finishes it, should it have stopped half-way; '
    '"Begin another" starts a second run beside it.',
    RunOvertakenError: 'Look in the log at what it did. "Do the rest" finishes it, should it have stopped half-way; '
    '"Begin another" does all of it once more.',
}
"""Errors that leave it to the user what becomes of another run, and what the buttons do."""


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
    check_mode(request.form.get("mode", here.mode))
    if act.asks(request.form):
        return _inputs(act)
    try:
        return _ask(act, _read(act), here.mode)
    except UsageError as error:
        if not act.inputs_of(request.form):
            raise
        return _inputs(act, error), 400


def check_mode(made_for: str) -> None:
    """Raise if a page was made for another mode than the session has now."""
    if made_for != desk().mode:
        raise OtherModeError(made_for, desk().mode)


def _read(act: PageAct) -> dict[str, Any]:
    """Return the fields of the form that was sent."""
    fields = act.read(request.form)
    return fields if not act.takes_new else {**fields, **{name: request.form.get(name) == "1" for name in _AGAIN}}


def _inputs(act: PageAct, trouble: UsageError | None = None) -> str:
    """Return the page that asks for what the form that was sent does not have, and keeps the rest of it."""
    inputs = act.inputs_of(request.form)
    apart = {"csrf_token", "mode", "from", "ask", *(each.name for each in inputs)}
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in apart]
    return page(
        "ask.html",
        [*act.name.split(), "--help"],
        act=act,
        inputs=inputs,
        kept=kept,
        form=request.form,
        trouble=None if trouble is None else _error_words(trouble),
        back=_back(act),
    )


def _error_words(error: TurkctlError) -> str:
    words = f"{error.message}; {error.hint}" if error.hint else error.message
    return desk().veil.text(words, g.get("workers", ()))


def _ask(act: PageAct, fields: dict[str, Any], mode: str, **more: Any) -> ResponseReturnValue:
    proposal = _propose(act, fields, world_of(act, fields, mode, 0.0))
    if isinstance(proposal, TurkctlError):
        return _refused(act, fields, mode, proposal)
    return _confirming(act, fields, mode, proposal, **more)


def _propose(act: PageAct, fields: dict[str, Any], world: ChildWorld) -> ActPlan | TurkctlError:
    """Return the plan, or why there is none."""
    g.workers = workers_in(fields)
    try:
        return act.propose(world, fields)
    except TurkctlError as error:
        return error


def _refused(act: PageAct, fields: dict[str, Any], mode: str, error: TurkctlError) -> tuple[str, int]:
    """Return the page that leaves it to the user what becomes of another run of the same command.

    Raises:
        TurkctlError: the error is about something else.
    """
    if act.takes_new and isinstance(error, tuple(_CHOICES)):
        return _undecided(act, fields, mode, error)
    raise error


def _undecided(act: PageAct, fields: dict[str, Any], mode: str, error: TurkctlError) -> tuple[str, int]:
    """Return the page that offers to do the rest of a run, or to begin another."""
    shown = veiled(fields)
    asked = ActRequest.new(act.slug, shown, mode, desk().user.name, "")
    words = desk().veil.text(error.message, g.get("workers", ()))
    advice = next(advice for kind, advice in _CHOICES.items() if isinstance(error, kind))
    signed = parts().signer.sign(asked)
    values: dict[str, Any] = {"act": act, "words": words, "advice": advice, "signed": signed, "back": _back(act)}
    return page("undecided.html", _words(act, shown), **values), 409


@pages.post("/runs/instead")
def instead() -> ResponseReturnValue:
    """Show the plan of the rest of another run, or of a new one, and ask."""
    asked, _shown = parts().signer.read(request.form.get("request", ""), desk().user.name)
    check_mode(asked.mode)
    return _ask(find_act(asked.act), _chosen(unveiled(asked.fields)), asked.mode)


def _chosen(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with the choice of the button that was pressed, if it has one."""
    choice = request.form.get("instead")
    return dict(fields) if choice not in _AGAIN else {**fields, **{name: name == choice for name in _AGAIN}}


def _words(act: PageAct, fields: Fields) -> list[str]:
    """Return the command line of an act, with what becomes of an interrupted run."""
    words = act.command(fields)
    again = [f"--{name}" for name in _AGAIN if act.takes_new and fields.get(name)]
    return [*words, *(word for word in again if word not in words)]


def _confirming(act: PageAct, fields: dict[str, Any], mode: str, proposal: ActPlan, **more: Any) -> str:
    # What is signed can be read by anybody, so people who see pseudonyms get only these.
    asked = ActRequest.new(act.slug, veiled(fields), mode, desk().user.name, proposal.digest)
    return page(
        "confirm.html",
        _words(act, asked.fields),
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
    fields = unveiled(asked.fields)
    world = world_of(act, fields, asked.mode, age)
    form = ActForm(asked.form, act.name, fields, world.origin.account or here.user.name)
    proposal = _propose(act, fields, world)
    other = isinstance(proposal, TurkctlError) or proposal.digest != asked.digest
    # The plan is another one too if the same page, sent twice, began meanwhile and has done some of it.
    if other and (sent := _begun(act, asked)) is not None:
        return sent
    if isinstance(proposal, TurkctlError):
        return _refused(act, fields, asked.mode, proposal)
    changed = proposal.digest != asked.digest
    trouble = None if changed else _people_trouble(proposal)
    if changed or trouble:
        return _confirming(act, fields, asked.mode, proposal, changed=changed, trouble=trouble), 409
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


def world_of(act: PageAct, fields: Fields, mode: str, age: float) -> ChildWorld:
    """Return the world of one act, whose origin says who asked for it, as which command, and how long ago."""
    here, studies = desk(), parts().studies
    command = command_line(_words(act, fields), mode, studies.first_mode)
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
    undecided = line["error"] in {kind.code for kind in _CHOICES} and line["fields"] is not None
    back = inside(request.args.get("from"), "/dashboard", url_for("log.index"))
    return {"line": line, "job": job, "undecided": undecided, "back": back}


@pages.post("/runs/<int:number>/stop")
def stop(number: int) -> ResponseReturnValue:
    """Stop an act after what it has in hand."""
    job = parts().jobs.get(number)
    if job is None:
        raise NotFoundError(f"run {number} is not at work in this process", hint="stop it where it runs")
    job.stop.set()
    back: dict[str, Any] = {"from": inside(request.form.get("from"), "/dashboard", url_for("log.index"))}
    return redirect(url_for("acts.show", number=number, **back), 303)


@pages.post("/runs/<int:number>/again")
def again(number: int) -> ResponseReturnValue:
    """Show what is left of an act that was interrupted, and ask."""
    line = read_form_line(desk().world, number)
    if line is None or line["fields"] is None:
        raise NotFoundError(f"run {number} was not begun on the dashboard", hint="give its command again")
    check_mode(line["mode"])
    return _ask(find_act(line["act"].replace(" ", "-")), _chosen(line["fields"]), line["mode"], finishing=True)


def _back(act: PageAct) -> str:
    return inside(request.form.get("from"), "/dashboard", url_for(act.back))
