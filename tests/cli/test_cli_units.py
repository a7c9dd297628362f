"""On a market that counts in credits, no list, page or report speaks of dollars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from command_tree import ALL
from dashboard_support import dashboard_of
from study_support import Study

from turkctl.operations.engine.batch import Engine
from turkctl.operations.engine.plan import Act, Done, Plan, Step
from turkctl.units import count_in, money_text

Run = Callable[..., Any]
UNIT = 'mode = "local"\n[market]\nunit = "credits"\n'


@pytest.fixture
def study(folder: Path) -> Iterator[Study]:
    """A study on such a market, in which somebody was paid a reward and a bonus, and somebody waits."""
    made = Study.new(folder, settings=UNIT)
    try:
        yield made
    finally:
        made.close()
        count_in("USD")


@pytest.fixture
def paid(study: Study, turkctl: Run) -> Study:
    """The work and the payments of the study."""
    study.create(4, budget=None)
    study.round()
    (hit,) = [hit.hit_id for hit in study.world.mturk.list_hits()]
    first, _second = study.submit(hit, "A1PAIDWORKER01", "A1WAITINGWORKR")
    for words in (
        ("sync",),
        ("workers", "approve", first),
        ("workers", "bonus", first, "--amount", "0.30", "--reason", "quick"),
        ("participants", "set", "A1PAIDWORKER01", "--bonus", "0.40"),
        ("sync", "--full"),
    ):
        done = turkctl(*words)
        assert done.code == 0, done.err
        assert "$" not in done.out + done.err, words
    return study


LISTS = sorted(
    path.removeprefix("turkctl ")
    for path, command in ALL.items()
    if path.split()[-1] in ("list", "history", "deadlines", "status", "log", "balance", "plan", "stats")
    and not any(param.required for param in command.params)
    and not path.startswith(("turkctl market entries", "turkctl archive"))
)
MORE = (
    "report stroop",
    "doctor",
    "experiments show stroop",
    "campaigns show 1",
    "campaigns plan --goal 9",
    "hits cost --assignments 20 --reward 0.50",
    "hits create --assignments 2 --dry-run",
    "hits expire --all --dry-run",
    "workers bonus --all --auto --reason x --dry-run",
    "workers list --wage",
    "workers payments list --by experiment",
    "workers payments export --file -",
    "workers payments reconcile",
    "market payouts mark-paid --all --dry-run",
    "experiments end stroop --cancel-campaigns --dry-run",
)


def test_no_list_of_the_command_line_speaks_of_dollars(paid: Study, turkctl: Run) -> None:
    assert len(LISTS) > 12
    spoken = ""
    for words in [*LISTS, *MORE]:
        done = turkctl(*words.split())
        assert "internal" not in done.err, (words, done.err)
        assert "$" not in done.out + done.err, (words, done.out, done.err)
        spoken += done.out + done.err
    assert "credits" in spoken


def test_the_report_speaks_of_credits(paid: Study, turkctl: Run) -> None:
    assert turkctl("report", "stroop", "--file", "report.html").code == 0
    page = Path("report.html").read_text(encoding="utf-8")
    assert "credits" in page
    assert "$" not in page
    assert "dollar" not in page.lower()


def test_no_page_of_the_dashboard_speaks_of_dollars(paid: Study) -> None:
    (hit,) = [hit.hit_id for hit in paid.world.mturk.list_hits()]
    with dashboard_of(paid) as site:
        visitor = site.visitor()
        pages = ["/", "/campaigns", "/campaigns/1", "/campaigns/new", "/campaigns/1/change", "/hits", f"/hits/{hit}"]
        pages += ["/hits/new", "/hits/deadlines", "/participants", "/workers", "/assignments", "/tasks", "/experiments"]
        pages += ["/experiments/stroop", "/content", "/labels", "/log", "/settings", "/people/A1PAIDWORKER01"]
        spoken = ""
        for address in pages:
            page = visitor.get(address)
            assert "$" not in page.replace("$ ", ""), address
            assert "dollar" not in page.lower(), address
            spoken += page
        assert "credits" in spoken
        assert 'data-money="credits"' in visitor.get("/campaigns/1")
        page = visitor.plan("workers-bonus", experiment="stroop", amount="0.25", reason="x")
        assert "$" not in page
        assert "credits" in page


class _Spoken(Act[str]):
    def perform(self, step: Step[str]) -> Done:
        return Done("done", money_text(Decimal(step.payload)))


def test_what_is_done_in_other_threads_speaks_of_the_same_unit() -> None:
    count_in("credits")
    try:
        plan = Plan("end", "local", tuple(Step(str(number), "0.50") for number in range(3)))
        result = Engine(workers=2).apply(plan, _Spoken())
        assert {item.detail for item in result.results} == {"0.50 credits"}
    finally:
        count_in("USD")
