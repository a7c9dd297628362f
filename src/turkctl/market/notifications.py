"""Notifications: one specification per HIT type, an outbox, and its delivery after the transaction.

An event is written to the outbox in the transaction that causes it, so that neither exists without the other, and is
deleted once delivered: at least once, in no promised order. Its age counts from when it was written, which is later
than the time it states if time has passed unobserved.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC
from typing import Any

from sqlalchemy import select

from turkctl.market import hit_types, rules, tables
from turkctl.market.errors import RequestError, invalid_value
from turkctl.market.hit_types import HitType
from turkctl.market.requester import Notifier, Requester
from turkctl.market.tx import Event, Tx, when

log = logging.getLogger(__name__)

VERSION = "2014-08-15"
"""The version in every document, whichever of the two known versions was requested."""
RETRY_AFTER = 30 * rules.SECOND
"""How long after a failure, or after the process that should have delivered it died, an event is retried."""
KEPT = 14 * rules.DAY
"""Age at which an undelivered event is tried a last time and dropped, as a queue would."""
PATIENCE_SECONDS = 5.0
"""Maximum time that one destination may fail in one pass; its other events wait for their next turn."""
NOT_PERMITTED = "This market sends no notifications to this destination."
NOT_DELIVERED = "The notification was not delivered."
_BATCH = 100


def emit(tx: Tx, hit_type: HitType, event: str, hit_id: str, assignment_id: str | None = None) -> None:
    """Write the event to the outbox if the HIT's type has an active specification that asks for it."""
    if not hit_type.notification_active or hit_type.notification is None:
        return
    specification = json.loads(hit_type.notification)
    if event not in specification["EventTypes"]:
        return
    owner = Requester(hit_type.account, tx.environment)
    destination = _destination(owner, specification)
    body = document(tx, owner, event, hit_id=hit_id, hit_type_id=hit_type.id, assignment_id=assignment_id)
    row = {
        "destination": json.dumps(destination),
        "body": body,
        "created_at": tx.started,
        "due_at": tx.started + RETRY_AFTER,
    }
    key = tx.run(tables.outbox.insert(), row).inserted_primary_key
    assert key is not None
    tx.events.append(Event(seq=key[0], destination=destination, body=body, written_at=tx.started))


def document(tx: Tx, owner: Requester, event: str, *, hit_id: str, hit_type_id: str, assignment_id: str | None) -> str:
    """Return the JSON document that describes one event."""
    told = {
        "EventType": event,
        "EventTimestamp": when(tx.now).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "HITId": hit_id,
        "AssignmentId": assignment_id,
        "HITTypeId": hit_type_id,
    }
    return json.dumps(
        {
            "Events": [{name: value for name, value in told.items() if value is not None}],
            "EventDocId": f"{tx.shared.rng.getrandbits(160):040x}",
            "SourceAccount": owner.account,
            "CustomerId": customer_id(owner),
            "EventDocVersion": VERSION,
        }
    )


def customer_id(owner: Requester) -> str:
    """Return the requester's own id in the market, always the same for an account and environment."""
    return "A" + hashlib.sha256(f"{owner.environment} {owner.account}".encode()).hexdigest()[:13].upper()


def _destination(owner: Requester, specification: dict[str, Any]) -> dict[str, Any]:
    return {
        "Transport": specification["Transport"],
        "Destination": specification["Destination"],
        "Account": owner.account,
        "Environment": owner.environment,
    }


def waiting(tx: Tx) -> list[Event]:
    """Return events of earlier transactions that are due; each is postponed so that no other process takes it."""
    rows = tx.all(
        select(tables.outbox).where(tables.outbox.c.due_at <= tx.now).order_by(tables.outbox.c.seq).limit(_BATCH)
    )
    found = [Event(row.seq, json.loads(row.destination), row.body, row.created_at) for row in rows]
    if found:
        later = tables.outbox.update().where(tables.outbox.c.seq.in_([event.seq for event in found]))
        tx.run(later.values(due_at=tx.now + RETRY_AFTER))
    return found


def deliver(notify: Notifier, events: list[Event], now: int, clock: Callable[[], float] = time.monotonic) -> list[int]:
    """Deliver the events, outside any transaction; return the ``seq`` of those that are done: delivered, or too old.

    A failing destination does not affect the others, whatever the failure.

    Args:
        notify: delivers an event.
        events: written to the outbox by a transaction that is committed.
        now: virtual epoch milliseconds.
        clock: seconds, never going back.
    """
    done, lost = [], defaultdict[str, float](float)
    for event in events:
        address = str(event.destination["Destination"])
        if lost[address] > PATIENCE_SECONDS:
            continue
        began = clock()
        try:
            notify(event.destination, event.body)
        except Exception as error:  # noqa: BLE001  a transport from outside; the event stays in the outbox
            log.warning("a notification was not delivered: %s", error, extra={"action": "notification_failed"})
            lost[address] += clock() - began
            if event.written_at > now - KEPT:
                continue
        done.append(event.seq)
    return done


def update_notification_settings(tx: Tx, request: dict[str, Any]) -> dict[str, Any]:
    """Answer UpdateNotificationSettings: one specification per HIT type, replaced whole."""
    hit_type = hit_types.owned(tx, request["HITTypeId"])
    specification, active = request.get("Notification"), request.get("Active")
    if specification is None and active is None:
        raise invalid_value("Notification and Active cannot both be left out.")
    changes: dict[str, Any] = {}
    if specification is not None:
        check(specification)
        changes["notification"] = json.dumps({**specification, "Version": VERSION})
        changes["notification_active"] = 1
    elif hit_type.notification is None:
        raise invalid_value(f"HITType {hit_type.id} has no notification specification.")
    if active is not None:
        changes["notification_active"] = int(active)
    tx.run(tables.hit_type.update().where(tables.hit_type.c.id == hit_type.id).values(**changes))
    tx.next_generation()
    return {}


def check(specification: dict[str, Any], *, test: bool = False) -> None:
    """Check what the model's types do not cover.

    Raises:
        RequestError: the destination is unusable, there is no event, or Ping is named outside a test.
    """
    destination, transport = specification["Destination"], specification["Transport"]
    usable = {
        "SQS": destination.startswith(("https://", "http://")),
        "SNS": destination.startswith("arn:"),
        "Email": "@" in destination,
    }
    if not usable.get(transport, False):
        raise RequestError(
            "InvalidTransportEndpoint", f"The destination {destination} is not usable with the transport {transport}."
        )
    if specification["Version"] not in ("2006-05-05", VERSION):
        raise invalid_value(f"The notification version {specification['Version']} is not known.")
    if not test and ("Ping" in specification["EventTypes"] or not specification["EventTypes"]):
        raise invalid_value("EventTypes must name at least one event, and Ping only for a test.")


def prepare_test(tx: Tx, request: dict[str, Any]) -> dict[str, Any]:
    """Return destination and body for SendTestEventNotification; the event filter is not applied."""
    specification, event = request["Notification"], request["TestEventType"]
    check(specification, test=True)
    assignment_id = tx.new_id() if event.startswith("Assignment") else None
    body = document(tx, tx.requester, event, hit_id=tx.new_id(), hit_type_id=tx.new_id(), assignment_id=assignment_id)
    return {"destination": _destination(tx.requester, specification), "body": body}
