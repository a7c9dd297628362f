"""Make the study of ``turkctl demo --site``, post its HITs, and invite people to do them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from turkctl.demo import site_study
from turkctl.demo.script import configure, open_project

if TYPE_CHECKING:
    from turkctl.context import Context


@dataclass(frozen=True)
class SiteDemo:
    """A study that is ready to be served.

    Attributes:
        context: of the study; whoever made it closes it.
        hits: number of HITs that were posted.
        invitation: the path of an invitation on the worker site, for any number of people.
    """

    context: Context
    hits: int
    invitation: str


def prepare(folder: Path) -> SiteDemo:
    """Make the study in an empty folder, and post its HITs.

    Raises:
        UsageError: the folder is not empty, or cannot be written to.
    """
    context = open_project(folder, lambda: site_study.write(folder))
    from turkctl.newcomers import NewInvitation

    try:
        configure(context)
        hits = _post(context, folder)
        token = context.market.invite("production", NewInvitation(None, personal=False, label="turkctl demo --site"))[0]
    except BaseException:
        context.close()
        raise
    return SiteDemo(context, hits, f"/worker/join/{token}")


def _post(context: Context, folder: Path) -> int:
    from turkctl.operations.content.dispatch import prepare_dispatch
    from turkctl.operations.content.items import AddRequest, add_content
    from turkctl.operations.selection.hits import Selection

    add_content(context, AddRequest(folder / "words.csv", site_study.SLUG), io.StringIO())
    plan, act = prepare_dispatch(context, Selection(experiment=site_study.SLUG))
    return context.engine().apply(plan, act).succeeded
