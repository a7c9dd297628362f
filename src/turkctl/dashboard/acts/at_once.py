"""Do a small act in the request that asks for it, where a page shows beforehand all that would be done."""

from __future__ import annotations

from turkctl.dashboard.acts.base import Fields, PageAct
from turkctl.dashboard.acts.pages import world_of
from turkctl.dashboard.desk import desk, parts
from turkctl.operations.intents.forms import ActForm, begin_form


def do_at_once(act: PageAct, fields: Fields, form: str) -> None:
    """Do an act in the mode of the session, with a line in the log as any other; a form sent twice does it once.

    Args:
        act: one that changes turkctl's own tables alone, within a moment.
        fields: as the act reads them.
        form: the random id of the form.

    Raises:
        TurkctlError: as the command would; nothing is done then.
    """
    here = desk()
    world = world_of(act, fields, here.mode, 0.0)
    proposal = act.propose(world, fields)
    line = begin_form(world, ActForm(form, act.name, fields, world.origin.account or here.user.name))
    if not line.begun:
        return
    with line.keeping():
        words = proposal.do(world.engine(), lambda _item: None)
        if isinstance(words, str) and world.origin.tally.is_empty:
            world.origin.tally.say(words)
    parts().frames.forget()
