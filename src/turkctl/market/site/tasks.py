"""Preview, accept, skip, do and return a HIT; what happens after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from turkctl.market.consents import NEEDED
from turkctl.market.errors import WorkError
from turkctl.market.questions import is_form
from turkctl.market.site import forms
from turkctl.market.site.desk import content_origin, me, parts, site_origin
from turkctl.market.site.folder import PARAMETER
from turkctl.market.site.form_answers import Filled, read_answers, refill
from turkctl.market.site.frames import ALLOWED, Frame, add_parameters, frame_for
from turkctl.market.site.frames import origin as origin_of
from turkctl.market.site.question_form import read_form
from turkctl.market.work import Sent
from turkctl.web.headers import policy

pages = Blueprint("tasks", __name__, url_prefix="/worker")

_DEVICES = ("camera", "microphone")


@pages.get("/hits/<hit_id>")
def hit(hit_id: str) -> ResponseReturnValue:
    """Show a HIT before it is accepted."""
    found = _hit(hit_id)
    if found["MyAssignmentId"] is not None:
        return redirect(url_for("tasks.work", assignment_id=found["MyAssignmentId"]))
    frame = _frame(found, None)
    page = render_template("market/hit.html", hit=found, frame=frame, devices=ALLOWED, form=forms.shown(frame.document))
    return _framed(page, frame)


def _frame(hit: Mapping[str, Any], assignment_id: str | None) -> Frame:
    """Return what a HIT shows to the person who asks: at work on an assignment, or in a preview."""
    worker_id = None if assignment_id is None else me().worker_id
    frame = frame_for(hit, assignment_id, worker_id, site_origin(), content_origin(), behind_proxy=parts().behind_proxy)
    files = parts().files
    if files is None or frame.kind != "html" or frame.url is None:
        return frame
    return replace(frame, url=add_parameters(frame.url, [(PARAMETER, files.token(me().worker_id))]))


def _hit(hit_id: str) -> Mapping[str, Any]:
    try:
        return parts().market.look_at(parts().environment, me().worker_id, hit_id)
    except WorkError as error:
        if error.code == "DoesNotMeetRequirements":
            abort(403, error.message)
        abort(404, "There is no such HIT for you.")


def _framed(page: str, frame: Frame) -> Response:
    """Return a page with the policy that its task needs; popups must know the page that opened them, as psiTurk's."""
    response = make_response(page)
    if frame.url is None:
        return forms.with_images(response, frame.document)
    response.headers["Content-Security-Policy"] = policy(frames=frame.policy.split())
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    allowed = f'(self "{origin_of(frame.url)}")'
    response.headers["Permissions-Policy"] = ", ".join([*(f"{each}={allowed}" for each in _DEVICES), "geolocation=()"])
    return response


@pages.post("/hits/<hit_id>/accept")
def accept(hit_id: str) -> ResponseReturnValue:
    """Accept a HIT, or another one of its group if somebody else was quicker."""
    try:
        taken = parts().market.accept_like(parts().environment, me().worker_id, hit_id)
    except WorkError as error:
        if error.code == "NotFound":
            abort(404, "There is no such HIT for you.")
        if error.code == NEEDED:
            return _to_consent(hit_id)
        flash(error.message, "warning")
        return redirect(url_for("listing.index"), 303)
    auto = request.form.get("auto") or None
    return redirect(url_for("tasks.work", assignment_id=taken["AssignmentId"], auto=auto), 303)


def _to_consent(hit_id: str) -> ResponseReturnValue:
    auto = request.form.get("auto") or None
    return redirect(url_for("agreements.consent_form", hit_id=hit_id, auto=auto), 303)


@pages.post("/hits/<hit_id>/skip")
def skip(hit_id: str) -> ResponseReturnValue:
    """Go on to the next HIT of the group."""
    try:
        following = parts().market.hit_after(parts().environment, me().worker_id, hit_id)
    except WorkError:
        abort(404, "There is no such HIT for you.")
    if following is None:
        flash("There is no other HIT in this group for you.", "info")
        return redirect(url_for("listing.index"), 303)
    return redirect(url_for("tasks.hit", hit_id=following), 303)


@pages.get("/assignments/<assignment_id>")
def work(assignment_id: str) -> ResponseReturnValue:
    """Show a HIT at work; a reload, or another device, shows the same assignment."""
    found = _mine(assignment_id)
    if found["AssignmentStatus"] != "Accepted":
        return redirect(url_for("tasks.done", assignment_id=assignment_id))
    return _work_page(found)


def _work_page(
    found: Mapping[str, Any], filled: Filled | None = None, problems: Mapping[str, str] | None = None
) -> Response:
    assignment_id, document = found["AssignmentId"], found.get("Answer")
    frame = _frame(found["HIT"], assignment_id)
    if filled is None and document and frame.document:  # it was opened again
        filled = refill(read_form(frame.document), document)
    page = render_template(
        "market/work.html",
        assignment=found,
        hit=found["HIT"],
        frame=frame,
        devices=ALLOWED,
        form=forms.shown(frame.document, filled, problems),
        problems=problems,
        left=max(0, int((found["Deadline"] - parts().market.now()) / timedelta(seconds=1))),
        auto=request.values.get("auto") == "1",
        last=_correctable(request.values.get("last", "")),
    )
    return _framed(page, frame)


def _correctable(assignment_id: str) -> Mapping[str, Any] | None:
    """Return an assignment of the person who asks that they can correct; None if it is not, or no such one."""
    if not assignment_id:
        return None
    try:
        found = parts().market.assignment(parts().environment, assignment_id)
    except WorkError:
        return None
    return found if _is_correctable(found) else None


def _is_correctable(found: Mapping[str, Any]) -> bool:
    submitted = found["WorkerId"] == me().worker_id and found["AssignmentStatus"] == "Submitted"
    return submitted and "CorrectUntil" in found


@pages.post("/assignments/<assignment_id>/correct")
def correct(assignment_id: str) -> ResponseReturnValue:
    """Open a submission again, as long as its requester was not told of it."""
    _mine(assignment_id)
    try:
        parts().market.reopen(parts().environment, me().worker_id, assignment_id)
    except WorkError as error:
        flash(error.message, "warning")
    auto = request.form.get("auto") or None
    return redirect(url_for("tasks.work", assignment_id=assignment_id, auto=auto), 303)


@pages.post("/assignments/<assignment_id>/answers")
def answers(assignment_id: str) -> ResponseReturnValue:
    """Submit a QuestionForm, or show it again with what is wrong."""
    found = _mine(assignment_id)
    if found["AssignmentStatus"] != "Accepted" or not is_form(found["HIT"]["Question"]):
        return redirect(url_for("tasks.done", assignment_id=assignment_id), 303)
    filled = dict(request.form.lists())
    reading = read_answers(read_form(found["HIT"]["Question"]), filled)
    if reading.problems:
        response = _work_page(found, filled, reading.problems)
        response.status_code = 400
        return response
    try:
        sent = Sent(reading.answers, parts().correct)
        parts().market.submit_form(parts().environment, me().worker_id, assignment_id, sent)
    except WorkError as error:
        flash(error.message, "warning")
    if request.form.get("auto") == "1":
        return following(assignment_id)
    return redirect(url_for("tasks.done", assignment_id=assignment_id), 303)


@pages.get("/assignments/<assignment_id>/state")
def state(assignment_id: str) -> ResponseReturnValue:
    """Tell the page of an assignment whether it is still at work: it may be submitted from a popup."""
    return jsonify(status=_mine(assignment_id)["AssignmentStatus"])


def _mine(assignment_id: str) -> dict[str, Any]:
    """Return an assignment of the person who asks; those of others are as unknown as those that do not exist."""
    try:
        found = parts().market.assignment(parts().environment, assignment_id)
    except WorkError:
        abort(404, "You have no such assignment.")
    if found["WorkerId"] != me().worker_id:
        abort(404, "You have no such assignment.")
    return found


@pages.post("/assignments/<assignment_id>/return")
def give_back(assignment_id: str) -> ResponseReturnValue:
    """Return a HIT, so that somebody else can do it."""
    found = _mine(assignment_id)
    try:
        parts().market.return_assignment(parts().environment, me().worker_id, assignment_id)
        flash(f"You returned “{found['HIT']['Title']}”.", "info")
    except WorkError as error:
        flash(error.message, "warning")
    return redirect(url_for("listing.index"), 303)


@pages.post("/assignments/<assignment_id>/next")
def following(assignment_id: str) -> ResponseReturnValue:
    """Go on with the next HIT of the same group, after this one was submitted."""
    found = _mine(assignment_id)
    try:
        taken = parts().market.next_like(parts().environment, me().worker_id, found["HITId"])
    except WorkError as error:
        if error.code == NEEDED:
            return _to_consent(found["HITId"])
        flash("There is no other HIT in this group for you.", "info")
        return redirect(url_for("tasks.done", assignment_id=assignment_id), 303)
    last = assignment_id if _is_correctable(found) else None
    return redirect(url_for("tasks.work", assignment_id=taken["AssignmentId"], auto=1, last=last), 303)


@pages.get("/done/<assignment_id>")
def done(assignment_id: str) -> ResponseReturnValue:
    """Say what became of an assignment, and what happens next."""
    found = _mine(assignment_id)
    if found["AssignmentStatus"] == "Accepted":
        return redirect(url_for("tasks.work", assignment_id=assignment_id))
    market, environment = parts().market, parts().environment
    more = market.first_of_group(environment, me().worker_id, found["HIT"]["HITGroupId"])
    way_back = market.way_back(environment, assignment_id)
    return render_template("market/done.html", assignment=found, hit=found["HIT"], more=more, way_back=way_back)
