"""Learn the rules of money of the place's market: its commission, and what its amounts are counted in.

They are asked for once a run, before something is planned that costs money, and stored: what only reads the database
follows what the market last told. A HIT keeps the rule that it was posted under, whatever its market says later.
"""

from __future__ import annotations

from turkctl.errors import RefusedError
from turkctl.fees import RULES
from turkctl.operations.engine.world import World
from turkctl.store import market_rules
from turkctl.units import count_in


def learn_rules(world: World) -> None:
    """Ask the market for its rules, unless this client has done so, and store them if they are new.

    Raises:
        RefusedError: it has a rule that this turkctl does not know.
        UnreachableError: the market does not answer.
    """
    told = world.engine().call(world.mturk.market_rules)
    if told.fee not in RULES:
        raise RefusedError(
            f"the market takes its commission by the rule '{told.fee}', which this turkctl does not know",
            hint="use the turkctl that the market runs with, or a newer one",
        )
    with world.database.read() as session:
        known = market_rules.fee_at(session, world.place).name, market_rules.unit_at(session, world.place)
    if known != (told.fee, told.unit):
        with world.database.write() as session:
            market_rules.note(session, world.place, told.fee, told.unit)
    count_in(told.unit)  # after the database was opened, which counts in what the market told before
