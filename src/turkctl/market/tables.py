"""The market's tables. Times are integer epoch milliseconds, money integer micro-dollars, documents JSON text.

``due_at`` is the moment at which a row next changes by itself (expiry, deadline, automatic approval, disposal);
null where nothing is to come. ``seq`` is the order of creation and the key that listings page by.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData()

_Sequence: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts only INTEGER keys


def _seq() -> Column[int]:
    return Column("seq", _Sequence, primary_key=True, autoincrement=True)


def _number(name: str, default: int | None = 0) -> Column[int]:
    if default is None:
        return Column(name, BigInteger)
    return Column(name, BigInteger, nullable=False, default=default)


def _owner() -> tuple[Column[str], Column[str]]:
    return Column("environment", String(16), nullable=False), Column("account", String(32), nullable=False)


meta = Table(
    "market_meta",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("identity", String(64), nullable=False),
    _number("clock_offset"),
    # Goes up whenever a row that processes keep in memory (a HIT type) changes.
    _number("generation"),
)

account = Table(
    "market_account",
    metadata,
    *_owner(),
    _number("deposits"),
    _number("charged"),
    _number("held"),
    _number("created_at"),
    PrimaryKeyConstraint("environment", "account"),
)

ledger = Table(
    "market_ledger",
    metadata,
    _seq(),
    *_owner(),
    Column("kind", String(16), nullable=False),  # deposit, reward, bonus
    _number("amount"),
    _number("fee"),
    _number("at"),
    Column("assignment_id", String(64)),
    Index("market_ledger_by_account", "environment", "account", "seq"),
)

hit_type = Table(
    "market_hit_type",
    metadata,
    Column("id", String(64), primary_key=True),
    *_owner(),
    Column("digest", String(64), nullable=False),
    Column("group_id", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("keywords", Text),
    _number("reward"),
    _number("assignment_duration"),
    _number("auto_approval_delay"),
    Column("requirements", Text, nullable=False),
    Column("notification", Text),
    Column("notification_active", Integer, nullable=False, default=0),
    Column("deleted", Integer, nullable=False, default=0),
    _number("created_at"),
    _number("due_at", None),
    Index("market_hit_type_by_digest", "environment", "account", "digest", "deleted"),
    Index("market_hit_type_by_due", "due_at"),
)

hit_type_requirement = Table(
    "market_hit_type_requirement",
    metadata,
    Column("environment", String(16), nullable=False),
    Column("qualification_type_id", String(64), nullable=False),
    Column("hit_type_id", String(64), ForeignKey("market_hit_type.id"), nullable=False),
    PrimaryKeyConstraint("environment", "qualification_type_id", "hit_type_id"),
)

layout = Table(
    "market_layout",
    metadata,
    Column("id", String(64), primary_key=True),
    *_owner(),
    Column("html", Text, nullable=False),
)

hit = Table(
    "market_hit",
    metadata,
    _seq(),
    Column("id", String(64), nullable=False, unique=True),
    *_owner(),
    Column("hit_type_id", String(64), ForeignKey("market_hit_type.id"), nullable=False),
    Column("layout_id", String(64)),
    Column("question", Text, nullable=False),
    Column("annotation", Text),
    Column("assignment_policy", Text),
    Column("hit_policy", Text),
    Column("status", String(16), nullable=False),
    Column("listed", Integer, nullable=False, default=1),  # 0 once disposed
    Column("gone", Integer, nullable=False, default=0),  # 1 once its data is thrown away
    _number("max_assignments"),
    _number("available"),
    _number("pending"),
    _number("submitted"),
    _number("completed"),
    _number("unit_cost"),  # reward and fee of one assignment
    Column("open_held", Integer, nullable=False, default=1),  # whether open slots are reserved: not once expired
    _number("created_at"),
    _number("expires_at"),
    _number("touched_at"),
    _number("due_at", None),
    Index("market_hit_by_owner", "environment", "account", "listed", "seq"),
    Index("market_hit_by_status", "environment", "account", "status", "expires_at", "seq"),
    Index("market_hit_by_type", "hit_type_id", "status", "expires_at", "seq"),
    Index("market_hit_by_world", "environment", "status", "seq"),
    Index("market_hit_by_due", "due_at"),
)

assignment = Table(
    "market_assignment",
    metadata,
    _seq(),
    Column("id", String(64), nullable=False, unique=True),
    *_owner(),
    Column("hit_id", String(64), ForeignKey("market_hit.id"), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    _number("accepted_at"),
    _number("deadline"),
    _number("submitted_at", None),
    _number("auto_approve_at", None),
    _number("approved_at", None),
    _number("rejected_at", None),
    Column("answer", Text),
    Column("feedback", Text),
    _number("due_at", None),
    Index("market_assignment_by_hit", "hit_id", "submitted_at", "seq"),
    Index("market_assignment_by_worker", "environment", "worker_id", "status", "seq"),
    Index("market_assignment_by_due", "due_at"),
)


def add_partial_index() -> None:
    """One assignment per worker and HIT, ever, save those given back.

    Called only where tables are made: an index with options of a dialect imports that dialect (50 ms).
    """
    held = assignment.c.status.in_(("Accepted", "Submitted", "Approved", "Rejected"))
    name = "market_assignment_once"
    if name not in {index.name for index in assignment.indexes}:
        Index(name, assignment.c.hit_id, assignment.c.worker_id, unique=True, sqlite_where=held, postgresql_where=held)


bonus = Table(
    "market_bonus",
    metadata,
    _seq(),
    *_owner(),
    Column("hit_id", String(64), ForeignKey("market_hit.id"), nullable=False),
    Column("assignment_id", String(64), nullable=False),
    Column("worker_id", String(64), nullable=False),
    _number("amount"),
    _number("fee"),
    Column("reason", Text, nullable=False),
    _number("at"),
    Index("market_bonus_by_hit", "hit_id", "seq"),
    Index("market_bonus_by_assignment", "assignment_id", "seq"),
)

token = Table(
    "market_token",
    metadata,
    *_owner(),
    Column("operation", String(64), nullable=False),
    Column("token", String(64), nullable=False),
    Column("result", String(64), nullable=False),  # the HIT made, or the id of the request
    _number("expires_at"),
    PrimaryKeyConstraint("environment", "account", "operation", "token"),
    Index("market_token_by_expiry", "expires_at"),
)

worker = Table(
    "market_worker",
    metadata,
    _seq(),
    Column("environment", String(16), nullable=False),
    Column("id", String(64), nullable=False),
    Column("country", String(2), nullable=False),
    Column("subdivision", String(2)),
    Column("masters", Integer, nullable=False, default=0),
    Column("adult", Integer, nullable=False, default=0),
    _number("approved"),
    _number("rejected"),
    _number("submitted"),
    _number("registered_at"),
    Index("market_worker_by_id", "environment", "id", unique=True),
)

block = Table(
    "market_block",
    metadata,
    _seq(),
    *_owner(),
    Column("worker_id", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Index("market_block_once", "environment", "account", "worker_id", unique=True),
)

message = Table(
    "market_message",
    metadata,
    _seq(),
    *_owner(),
    Column("worker_id", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    _number("at"),
    Index("market_message_by_worker", "environment", "worker_id", "seq"),
)

qualification_type = Table(
    "market_qualification_type",
    metadata,
    _seq(),
    Column("id", String(64), nullable=False),
    *_owner(),
    Column("name", Text, nullable=False),
    Column("keywords", Text),
    Column("description", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("requestable", Integer, nullable=False, default=1),
    Column("test", Text),
    _number("test_duration", None),
    Column("answer_key", Text),
    _number("retry_delay", None),
    Column("auto_granted", Integer, nullable=False, default=0),
    _number("auto_value", 1),
    Column("deleted", Integer, nullable=False, default=0),
    _number("created_at"),
    _number("due_at", None),
    Index("market_qualification_type_by_id", "environment", "id", unique=True),
    Index("market_qualification_type_by_name", "environment", "account", "deleted", "name"),
    Index("market_qualification_type_by_due", "due_at"),
)

grant = Table(
    "market_grant",
    metadata,
    _seq(),
    Column("environment", String(16), nullable=False),
    Column("type_id", String(64), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    _number("at"),
    Index("market_grant_once", "environment", "type_id", "worker_id", unique=True),
    Index("market_grant_by_worker", "environment", "worker_id"),
    Index("market_grant_by_type", "environment", "type_id", "status", "seq"),
)

qualification_request = Table(
    "market_qualification_request",
    metadata,
    _seq(),
    Column("id", String(64), nullable=False, unique=True),
    *_owner(),
    Column("type_id", String(64), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("status", String(16), nullable=False),  # Pending, Granted, Rejected
    Column("test", Text),
    Column("answer", Text),
    Column("reason", Text),
    _number("at"),
    Index("market_qualification_request_by_owner", "environment", "account", "status", "seq"),
    Index("market_qualification_request_by_worker", "environment", "worker_id", "type_id", "seq"),
)

outbox = Table(
    "market_event_outbox",
    metadata,
    _seq(),
    Column("destination", Text, nullable=False),
    Column("body", Text, nullable=False),
    _number("created_at"),
    _number("due_at"),
    Index("market_event_outbox_by_due", "due_at"),
)
