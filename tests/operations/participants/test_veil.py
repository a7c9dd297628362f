"""Who may not see names sees pseudonyms: no worker's id is in anything that is shown to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dispatch_support import ContentStudy
from study_support import everything, worker

from turkctl.errors import NotFoundError
from turkctl.operations.participants import veil as veils
from turkctl.operations.participants.answers import answers_of
from turkctl.operations.participants.filters import Query
from turkctl.operations.participants.lists import Ordering, listed, show
from turkctl.operations.participants.person import show_person
from turkctl.operations.participants.veil import Veil
from turkctl.operations.payments.bonus import prepare_bonus
from turkctl.operations.payments.ledger import LedgerQuery, list_payments
from turkctl.operations.payments.orders import BonusRequest
from turkctl.operations.selection.work import WorkSelection
from turkctl.operations.workers.approve import prepare_approve
from turkctl.operations.workers.assignments import list_assignments
from turkctl.operations.workers.lists import list_workers
from turkctl.operations.workers.message import MessageRequest, prepare_message

ALL = WorkSelection(everything())
KEYS = 'contents_per_hit = 2\nanswer_field = "label_{key}"\noutputs = 3\n'
AMAZONS = "A04CDVM5IQ3YYC"
VEIL = Veil(b"a secret of some length")


@pytest.fixture
def study(tmp_path: Path) -> Iterator[ContentStudy]:
    """Three workers who write their ids and each other's wherever they can."""
    made = ContentStudy(tmp_path, KEYS)
    made.add_numbered(2)
    made.dispatch()
    (hit,) = made.shown()
    for number in (1, 2, 3):
        own, other = worker(number), worker(number % 3 + 1)
        made.answer(hit, number, label_i0=f"x{own}y", label_i1=f"ask {other.lower()}", **{f"by_{own}": AMAZONS})
    made.sync()
    feedback = f"Dear {worker(1)} and {worker(2)}"
    made.apply(prepare_approve(made.world, ALL, feedback=feedback))
    made.apply(prepare_bonus(made.world, ALL, BonusRequest(f"Thanks, {worker(3)}", Decimal("0.10"))))
    data = {"questiondata": {"id": worker(1)}, "data": [{"uniqueid": worker(1), "trialdata": {"who": worker(1)}}]}
    made.write("UPDATE assignments SET ipaddress = '192.0.2.7', datastring = :d", d=json.dumps(data))
    yield made
    made.world.close()


def names() -> list[str]:
    return [*(worker(number) for number in (1, 2, 3)), AMAZONS]


def leaked(shown: Any, ids: list[str]) -> list[str]:
    """The ids, and the address, that are in something shown."""
    text = json.dumps(shown, default=str).lower()
    return [each for each in (*ids, "192.0.2.7") if each.lower() in text]


def everything_shown(study: ContentStudy) -> dict[str, list[dict[str, Any]]]:
    world = study.world
    work = list_assignments(world, ALL)
    message = study.apply(prepare_message(world, MessageRequest((worker(1), worker(2)), "Hello", f"I am {worker(3)}")))
    columns = ("uniqueid", "worker_id", "assignment_id", "ip_address", "status")
    return {
        "work": work,
        "workers": list_workers(world, ALL),
        "persons": [show_person(world, worker(number)) for number in (1, 2, 3)],
        "answers": [answers_of(world, row["assignment_id"]) for row in work],
        "participants": listed(world, Query(), Ordering(), columns)[1],
        "participant": [show(world, worker(1))],
        "payments": list_payments(world, LedgerQuery()),
        "results": message.as_dict()["results"],
    }


def test_no_worker_and_no_address_is_in_what_is_shown(study: ContentStudy) -> None:
    found = everything_shown(study)
    assert all(leaked(rows, names()) for rows in found.values()), "they are there without a veil"
    for name, rows in found.items():
        assert leaked(VEIL.rows(rows, names()), names()) == [], name


def test_of_a_page_of_rows_nobody_needs_to_be_named_to_be_hidden(study: ContentStudy) -> None:
    found = everything_shown(study)
    for name in ("work", "workers", "answers", "participants", "participant", "results"):
        assert leaked(VEIL.rows(found[name]), names()) == [], name
    for person in found["persons"]:
        assert leaked(VEIL.record(person), [person["worker_id"], AMAZONS]) == []


def test_all_else_stays_as_it_was(study: ContentStudy) -> None:
    rows = list_assignments(study.world, ALL)
    for plain, hidden in zip(rows, VEIL.rows(rows), strict=True):
        assert hidden["worker_id"] == VEIL.worker(plain["worker_id"])
        others = [key for key in plain if key not in ("worker_id", "feedback")]
        assert [hidden[key] for key in others] == [plain[key] for key in others]
    (participant,) = VEIL.rows([show(study.world, worker(1))])
    assert participant["uniqueid"] == f"{VEIL.worker(worker(1))}:{participant['assignment_id']}"
    assert participant["assignment_id"] in {row["assignment_id"] for row in rows}
    assert participant["data"]["data"][0]["trialdata"] == {"who": VEIL.worker(worker(1))}


def test_a_pseudonym_is_the_same_for_the_same_secret_and_tells_nothing() -> None:
    shown = VEIL.worker("A1")
    assert shown == Veil(b"a secret of some length").worker("A1") != Veil(b"another secret").worker("A1")
    assert shown != VEIL.worker("A2")
    assert (shown.startswith("P-"), len(shown), shown.isascii(), VEIL.worker("")) == (True, 18, True, "")


@pytest.mark.parametrize(
    ("row", "ids", "hidden"),
    [
        ({"id": "A1B2"}, (), {"id": "<A1B2>"}),
        ({"id": "3HIT", "worker": "anna", "note": "Anna; annabel"}, (), {"id": "3HIT", "note": "<anna>; annabel"}),
        ({"worker_id": "anna-lena", "note": "xANNA-LENAx"}, (), {"note": "x<anna-lena>x"}),
        ({"workers": ["A1B2", "A3C4"], "n": "A3C4"}, (), {"workers": ["<A1B2>", "<A3C4>"], "n": "<A3C4>"}),
        ({"workers": 7}, (), {"workers": 7}),
        ({"worker_id": "ANNA7", "worker": "anna7"}, (), {"worker_id": "<ANNA7>", "worker": "<anna7>"}),
        ({"uniqueid": "W1:A:3X", "n": "W1:A"}, (), {"uniqueid": "<W1:A>:3X", "n": "<W1:A>"}),
        ({"uniqueid": "debug7", "n": "debug7!"}, (), {"uniqueid": "<debug7>", "n": "<debug7>!"}),
        ({"uniqueid": None, "worker_id": None, "id": None}, (), {"uniqueid": None, "worker_id": None, "id": None}),
        ({"worker_id": "123456", "data": [123456, 7, True]}, (), {"data": ["<123456>", 7, True]}),
        ({"worker_id": "P", "n": "P and P"}, (), {"n": "<P> and <P>"}),
        ({"n": "turkctl workers show AB"}, ("AB",), {"n": "turkctl workers show <AB>"}),
        ({"ip_address": "192.0.2.7", "ipaddress": "192.0.2.7"}, (), {"ip_address": None, "ipaddress": None}),
        ({"worker_id": "straße7", "n": "STRASSE7 ſtraße7"}, (), {"n": "STRASSE7 ſtraße7"}),
        ({"n": (AMAZONS, {AMAZONS: 1})}, (), {"n": [f"<{AMAZONS}>", {f"<{AMAZONS}>": 1}]}),
    ],
)
def test_ids_are_found_where_they_are(row: dict[str, Any], ids: tuple[str, ...], hidden: dict[str, Any]) -> None:
    def of(value: Any) -> Any:
        """The value with pseudonyms in place of the ids between pointed brackets."""
        if isinstance(value, str):
            before, bracket, rest = value.partition("<")
            if not bracket:
                return value
            name, _, after = rest.partition(">")
            return before + VEIL.worker(name) + of(after)
        if isinstance(value, list):
            return [of(each) for each in value]
        return {of(key): of(each) for key, each in value.items()} if isinstance(value, dict) else value

    found = VEIL.record(row, ids)
    assert {key: found[key] for key in hidden} == of(hidden)


def test_another_rows_worker_is_hidden_as_a_whole_word() -> None:
    found = VEIL.rows([{"worker_id": "anna7"}, {"worker_id": "ben", "note": "not anna7, or anna77"}])
    assert found[1]["note"] == f"not {VEIL.worker('anna7')}, or anna77"


def test_texts_are_veiled_with_the_ids_that_are_given(study: ContentStudy) -> None:
    assert VEIL.text(f"ben and {AMAZONS}", ["ben"]) == f"{VEIL.worker('ben')} and {VEIL.worker(AMAZONS)}"


def test_without_a_secret_nothing_changes(study: ContentStudy) -> None:
    bare = Veil(None)
    found = everything_shown(study)
    assert {name: bare.rows(rows) for name, rows in found.items()} == found
    assert (bare.worker("A1"), bare.text("A1", ["A1"]), bare.hides) == ("A1", "A1", False)
    assert bare.find_worker(study.world, "ANYBODY") == "ANYBODY"


def test_a_worker_is_found_by_pseudonym_wherever_they_are_known(
    study: ContentStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(veils, "BATCH", 2)
    rows = [(f"VISITOR{number}", f"3X{number}") for number in range(5)]
    for who, work in rows:
        study.write(
            "INSERT INTO assignments (uniqueid, assignmentid, workerid, hitid, status, mode, beginhit)"
            " VALUES (:u, :a, :w, '3OLD', 2, 'local', :t)",
            u=f"{who}:{work}",
            a=work,
            w=who,
            t=datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None),
        )
    study.apply(prepare_message(study.world, MessageRequest(("ASTRANGER", "BSTRANGER"), "Hello", "Hello")))
    known = [*(worker(number) for number in (1, 2, 3)), *(who for who, _work in rows), "ASTRANGER"]
    assert [VEIL.find_worker(study.world, VEIL.worker(each)) for each in known] == known
    assert VEIL.find_workers(study.world, [VEIL.worker(each) for each in known[::-1]]) == known[::-1]
    with pytest.raises(NotFoundError, match="there is no worker with this"):
        VEIL.find_workers(study.world, [VEIL.worker(known[0]), "ANOBODY"])
    study.write("UPDATE assignments SET mode = 'debug' WHERE workerid = 'VISITOR4'")
    for nobody in (VEIL.worker("VISITOR4"), VEIL.worker("ANOBODY"), worker(1), "P-", Veil(b"other").worker(worker(1))):
        with pytest.raises(NotFoundError, match="there is no worker"):
            VEIL.find_worker(study.world, nobody)
