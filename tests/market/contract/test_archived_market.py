"""An archive served as a market gives boto3 what the source gave, operation by operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from archive_support import ACCOUNT, KEY_ID, Account, ArchiveWorld, make_account
from botocore.exceptions import ClientError

from turkctl.archive.served import ArchivedItems
from turkctl.market.archived import ArchivedMarket
from turkctl.market.doors.inprocess import attach
from turkctl.market.names import method_name
from turkctl.market.protocol.endpoint import Endpoint
from turkctl.market.service import Market
from turkctl.model import own_parts, service_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archived")


@pytest.fixture(scope="module")
def market(folder: Path) -> Iterator[Market]:
    market = Market(f"sqlite:///{folder / 'source.db'}")
    yield market
    market.close()


@pytest.fixture(scope="module")
def account(market: Market, folder: Path) -> Account:
    account = make_account(market, 12, 6)
    assert ArchiveWorld(market).collect(folder / "saved").exit_code == 0
    return account


def boto3_client(market: Any) -> Any:
    session = boto3.Session(aws_access_key_id=KEY_ID, aws_secret_access_key="x", region_name="us-east-1")
    client = session.client("mturk", endpoint_url="http://market.invalid")
    attach(client.meta.events, Endpoint(market, accounts={KEY_ID: ACCOUNT}))
    return client


@pytest.fixture(scope="module")
def source(market: Market) -> Any:
    return boto3_client(market)


@pytest.fixture(scope="module")
def archived(account: Account, folder: Path) -> Iterator[Any]:
    market = ArchivedMarket(ArchivedItems(folder / "saved"))
    yield boto3_client(market)
    market.close()


def paged(client: Any, operation: str, **members: Any) -> Any:
    """All pages of a listing joined, in pages of three."""
    pages = client.get_paginator(operation).paginate(PaginationConfig={"PageSize": 3}, **members)
    return pages.build_full_result()


def plain(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name not in ("ResponseMetadata", "NextToken")}


def outcome(act: Callable[[], Any]) -> Any:
    try:
        return plain(act())
    except ClientError as error:
        response = error.response
        return (
            response["Error"]["Code"],
            response.get("TurkErrorCode"),
            response["Error"]["Message"].rpartition(" (")[0],
        )


def cases(account: Account) -> Iterator[tuple[str, dict[str, Any]]]:
    """Operations that have paginators, with their filters."""
    yield "list_hits", {}
    for status in ("Reviewable", "Reviewing"):
        yield "list_reviewable_hits", {"Status": status}
    yield "list_reviewable_hits", {}
    for hit in [*account.hits, "3NONE"]:
        yield "list_assignments_for_hit", {"HITId": hit}
        yield "list_assignments_for_hit", {"HITId": hit, "AssignmentStatuses": ["Rejected", "Submitted"]}
        yield "list_bonus_payments", {"HITId": hit}
    for assignment in [*account.assignments[:6], "3NONE"]:
        yield "list_bonus_payments", {"AssignmentId": assignment}
    yield "list_bonus_payments", {}
    yield "list_qualification_types", {"MustBeRequestable": False, "MustBeOwnedByCaller": True}
    yield "list_qualification_types", {"MustBeRequestable": True, "MustBeOwnedByCaller": True, "Query": "HAND people"}
    yield "list_qualification_requests", {}
    yield "list_worker_blocks", {}
    for kind in [*account.types, "3NONE", "00000000000000000071"]:
        yield "list_hits_for_qualification_type", {"QualificationTypeId": kind}
        yield "list_workers_with_qualification_type", {"QualificationTypeId": kind}
        yield "list_workers_with_qualification_type", {"QualificationTypeId": kind, "Status": "Revoked"}
        yield "list_qualification_requests", {"QualificationTypeId": kind}


def test_every_listing_is_that_of_the_source(source: Any, archived: Any, account: Account) -> None:
    seen = 0
    for operation, members in cases(account):
        expected = outcome(partial(paged, source, operation, **members))
        assert outcome(partial(paged, archived, operation, **members)) == expected, (operation, members)
        seen += isinstance(expected, dict) and any(map(len, expected.values()))
    assert seen > 40
    of_the_api = service_model()["operations"].keys() - own_parts()["operations"]
    assert {name for name, _ in cases(account)} == {
        name for name in map(method_name, of_the_api) if source.can_paginate(name)
    }


def test_every_single_answer_is_that_of_the_source(source: Any, archived: Any, account: Account) -> None:
    def compare(operation: str, **members: Any) -> None:
        expected = outcome(lambda: getattr(source, operation)(**members))
        assert outcome(lambda: getattr(archived, operation)(**members)) == expected, (operation, members)

    compare("get_account_balance")
    hit_type = source.get_hit(HITId=account.hits[0])["HIT"]["HITTypeId"]
    compare("list_reviewable_hits", HITTypeId=hit_type)
    for hit in [*account.hits, "3NONE"]:
        compare("get_hit", HITId=hit)
        compare("list_review_policy_results_for_hit", HITId=hit)
        compare("list_review_policy_results_for_hit", HITId=hit, PolicyLevels=["HIT"], RetrieveActions=False)
    for assignment in [*account.assignments, "3NONE"]:
        compare("get_assignment", AssignmentId=assignment)
    for kind in [*account.types, "3NONE", "00000000000000000071"]:
        compare("get_qualification_type", QualificationTypeId=kind)
        for worker in account.workers:
            compare("get_qualification_score", QualificationTypeId=kind, WorkerId=worker)
    compare("list_bonus_payments")


def test_whatever_changes_something_is_refused(archived: Any, account: Account) -> None:
    tried = {
        "create_worker_block": {"WorkerId": "A1WORKER", "Reason": "x"},
        "approve_assignment": {"AssignmentId": account.assignments[0]},
        "send_bonus": {"WorkerId": "A1X", "BonusAmount": "1", "AssignmentId": account.assignments[0], "Reason": "x"},
        "delete_hit": {"HITId": account.hits[0]},
    }
    for operation, members in tried.items():
        with pytest.raises(archived.exceptions.RequestError, match="archive"):
            getattr(archived, operation)(**members)
    market = ArchivedMarket(Any)  # type: ignore[arg-type]  # its source is never asked
    for operation in service_model()["operations"]:
        assert callable(getattr(market, method_name(operation)))
    assert not hasattr(market, "register_worker")


@pytest.mark.parametrize("token", ["x", "YXJjaGl2ZS4", "YXJjaGl2ZS4tMQ", "YXJjaGl2ZS4" + "5" * 30, "ÿ"])
def test_a_token_of_another_kind_is_refused(archived: Any, token: str) -> None:
    with pytest.raises(ClientError, match="NextToken"):
        archived.list_hits(NextToken=token)
