"""A simulated worker on the market: finds a HIT that pays well, accepts it, and submits or returns the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from turkctl.market.consents import NEEDED as CONSENT_NEEDED
from turkctl.market.crowd.answering import Answers, answers
from turkctl.market.crowd.behaviour import CrowdOptions, Person
from turkctl.market.crowd.question import read_question
from turkctl.market.errors import MarketError, WorkError
from turkctl.market.service import Environment, Market, Requester
from turkctl.own_market import kinds

Hit = Mapping[str, Any]
Item = Callable[[Hit], str]

UNQUALIFIED = "DoesNotMeetRequirements"
NO_WAY_TO_SUBMIT = "NoWayToSubmit"
"""The reason to return a HIT whose page nobody could submit."""
_PAGE = 50
_PAGES = 20
"""Number of pages of HITs that a worker looks through before giving up for now."""
_NOBODY = "000000000000"


def item_of(hit: Hit) -> str:
    """Return what a HIT is about: its question document, so that identical HITs have the same right answers."""
    return str(hit.get("Question", ""))


@dataclass(frozen=True)
class Workplace:
    """The market that a crowd works on, and how it works there."""

    market: Market
    environment: Environment
    options: CrowdOptions
    item: Item = item_of


@dataclass(frozen=True)
class AcceptedWork:
    """An accepted assignment and its HIT."""

    assignment_id: str
    hit: Hit

    @property
    def hit_id(self) -> str:
        """Return the HIT's id."""
        return str(self.hit["HITId"])

    @property
    def duration(self) -> float:
        """Return the seconds allotted, counted from the acceptance."""
        return float(self.hit["AssignmentDurationInSeconds"])


@dataclass
class Visitor:
    """A person and what they remember of this market."""

    person: Person
    place: Workplace
    fruitless: int = 0
    """Searches without result since the last HIT."""
    given_up: set[str] = field(default_factory=set)
    """HITs that they returned or abandoned and will not take again."""
    kept_out: set[str] = field(default_factory=set)
    asked_for: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    """The refusals during the current search."""
    requested: int = 0

    def look(self) -> AcceptedWork | None:
        """Find a HIT and accept it; ``refused`` and ``requested`` then tell what happened meanwhile."""
        self.refused, self.requested = [], 0
        for hit in self._candidates():
            work = self._accept(hit)
            if work is not None:
                self.fruitless = 0
                return work
        self.fruitless += 1
        return None

    def can_submit(self, work: AcceptedWork) -> bool:
        """Return whether the HIT's page can be submitted, as far as it can be read."""
        return read_question(str(work.hit.get("Question", "")), self.place.options.fields).submits

    def submit(self, work: AcceptedWork) -> str | None:
        """Submit the answers; return the refusal's code if the market does not accept them."""
        place = self.place
        return _refusal(
            lambda: place.market.submit(
                place.environment,
                self.person.worker_id,
                work.assignment_id,
                self._answers(str(work.hit.get("Question", "")), place.item(work.hit)),
            )
        )

    def give_back(self, work: AcceptedWork) -> str | None:
        """Return the HIT; return the refusal's code if it is too late."""
        self.given_up.add(work.hit_id)
        place = self.place
        return _refusal(
            lambda: place.market.return_assignment(place.environment, self.person.worker_id, work.assignment_id)
        )

    def _answers(self, question: str, item: str) -> Answers:
        form = read_question(question, self.place.options.fields)
        return answers(form, item, self.person.accuracy, self.person.rng)

    def _candidates(self) -> Iterator[Hit]:
        """Yield HITs to try: in each page of the market's list the best paid first, equally paid ones at random."""
        after = None
        for _ in range(_PAGES):
            page = self._page(after)
            ranked = sorted(page, key=lambda hit: (-Decimal(hit["Reward"]), self.person.rng.random()))
            yield from (hit for hit in ranked if hit["HITId"] not in self.given_up)
            if len(page) < _PAGE:
                return
            after = str(page[-1]["HITId"])

    def _page(self, after: str | None) -> list[dict[str, Any]]:
        market, environment, worker_id = self.place.market, self.place.environment, self.person.worker_id
        try:
            return market.available_hits(environment, worker_id, _PAGE, after)
        except WorkError as error:
            if error.code != "UnknownWorker":
                raise
        # Only now: a worker registered by an earlier run keeps the record that has grown since.
        self._register()
        return market.available_hits(environment, worker_id, _PAGE, after)

    def _register(self) -> None:
        person = self.person
        self.place.market.register_worker(
            self.place.environment,
            person.worker_id,
            locale=person.locale,
            approved=person.approved,
            rejected=person.rejected,
            masters=person.masters,
        )

    def _accept(self, hit: Hit) -> AcceptedWork | None:
        hit_id = str(hit["HITId"])
        if not hit["Qualified"] and not self._qualify(hit):
            if hit_id not in self.kept_out:
                self.kept_out.add(hit_id)
                self.refused.append(UNQUALIFIED)
            return None
        try:
            taken = self._agree_and_accept(hit_id)
        except (WorkError, MarketError) as error:
            self.refused.append(_code(error))
            return None
        return AcceptedWork(str(taken["AssignmentId"]), hit)

    def _agree_and_accept(self, hit_id: str) -> Mapping[str, Any]:
        """Accept a HIT; agree to its consent if it has one."""
        market, environment, worker_id = self.place.market, self.place.environment, self.person.worker_id
        try:
            return market.accept(environment, worker_id, hit_id)
        except WorkError as error:
            asked = market.consent_asked(environment, worker_id, hit_id) if error.code == CONSENT_NEEDED else None
            if asked is None:
                raise
        market.agree(environment, worker_id, hit_id, asked.type_id)
        return market.accept(environment, worker_id, hit_id)

    def _qualify(self, hit: Hit) -> bool:
        """Request each of the HIT's qualifications once; return whether one was granted, so that a retry may help."""
        granted = False
        for requirement in hit.get("QualificationRequirements", ()):
            type_id = requirement["QualificationTypeId"]
            if requirement["Comparator"] != "DoesNotExist" and type_id not in self.asked_for:
                self.asked_for.add(type_id)
                granted = self._ask_for(type_id) or granted
        return granted

    def _ask_for(self, type_id: str) -> bool:
        place = self.place
        try:
            asked = {"QualificationTypeId": type_id}
            described = place.market.get_qualification_type(Requester(_NOBODY, place.environment), asked)
            kind = described["QualificationType"]
            if not kind["IsRequestable"] or kinds(kind.get("Keywords")):
                return False
            test = self._answers(kind["Test"], kind["Test"]) if "Test" in kind else None
            answer = place.market.request_qualification(place.environment, self.person.worker_id, type_id, test)
        except MarketError:  # the type was deleted
            return False
        except WorkError as error:
            self.refused.append(error.code)
            return False
        self.requested += 1
        return bool(answer["Status"] == "Granted")


def _refusal(act: Callable[[], None]) -> str | None:
    try:
        act()
    except (WorkError, MarketError) as error:
        return _code(error)
    return None


def _code(error: WorkError | MarketError) -> str:
    return error.code if isinstance(error, WorkError) else error.turk_error_code or error.type
