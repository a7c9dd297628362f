"""The page of ``turkctl status``: short sections in words. Pure: a status, the room and the zone in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING

from turkctl.cli.bars import LONGEST, bars
from turkctl.cli.top import fold, fold_words
from turkctl.moments import local_time
from turkctl.operations.status.sentences import StatusWords, coming, decisions, listed, money_words
from turkctl.words import plural

if TYPE_CHECKING:
    from turkctl.operations.status.shapes import Status

LABEL = 10
"""Characters of the column that says what a line is about."""
_UNLIMITED = 10**6


@dataclass(frozen=True)
class Page:
    """How a status is shown.

    Attributes:
        width: characters of a line; None where nothing is folded, for grep and awk.
        zone: of the times; this machine's by default.
        mode: ``--mode …`` for the commands that the page names, where the user gave it.
    """

    width: int | None = None
    zone: tzinfo | None = None
    mode: str = ""

    @property
    def _words(self) -> StatusWords:
        return StatusWords(self.zone, self.mode)

    def lines(self, status: Status) -> list[str]:
        """Return the page, without charts."""
        return [line for part in self._sections(status) for line in ("", *part)][1:]

    def _sections(self, status: Status) -> Iterator[list[str]]:
        yield self._fold(f"Mode {status.mode}, {local_time(status.now, status.now, self.zone)}")
        told = [each for each in status.experiments if not each.idle]
        for experiment in told:
            found = self._words.experiment(experiment, status)
            yield [line for label, text in found for line in self._line(label, text)]
        if len(told) + len(status.ended) > 1:
            yield [*self._fold("All experiments"), *self._labelled("money", money_words(status.money))]
        idle = [each.experiment for each in status.experiments if each.idle and each.experiment and each.active]
        if idle:
            yield self._fold(f"Nothing posted yet for {listed(idle)}")
        if status.ended:
            have = plural(len(status.ended), "has", "have")
            yield self._fold(f"{listed(status.ended)} {have} ended: to see more, run turkctl status --ended")
        if not (status.experiments or status.ended):
            yield self._fold(
                "No experiment is configured yet: describe one in turkctl.toml, then run: turkctl experiments configure"
            )
        waiting = ((each.words, each.command) for each in decisions(self._words, status))
        yield [*self._fold("To do"), *self._bulleted(waiting)]
        yield [*self._fold("Coming up"), *self._bulleted(coming(self._words, status))]

    # --- layout

    def _fold(self, text: str, indent: str = "", hang: str = "") -> list[str]:
        return fold(text, self.width or _UNLIMITED, indent=indent, hang=hang)

    def _line(self, label: str | None, text: str) -> list[str]:
        return self._fold(text) if label is None else self._labelled(label, text)

    def _labelled(self, label: str, text: str) -> list[str]:
        first, *others = self._fold(text, indent=" " * (2 + LABEL))
        return [f"  {label:<{LABEL}}{first[2 + LABEL :]}", *others]

    def _bulleted(self, items: Iterable[tuple[str, str | None]]) -> Iterator[str]:
        for text, command in items:
            yield from self._fold(text, indent="  ", hang="  ")
            if command is not None:
                words, width = command.split(), self.width or _UNLIMITED
                yield from fold_words(words, width, indent="      ", hang="  ", end=" \\")


def charts(status: Status, width: int, encoding: str | None) -> list[str]:
    """Return bars: how far each campaign is, and the people of each day; nothing where there is nothing to draw."""
    return [*_progress(status, width, encoding), *_per_day(status, width, encoding)]


def _progress(status: Status, width: int, encoding: str | None) -> list[str]:
    found = [each.campaign for each in status.experiments if each.campaign is not None]
    if not found:
        return []
    names = [f"campaign {each.id}" for each in found]
    counts = [f"{each.completed:,} of {each.goal:,}" for each in found]
    room = width - 2 - max(map(len, names)) - max(map(len, counts)) - len("  ||  100 %") - 2
    lines = ["", "Progress"]
    for name, each, count in zip(names, found, counts, strict=True):
        share = min(each.completed, each.goal) / each.goal
        drawn = bars([min(each.completed, each.goal), each.goal], room, encoding=encoding)
        bar = f"|{drawn[0]:<{min(room, LONGEST)}}|  " if drawn else ""
        lines.append(
            f"  {name:<{max(map(len, names))}}  {count:>{max(map(len, counts))}}  {bar}{int(100 * share):>3} %"
        )
    return lines


def _per_day(status: Status, width: int, encoding: str | None) -> list[str]:
    lines: list[str] = []
    for slug in dict.fromkeys(day.experiment for day in status.days):
        days = [day for day in status.days if day.experiment == slug]
        counts = [f"{day.people:,}" for day in days]
        drawn = bars([day.people for day in days], width - 2 - 10 - 4 - max(map(len, counts)), encoding=encoding)
        lines += ["", f"People per day (UTC): {slug}"]
        for place, day in enumerate(days):
            bar = f"  {drawn[place]}" if drawn else ""
            lines.append(f"  {day.day}  {counts[place]:>{max(map(len, counts))}}{bar}")
    return lines
