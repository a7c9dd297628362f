"""Find the HITs that match the selectors of a batch command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from turkctl.errors import NotFoundError, UsageError, WrongMarketError
from turkctl.store import hits
from turkctl.store.base import Place
from turkctl.store.hits import HitFilter, HitRow

_MAX_NUMBER = 2**31 - 1
"""Largest number of a campaign that all databases can hold."""


@dataclass(frozen=True)
class Selection:
    """The selectors as given, combined by "and"; an act needs at least one."""

    ids: tuple[str, ...] = ()
    everything: bool = False
    regex: str | None = None
    experiment: str | None = None
    campaign: int | None = None
    code_version: str | None = None
    all_studies: bool = False
    """Include what the account has on the market and this database does not know; alone, select only that."""

    @property
    def filters(self) -> bool:
        """Return whether a selector other than ids narrows it; unknown HITs and work match none of these."""
        narrowing = (self.regex, self.experiment, self.campaign, self.code_version)
        return any(each is not None for each in narrowing)

    @property
    def names(self) -> bool:
        """Return whether it names HITs or experiments, or asks for all: then nothing is left out of a list."""
        return bool(self.ids or self.filters or self.everything)

    def require(self) -> Selection:
        """Return self; raise if nothing is selected.

        Raises:
            UsageError: nothing selects anything.
        """
        if not (self.ids or self.everything or self.filters or self.all_studies):
            raise UsageError(
                "nothing is selected",
                hint="give ids, --all, --regex, --experiment, --campaign, --codeversion or --all-studies",
            )
        return self


def compile_regex(pattern: str | None) -> re.Pattern[str] | None:
    """Return the compiled regular expression; None for None.

    Raises:
        UsageError: it is invalid; the message says where.
    """
    if pattern is None:
        return None
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(
            f"'{pattern}' is not a regular expression: {error.msg} at position {error.pos}",
            hint="write it in Python's syntax, and quote it for the shell",
        ) from None


def _find_campaign(session: Session, number: int) -> None:
    from turkctl.store import campaigns

    if not 0 < number <= _MAX_NUMBER or campaigns.get(session, number) is None:
        raise NotFoundError(f"there is no campaign {number}", hint="see: turkctl campaigns list")


def hit_filter(session: Session, place: Place, selection: Selection) -> HitFilter:
    """Return the selectors as a filter over the HITs of this place.

    Raises:
        UsageError: the regular expression is invalid.
        NotFoundError: an experiment or a campaign is unknown.
    """
    if selection.experiment is not None:
        # Imported here because lists without this selector start faster without the validation of settings.
        from turkctl.operations.experiments.stored import find_experiment

        find_experiment(session, selection.experiment)
    if selection.campaign is not None:
        _find_campaign(session, selection.campaign)
    return HitFilter(
        place,
        ids=selection.ids or None,
        slugs=None if selection.experiment is None else [selection.experiment],
        pattern=compile_regex(selection.regex),
        campaign=selection.campaign,
        code_version=selection.code_version,
    )


@dataclass(frozen=True)
class Selected:
    """The HITs that match, and the ids that were given but are not in the database."""

    rows: Sequence[HitRow]
    unknown_ids: Sequence[str] = ()


def select_hits(session: Session, place: Place, selection: Selection) -> Selected:
    """Return the HITs of this place that match; disposed ones only by id.

    An id that belongs to another mode or market is an error (other selectors just do not match such rows). Ids that
    the database does not know at all are returned too, so that the caller can ask the market for them.

    Raises:
        WrongMarketError: a HIT given by id belongs to another mode or market.
        UsageError, NotFoundError: see :func:`hit_filter`.
    """
    wanted = hit_filter(session, place, selection)
    unknown = hits.unknown_ids(session, place, selection.ids)
    for hit_id in unknown:
        refuse_elsewhere(session, place, hit_id)
    if not (selection.ids or selection.filters or selection.everything):
        return Selected((), unknown)
    rows = hits.select_hits(session, wanted)
    return Selected([row for row in rows if row.status != hits.DISPOSED or row.hit_id in selection.ids], unknown)


def refuse_elsewhere(session: Session, place: Place, hit_id: str) -> None:
    """Raise if a HIT belongs to another mode or market.

    Raises:
        WrongMarketError: it does.
    """
    elsewhere = hits.where_is(session, hit_id)
    if not elsewhere:
        return
    other = elsewhere[0]
    if other.mode != place.mode:
        raise WrongMarketError(
            f"HIT {hit_id} belongs to mode {other.mode}, not {place.mode}", hint=f"add --mode {other.mode}"
        )
    raise WrongMarketError(
        f"HIT {hit_id} belongs to the market {other.market}, not {place.market}",
        hint="use the --endpoint-url, --market-url or credentials of the market that it was posted on",
    )
