"""What needs a decision today, campaigns at work, money, and what happens next."""

from __future__ import annotations

from datetime import UTC

from flask import Blueprint
from flask.typing import ResponseReturnValue

from turkctl.dashboard.desk import Desk, desk, page
from turkctl.operations.intents.forms import interrupted_forms
from turkctl.operations.status.read import read_status
from turkctl.operations.status.sentences import StatusWords, coming, decisions

pages = Blueprint("home", __name__)


@pages.get("/")
@pages.get("")
def index() -> ResponseReturnValue:
    """Show where the study stands, as ``turkctl status`` does."""
    here = desk()
    status = read_status(here.world, here.world.now())
    words = StatusWords(UTC, _mode_words(here))
    return page(
        "home.html",
        ["status"],
        status=status,
        experiments=[(each, list(words.experiment(each, status))) for each in status.experiments if not each.idle],
        decisions=list(decisions(words, status)),
        coming=list(coming(words, status)),
        interrupted=interrupted_forms(here.world),
    )


def _mode_words(here: Desk) -> str:
    return "" if here.mode == here.parts.studies.first_mode else f"--mode {here.mode}"
