"""One walk through the whole API: every operation at least once, and a refusal of most kinds, in a fixed order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from contract_support import EXTERNAL_ANSWER, HIT, Door

NOTIFICATION = {
    "Destination": "https://sqs.us-east-1.amazonaws.com/123456789012/events",
    "Transport": "SQS",
    "Version": "2014-08-15",
    "EventTypes": ["HITCreated", "AssignmentSubmitted", "HITReviewable", "HITDisposed"],
}


def walk(door: Door) -> None:
    """Call everything; ``door.heard`` and ``door.sent`` tell what came of it."""
    client = door.client()
    qualification_type = _qualifications(door, client)
    workers = [door.market.register_worker("production") for _ in range(4)]
    hit = _hits(client, qualification_type)
    _notifications(client, hit["HITTypeId"])
    _work_and_review(door, client, hit["HITId"], workers)
    _workers(client, workers)
    _ends(door, client, hit["HITId"])
    _refusals(client, hit["HITId"])
    _elsewhere(door)


def _qualifications(door: Door, client: Any) -> str:
    made = client.create_qualification_type(
        Name="Readers", Description="Who reads well", QualificationTypeStatus="Active", Keywords="reading"
    )["QualificationType"]["QualificationTypeId"]
    client.get_qualification_type(QualificationTypeId=made)
    client.update_qualification_type(QualificationTypeId=made, Description="Who reads very well")
    client.list_qualification_types(MustBeRequestable=False, MustBeOwnedByCaller=True, MaxResults=10)
    worker = door.market.register_worker("production")
    client.associate_qualification_with_worker(
        QualificationTypeId=made, WorkerId=worker, IntegerValue=90, SendNotification=False
    )
    client.get_qualification_score(QualificationTypeId=made, WorkerId=worker)
    client.list_workers_with_qualification_type(QualificationTypeId=made)
    client.disassociate_qualification_from_worker(QualificationTypeId=made, WorkerId=worker, Reason="by mistake")
    for answer in ("accept", "reject"):
        asking = door.market.register_worker("production")
        door.market.request_qualification("production", asking, made)
        [request] = client.list_qualification_requests(QualificationTypeId=made)["QualificationRequests"]
        request_id = request["QualificationRequestId"]
        if answer == "accept":
            client.accept_qualification_request(QualificationRequestId=request_id, IntegerValue=70)
        else:
            client.reject_qualification_request(QualificationRequestId=request_id, Reason="not now")
    spare = client.create_qualification_type(Name="Spare", Description="d", QualificationTypeStatus="Inactive")
    client.delete_qualification_type(QualificationTypeId=spare["QualificationType"]["QualificationTypeId"])
    return str(made)


def _hits(client: Any, qualification_type: str) -> Any:
    excluding = [{"QualificationTypeId": qualification_type, "Comparator": "DoesNotExist"}]
    hit = client.create_hit(**HIT, UniqueRequestToken="round-1", QualificationRequirements=excluding)["HIT"]
    hit_type = {name: HIT[name] for name in ("Title", "Description", "Reward", "AssignmentDurationInSeconds")}
    type_id = client.create_hit_type(**hit_type)["HITTypeId"]
    other = client.create_hit_with_hit_type(
        HITTypeId=type_id, LifetimeInSeconds=600, Question=HIT["Question"], MaxAssignments=1
    )["HIT"]
    client.update_hit_type_of_hit(HITId=other["HITId"], HITTypeId=hit["HITTypeId"])
    client.create_additional_assignments_for_hit(HITId=hit["HITId"], NumberOfAdditionalAssignments=1)
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=datetime(2026, 12, 24, tzinfo=UTC))
    client.get_hit(HITId=hit["HITId"])
    page = client.list_hits(MaxResults=1)
    while page.get("NextToken"):
        page = client.list_hits(MaxResults=1, NextToken=page["NextToken"])
    client.list_hits_for_qualification_type(QualificationTypeId=qualification_type)
    client.get_account_balance()
    client.get_market_rules()
    (made,) = client.find_workers(OwnIds=["S-4711", "3EXAMPLEASSIGNMENT000000000001"], CreateMissing=True)["Workers"]
    client.list_own_ids(WorkerIds=[made["WorkerId"]])
    return hit


def _notifications(client: Any, hit_type_id: str) -> None:
    client.update_notification_settings(HITTypeId=hit_type_id, Notification=NOTIFICATION, Active=True)
    client.send_test_event_notification(Notification=NOTIFICATION, TestEventType="Ping")


def _work_and_review(door: Door, client: Any, hit_id: str, workers: list[str]) -> None:
    for worker in workers:
        assignment = door.market.accept("production", worker, hit_id)
        door.clock.advance(seconds=30)
        door.market.submit("production", worker, assignment["AssignmentId"], EXTERNAL_ANSWER)
    done = client.list_assignments_for_hit(HITId=hit_id, AssignmentStatuses=["Submitted"], MaxResults=100)
    first, second, third, fourth = (assignment["AssignmentId"] for assignment in done["Assignments"])
    client.approve_assignment(AssignmentId=first, RequesterFeedback="Thank you")
    client.reject_assignment(AssignmentId=second, RequesterFeedback="No colour at all")
    client.approve_assignment(AssignmentId=second, OverrideRejection=True)
    client.get_assignment(AssignmentId=first)
    client.send_bonus(
        WorkerId=workers[0], AssignmentId=first, BonusAmount="0.25", Reason="fast", UniqueRequestToken="b"
    )
    client.list_bonus_payments(HITId=hit_id)
    client.list_reviewable_hits()
    client.update_hit_review_status(HITId=hit_id)
    client.list_reviewable_hits(Status="Reviewing")
    client.list_review_policy_results_for_hit(HITId=hit_id)
    _tolerant(client.get_file_upload_url, AssignmentId=third, QuestionIdentifier="file")
    door.clock.advance(days=4)
    client.get_assignment(AssignmentId=fourth)
    client.get_account_balance()


def _workers(client: Any, workers: list[str]) -> None:
    client.create_worker_block(WorkerId=workers[0], Reason="two accounts")
    client.list_worker_blocks()
    client.delete_worker_block(WorkerId=workers[0], Reason="it was his sister")
    client.notify_workers(Subject="Thanks", MessageText="There is more.", WorkerIds=[*workers, "ANOBODY"])


def _ends(door: Door, client: Any, hit_id: str) -> None:
    client.delete_hit(HITId=hit_id)
    client.get_hit(HITId=hit_id)
    open_hit = client.create_hit(**HIT)["HIT"]["HITId"]
    client.update_expiration_for_hit(HITId=open_hit, ExpireAt=datetime(2015, 1, 1, tzinfo=UTC))
    client.get_hit(HITId=open_hit)
    door.clock.advance(days=121)
    client.list_hits()


def _refusals(client: Any, deleted: str) -> None:
    _tolerant(client.get_hit, HITId="3UNKNOWN")
    _tolerant(client.get_hit, HITId="not an id")
    _tolerant(client.delete_hit, HITId=deleted)
    _tolerant(client.create_hit, **{**HIT, "Reward": ".05"})
    _tolerant(client.create_hit, **{**HIT, "LifetimeInSeconds": 29})
    _tolerant(client.create_hit, **{**HIT, "Question": "<html>"})
    _tolerant(client.create_hit, **{**HIT, "Reward": "99999.00"})
    _tolerant(client.create_worker_block, WorkerId="ANOBODY", Reason="who?")
    _tolerant(client.list_hits, MaxResults=101)


def _elsewhere(door: Door) -> None:
    """The sandbox, and another account: neither sees anything of the above."""
    for client in (door.client("sandbox"), door.client(key="AKIDANOTHER")):
        client.get_account_balance()
        client.list_hits()
        _tolerant(client.get_hit, HITId="3UNKNOWN")


def _tolerant(call: Any, **request: Any) -> None:
    try:
        call(**request)
    except ClientError:
        return
