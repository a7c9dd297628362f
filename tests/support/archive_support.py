"""An account with some of everything that the API lists."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

from question_documents import choice, external_document, form_document, form_question

from turkctl.accounts import market_account
from turkctl.market.doors.inprocess import attach
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.protocol.switches import Switches
from turkctl.market.service import Market, Requester
from turkctl.mturk.connect import LOCAL_KEY, connect
from turkctl.operations.archive.collect import CollectReport, collect
from turkctl.operations.engine.batch import Engine

KEY_ID = "AKIATESTONE"
ACCOUNT = market_account(KEY_ID)
REQUESTER = Requester(ACCOUNT, "production")
ADDRESS = "10.11.12.13"
"""Stands in an answer beside an id of a worker."""
_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
KEY = (
    f'<AnswerKey xmlns="{_SCHEMAS}/2005-10-01/AnswerKey.xsd"><Question><QuestionIdentifier>q1</QuestionIdentifier>'
    "<AnswerOption><SelectionIdentifier>yes</SelectionIdentifier><AnswerScore>10</AnswerScore></AnswerOption>"
    "</Question></AnswerKey>"
)
KNOWN = {
    "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
    "Parameters": [{"Key": "AnswerKey", "MapEntries": [{"Key": "colour", "Values": ["blue"]}]}],
}
PLURALITY = {
    "PolicyName": "SimplePlurality/2011-09-01",
    "Parameters": [
        {"Key": "QuestionIds", "Values": ["colour"]},
        {"Key": "QuestionAgreementThreshold", "Values": ["50"]},
    ],
}

HIT = {
    "Title": "Name the colour",
    "Description": "A task of ten minutes",
    "Reward": "0.05",
    "LifetimeInSeconds": 86_400,
    "AssignmentDurationInSeconds": 3_600,
    "Question": external_document("https://example.org/task"),
}


@dataclass
class Account:
    """What was made: ids by kind."""

    workers: list[str]
    hits: list[str]
    assignments: list[str]
    types: list[str]


def make_account(market: Market, hits: int, each: int, requester: Requester = REQUESTER) -> Account:
    """Fill an account: HITs of two types with submitted, approved and rejected work, bonuses, and all the rest."""
    market.deposit(requester, Decimal(10_000))
    workers = [market.register_worker("production", f"A{number:04}WORKER") for number in range(max(each, 8))]
    types = _qualification_types(market, workers, requester)
    made = Account(workers, [], [], types)
    for number in range(hits):
        _hit(market, made, number, each, requester)
    for worker in workers[:3]:
        market.create_worker_block(requester, {"WorkerId": worker, "Reason": f"spam by {worker}, naïve 🎨"})
    open_hit = {**_request(number=hits, types=types), "MaxAssignments": 5}
    made.hits.append(market.create_hit(requester, open_hit)["HIT"]["HITId"])
    return made


def _request(number: int, types: list[str]) -> dict[str, Any]:
    request = {
        "Title": ("Name the colour", "Read a text")[number % 2],
        "Description": "A task of ten minutes; naïve 🎨",
        "Keywords": "psychology, reading",
        "Reward": ("0.50", "1.20")[number % 2],
        "LifetimeInSeconds": 86_400,
        "AssignmentDurationInSeconds": 3_600,
        "Question": external_document(f"https://example.org/task?n={number}"),
        "RequesterAnnotation": f"batch {number // 10}",
    }
    if number % 2:
        requirement = {"QualificationTypeId": types[0], "Comparator": "DoesNotExist"}
        locale = {"QualificationTypeId": "00000000000000000071", "Comparator": "Exists"}
        request["QualificationRequirements"] = [requirement, locale]
    if number % 5 == 0:
        request |= {"AssignmentReviewPolicy": KNOWN, "HITReviewPolicy": PLURALITY}
    return request


def _hit(market: Market, made: Account, number: int, each: int, requester: Requester) -> None:
    request = {**_request(number, made.types), "MaxAssignments": each}
    request.pop("QualificationRequirements", None) if number % 4 == 1 else None
    hit_id = market.create_hit(requester, request)["HIT"]["HITId"]
    made.hits.append(hit_id)
    for place in range(each):
        worker = made.workers[(number + place) % len(made.workers)]
        if "QualificationRequirements" in request and worker in made.workers[:2]:
            continue  # they hold the qualification
        assignment = market.accept("production", worker, hit_id)["AssignmentId"]
        answers = {"colour": "blue" if place % 3 else "red", "comment": f"{worker} naïve 🎨 at {ADDRESS}"}
        market.submit("production", worker, assignment, answers)
        made.assignments.append(assignment)
        _decide(market, requester, assignment, worker, place)


def _decide(market: Market, requester: Requester, assignment: str, worker: str, place: int) -> None:
    if place % 4 == 3:
        return
    if place % 4 == 2:
        market.reject_assignment(requester, {"AssignmentId": assignment, "RequesterFeedback": f"sorry, {worker}"})
        return
    market.approve_assignment(requester, {"AssignmentId": assignment, "RequesterFeedback": "well done"})
    if place % 4 == 0:
        bonus = {"AssignmentId": assignment, "WorkerId": worker, "BonusAmount": "0.25", "Reason": f"for {worker}"}
        market.send_bonus(requester, bonus)


def _qualification_types(market: Market, workers: list[str], requester: Requester) -> list[str]:
    plain = {"Name": "took part", "Description": "did it", "QualificationTypeStatus": "Active"}
    test = form_document(form_question("q1", choice("radiobutton", "yes", "no")))
    tested = {**plain, "Name": "passed", "Test": test, "TestDurationInSeconds": 60, "AnswerKey": KEY}
    by_hand = {**plain, "Name": "by hand", "Keywords": "people"}
    types = [
        market.create_qualification_type(requester, each)["QualificationType"]["QualificationTypeId"]
        for each in (plain, tested, by_hand)
    ]
    for place, worker in enumerate(workers):
        if place < 2:
            grant = {"QualificationTypeId": types[0], "WorkerId": worker, "IntegerValue": place}
            market.associate_qualification_with_worker(requester, grant)
        if place < 5:
            market.request_qualification("production", worker, types[2])
        if place < 4:
            grant = {"QualificationTypeId": types[1], "WorkerId": worker, "IntegerValue": 10 * place}
            market.associate_qualification_with_worker(requester, grant)
    for worker in workers[2:4]:
        revoked = {"QualificationTypeId": types[1], "WorkerId": worker, "Reason": "no longer"}
        market.disassociate_qualification_from_worker(requester, revoked)
    return types


class KilledError(BaseException):
    """Stands for the end of the process: nothing that the program catches."""


class ArchiveWorld:
    """A market in this process as an archive meets it, in mode live."""

    def __init__(self, market: Market, *, workers: int = 8, patience: float = 0.0, **switches: Any) -> None:
        self.endpoint = Endpoint(market, switches=Switches(**switches), accounts={LOCAL_KEY: ACCOUNT})
        self.mturk = connect(endpoint_url="http://source.invalid", local=lambda events: attach(events, self.endpoint))
        self.settings = SimpleNamespace(mode="live")
        self._workers, self._patience = workers, patience

    def now(self) -> datetime:
        return datetime(2026, 12, 1, 12, tzinfo=UTC)

    def engine(self, **options: Any) -> Engine:
        return Engine(workers=self._workers, patience=self._patience, **options)

    def collect(self, folder: Path, *, anew: bool = False) -> CollectReport:
        """Archive into a folder."""
        world: Any = self
        return collect(world, folder, anew=anew, stop=Event(), tell=lambda _progress: None)


def contents(folder: Path) -> dict[str, Any]:
    """Everything in an archive but the times of its runs, in an order of its own: tables, CSV files, raw answers."""
    found: dict[str, Any] = {}
    with closing(sqlite3.connect(f"file:{folder / 'archive.db'}?mode=ro", uri=True)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in sorted(set(names) - {"archive", "run", "call"}):
            found[name] = sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
        states = "SELECT operation, members, attempt, page, state, items FROM call"
        found["call"] = sorted(connection.execute(states).fetchall(), key=repr)
    for path in sorted((folder / "csv").rglob("*.csv")):
        found[str(path.relative_to(folder))] = path.read_bytes()
    for path in sorted((folder / "raw").iterdir()):
        lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        found[path.name] = [{**line, "at": None} for line in lines]
    return found
