"""Items to decide on the dashboard: one after the other, each decided in one step, and told in the log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_support import DashboardSite, Visitor, dashboard_of
from label_support import VOTES, LabelStudy, rows_of

from turkctl.operations.labels.lists import show_item
from turkctl.operations.log import LogQuery, list_log

REVIEW = "/labels/review?experiment=photos"


@pytest.fixture
def study(folder: Path) -> Iterator[LabelStudy]:
    made = LabelStudy(folder)
    made.import_rows(rows_of(VOTES))
    yield made
    made.world.close()


@pytest.fixture
def site(study: LabelStudy) -> Iterator[DashboardSite]:
    with dashboard_of(study) as made:
        yield made


def current(text: str) -> str | None:
    """The item that a page asks about."""
    found = re.search(r'<h2 id="item-heading">([^<]*)</h2>', text)
    return None if found is None else found[1]


def send(visitor: Visitor, **fields: str) -> str:
    """Send the form of the page, with these fields."""
    names = ("mode", "experiment", "kind", "below", "after", "item", "form")
    return visitor.post("/labels/review/decide", {name: visitor.hidden(name) for name in names} | fields)


def decisions(study: LabelStudy) -> list[dict[str, object]]:
    return [dict(each) for each in list_log(study.world, LogQuery()) if each["act"] == "labels set"]


def test_an_item_is_decided_at_once_and_the_log_says_who_when_and_why(study: LabelStudy, site: DashboardSite) -> None:
    visitor = site.visitor()
    page = visitor.get(REVIEW)
    assert current(page) == "p0"
    assert "<strong>true 2, false 1</strong>" in page
    page = send(visitor, value="false", reason="looked again")
    assert visitor.status == 200
    assert current(page) == "p1"
    assert "p0</a> is false now" in page
    assert 'value="looked again"' in page, "the reason is kept"
    shown = show_item(study.world, "photos", "p0")
    assert (shown["label"], shown["set_by"], shown["reason"]) == (False, "lab (dashboard)", "looked again")
    (line,) = decisions(study)
    assert (line["who"], line["error"]) == ("lab (dashboard)", None)
    assert line["when"] is not None
    assert "labels set --experiment photos --reason 'looked again' p0 false" in str(line["command"])
    assert current(visitor.get(REVIEW)) == "p1", "what is decided is in the queue no more"


def test_an_item_is_skipped_and_comes_again_from_the_beginning(site: DashboardSite, study: LabelStudy) -> None:
    visitor = site.visitor()
    for item in ("p0", "p1", "p2", "p5"):
        assert current(visitor.get(REVIEW) if item == "p0" else visitor.text) == item
        send(visitor, skip="1")
    assert current(visitor.text) is None
    assert "There is nothing more to decide after p5." in visitor.text
    assert "From the beginning" in visitor.text
    assert current(visitor.get(REVIEW)) == "p0"
    assert decisions(study) == []


def test_a_form_that_is_sent_twice_decides_once(site: DashboardSite, study: LabelStudy) -> None:
    visitor = site.visitor()
    visitor.get(REVIEW)
    form = visitor.hidden("form")
    send(visitor, value="true", reason="seen")
    send(visitor, value="true", reason="seen", item="p0", form=form, after="")
    assert current(visitor.text) == "p1"
    assert len(decisions(study)) == 1


def test_nothing_is_decided_without_a_label_a_reason_a_token_or_the_role(
    site: DashboardSite, study: LabelStudy
) -> None:
    visitor = site.visitor()
    for fields, status in (
        ({"reason": "seen"}, 400),
        ({"value": "true", "reason": " "}, 400),
        ({"value": "perhaps", "reason": "seen"}, 400),
        ({"value": "true", "reason": "seen", "item": "p99"}, 404),
        ({"value": "true", "reason": "seen", "mode": "live"}, 409),
        ({"value": "true", "reason": "seen", "form": ""}, 400),
        ({"value": "true", "reason": "seen", "form": "x" * 100}, 400),
        ({"value": "true", "reason": "seen", "csrf_token": ""}, 400),
    ):
        visitor.get(REVIEW)
        if "csrf_token" in fields:
            visitor.post("/labels/review/decide", {"experiment": "photos", "item": "p0", **fields}, token=False)
        else:
            send(visitor, **fields)
        assert visitor.status == status, fields
    visitor.get(REVIEW)
    send(visitor, value="true", reason="seen")
    send(visitor, item="p0", reason="seen")
    assert visitor.status == 400, "a form without a label does not take a decision back"
    assert show_item(study.world, "photos", "p0")["set_by"] == "lab (dashboard)"
    viewer = site.visitor("viewer")
    page = viewer.get(REVIEW)
    assert current(page) == "p1"
    assert "Next item" in page
    assert "Keep it" not in page
    viewer.post(
        "/labels/review/decide", {"experiment": "photos", "item": "p1", "value": "true", "reason": "x", "form": "f"}
    )
    assert viewer.status == 403
    assert show_item(study.world, "photos", "p1")["set_by"] is None


def test_a_reason_is_kept_and_the_item_stays(site: DashboardSite) -> None:
    visitor = site.visitor()
    visitor.get(REVIEW)
    page = send(visitor, keep="1", reason="as in the <code> book")
    assert current(page) == "p0"
    assert "as in the &lt;code&gt; book" in page


def test_the_queue_is_of_few_votes_or_of_a_low_probability(study: LabelStudy, site: DashboardSite) -> None:
    study.import_rows([("p9", "w0", "yes")])
    visitor = site.visitor()
    page = visitor.get(f"{REVIEW}&kind=votes-below")
    assert current(page) == "p9"
    assert "labels disagree --experiment photos --votes-below 3" in page
    assert current(send(visitor, value="true", reason="seen")) is None
    assert "never aggregated" in visitor.get(f"{REVIEW}&kind=p-below")
    study.aggregate()
    assert current(visitor.get(f"{REVIEW}&kind=p-below&below=1")) == "p0"
    for bound in ("x", "0", "2", "nan", "1e999"):
        page = visitor.get(f"{REVIEW}&kind=p-below&below={bound}")
        assert (visitor.status, current(page)) == (200, None), bound
        assert '<p class="note" role="alert">' in page


def test_people_without_names_see_pseudonyms(site: DashboardSite) -> None:
    page = site.visitor("ann").get(REVIEW)
    assert "P-" in page
    assert not re.search(r">w[012]<", page)


def test_numbers_are_typed(folder: Path) -> None:
    study = LabelStudy(folder, '\n[experiments.photos.labels]\nmethod = "mean"\nmin_votes = 1\n')
    study.import_rows([("p1", "w0", "3"), ("p1", "w1", "4")])
    with dashboard_of(study) as site:
        visitor = site.visitor()
        assert 'inputmode="decimal"' in visitor.get(REVIEW)
        send(visitor, value="3.5", reason="measured")
        assert visitor.status == 200
        assert show_item(study.world, "photos", "p1")["set_by"] == "lab (dashboard)"
    study.world.close()


def test_more_than_nine_labels_have_buttons_the_first_nine_also_keys(folder: Path) -> None:
    names = [f"c{number:02}" for number in range(12)]
    study = LabelStudy(folder, f"\n[experiments.photos.labels]\nclasses = {names}\n")
    study.import_rows([("p1", "w0", "c00"), ("p1", "w1", "c11")])
    with dashboard_of(study) as site:
        page = site.visitor().get(REVIEW)
    assert page.count('name="value"') == 12
    assert re.findall(r'data-key="(\d)"', page) == [*"123456789", "0"]
    study.world.close()


def test_a_long_queue_is_read_by_its_place_and_not_from_the_beginning(study: LabelStudy, site: DashboardSite) -> None:
    study.import_rows((f"q{item:03}", f"w{vote}", ("yes", "no")[vote]) for item in range(60) for vote in range(2))
    visitor = site.visitor()
    page = visitor.get(f"{REVIEW}&after=q010")
    assert current(page) == "q011"
    assert page.count('<td data-label="Item">') == 20
    assert "of which there are more" in page
    assert "of which there are more" not in visitor.get(f"{REVIEW}&after=q050")
