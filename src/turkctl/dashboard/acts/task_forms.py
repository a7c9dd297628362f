"""Read and show what forms of tasks have in common: times, and the options of each kind.

A field ``was-NAME`` says what the page showed; what differs from it was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts.base import Fields
from turkctl.dashboard.acts.forms import whole
from turkctl.dashboard.commands import option
from turkctl.errors import UsageError
from turkctl.operations.tasks.kinds import SELECTORS, TaskKind
from turkctl.schedules import Schedule, read_schedule
from turkctl.units import format_duration

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

_WAS = "was-"
TIMES = ("every", "cron", "timezone")
LABELS = {
    "all": "For",
    "experiment": "Experiment",
    "campaign": "Campaign",
    "regex": "Experiments whose name matches",
    "codeversion": "Code version",
    "full": "Read the work on every HIT again",
    "feedback": "Message to the workers",
    "reason": "What the bonus is for",
    "method": "Method",
    "min_votes": "Votes below which an item gets no label",
}
"""What people call the options of tasks."""
_NUMBERS = ("campaign", "min_votes")


def schedule_words(row: Mapping[str, Any]) -> str:
    """Return when a task is due, as in ``every 30m``."""
    if row["cron"] is not None:
        return f"at {row['cron']} ({row['timezone'] or 'UTC'})"
    return f"every {format_duration(row['every'])}"


def option_facts(options: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the options of a task with their labels."""
    return [(LABELS.get(name, name), _option_shown(name, value)) for name, value in options.items()]


def _option_shown(name: str, value: Any) -> Any:
    return "everything of turkctl's in this mode" if name == "all" else value


def text_of(form: MultiDict[str, str], name: str) -> str | None:
    """Return what a field holds; None if it is empty or missing."""
    return (form.get(name) or "").strip() or None


def differs(form: MultiDict[str, str], name: str) -> bool:
    """Return whether a field differs from what the page showed."""
    return text_of(form, name) != text_of(form, _WAS + name)


def read_times(form: MultiDict[str, str]) -> dict[str, str | None] | None:
    """Return the times that were filled in or changed; None if none were."""
    every = text_of(form, "every") if differs(form, "every") else None
    cron = text_of(form, "cron") if differs(form, "cron") or differs(form, "timezone") else None
    if every is None and cron is None:
        return None
    return {"every": every, "cron": cron, "timezone": None if cron is None else text_of(form, "timezone")}


def unchanged_times(form: MultiDict[str, str]) -> dict[str, str | None]:
    """Return the times of a form that nobody changed."""
    return {"every": text_of(form, "every"), "cron": text_of(form, "cron"), "timezone": None}


def schedule_of(fields: Fields) -> Schedule | None:
    """Return the schedule that the fields mean; raise UsageError if they mean none."""
    return read_schedule(fields["every"], fields["cron"], fields["timezone"])


def read_options(form: MultiDict[str, str], kind: TaskKind) -> dict[str, Any]:
    """Return the options of a kind that were filled in."""
    found = {name: text_of(form, name) for name in kind.options if name != "all"}
    return {name: _value(name, text) for name, text in found.items() if text is not None}


def _value(name: str, text: str) -> Any:
    """Return the value of an option."""
    if name in _NUMBERS:
        return whole(text, LABELS[name].lower())
    return True if name == "full" else text


def changed_options(form: MultiDict[str, str], kind: TaskKind) -> dict[str, Any]:
    """Return the options that were changed; if one selector was, then all, since they replace what there was."""
    selectors = [name for name in SELECTORS if name in kind.options and name != "all"]
    found: dict[str, Any] = {}
    if any(differs(form, name) for name in selectors):
        given = read_options(form, kind)
        found = {name: given[name] for name in selectors if name in given} or {"all": True}
    for name in kind.options:
        if name not in SELECTORS and differs(form, name):
            found[name] = _changed(name, text_of(form, name))
    return found


def _changed(name: str, text: str | None) -> Any:
    if text is not None:
        return _value(name, text)
    if name in _NUMBERS:
        raise UsageError(f"{LABELS[name].lower()} cannot be left out again", hint="give a number, or make a new task")
    return False if name == "full" else ""


def time_words(fields: Fields) -> list[str]:
    """Return the times as options of a command line."""
    return [word for name in TIMES for word in option(f"--{name}", fields[name])]


def option_words(options: Mapping[str, Any]) -> list[str]:
    """Return options of a task as options of a command line."""
    words: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        words += ["--no-full"] if value is False else [flag, ""] if value == "" else option(flag, value)
    return words


def change_words(before: Mapping[str, Any], after: Mapping[str, Any], *, again: bool) -> Iterator[str]:
    """Yield what would be different, in words; ``again``: its times begin anew."""
    if before["name"] != after["name"]:
        yield f"its name becomes {after['name']}"
    if schedule_words(before) != schedule_words(after):
        yield f"{schedule_words(after)} instead of {schedule_words(before)}"
    elif again:
        yield "its times begin again from now"
    old, new = before["options"], after["options"]
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            label, shown = LABELS.get(name, name).lower(), _option_shown(name, new.get(name))
            yield f"{label} becomes {shown}" if name in new else f"{label} {_option_shown(name, old[name])} is left out"
