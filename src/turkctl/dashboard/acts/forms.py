"""Read what forms of acts have in common: the selection of HITs or work, money, numbers, durations."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from turkctl.dashboard.acts import people
from turkctl.dashboard.acts.base import Fields
from turkctl.dashboard.commands import option, options
from turkctl.errors import UsageError
from turkctl.operations.selection.hits import Selection
from turkctl.operations.selection.work import WorkSelection
from turkctl.units import format_money, parse_money

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict


def read_selection(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the selection of a form: the ticked ids, or ``all``, or the filter of the page."""
    ids = list(dict.fromkeys(each for each in form.getlist("id") if each))
    everything = not ids and form.get("all") == "1"
    campaign = form.get("campaign") or None
    return {
        "ids": ids,
        "all": everything,
        "experiment": form.get("experiment") or None,
        "campaign": None if campaign is None else whole(campaign, "the campaign"),
        "regex": form.get("regex") or None,
        "codeversion": form.get("codeversion") or None,
    }


def selection_of(fields: Fields) -> Selection:
    """Return the selection of HITs that the fields mean."""
    return Selection(
        tuple(fields["ids"]),
        fields["all"],
        fields["regex"],
        fields["experiment"],
        fields["campaign"],
        fields["codeversion"],
    )


def read_work(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the selection of work of a form: as of HITs, and workers and HITs; ``id`` is of assignments.

    Raises:
        NotFoundError: there is no such worker.
        UsageError: a value is invalid.
    """
    chosen = read_selection(form)
    hits, workers = [each for each in form.getlist("hit") if each], people.read_workers(form)
    everything = chosen["all"] and not workers
    return chosen | {"ids": people.assignments(form), "all": everything, "hits": hits, "workers": workers}


def work_of(fields: Fields) -> WorkSelection:
    """Return the selection of work that the fields mean."""
    chosen = selection_of(fields)
    return WorkSelection(replace(chosen, ids=(*chosen.ids, *fields["workers"])), tuple(fields["hits"]))


def selectors(fields: Fields) -> list[str]:
    """Return the selection as words of a command line."""
    return [
        *fields["ids"],
        *fields.get("workers", ()),
        *(["--all"] if fields["all"] else []),
        *option("--experiment", fields["experiment"]),
        *option("--campaign", fields["campaign"]),
        *option("--regex", fields["regex"]),
        *option("--codeversion", fields["codeversion"]),
        *options("--hit", fields.get("hits", ())),
    ]


def whole(text: str, what: str) -> int:
    """Return a whole number; raise UsageError if the text is none."""
    if not (text.isascii() and text.strip().isdigit() and len(text) < 16):
        raise UsageError(f"{what} is '{text}', which is not a whole number", hint="give digits only, as in 20")
    return int(text)


def money(text: str | None) -> str | None:
    """Return an amount as a field; None for an empty one.

    Raises:
        UsageError: it is no amount of money.
    """
    return format_money(parse_money(text)) if text else None


def amount(field: str | None) -> Decimal | None:
    """Return the amount that a field holds."""
    return None if field is None else parse_money(field)


def lines(form: MultiDict[str, str], name: str) -> str:
    """Return a field of several lines, as the command line would have it."""
    return (form.get(name) or "").replace("\r\n", "\n").strip()


def required(form: MultiDict[str, str], name: str, label: str) -> str:
    """Return a field that must be filled in; raise UsageError if it is empty."""
    value = lines(form, name)
    if not value:
        raise UsageError(f"{label} is missing", hint="go back and fill it in")
    return value
