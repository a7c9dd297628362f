"""A team labels pictures on the built-in market, in this process: twelve people, two of them bad, some answers odd.

Everything follows from the number of items, so that measurements can be compared. What a picture shows can be told from
its name; people read it from the page of their HIT, as they would from the picture.
"""

from __future__ import annotations

import io
import random
import re
from pathlib import Path

from turkctl.context import Context
from turkctl.market.errors import WorkError
from turkctl.operations.configure import apply_configure, plan_configure
from turkctl.operations.content.dispatch import prepare_dispatch
from turkctl.operations.content.items import AddRequest, add_content, list_content
from turkctl.operations.labels.lists import list_results, list_workers
from turkctl.operations.labels.needs_more import add_outputs, needs_more
from turkctl.operations.labels.runs import AggregateRequest, aggregate_experiments, unseen
from turkctl.operations.project.files import find
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.run import sync
from turkctl.settings import load

SLUG = "photos"
CLASSES = ("bird", "cat", "dog")
PER_HIT = 9
PLACES = PER_HIT + 1
"""Items that a HIT shows; with ``gold_share = 0.1``, one of them is known."""
OUTPUTS = 3
STAFF = tuple(f"ATEAM{number:07d}" for number in range(1, 13))
ONE_ANSWER, SWAPS = STAFF[4], STAFF[9]
"""The two who are bad: one says "cat" to nearly everything, one takes cats for dogs and dogs for cats."""
CARE = 0.95
"""Share of the right answers of everybody else."""
ODD = ("", "kat", "CAT?", "dog or cat")
ODD_IN = 1000
"""One answer in so many is odd, unless said otherwise."""
MOST_ROUNDS = 20
"""Rounds after which the job should be done."""
_SWAPPED = {"cat": "dog", "dog": "cat"}
_PHOTO = re.compile(r"photo-(\d{7})")
_ROW = (
    '<p>${{photo_{place}}}</p><select name="kind_{place}"><option>bird</option><option>cat</option>'
    "<option>dog</option></select>\n"
)
_PAGE = """<!DOCTYPE html>
<html>
<body>
<form method="post">
<input type="hidden" name="assignmentId">
{rows}<button>Submit</button>
</form>
</body>
</html>
"""
_PROJECT = f"""
mode = "local"

[market]
fee = "none"

[experiments.{SLUG}]
code_version = "1"
title = "What is on the photos?"
description = "Ten photos: a bird, a cat or a dog."
reward = "0.00"
html_template = "page.html"
contents_per_hit = {PER_HIT}
outputs = {OUTPUTS}
gold_share = 0.1
answer_field = "kind_{{n}}"

[experiments.{SLUG}.labels]
classes = {list(CLASSES)}
method = "dawid-skene"
min_votes = {OUTPUTS}
"""


def photo(number: int) -> str:
    """Return the name of a picture."""
    return f"photo-{number:07d}"


def on_photo(number: int) -> str:
    """Return what a picture shows."""
    return CLASSES[number * 7919 % 101 % len(CLASSES)]


class TeamStudy:
    """A project folder with the experiment, its items and its people; each method is one step of the whole job."""

    def __init__(self, folder: Path, items: int, database_url: str | None = None, odd_in: int = ODD_IN) -> None:
        self.items = items
        self.odd_in = odd_in
        self.known = max(items // 20, 10)
        self._rng = random.Random(items)
        self._begun: dict[str, str] = {}
        """The HIT with which each person began."""
        rows = "".join(_ROW.format(place=place) for place in range(1, PLACES + 1))
        (folder / "page.html").write_text(_PAGE.format(rows=rows), encoding="utf-8")
        (folder / "turkctl.toml").write_text(_PROJECT, encoding="utf-8")
        self.world = Context(load({} if database_url is None else {"database_url": database_url}, {}, folder))
        with self.world.database.read() as session:
            changes = plan_configure(session, find(folder / "turkctl.toml", folder), whole=True)
        apply_configure(self.world.database, changes, self.world.now())
        self._add(folder / "items.csv", range(items), known=False)
        self._add(folder / "known.csv", range(items, items + self.known), known=True)
        for who in STAFF:
            self.world.market.register_worker("production", who)

    def close(self) -> None:
        """Close what was opened."""
        self.world.close()

    def _add(self, file: Path, numbers: range, *, known: bool) -> None:
        rows = ["key,photo,truth"] + [f"{photo(each)},{photo(each)},{on_photo(each)}" for each in numbers]
        told = rows if known else [row.rpartition(",")[0] for row in rows]
        file.write_text("\n".join(told), encoding="utf-8")
        add_content(self.world, AddRequest(file, SLUG, gold="truth" if known else None), io.StringIO())

    def dispatch(self) -> int:
        """Post HITs for what is pending; return how many."""
        plan, act = prepare_dispatch(self.world, Selection())
        result = self.world.engine(workers=1).apply(plan, act)
        assert not result.failed, result
        return len(result.results)

    def work(self) -> int:
        """Have the team do all that is offered to them, one HIT each in turn; return how many were submitted."""
        done, busy = 0, list(STAFF)
        while busy:
            self._rng.shuffle(busy)
            busy = [who for who in busy if self._one(who)]
            done += len(busy)
        return done

    def _one(self, who: str) -> bool:
        market = self.world.market
        if who not in self._begun:
            found = market.available_hits("production", who, limit=1)
            if not found:
                return False
            self._begun[who] = found[0]["HITId"]
        try:  # as the worker site does when they ask for the next one
            taken = market.next_like("production", who, self._begun[who])
        except WorkError as error:
            if error.code != "NoHITsAvailable":
                raise
            return False
        shown = _PHOTO.findall(taken["HIT"]["Question"])
        fields = {f"kind_{place}": self._says(who, int(number)) for place, number in enumerate(shown, start=1)}
        market.submit("production", who, taken["AssignmentId"], fields)
        return True

    def _says(self, who: str, number: int) -> str:
        rng, right = self._rng, on_photo(number)
        if rng.randrange(self.odd_in) == 0:
            return rng.choice(ODD)
        if who == ONE_ANSWER:
            return "cat" if rng.random() < 0.97 else rng.choice(CLASSES)
        if rng.random() >= CARE:
            return rng.choice([each for each in CLASSES if each != right])
        return _SWAPPED.get(right, right) if who == SWAPS else right

    def sync(self) -> None:
        """Read what people did."""
        sync(self.world)

    def look(self) -> dict[str, tuple[int, int]]:
        """List the items; return (usable, wanted) of each that is not known."""
        rows = list_content(self.world)
        return {row["key"]: (row["usable"], row["wanted"]) for row in rows if row["gold"] is None}

    def aggregate(self) -> None:
        """Aggregate the labels, if anything is new."""
        for outcome in aggregate_experiments(self.world, AggregateRequest(SLUG), unseen, lambda: False):
            assert outcome.error is None, outcome.error

    def ask_again(self) -> int:
        """Ask for a second opinion where it helps most, of one item in a hundred or of five; return of how many."""
        items = [row["item"] for row in needs_more(self.world, SLUG, max(self.items // 100, 5))]
        result = add_outputs(self.world, SLUG, items, 1)
        assert not result.failed, result
        return sum(each.status == "added" for each in result.results)

    def flagged(self) -> dict[str, list[str]]:
        """Return the flags of those who have any, by worker."""
        return {row["worker"]: row["flags"] for row in list_workers(self.world, SLUG) if row["flags"]}

    def right(self) -> float:
        """Return the share of the items whose label is what the picture shows."""
        labels = {row["item"]: row["label"] for row in list_results(self.world, SLUG, gold=None)}
        return sum(labels.get(photo(number)) == on_photo(number) for number in range(self.items)) / self.items
