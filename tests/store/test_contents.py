from __future__ import annotations

import heapq
import json
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from rows import ELSEWHERE, HERE, HOUR, NOW, make_assignment, make_hit, make_intent
from sqlalchemy import text
from sqlmodel import Session

from turkctl.store import assignments, contents, contents_adding, contents_counts, experiments, hits, intents
from turkctl.store.base import Place, Scope
from turkctl.store.contents_adding import Added, NewContent, Rules
from turkctl.store.contents_counts import ListFilter
from turkctl.store.engine import Database

RULES = Rules(gold=False, outputs=None, new_outputs=2)
SLUGS = ("b-side", "a-side")


def configure(session: Session, slug: str) -> int:
    experiments.save_version(session, slug, code_version="1", digest=slug, settings={}, source="x", now=NOW)
    found = experiments.by_slug(session, slug)
    assert found is not None
    return found.experiment_id


def item(key: str, priority: float | None = None, **data: Any) -> NewContent:
    return NewContent(key, json.dumps(data, sort_keys=True), priority, None)


def put(session: Session, experiment: int, *items: NewContent, rules: Rules = RULES) -> Added:
    return contents_adding.put(session, experiment, items, rules, NOW)


def test_what_is_there_as_it_is_stays_untouched(database: Database) -> None:
    with database.write() as session:
        one = configure(session, "stroop")
        assert put(session, one, item("a", 1.0, n=1), item("b", n=2)) == Added(2, 0, 0)
        again = [item("a", 1.0, n=1), item("b", n=3), item("c", n=1)]
        assert contents_adding.put(session, one, again, RULES, NOW, dry_run=True) == Added(1, 1, 1)
        assert contents_adding.put(session, one, again, RULES, NOW + HOUR) == Added(1, 1, 1)
        assert put(session, one, item("a", n=1), rules=Rules(gold=True, outputs=5, new_outputs=2)) == Added(0, 1, 0)
    with database.read() as session:
        listed = list(contents_counts.list_contents(Scope(session, HERE, NOW), ListFilter()))
        assert [(row.key, row.priority, row.outputs_max) for row in listed] == [
            ("a", 1.0, 5),
            ("b", 0.0, 2),
            ("c", 0.0, 2),
        ]
        ids = contents.find(session, one, ["a", "b", "none"])
        assert contents.data_of(session, [row for row, _ in ids.values()]) == {
            ids["a"][0]: {"n": 1},
            ids["b"][0]: {"n": 3},
        }


def test_a_stage_keeps_the_last_of_each_key_in_the_order_of_the_first() -> None:
    with contents_adding.staging() as stage:
        stage.put([item("b"), item("a", 1.0), item("b", 2.0)])
        stage.put([item("a", 3.0)])
        assert (stage.given, stage.kept) == (4, 2)
        assert [(each.key, each.priority) for part in stage.parts(1) for each in part] == [("b", 2.0), ("a", 3.0)]


@dataclass
class Model:
    """What a random history comes to, worked out item by item."""

    priority: dict[int, float] = field(default_factory=dict)
    wanted: dict[int, int] = field(default_factory=dict)
    completed: dict[int, int] = field(default_factory=dict)
    scheduled: dict[int, int] = field(default_factory=dict)
    votes: dict[tuple[int, str], int] = field(default_factory=dict)
    """Outputs by item and worker: of a worker's answers to one item the largest counts."""
    experiment: dict[int, int] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    shown: set[int] = field(default_factory=set)

    def need(self, row: int) -> int:
        return self.wanted[row] - self.completed.get(row, 0) - self.scheduled.get(row, 0)

    def queue(self, experiment: int) -> list[int]:
        rows = [row for row in self.wanted if self.experiment[row] == experiment and row not in self.hidden]
        pending = [row for row in rows if self.need(row) > 0]
        return sorted(pending, key=lambda row: (-self.completed.get(row, 0), -self.priority[row], row))


def random_history(session: Session, rng: random.Random) -> Model:
    model = Model()
    for slug in SLUGS:
        _items(session, rng, model, configure(session, slug))
    for number in range(40):
        experiment = rng.choice(sorted(set(model.experiment.values())))
        place = ELSEWHERE if rng.random() < 0.15 else HERE
        rows = rng.sample([row for row in model.wanted if model.experiment[row] == experiment], rng.randint(1, 3))
        outputs, size = rng.randint(1, 2), rng.randint(1, 5)
        token = f"token {number}"
        state = rng.choice(["done", "done", "done", "sent", "failed", "abandoned"])
        intents.open_many(
            session,
            [make_intent(token, experiment_id=experiment, mode=place.mode, market=place.market, state=state)],
        )
        contents.open_links(
            session,
            [
                {
                    "token": token,
                    "position": at,
                    "content_id": row,
                    "hit_row": None,
                    "assignments": size,
                    "outputs": outputs,
                }
                for at, row in enumerate(rows, start=1)
            ],
        )
        received, live = list[str](), size if state == "sent" else 0
        if state == "done":
            received, live = _posted(session, rng, token, experiment, size, place)
        model.shown.update(rows)
        for row in rows if place == HERE else ():
            for who in received:
                before = model.votes.get((row, who), 0)
                model.votes[row, who] = max(before, outputs)
                model.completed[row] = model.completed.get(row, 0) + model.votes[row, who] - before
            model.scheduled[row] = model.scheduled.get(row, 0) + outputs * live
    return model


def _items(session: Session, rng: random.Random, model: Model, experiment: int) -> None:
    for number in range(15):
        priority, wanted = float(rng.randint(0, 3)), rng.randint(1, 6)
        put(session, experiment, item(f"k{number}", priority), rules=Rules(False, wanted, 1))
        row = contents.find(session, experiment, [f"k{number}"])[f"k{number}"][0]
        model.priority[row], model.wanted[row], model.experiment[row] = priority, wanted, experiment
    for number in (3, 7):
        row = contents.find(session, experiment, [f"k{number}"])[f"k{number}"][0]
        model.hidden.add(row)
        if number == 3:
            contents.remove(session, [row], NOW)
        else:
            known = NewContent(f"k{number}", "{}", None, "cat")
            put(session, experiment, known, rules=Rules(True, None, 1))


def _posted(
    session: Session, rng: random.Random, token: str, experiment: int, size: int, place: Place
) -> tuple[list[str], int]:
    """A HIT with random counters and work; who answered it, and the assignments still to be expected."""
    available = rng.randint(0, size // 3)
    pending = rng.randint(0, (size - available) // 3)
    submitted = size - available - pending
    expires = NOW + rng.choice([HOUR, -HOUR])
    synced = rng.choice([None, NOW, expires - timedelta(minutes=1)])
    said = rng.choice(["Assignable", "Unassignable", "Reviewable"])
    disposed = NOW if rng.random() < 0.1 else None
    made = hits.insert(
        session,
        make_hit(
            f"H {token}",
            mode=place.mode,
            market=place.market,
            experiment_id=experiment,
            max_assignments=size,
            available=available,
            pending=pending,
            expires=expires,
            status=said,
            synced=synced,
            disposed_at=disposed,
        ),
    )
    assert made.id is not None
    contents.attach(session, token, made.id)
    stored = [rng.choice(["Submitted", "Approved", "Rejected"]) for _ in range(rng.randint(0, submitted))]
    assignments.upsert_many(
        session,
        [
            make_assignment(
                f"A {token} {n}",
                hit_id=f"H {token}",
                worker_id=f"W{n}",
                status=status,
                mode=place.mode,
                market=place.market,
            )
            for n, status in enumerate(stored)
        ],
    )
    over = synced is not None and (said == "Reviewable" or (said == "Unassignable" and expires <= NOW))
    live = 0 if disposed else (0 if over else available) + pending + submitted - len(stored)
    return [f"W{n}" for n, status in enumerate(stored) if status != "Rejected"], live


@pytest.mark.parametrize("seed", range(4))
def test_counts_and_the_queue_are_what_they_are_item_by_item(database: Database, seed: int) -> None:
    with database.write() as session:
        model = random_history(session, random.Random(seed))
    with database.read() as session:
        rows = {
            row.key + row.experiment: row
            for row in contents_counts.list_contents(Scope(session, HERE, NOW), ListFilter())
        }
        for experiment in set(model.experiment.values()):
            version = experiments.current(session, experiment)
            names = {
                row: key for key, (row, _) in contents.find(session, experiment, [f"k{n}" for n in range(15)]).items()
            }
            for row, key in names.items():
                if key != "k3":
                    found = rows[key + version.slug]
                    expected = (model.completed.get(row, 0), model.scheduled.get(row, 0))
                    assert (found.completed, found.scheduled) == expected, key
            seen = contents_counts.seen_pending(Scope(session, HERE, NOW), experiment)
            new = list(contents_counts.new_pending(session, experiment, page=3))
            merged = list(heapq.merge(seen, new, key=lambda each: each.rank))
            assert [each.id for each in merged] == model.queue(experiment)
            assert [each.need for each in merged] == [model.need(each.id) for each in merged]
            assert {each.id for each in seen} <= model.shown
            assert not {each.id for each in new} & model.shown
            pending = ListFilter(version.slug, pending=True)
            listed = list(contents_counts.list_contents(Scope(session, HERE, NOW), pending))
            assert [row.key for row in listed] == [names[row] for row in model.queue(experiment)]
        needs = contents_counts.needs(Scope(session, HERE, NOW), list(model.wanted))
        assert needs == {row: model.need(row) for row in model.wanted if row not in model.hidden}
        out = contents_counts.out(Scope(session, HERE, NOW), list(model.wanted))
        assert out == {row: live for row, live in model.scheduled.items() if live}


def test_the_pending_of_all_experiments_are_in_the_order_of_dispatch_and_can_be_cut(database: Database) -> None:
    with database.write() as session:
        ids = {slug: configure(session, slug) for slug in SLUGS}
        for number in range(4):
            for slug in SLUGS:
                put(session, ids[slug], item(f"{slug[0]}{number}", priority=float(number)))
    with database.read() as session:

        def keys(**cut: int) -> list[str]:
            pending = ListFilter(pending=True)
            return [row.key for row in contents_counts.list_contents(Scope(session, HERE, NOW), pending, **cut)]

        everything = [f"{letter}{n}" for letter in "ab" for n in (3, 2, 1, 0)]
        assert keys() == everything
        assert [keys(limit=3, offset=start) for start in (0, 3, 7, 9)] == [
            everything[start : start + 3] for start in (0, 3, 7, 9)
        ]


def test_a_list_is_by_experiment_and_age_and_can_be_cut(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents_counts, "PAGE", 2)
    with database.write() as session:
        ids = {slug: configure(session, slug) for slug in SLUGS}
        for number in range(5):
            for slug in SLUGS:
                put(session, ids[slug], item(f"{slug[0]}{number}"))
    with database.read() as session:

        def keys(**cut: int) -> list[str]:
            return [row.key for row in contents_counts.list_contents(Scope(session, HERE, NOW), ListFilter(), **cut)]

        everything = [f"a{n}" for n in range(5)] + [f"b{n}" for n in range(5)]
        assert keys() == everything
        assert [keys(limit=3, offset=start) for start in (0, 4, 9, 20)] == [
            everything[start : start + 3] for start in (0, 4, 9, 20)
        ]


def test_postgresql_finds_many_items_by_their_keys_once_it_has_looked(database: Database) -> None:
    if database.dialect != "postgresql":
        pytest.skip("of PostgreSQL's planner")
    with database.write() as session:
        experiment = configure(session, "a")
        put(session, experiment, *(item(f"k{number}") for number in range(3000)))
        contents_adding.look_again(session)
    with database.read() as session:
        statement = "EXPLAIN SELECT id FROM turkctl_content WHERE experiment_id = :e AND key IN ('k1', 'k2', 'k3')"
        plan = "\n".join(session.connection().execute(text(statement), {"e": experiment}).scalars())
    assert "experiment_id_key" in plan
