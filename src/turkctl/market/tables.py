"""The market's tables. Times are integer epoch milliseconds, money integer micro-dollars, documents JSON text.

``due_at`` is when a row next changes by itself (expiry, deadline, automatic approval, disposal), or null if it does
not. ``seq`` is the order of creation and the key for paging in listings.

An older market gets new tables, columns and indexes when it is opened (:func:`turkctl.market.state.create`). So a
column that is added later must allow null, and :data:`turkctl.market.state.VERSION` goes up.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    bindparam,
)

from turkctl.market.columns import number, owner, seq
from turkctl.market.rules import HELD

metadata = MetaData()

DROPPED_INDEXES = ("market_hit_by_type",)
"""Indexes of older markets that others took the place of."""

meta = Table(
    "market_meta",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("identity", String(64), nullable=False),
    number("clock_offset"),
    # Increased whenever a row changes that processes keep in memory (a HIT type).
    number("generation"),
    # The market's rules of money; null is Amazon's fee, and dollars.
    Column("fee", String(16)),
    Column("unit", String(40)),
    # The key of the hashes that are kept of people who were erased; made when the first one is.
    Column("erasure_key", String(64)),
    # Whether the market acts, where it was copied to another database (turkctl.copying.marks); null: it does.
    Column("mark", Text),
)

# The processes that serve the market, in milliseconds of the machine's own clock.
server = Table(
    "market_server",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("host", String(255), nullable=False),
    number("pid"),
    number("seen_at"),
)

account = Table(
    "market_account",
    metadata,
    *owner(),
    number("deposits"),
    number("charged"),
    number("held"),
    number("created_at"),
    PrimaryKeyConstraint("environment", "account"),
)

ledger = Table(
    "market_ledger",
    metadata,
    seq(),
    *owner(),
    Column("kind", String(16), nullable=False),  # deposit, reward, bonus
    number("amount"),
    number("fee"),
    number("at"),
    Column("assignment_id", String(64)),
    Index("market_ledger_by_account", "environment", "account", "seq"),
)

hit_type = Table(
    "market_hit_type",
    metadata,
    Column("id", String(64), primary_key=True),
    *owner(),
    Column("digest", String(64), nullable=False),
    Column("group_id", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("keywords", Text),
    number("reward"),
    number("assignment_duration"),
    number("auto_approval_delay"),
    Column("requirements", Text, nullable=False),
    Column("notification", Text),
    Column("notification_active", Integer, nullable=False, default=0),
    Column("deleted", Integer, nullable=False, default=0),
    number("created_at"),
    number("due_at", None),
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
    *owner(),
    Column("html", Text, nullable=False),
)

hit = Table(
    "market_hit",
    metadata,
    seq(),
    Column("id", String(64), nullable=False, unique=True),
    *owner(),
    Column("hit_type_id", String(64), ForeignKey("market_hit_type.id"), nullable=False),
    Column("layout_id", String(64)),
    Column("question", Text, nullable=False),
    Column("annotation", Text),
    Column("assignment_policy", Text),
    Column("hit_policy", Text),
    Column("status", String(16), nullable=False),
    Column("listed", Integer, nullable=False, default=1),  # 0 once disposed
    Column("gone", Integer, nullable=False, default=0),  # 1 once its data are deleted
    number("max_assignments"),
    number("available"),
    number("pending"),
    number("submitted"),
    number("completed"),
    number("unit_cost"),  # reward and fee of one assignment
    Column("open_held", Integer, nullable=False, default=1),  # whether open slots are reserved: not once expired
    number("created_at"),
    number("expires_at"),
    number("touched_at"),
    number("due_at", None),
    number("opened", None),  # which opening of its type its last one is; see turkctl.market.next_work
    number("items", None),  # how many items its requester says that it shows; null if none: market_hit_item has them
    Index("market_hit_by_owner", "environment", "account", "listed", "seq"),
    Index("market_hit_by_status", "environment", "account", "status", "expires_at", "seq"),
    Index("market_hit_by_state", "environment", "status", "hit_type_id", "expires_at", "seq"),
    Index("market_hit_by_world", "environment", "status", "seq"),
    Index("market_hit_by_due", "due_at"),
    Index("market_hit_by_opening", "hit_type_id", "opened"),
)

assignment = Table(
    "market_assignment",
    metadata,
    seq(),
    Column("id", String(64), nullable=False, unique=True),
    *owner(),
    Column("hit_id", String(64), ForeignKey("market_hit.id"), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    number("accepted_at"),
    number("deadline"),
    number("submitted_at", None),
    number("auto_approve_at", None),
    number("approved_at", None),
    number("rejected_at", None),
    Column("answer", Text),
    Column("feedback", Text),
    number("due_at", None),
    number("told_at", None),  # when the requester is told of a submission that can still be corrected
    number("reopened_at", None),  # when it was opened again
    Index("market_assignment_by_hit", "hit_id", "submitted_at", "seq"),
    Index("market_assignment_by_worker", "environment", "worker_id", "status", "seq"),
    Index("market_assignment_by_due", "due_at"),
    Index("market_assignment_by_approval", "environment", "worker_id", "approved_at"),
)


hit_item = Table(
    "market_hit_item",
    metadata,
    # An item of a HIT, by a name that its requester gives it: nobody answers it twice (turkctl.market.hit_items).
    Column("hit_id", String(64), ForeignKey("market_hit.id"), nullable=False),
    *owner(),
    Column("item", String(64), nullable=False),
    Column("known", Integer, nullable=False),  # 1: it checks people, so that it may come again
    PrimaryKeyConstraint("hit_id", "item"),
    Index("market_hit_item_by_item", "environment", "account", "item", "known"),
)

item_worker = Table(
    "market_item_worker",
    metadata,
    # Who has or had an item: written when they accept, deleted when they return or abandon that assignment.
    *owner(),
    Column("item", String(64), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("assignment_id", String(64), nullable=False),
    PrimaryKeyConstraint("environment", "account", "item", "worker_id"),  # nobody twice, even two at the same time
    Index("market_item_worker_by_assignment", "assignment_id"),
)

kept_out = Table(
    "market_kept_out",
    metadata,
    # Who may not have a HIT since another assignment of theirs is about one of its items: follows from the two above,
    # so that a list need look at one entry for each HIT, however many items it has.
    Column("hit_id", String(64), ForeignKey("market_hit.id"), nullable=False),
    Column("environment", String(16), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("assignment_id", String(64), nullable=False),
    PrimaryKeyConstraint("hit_id", "worker_id", "assignment_id"),
    Index("market_kept_out_by_assignment", "assignment_id"),
)


def is_held(status: ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether a worker holds an assignment, with the statuses written out: only so is the index below used."""
    return status.in_(bindparam("held", HELD, expanding=True, literal_execute=True))


def add_partial_index() -> None:
    """Add the index that allows one assignment per worker and HIT, not counting returned and abandoned ones.

    Call this only when tables are created: an index with options of a dialect imports that dialect (50 ms).
    """
    held = assignment.c.status.in_(HELD)
    name = "market_assignment_once"
    if name not in {index.name for index in assignment.indexes}:
        Index(name, assignment.c.hit_id, assignment.c.worker_id, unique=True, sqlite_where=held, postgresql_where=held)


work_time = Table(
    "market_work_time",
    metadata,
    Column("hit_type_id", String(64), ForeignKey("market_hit_type.id"), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("assignment_id", String(64), nullable=False),  # their latest of this type
    number("milliseconds"),  # from its acceptance to its submission
    number("at"),
    PrimaryKeyConstraint("hit_type_id", "worker_id"),
    Index("market_work_time_by_type", "hit_type_id", "at"),
)

submission = Table(
    "market_submission",  # what a task sent, as it came: apart from assignments, whose lists never read it
    metadata,
    seq(),
    Column("assignment_id", String(64), ForeignKey("market_assignment.id"), nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),
)

review = Table(
    "market_review",
    metadata,
    seq(),
    Column("hit_id", String(64), ForeignKey("market_hit.id"), nullable=False),
    Column("level", String(16), nullable=False),  # Assignment or HIT: of the policy
    Column("kind", String(16), nullable=False),  # Result or Action
    Column("body", Text, nullable=False),  # as the API answers it, without its time
    number("at"),
    Index("market_review_by_hit", "hit_id", "seq"),
)

bonus = Table(
    "market_bonus",
    metadata,
    seq(),
    *owner(),
    Column("hit_id", String(64), ForeignKey("market_hit.id"), nullable=False),
    Column("assignment_id", String(64), nullable=False),
    Column("worker_id", String(64), nullable=False),
    number("amount"),
    number("fee"),
    Column("reason", Text, nullable=False),
    number("at"),
    Index("market_bonus_by_hit", "hit_id", "seq"),
    Index("market_bonus_by_assignment", "assignment_id", "seq"),
    Index("market_bonus_by_worker", "environment", "worker_id", "at"),
)

token = Table(
    "market_token",
    metadata,
    *owner(),
    Column("operation", String(64), nullable=False),
    Column("token", String(64), nullable=False),
    Column("result", String(64), nullable=False),  # the HIT made, or the id of the request
    number("expires_at"),
    PrimaryKeyConstraint("environment", "account", "operation", "token"),
    Index("market_token_by_expiry", "expires_at"),
)

worker = Table(
    "market_worker",
    metadata,
    seq(),
    Column("environment", String(16), nullable=False),
    Column("id", String(64), nullable=False),
    Column("country", String(2), nullable=False),
    Column("subdivision", String(2)),
    Column("masters", Integer, nullable=False, default=0),
    Column("adult", Integer, nullable=False, default=0),
    number("approved"),
    number("rejected"),
    number("submitted"),
    number("registered_at"),
    Index("market_worker_by_id", "environment", "id", unique=True),
)

block = Table(
    "market_block",
    metadata,
    seq(),
    *owner(),
    Column("worker_id", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Index("market_block_once", "environment", "account", "worker_id", unique=True),
)

message = Table(
    "market_message",
    metadata,
    seq(),
    *owner(),
    Column("worker_id", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    number("at"),
    Index("market_message_by_worker", "environment", "worker_id", "seq"),
)

qualification_type = Table(
    "market_qualification_type",
    metadata,
    seq(),
    Column("id", String(64), nullable=False),
    *owner(),
    Column("name", Text, nullable=False),
    Column("keywords", Text),
    Column("description", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("requestable", Integer, nullable=False, default=1),
    Column("test", Text),
    number("test_duration", None),
    Column("answer_key", Text),
    number("retry_delay", None),
    Column("auto_granted", Integer, nullable=False, default=0),
    number("auto_value", 1),
    Column("deleted", Integer, nullable=False, default=0),
    number("created_at"),
    number("due_at", None),
    Index("market_qualification_type_by_id", "environment", "id", unique=True),
    Index("market_qualification_type_by_name", "environment", "account", "deleted", "name"),
    Index("market_qualification_type_by_due", "due_at"),
)

grant = Table(
    "market_grant",
    metadata,
    seq(),
    Column("environment", String(16), nullable=False),
    Column("type_id", String(64), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    number("at"),
    Column("assignment_id", String(64)),  # the assignment whose acceptance granted it and whose return revokes it
    Index("market_grant_once", "environment", "type_id", "worker_id", unique=True),
    Index("market_grant_by_worker", "environment", "worker_id"),
    Index("market_grant_by_type", "environment", "type_id", "status", "seq"),
)

qualification_request = Table(
    "market_qualification_request",
    metadata,
    seq(),
    Column("id", String(64), nullable=False, unique=True),
    *owner(),
    Column("type_id", String(64), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("status", String(16), nullable=False),  # Pending, Granted, Rejected
    Column("test", Text),
    Column("answer", Text),
    Column("reason", Text),
    number("at"),
    Index("market_qualification_request_by_owner", "environment", "account", "status", "seq"),
    Index("market_qualification_request_by_worker", "environment", "worker_id", "type_id", "seq"),
)

outbox = Table(
    "market_event_outbox",
    metadata,
    seq(),
    Column("destination", Text, nullable=False),
    Column("body", Text, nullable=False),
    number("created_at"),
    number("due_at"),
    Index("market_event_outbox_by_due", "due_at"),
)

person = Table(
    "market_person",
    metadata,
    seq(),
    Column("environment", String(16), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("name", Text),  # the login name, in the one form in which names are compared
    Column("password_hash", Text),
    Column("own_id", Text),  # the lab's own id
    Column("full_name", Text),
    Column("label", Text),
    Column("groups", Text, nullable=False, default="[]"),
    number("created_at"),
    Column("terms_version", String(64)),  # of the site's own terms, to which they agreed last
    number("terms_at", None),
    Index("market_person_by_worker", "environment", "worker_id", unique=True),
    Index("market_person_by_name", "environment", "name", unique=True),
    Index("market_person_by_own_id", "environment", "own_id", unique=True),
)

invitation = Table(
    "market_invitation",
    metadata,
    seq(),
    Column("id", String(64), nullable=False, unique=True),
    Column("environment", String(16), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("uses", Integer),  # null: unlimited
    Column("used", Integer, nullable=False, default=0),
    Column("personal", Integer, nullable=False, default=0),  # 1: the link is the person who opened it first
    Column("worker_id", String(64)),  # that person
    Column("label", Text),
    Column("groups", Text, nullable=False, default="[]"),
    Column("locale", String(8), nullable=False),
    number("created_at"),
    number("ends_at", None),
    number("revoked_at", None),
    Column("ask", Text),  # what the page calls the own id that it asks for; null: it does not
    Column("pattern", Text),  # of the own id
    Column("known_only", Integer),
)

arrival = Table(
    "market_arrival",
    metadata,
    # People who came in by an invitation that asks for an own id; on another device they come in again.
    Column("invitation_id", String(64), nullable=False),
    Column("environment", String(16), nullable=False),
    Column("worker_id", String(64), nullable=False),
    number("at"),
    PrimaryKeyConstraint("invitation_id", "worker_id"),
    Index("market_arrival_by_worker", "environment", "worker_id"),
)

password_reset = Table(
    "market_password_reset",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("environment", String(16), nullable=False),
    Column("worker_id", String(64), nullable=False),
    number("ends_at"),
    Index("market_password_reset_by_worker", "environment", "worker_id"),
)

erased = Table(
    "market_erased",
    metadata,
    Column("environment", String(16), nullable=False),
    Column("digest", String(64), nullable=False),  # of an id that must not come back, with the market's key
    number("at"),
    PrimaryKeyConstraint("environment", "digest"),
)

sign_in_attempt = Table(
    "market_sign_in_attempt",
    metadata,
    seq(),
    Column("name", String(64), nullable=False),  # hashes of the login name and of the address
    Column("address", String(64), nullable=False),
    Column("failed", Integer, nullable=False),
    number("at"),  # of the real clock, as nobody waits for the market's
    Index("market_sign_in_attempt_by_pair", "name", "address", "failed", "at"),
    Index("market_sign_in_attempt_by_address", "address", "failed", "at"),
    Index("market_sign_in_attempt_by_time", "at"),
)

ended_session = Table(
    "market_ended_session",
    metadata,
    Column("token", String(64), primary_key=True),  # a hash
    number("ends_at"),
    Index("market_ended_session_by_end", "ends_at"),
)

entry = Table(
    "market_entry",
    metadata,
    seq(),
    Column("id", String(64), nullable=False, unique=True),
    Column("environment", String(16), nullable=False),
    Column("name", String(64), nullable=False),
    Column("panel", String(64), nullable=False),  # whose ids name the people; entries may share one
    Column("key", String(64), nullable=False, unique=True),
    Column("parameters", Text, nullable=False),  # a list of names; the first one's value is the person's id
    Column("done_url", Text),
    Column("code", Text),  # null: each assignment has a code of its own, made with the secret
    Column("secret", String(64), nullable=False),
    Column("groups", Text, nullable=False, default="[]"),
    Column("locale", String(8), nullable=False),
    number("created_at"),
    number("ends_at", None),
    number("removed_at", None),
    Index("market_entry_by_name", "environment", "name"),
)

panel_member = Table(
    "market_panel_member",
    metadata,
    seq(),
    Column("environment", String(16), nullable=False),
    Column("panel", String(64), nullable=False),
    Column("panel_id", Text, nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("made", Integer, nullable=False, default=0),  # 1: the worker was made when this id first came
    number("created_at"),
    Index("market_panel_member_by_id", "environment", "panel", "panel_id", unique=True),
    Index("market_panel_member_by_worker", "environment", "worker_id"),
)

entry_visit = Table(
    "market_entry_visit",
    metadata,
    seq(),
    Column("environment", String(16), nullable=False),
    Column("entry_id", String(64), nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("panel_id", Text, nullable=False),
    Column("parameters", Text, nullable=False),  # what the panel sent, by name
    number("at"),
    Index("market_entry_visit_by_worker", "environment", "worker_id", "seq"),
    Index("market_entry_visit_by_entry", "entry_id", "seq"),
)

payout = Table(
    "market_payout",
    metadata,
    seq(),
    Column("id", String(64), nullable=False, unique=True),
    Column("environment", String(16), nullable=False),
    Column("worker_id", String(64), nullable=False),
    number("amount"),
    Column("reference", Text),
    number("at"),
    Index("market_payout_by_worker", "environment", "worker_id", "seq"),
)

payout_part = Table(
    "market_payout_part",
    metadata,
    Column("kind", String(16), nullable=False),  # reward: of an assignment; bonus: by its number
    Column("earning", String(64), nullable=False),
    Column("payout_id", String(64), nullable=False),
    number("amount"),
    PrimaryKeyConstraint("kind", "earning"),  # nothing is paid twice
    Index("market_payout_part_by_payout", "payout_id"),
)
