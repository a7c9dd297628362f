"""Read the forms of campaigns: a new one, and a change of one. What they ask for is kept as JSON values."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts.base import Fields
from turkctl.dashboard.acts.forms import amount, money, required, whole
from turkctl.dashboard.commands import option
from turkctl.errors import UsageError
from turkctl.operations.campaigns.lifecycle import ALL_HOURS, CampaignChange
from turkctl.operations.campaigns.requests import CampaignRequest
from turkctl.units import format_duration, format_time, parse_duration, parse_time, parse_zone

if TYPE_CHECKING:
    from datetime import timedelta

    from werkzeug.datastructures import MultiDict

NEVER = "never"
UTC_NAME = "UTC"
LABELS = {
    "goal": "Goal",
    "experiment": "Experiment",
    "codeversion": "Code version",
    "reward": "Reward",
    "duration": "Time allotted",
    "every": "Time between rounds",
    "per_round": "Assignments per round",
    "within": "Done within",
    "budget": "Budget",
    "start_at": "Start",
    "end_at": "End",
    "hours": "Hours",
    "timezone": "Time zone",
    "allow_repeat_workers": "Let people who took part before take part again",
}
"""Each field with its label; the option of the command line has the same name."""
_OPTION = re.compile(r"--([a-z-]+)")
_CHANGED = ("goal", "every", "per_round", "budget", "reward", "duration", "end_at", "hours", "timezone")
_EMPTIED = {"end_at": NEVER, "hours": ALL_HOURS, "timezone": UTC_NAME}
"""What a field means that was emptied."""


def read_new(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the fields of a form for a new campaign; times without an offset are in its time zone.

    Raises:
        UsageError: the goal is missing, or a value cannot be read.
    """
    zone = _zone(_text(form, "timezone"))
    fields: dict[str, Any] = {"goal": whole(required(form, "goal", LABELS["goal"]), LABELS["goal"])}
    fields |= {name: _value(name, text, zone) for name in LABELS if name != "goal" and (text := _text(form, name))}
    return fields | {"allow_repeat_workers": form.get("allow_repeat_workers") == "1"}


def read_change(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the fields of a form that changes a campaign: those that differ from what the page had (``was_…``).

    Raises:
        UsageError: nothing differs, a value cannot be read, or one is missing that a campaign must have.
    """
    zone = _zone(_text(form, "timezone"))
    fields: dict[str, Any] = {}
    for name in _CHANGED:
        text, was = _text(form, name), (form.get(f"was_{name}") or "").strip()
        if name not in form or text == was:
            continue
        if not text and name not in _EMPTIED:
            raise UsageError(f"{LABELS[name]} is empty", hint="leave it as it was to keep it")
        fields[name] = _value(name, text, zone) if text else _EMPTIED[name]
    if fields.get("hours") == ALL_HOURS:
        fields.pop("timezone", None)
    if not fields:
        raise UsageError("nothing to change", hint="change at least one field")
    return fields


def _text(form: MultiDict[str, str], name: str) -> str:
    return (form.get(name) or "").strip()


def _zone(name: str) -> tzinfo:
    return parse_zone(name) if name else UTC


def _value(name: str, text: str, zone: tzinfo) -> Any:
    """Return the value of a field as JSON keeps it: amounts, durations and times as the command line takes them."""
    if name in ("goal", "per_round"):
        return whole(text, LABELS[name])
    if name in ("reward", "budget"):
        return money(text)
    if name in ("duration", "every", "within"):
        return format_duration(parse_duration(text))
    if name in ("start_at", "end_at") and text != NEVER:
        return format_time(parse_time(text, zone))
    return text


def request_of(fields: Fields) -> CampaignRequest:
    """Return the arguments of ``campaigns create`` that the fields mean."""
    return CampaignRequest(
        goal=fields["goal"],
        experiment=fields.get("experiment"),
        code_version=fields.get("codeversion"),
        reward=amount(fields.get("reward")),
        duration=_duration(fields, "duration"),
        every=_duration(fields, "every"),
        per_round=fields.get("per_round"),
        within=_duration(fields, "within"),
        budget=amount(fields.get("budget")),
        start_at=_time(fields, "start_at"),
        end_at=_time(fields, "end_at"),
        hours=fields.get("hours"),
        timezone=fields.get("timezone"),
        allow_repeat_workers=fields["allow_repeat_workers"],
    )


def change_of(fields: Fields) -> CampaignChange:
    """Return the arguments of ``campaigns update`` that the fields mean."""
    endless = fields.get("end_at") == NEVER
    return CampaignChange(
        goal=fields.get("goal"),
        every=_duration(fields, "every"),
        per_round=fields.get("per_round"),
        budget=amount(fields.get("budget")),
        reward=amount(fields.get("reward")),
        duration=_duration(fields, "duration"),
        end_at=None if endless else _time(fields, "end_at"),
        endless=endless,
        hours=fields.get("hours"),
        timezone=fields.get("timezone"),
    )


def words_of(fields: Fields) -> list[str]:
    """Return the fields as options of the command line."""
    return [word for name in LABELS for word in option(f"--{name.replace('_', '-')}", fields.get(name))]


def _duration(fields: Fields, name: str) -> timedelta | None:
    return parse_duration(fields[name]) if fields.get(name) else None


def _time(fields: Fields, name: str) -> datetime | None:
    return parse_time(fields[name]) if fields.get(name) else None


def in_labels(text: str) -> str:
    """Return an error with the labels of fields in place of options of the command line."""
    return _OPTION.sub(lambda found: LABELS.get(found[1].replace("-", "_"), found[0]), text)
