"""Define compensations: HITs of one assignment that only one worker can see, worth what they are owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any

from turkctl.fees import FeeRule, rule_of
from turkctl.mturk import questions, requirements
from turkctl.mturk.errors import is_amazons
from turkctl.mturk.types import Hit, HitRequest
from turkctl.operations.intents.posts import hit_row
from turkctl.store import hits
from turkctl.store.base import Place
from turkctl.units import format_duration, format_money, money_text, parse_duration, parse_money

TITLE = "Compensation for work that could not be submitted"
SUBJECT = "You can now be paid for your work"
GOT_IT = "the worker got a message"
"""The outcome of a message that was delivered."""
DURATION = timedelta(hours=1)
APPROVED_AFTER = timedelta(days=1)
"""The time after which it is approved automatically, so that the worker need not wait for somebody to remember."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<p>This pays you {amount}: {reason}</p>
<p>Accept it, then press the button. There is nothing else to do.</p>
<form method="post" action="/mturk/externalSubmit">
  <input type="hidden" name="assignmentId" value="">
  <button type="submit" name="confirmed" value="yes">Confirm</button>
</form>
<script>
  const given = new URLSearchParams(location.search);
  const form = document.forms[0];
  form.elements.assignmentId.value = given.get("assignmentId") || "";
  form.action = (given.get("turkSubmitTo") || "").replace(/\\/+$/, "") + "/mturk/externalSubmit";
</script>
</body>
</html>
"""

_MESSAGE = """You did work that could not be submitted, and here is how you get paid for it: {reason}

There is a HIT that only you can see, with the title "{title}" and a reward of {amount}. \
Search for that title among the HITs you are qualified for{link}, accept it by {until:%Y-%m-%d %H:%M} UTC, \
and press its one button.
"""


@dataclass(frozen=True)
class Compensation:
    """The worker to pay, the amount, the reason, and how long the HIT can be accepted."""

    worker_id: str
    amount: Decimal
    reason: str
    lifetime: timedelta
    fee: FeeRule
    """The market's rule of commission."""
    experiment_id: int | None = None
    """The experiment whose budget pays."""

    @property
    def cost(self) -> Decimal:
        """Return the cost in dollars, commission included."""
        return self.fee.hit_cost(self.amount, 1)

    def stored(self) -> dict[str, Any]:
        """Return what an intent stores, from which the same request can be made again."""
        return {**self.arguments(), "fee": self.fee.name}

    def arguments(self) -> dict[str, Any]:
        """Return what two equal compensations share, as JSON values."""
        return {
            "worker_id": self.worker_id,
            "amount": format_money(self.amount),
            "reason": self.reason,
            "lifetime": format_duration(self.lifetime),
            "experiment_id": self.experiment_id,
        }

    @classmethod
    def restore(cls, stored: Mapping[str, Any]) -> Compensation:
        """Return the compensation that :meth:`stored` was called on."""
        return cls(
            stored["worker_id"],
            parse_money(stored["amount"]),
            stored["reason"],
            parse_duration(stored["lifetime"]),
            rule_of(stored.get("fee")),
            stored["experiment_id"],
        )

    def request(self, token: str, type_id: str) -> HitRequest:
        """Return the request for a HIT that only holders of the type can see; its annotation is the token.

        Raises:
            UsageError: the reason has characters that are not allowed in a page.
        """
        only = {"custom": [{"type": type_id, "comparator": "Exists", "guard": "DiscoverPreviewAndAccept"}]}
        page = _PAGE.format(title=TITLE, amount=escape(money_text(self.amount)), reason=escape(self.reason))
        return HitRequest(
            title=TITLE,
            description="Pays one worker for work that was done and could not be submitted.",
            keywords=("compensation",),
            reward=self.amount,
            duration=DURATION,
            lifetime=self.lifetime,
            auto_approval_delay=APPROVED_AFTER,
            max_assignments=1,
            question=questions.html_question(page),
            annotation=token,
            requirements=requirements.to_api(only, "production"),
        )

    def row(self, hit: Hit, place: Place, now: datetime) -> hits.Hit:
        """Return the row of the HIT, without a code version, so that no campaign counts it."""
        return hit_row(
            hit,
            place,
            now,
            duration=DURATION,
            lifetime=self.lifetime,
            experiment_id=self.experiment_id,
            fee=self.fee,
        )

    def message(self, until: datetime, link: str | None) -> str:
        """Return the message to the worker."""
        address = "" if link is None else f", or open {link}"
        return _MESSAGE.format(
            reason=self.reason, title=TITLE, amount=money_text(self.amount), until=until, link=address
        )


def link_to(hit: hits.Hit, endpoint: str) -> str | None:
    """Return the address where workers find the HIT on Amazon's market; None on other markets."""
    if not is_amazons(endpoint) or hit.hit_group_id is None:
        return None
    site = "workersandbox" if "sandbox" in endpoint else "worker"
    return f"https://{site}.mturk.com/projects/{hit.hit_group_id}/tasks"
