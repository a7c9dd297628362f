"""Acts on participants' rows: set the bonus that is owed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from turkctl.dashboard.acts.base import ActPlan, Fields, PageAct, simple
from turkctl.dashboard.participant_names import by_assignment
from turkctl.errors import UsageError
from turkctl.operations.participants.bonus import set_bonus
from turkctl.operations.participants.lists import dollars, row_of
from turkctl.units import format_money, money_text, parse_money

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from turkctl.operations.engine.world import World
    from turkctl.operations.participants.lists import Reads


class SetBonus(PageAct):
    """Set the bonus that one participant is owed; pay nothing."""

    name, title, back = "participants set", "Set a bonus", "participants.index"

    def read(self, form: MultiDict[str, str]) -> dict[str, Any]:
        """Return the participant and the amount."""
        ids = list(dict.fromkeys(each for each in form.getlist("id") if each))
        if len(ids) != 1:
            ticked = "nobody is ticked" if not ids else f"{len(ids):,} participants are ticked"
            raise UsageError(f"{ticked}; a bonus is set for one participant at a time", hint="tick one, and try again")
        # Their assignment names them in the log and in the form, which those who see pseudonyms can read.
        return {"id": by_assignment(ids[0]), "bonus": format_money(parse_money(form.get("bonus", "")))}

    def command(self, fields: Fields) -> list[str]:
        """Return ``participants set`` for the participant."""
        return ["participants", "set", fields["id"], "--bonus", fields["bonus"]]

    def propose(self, world: World, fields: Fields) -> ActPlan:
        """Return what would be written."""
        bonus = parse_money(fields["bonus"])
        reads = cast("Reads", world)  # the world of an act has the bare database too
        row = row_of(reads, fields["id"], ["bonus"])
        before = dollars(row["bonus"])
        return simple(
            f"Set the bonus to {money_text(bonus)}",
            f"set the bonus that assignment {row['assignmentid']} is owed to {money_text(bonus)}; nothing is paid",
            lambda: _done(set_bonus(reads, row["uniqueid"], bonus)),
            facts=(("Bonus now", before),),
        )


def _done(outcome: dict[str, Any]) -> str:
    return f"The bonus is {money_text(outcome['bonus'])}, and was {_as_money(outcome['before'])}."


def _as_money(before: Any) -> str:
    return money_text(before) if isinstance(before, Decimal) else "not set" if before is None else str(before)


ACTS: tuple[PageAct, ...] = (SetBonus(),)
