"""``mock_mturk`` as somebody else's tests use it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import textwrap
from typing import Any

import boto3
import pytest
from botocore.config import Config
from contract_support import HIT, Clock
from moto import mock_aws

import turkctl.market
from turkctl.market import mock_mturk
from turkctl.market.doors.moto import register
from turkctl.market.protocol.switches import Switches

ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})


def mturk(**more: Any) -> Any:
    return boto3.client("mturk", region_name="us-east-1", config=ONE_ATTEMPT, **more)


def test_it_is_exported_where_the_documentation_says():
    assert turkctl.market.mock_mturk is mock_mturk
    with pytest.raises(AttributeError):
        turkctl.market.no_such_thing  # noqa: B018  reading it is the test


def test_a_client_made_inside_reaches_the_market_without_credentials():
    with mock_mturk() as market:
        hit_id = mturk().create_hit(**HIT)["HIT"]["HITId"]
        worker = market.register_worker("production")
        assert market.accept("production", worker, hit_id)["HITId"] == hit_id


@mock_mturk
def test_it_decorates_without_parentheses():
    assert mturk().list_hits()["HITs"] == []
    mturk().create_hit(**HIT)


@mock_mturk(rng=random.Random(3), switches=Switches(throttle=0.001))
def test_it_decorates_with_options():
    mturk().list_hits()
    with pytest.raises(Exception, match="Rate exceeded"):
        mturk().list_hits()


def test_a_decorated_function_keeps_its_arguments_and_its_answer():
    @mock_mturk
    def double(number: int, *, plus: int = 0) -> int:
        return 2 * number + plus

    assert double(4, plus=1) == 9


def test_each_use_starts_empty():
    for _ in range(2):
        with mock_mturk():
            assert mturk().list_hits()["HITs"] == []
            mturk().create_hit(**HIT)


def test_its_clock_is_an_option():
    clock = Clock()
    with mock_mturk(clock=clock) as market:
        assert market.now().timestamp() == clock.seconds


def test_the_sandbox_has_a_state_of_its_own():
    with mock_mturk():
        mturk().create_hit(**HIT)
        sandbox = mturk(endpoint_url="https://mturk-requester-sandbox.us-east-1.amazonaws.com")
        assert sandbox.list_hits()["HITs"] == []


def test_it_joins_a_mock_that_is_active_and_leaves_it_active():
    with mock_aws():
        buckets = boto3.client("s3", region_name="us-east-1")
        buckets.create_bucket(Bucket="answers")
        with mock_mturk():
            mturk().create_hit(**HIT)
            assert len(buckets.list_buckets()["Buckets"]) == 1
        assert len(buckets.list_buckets()["Buckets"]) == 1


def test_once_registered_mock_aws_alone_will_do_and_starts_empty():
    register()
    register()
    for _ in range(2):
        with mock_aws():
            assert mturk().list_hits()["HITs"] == []
            mturk().create_hit(**HIT)


def test_its_switches_are_on_the_mock():
    mock = mock_mturk()
    with mock:
        mock.endpoint.switches = Switches(fault_before=1)
        client = mturk()
        with pytest.raises(client.exceptions.ServiceFault):
            client.list_hits()


def test_a_class_is_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"register\(\)"):
        mock_mturk(type("TestCase", (), {}))


def test_notifications_reach_motos_queue():
    with mock_mturk() as market:
        queues = boto3.client("sqs", region_name="us-east-1")
        url = queues.create_queue(QueueName="events")["QueueUrl"]
        client = mturk()
        hit = client.create_hit(**HIT)["HIT"]
        notification = {
            "Destination": url,
            "Transport": "SQS",
            "Version": "2006-05-05",
            "EventTypes": ["AssignmentSubmitted"],
        }
        client.update_notification_settings(HITTypeId=hit["HITTypeId"], Notification=notification, Active=True)
        worker = market.register_worker("production")
        assignment = market.accept("production", worker, hit["HITId"])
        market.submit("production", worker, assignment["AssignmentId"], {"colour": "blue"})
        [message] = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    document = json.loads(message["Body"])
    [event] = document["Events"]
    assert (event["EventType"], event["HITId"], event["AssignmentId"]) == (
        "AssignmentSubmitted",
        hit["HITId"],
        assignment["AssignmentId"],
    )
    assert document["EventDocVersion"] == "2014-08-15"


def test_without_moto_it_says_what_to_install():
    program = """
        import sys
        sys.modules["moto"] = None  # as good as not installed
        try:
            from turkctl.market import mock_mturk
        except ModuleNotFoundError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "mock_mturk needs moto: pip install 'turkctl[moto]'"


def test_notifications_can_be_lost():
    sent: list[str] = []
    mock = mock_mturk(notify=lambda _destination, body: sent.append(body))
    with mock:
        client = mturk()
        notification = {
            "Destination": "https://sqs.us-east-1.amazonaws.com/123456789012/events",
            "Transport": "SQS",
            "Version": "2014-08-15",
            "EventTypes": ["HITCreated"],
        }
        type_id = client.create_hit(**HIT)["HIT"]["HITTypeId"]
        client.update_notification_settings(HITTypeId=type_id, Notification=notification)
        mock.endpoint.switches = Switches(notification_loss=1)
        client.create_hit(**HIT)
        assert sent == []
        mock.endpoint.switches = Switches()
        client.create_hit(**HIT)
        assert len(sent) == 1
