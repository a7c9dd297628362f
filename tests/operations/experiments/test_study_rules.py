"""Experiments with an audience, a consent, and experiments that they must not come after."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from standard_input import standard_input
from study_support import EXPERIMENT, Study, market_rows

from turkctl.errors import ConfigError, MistakesError
from turkctl.market.errors import WorkError
from turkctl.mturk.errors import MarketRefusedError
from turkctl.newcomers import NewPerson
from turkctl.operations.campaigns.requests import CampaignRequest, plan_campaign
from turkctl.operations.configure import configure_project
from turkctl.operations.content.dispatch import prepare_dispatch
from turkctl.operations.content.items import AddRequest, add_content
from turkctl.operations.hits.create import CreateRequest, prepare_create
from turkctl.operations.participants.export import export, plan_export
from turkctl.operations.participants.filters import Query
from turkctl.operations.project.files import read_project
from turkctl.operations.selection.hits import Selection
from turkctl.operations.sync.run import sync
from turkctl.own_market import AUDIENCE, CONSENT
from turkctl.store import consents
from turkctl.units import format_time

AFTER = 'not_after = ["stroop"]'
PAGE = "<p>You may stop at any time.</p>"


class Lab(Study):
    """A study whose experiments have lines of their own."""

    def describe(self, **experiments: str) -> None:
        """Describe and configure experiments: slug to the lines of its table."""
        tables = [
            EXPERIMENT.format(slug=slug, version="1.0", lifetime=self.lifetime, more=more)
            for slug, more in experiments.items()
        ]
        (self.folder / "turkctl.toml").write_text("".join(tables))
        self.set_up()

    def set_up(self) -> list[dict[str, Any]]:
        """Run what ``experiments configure`` runs; its rows."""
        found = read_project(self.folder / "turkctl.toml", self.folder)
        return configure_project(self.world, found, whole=True)[0]

    def why_not(self, hit_id: str, worker: str) -> str | None:
        """The code of the refusal if the worker takes a HIT; None if they have it now."""
        try:
            self.accept(hit_id, worker)
        except WorkError as error:
            return error.code
        return None

    def seen_by(self, worker: str) -> int:
        """Number of groups that a worker finds."""
        self.world.market.register_worker("production", worker)
        return len(self.world.market.groups("production", worker))

    def agree(self, hit_id: str, worker: str) -> str:
        """Have a worker agree to the consent of a HIT, and do it; the id of the assignment."""
        market = self.world.market
        market.register_worker("production", worker)
        asked = market.consent_asked("production", worker, hit_id)
        assert asked is not None
        market.agree("production", worker, hit_id, asked.type_id)
        return self.submit(hit_id, worker)[0]

    def exported(self, form: str = "csv") -> str:
        """What ``participants export`` writes of the answers."""
        written: list[str] = []
        export(self.world, Query(), plan_export("question", form, None), written.append, Event())
        return "".join(written)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab with a market in the project's folder."""
    (tmp_path / "turkctl.toml").write_text("")
    made = Lab(tmp_path)
    yield made
    made.close()


def refusal(lab: Lab, **experiments: str) -> str:
    """What configuring says against experiments."""
    with pytest.raises((ConfigError, MistakesError)) as refused:
        lab.describe(**experiments)
    error = refused.value
    return " ".join(each.message for each in error.mistakes) if isinstance(error, MistakesError) else error.message


# Audience


def test_only_the_audience_finds_a_posted_hit(lab: Lab) -> None:
    lab.describe(stroop='audience = ["class", "staff"]')
    (hit,) = lab.post(3)
    market = lab.world.market
    student = market.add_person("production", NewPerson(groups=("class",)))
    assert len(market.groups("production", student)) == 1
    assert (lab.seen_by("ANOBODY"), lab.why_not(hit, "ANOBODY")) == (0, "DoesNotMeetRequirements")
    market.accept("production", student, hit)
    ((keywords, description),) = market_rows(
        lab.folder, "SELECT keywords, description FROM market_qualification_type WHERE name LIKE 'turkctl:%'"
    )
    assert (keywords, description) == (AUDIENCE, '{"groups": ["class", "staff"]}')


def test_another_audience_is_another_type_and_the_same_one_is_kept(lab: Lab) -> None:
    lab.describe(stroop='audience = ["class"]')
    lab.post()
    lab.post()
    lab.describe(stroop='audience = ["staff"]')
    lab.post()
    assert lab.sql("SELECT count(*) FROM turkctl_qualification_type") == [(2,)]


@pytest.mark.parametrize("key", ['audience = ["class"]', 'consent = "consent.html"'])
def test_other_markets_are_refused_before_anything_is_sent(lab: Lab, key: str) -> None:
    (lab.folder / "consent.html").write_text(PAGE)
    lab.describe(stroop=key)
    lab.on_another_market()
    lab.world.mturk._turkctls = lab.world.mturk._rules = None
    with pytest.raises(ConfigError, match="only turkctl's own market does"):
        lab.set_up()
    with pytest.raises(ConfigError, match="only turkctl's own market does"):
        prepare_create(lab.world, CreateRequest("stroop", 1))
    with pytest.raises(ConfigError, match="only turkctl's own market does"):
        plan_campaign(lab.world, CampaignRequest(3))
    add_content(lab.world, AddRequest(Path("-"), "stroop"), standard_input("word\nred\n"))
    with pytest.raises(ConfigError, match="only turkctl's own market does"):
        prepare_dispatch(lab.world, Selection())
    assert "CreateQualificationType" not in lab.requests()


@pytest.mark.parametrize("groups", ['[""]', '[" class"]', '["a\\u202eb"]', f'["{"x" * 201}"]'])
def test_groups_have_names_that_can_be_read(lab: Lab, groups: str) -> None:
    assert "is not the name of a group" in refusal(lab, stroop=f"audience = {groups}")


# Not after


def test_who_takes_part_in_the_other_experiment_is_kept_out_from_acceptance_on(lab: Lab) -> None:
    lab.describe(stroop="", later=AFTER)
    first, second = lab.post(3, hits=2)
    (later,) = lab.post(9, experiment="later")
    assert lab.why_not(first, "AONE") is None
    assert (lab.seen_by("AONE"), lab.why_not(later, "AONE")) == (1, "DoesNotMeetRequirements")
    assert lab.why_not(second, "AONE") is None, "the other experiment itself still lets people do several HITs"
    assert lab.why_not(later, "ATWO") is None
    assert lab.why_not(first, "ATWO") is None, "the later one keeps nobody out of the other"


def test_people_of_hits_from_before_are_kept_out_without_a_campaign(lab: Lab) -> None:
    lab.describe(stroop="")
    (first,) = lab.post(3)
    lab.submit(first, "AONE")
    sync(lab.world)
    lab.describe(stroop="", later=AFTER)
    (later,) = lab.post(9, experiment="later")
    assert lab.why_not(later, "AONE") == "DoesNotMeetRequirements"
    lab.submit(first, "ATWO")
    sync(lab.world)
    assert lab.why_not(later, "ATWO") == "DoesNotMeetRequirements"
    assert lab.why_not(later, "ATHREE") is None


def test_it_works_with_campaigns_of_both(lab: Lab) -> None:
    lab.describe(stroop="", later=AFTER)
    (first,) = lab.round(lab.create(3, experiment="stroop")).hits
    later = lab.round(lab.create(9, experiment="later")).hits[0]
    assert lab.why_not(first, "AONE") is None
    assert lab.why_not(later, "AONE") == "DoesNotMeetRequirements"
    assert lab.why_not(later, "ATWO") is None
    assert lab.why_not(first, "ATWO") is None


def test_other_markets_exclude_the_type_of_those_who_took_part(lab: Lab) -> None:
    lab.describe(stroop="", later=AFTER)
    lab.on_another_market()
    lab.world.mturk._turkctls = lab.world.mturk._rules = None
    (first,) = lab.post(3)
    lab.submit(first, "AONE")
    sync(lab.world)
    (later,) = lab.post(9, experiment="later")
    assert lab.why_not(later, "AONE") == "DoesNotMeetRequirements"
    assert lab.seen_by("AONE") == 0
    lab.submit(first, "ATWO")
    sync(lab.world)
    assert lab.why_not(later, "ATWO") == "DoesNotMeetRequirements"
    assert lab.sql("SELECT DISTINCT purpose FROM turkctl_qualification_type") == [("took_part",)]


def test_a_name_stands_for_all_variants_but_not_for_the_experiment_itself(lab: Lab) -> None:
    variants = "[experiments.stroop.variants.{}]\n"
    table = EXPERIMENT.format(slug="stroop", version="1.0", lifetime="24h", more='not_after = ["stroop"]')
    both = "".join(variants.format(name) + f'title = "{name}"\n' for name in ("a", "b"))
    (lab.folder / "turkctl.toml").write_text(table + both)
    lab.set_up()
    (a,), (b,) = lab.post(3, experiment="stroop:a"), lab.post(3, experiment="stroop:b")
    assert lab.why_not(a, "AONE") is None
    assert lab.why_not(b, "AONE") == "DoesNotMeetRequirements"


def test_unknown_names_and_oneself_are_refused(lab: Lab) -> None:
    assert "there is no experiment 'strop', did you mean 'stroop'?" in refusal(
        lab, stroop="", later='not_after = ["strop"]'
    ).replace("; did", ", did")
    assert "names itself" in refusal(lab, stroop=AFTER)
    assert "is not the name of an experiment" in refusal(lab, stroop='not_after = ["A b"]')
    lab.describe(stroop="")
    lab.describe(later=AFTER)  # it is stored, if no longer in a file


def test_at_most_ten_requirements_are_counted_with_the_rules(lab: Lab) -> None:
    (lab.folder / "consent.html").write_text(PAGE)
    rules = 'audience = ["class"]\nconsent = "consent.html"\nnot_after = ["stroop"]\n'
    own = ", ".join(f'"{letter * 20}"' for letter in "ABCDEFGHI")
    six, seven = (f"qualifications = {{ absent = [{own[: 24 * number - 2]}] }}" for number in (6, 7))
    lab.describe(stroop="", later=rules + six)
    told = refusal(lab, stroop="", later=rules + seven)
    assert "11 qualification requirements: 7 of qualifications, 1 of audience, 1 of not_after, 1 of consent" in told


# Consent


def with_consent(lab: Lab, page: str = PAGE) -> None:
    (lab.folder / "consent.html").write_text(page)
    lab.describe(stroop='consent = "consent.html"')


def test_a_posted_hit_asks_for_consent_and_the_export_says_who_agreed_and_when(lab: Lab) -> None:
    with_consent(lab)
    (hit,) = lab.post(3)
    assert lab.why_not(hit, "AONE") == "ConsentNeeded"
    lab.pass_time(minutes=5)
    agreed = lab.world.market.now()
    lab.agree(hit, "AONE")
    lab.pass_time(hours=1)
    sync(lab.world)
    ((version,),) = lab.sql("SELECT json_extract(settings, '$.consent_version') FROM turkctl_experiment_settings")
    (row,) = csv.DictReader(io.StringIO(lab.exported()))
    assert (row["worker_id"], row["consent_version"]) == ("AONE", version)
    assert row["consented_at"] == format_time(agreed.replace(microsecond=0))
    assert f'"consent_version": "{version}", "consented_at": "{row["consented_at"]}"' in lab.exported("jsonl")


def test_a_new_version_is_noted_and_asked_for_and_each_row_has_its_own(lab: Lab) -> None:
    with_consent(lab)
    (first,) = lab.post(3)
    lab.agree(first, "AONE")
    (lab.folder / "consent.html").write_text(PAGE + "<p>New.</p>")
    (row,) = lab.set_up()
    assert (row["status"], {"consent_page", "consent_version"} <= row["changes"].keys()) == ("changed", True)
    (second,) = lab.post(3)
    assert lab.why_not(second, "AONE") == "ConsentNeeded"
    lab.agree(second, "AONE")
    sync(lab.world)
    versions = [each["consent_version"] for each in csv.DictReader(io.StringIO(lab.exported()))]
    assert len(set(versions)) == 2


def test_the_market_is_asked_for_consents_only_while_one_is_missing(lab: Lab) -> None:
    with_consent(lab)
    (hit,) = lab.post(3)
    sync(lab.world)
    lab.requests()
    sync(lab.world)
    assert "ListWorkersWithQualificationType" not in lab.requests()
    lab.agree(hit, "AONE")
    sync(lab.world)
    assert "ListWorkersWithQualificationType" in lab.requests()
    sync(lab.world)
    assert "ListWorkersWithQualificationType" not in lab.requests()


def test_what_is_known_of_a_consent_outlives_its_type(lab: Lab) -> None:
    with_consent(lab)
    (hit,) = lab.post(3)
    lab.agree(hit, "AONE")
    sync(lab.world)
    before = lab.exported()
    ((type_id,),) = lab.sql("SELECT type_id FROM turkctl_qualification_type WHERE purpose LIKE 'consent %'")
    lab.world.mturk.delete_qualification_type(type_id)
    plan, act = prepare_create(lab.world, CreateRequest("stroop", 1, new=True))
    result = lab.apply((plan, act))
    assert result.failed == 1
    assert lab.exported() == before
    lab.post(3)
    purposes = {purpose.split(" ")[0] for (purpose,) in lab.sql("SELECT purpose FROM turkctl_qualification_type")}
    assert purposes == {"gone", "consent"}
    assert lab.exported() == before


def test_without_any_consent_there_are_no_columns_and_nothing_is_looked_up(lab: Lab) -> None:
    lab.describe(stroop="")
    (hit,) = lab.post(3)
    lab.submit(hit, "AONE")
    sync(lab.world)
    (row,) = csv.DictReader(io.StringIO(lab.exported()))
    assert {"consent_version", "consented_at"}.isdisjoint(row)
    with lab.world.database.read() as session:
        assert not consents.are_there(session)


@pytest.mark.parametrize("text", ["", "no tags", None])
def test_a_consent_is_a_file_of_html(lab: Lab, text: str | None) -> None:
    if text is not None:
        (lab.folder / "consent.html").write_text(text)
    told = refusal(lab, stroop='consent = "consent.html"')
    assert "consent.html" in told
    assert "turkctl.toml:" in told


def test_nobody_s_agreement_can_be_granted_by_the_requester(lab: Lab) -> None:
    with_consent(lab)
    (hit,) = lab.post(3)
    ((type_id,),) = market_rows(lab.folder, f"SELECT id FROM market_qualification_type WHERE keywords = '{CONSENT}'")
    lab.world.market.register_worker("production", "AONE")
    with pytest.raises(MarketRefusedError):
        lab.world.mturk.grant(type_id, "AONE")
    assert lab.why_not(hit, "AONE") == "ConsentNeeded"
