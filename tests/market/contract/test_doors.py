"""What holds for every door besides the API itself: accounts, environments, switches, hooks, many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectionClosedError
from contract_support import HIT, Door, refused

from turkctl import own_market
from turkctl.market.doors.inprocess import attach
from turkctl.market.protocol.switches import Switches


def test_production_and_sandbox_share_nothing(door: Door):
    production, sandbox = door.client(), door.client("sandbox")
    hit_id = sandbox.create_hit(**HIT)["HIT"]["HITId"]
    assert production.list_hits()["HITs"] == []
    assert [hit["HITId"] for hit in sandbox.list_hits()["HITs"]] == [hit_id]
    with refused("RequestError", "HITDoesNotExist"):
        production.get_hit(HITId=hit_id)


def test_accounts_share_nothing(door: Door, client: Any):
    hit_id = client.create_hit(**HIT)["HIT"]["HITId"]
    other = door.client(key="AKIDANOTHER")
    assert other.list_hits()["HITs"] == []
    with refused("RequestError", "HITDoesNotExist"):
        other.get_hit(HITId=hit_id)


def test_errors_of_the_model_have_their_class(client: Any):
    with pytest.raises(client.exceptions.RequestError) as caught:
        client.get_hit(HITId="3UNKNOWN")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["Message"] == caught.value.response["Error"]["Message"]


def test_a_fault_has_its_class_and_status(door: Door, client: Any):
    door.endpoint.switches = Switches(fault_before=1)
    with pytest.raises(client.exceptions.ServiceFault) as caught:
        client.list_hits()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_a_fault_after_the_effect_leaves_the_effect(door: Door, client: Any):
    door.endpoint.switches = Switches(fault_after=1)
    with pytest.raises(client.exceptions.ServiceFault):
        client.create_hit(**HIT)
    door.endpoint.switches = Switches()
    assert len(client.list_hits()["HITs"]) == 1


def test_a_lost_answer_is_a_broken_connection_and_leaves_the_effect(door: Door, client: Any):
    door.endpoint.switches = Switches(answer_lost=1)
    with pytest.raises(ConnectionClosedError):
        client.create_hit(**HIT)
    door.endpoint.switches = Switches()
    assert len(client.list_hits()["HITs"]) == 1


def test_throttling_reaches_the_client(door: Door, client: Any):
    door.endpoint.switches = Switches(throttle=0.001)
    client.list_hits()
    with refused("ThrottlingException") as text:
        client.list_hits()
    assert text() == "Rate exceeded"


def test_lag_hides_a_new_hit_from_listings_but_not_from_get_hit(door: Door, client: Any):
    door.endpoint.switches = Switches(lag=60)
    hit_id = client.create_hit(**HIT)["HIT"]["HITId"]
    assert client.list_hits()["HITs"] == []
    assert client.get_hit(HITId=hit_id)["HIT"]["HITStatus"] == "Assignable"
    door.clock.advance(seconds=61)
    assert [hit["HITId"] for hit in client.list_hits()["HITs"]] == [hit_id]


def test_lag_hides_a_new_assignment_from_listings(door: Door, client: Any):
    hit_id = client.create_hit(**HIT)["HIT"]["HITId"]
    door.endpoint.switches = Switches(lag=60)
    worker = door.market.register_worker("production")
    assignment = door.market.accept("production", worker, hit_id)
    door.market.submit("production", worker, assignment["AssignmentId"], {"colour": "blue"})
    assert client.list_assignments_for_hit(HITId=hit_id)["Assignments"] == []
    door.clock.advance(seconds=61)
    assert len(client.list_assignments_for_hit(HITId=hit_id)["Assignments"]) == 1


def test_many_threads_share_a_client(door: Door, client: Any):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: client.create_hit(**HIT, UniqueRequestToken=f"t{n}")["HIT"]["HITId"], range(12)))
    assert len(set(made)) == 12
    assert {hit["HITId"] for hit in client.list_hits(MaxResults=100)["HITs"]} == set(made)
    assert door.endpoint.requests == {"CreateHIT": 12, "ListHITs": 1}


def test_a_request_id_comes_with_every_answer(client: Any):
    assert len(client.list_hits()["ResponseMetadata"]["RequestId"]) == 36


def test_every_answer_says_that_this_is_turkctls_market(door: Door, client: Any):
    client.list_hits()
    with refused("RequestError", "HITDoesNotExist"):
        client.get_hit(HITId="3UNKNOWN")
    door.endpoint.switches = Switches(fault_before=1)
    with pytest.raises(client.exceptions.ServiceFault):
        client.list_hits()
    door.endpoint.switches = Switches(throttle=0.001)
    client.list_hits()
    with refused("ThrottlingException"):
        client.list_hits()
    assert [each.headers["x-turkctl-market"] for each in door.heard] == [own_market.VERSION] * 5


def test_every_door_tells_the_rules_of_the_market(door: Door, client: Any):
    told = client.get_market_rules()
    assert (told["Fee"], told["Unit"], told["Extensions"]) == ("mturk", "USD", ["gates", "items", "own-ids", "studies"])


def test_a_review_report_is_what_boto3_reads(door: Door, client: Any):
    entries = [{"Key": "COLOUR", "Values": ["blue"]}]
    known = {
        "PolicyName": "ScoreMyKnownAnswers/2011-09-01",
        "Parameters": [{"Key": "AnswerKey", "MapEntries": entries}],
    }
    values = {
        "QuestionIds": "COLOUR",
        "QuestionAgreementThreshold": "50",
        "RejectIfWorkerAgreementScoreIsLessThan": "101",
    }
    asked = [{"Key": key, "Values": [value]} for key, value in values.items()]
    plurality = {"PolicyName": "SimplePlurality/2011-09-01", "Parameters": asked}
    policies = {"AssignmentReviewPolicy": known, "HITReviewPolicy": plurality}
    hit_id = client.create_hit(**{**HIT, "MaxAssignments": 1}, **policies)["HIT"]["HITId"]
    worker = door.market.register_worker("production")
    assignment_id = door.market.accept("production", worker, hit_id)["AssignmentId"]
    door.market.submit("production", worker, assignment_id, {"COLOUR": "blue"})
    found = client.list_review_policy_results_for_hit(HITId=hit_id)
    assert found["AssignmentReviewReport"]["ReviewResults"][1]["Value"] == "100"
    review, rejection = found["HITReviewReport"]["ReviewActions"]
    assert (review["ActionName"], rejection["TargetId"], rejection["Status"]) == ("review", assignment_id, "Succeeded")
    assert client.get_assignment(AssignmentId=assignment_id)["Assignment"]["AssignmentStatus"] == "Rejected"


def test_keys_make_signatures_matter(door: Door, client: Any):
    door.endpoint.keys = {"AKIDREQUESTER": "secret"}
    client.list_hits()
    with refused("InvalidSignatureException"):
        door.client(secret="a guess").list_hits()
    with refused("UnrecognizedClientException"):
        door.client(key="AKIDSTRANGER").list_hits()
    assert door.client("sandbox").list_hits()["HITs"] == []


def test_a_session_can_be_attached_as_a_whole(door: Door):
    session = boto3.Session(aws_access_key_id="AKIDSESSION", aws_secret_access_key="x", region_name="us-east-1")
    attach(session.events, door.endpoint)
    client = session.client("mturk", endpoint_url="http://market.invalid/sandbox")
    assert client.get_account_balance()["AvailableBalance"] == "10000.00"
    assert door.endpoint.requests == {"GetAccountBalance": 1}
